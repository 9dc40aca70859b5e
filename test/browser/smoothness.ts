import type { Page } from 'playwright-core';
import * as z from 'zod/mini';

/** How a page moved while something was done in it. */
export interface Smoothness {
  /** Between two frames, in ms: of twenty frames, nineteen came sooner. */
  readonly frameMs: number;
  /** The longest time in which nothing else could happen, in ms; 0 where it was always under 50. */
  readonly longestTaskMs: number;
  /** Elements in the whole document, at the most. */
  readonly elements: number;
}

const measured = z.object({ gaps: z.array(z.number()), tasks: z.array(z.number()), elements: z.number() });

const begin = `
  globalThis.moved = { gaps: [], tasks: [], elements: 0, running: true };
  globalThis.moved.observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) moved.tasks.push(entry.duration);
  });
  globalThis.moved.observer.observe({ type: 'longtask' });
  let before = performance.now();
  const frame = (now) => {
    moved.gaps.push(now - before);
    before = now;
    moved.elements = Math.max(moved.elements, document.getElementsByTagName('*').length);
    if (moved.running) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
`;
const end = `
  moved.running = false;
  moved.observer.disconnect();
  ({ gaps: moved.gaps, tasks: moved.tasks, elements: moved.elements });
`;

export async function smoothnessOf(page: Page, action: () => Promise<void>): Promise<Smoothness> {
  await page.evaluate(begin);
  await action();
  const { gaps, tasks, elements } = measured.parse(await page.evaluate(end));
  const sorted = gaps.toSorted((a, b) => a - b);
  return { frameMs: sorted[Math.floor(sorted.length * 0.95)] ?? 0, longestTaskMs: Math.max(0, ...tasks), elements };
}

/** Turns the wheel by some screens, again and again, until `there` says so. */
export async function wheel(page: Page, direction: 'up' | 'down', there: () => Promise<boolean>): Promise<void> {
  await page.locator('.scroller').hover();
  for (let turns = 0; turns < 3_000; turns += 1) {
    await page.mouse.wheel(0, direction === 'down' ? 2_400 : -2_400);
    if (await there()) return;
  }
  throw new Error(`what was looked for is not further ${direction}`);
}
