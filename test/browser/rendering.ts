import type { Page } from 'playwright-core';
import * as z from 'zod/mini';

/** Rendering performance of a page during an action. */
interface Rendering {
  /** 95th percentile of the time between two frames, in ms. */
  readonly frameMs: number;
  /** Maximum number of elements in the document. */
  readonly elements: number;
}

const measurement = z.object({ gaps: z.array(z.number()), elements: z.number() });

const startMeasuring = `
  globalThis.measurement = { gaps: [], elements: 0, running: true };
  let before = performance.now();
  const onFrame = (now) => {
    measurement.gaps.push(now - before);
    before = now;
    measurement.elements = Math.max(measurement.elements, document.getElementsByTagName('*').length);
    if (measurement.running) requestAnimationFrame(onFrame);
  };
  requestAnimationFrame(onFrame);
`;
const stopMeasuring = `
  measurement.running = false;
  ({ gaps: measurement.gaps, elements: measurement.elements });
`;

export async function measureRendering(page: Page, action: () => Promise<void>): Promise<Rendering> {
  await page.evaluate(startMeasuring);
  await action();
  const { gaps, elements } = measurement.parse(await page.evaluate(stopMeasuring));
  const sorted = gaps.toSorted((a, b) => a - b);
  return { frameMs: sorted[Math.floor(sorted.length * 0.95)] ?? 0, elements };
}

const maxTurns = 3_000;

/** Scrolls by a few screens at a time until `isReached` returns true. */
export async function scrollUntil(
  page: Page,
  direction: 'up' | 'down',
  isReached: () => Promise<boolean>,
): Promise<void> {
  await page.locator('.scroller').hover();
  for (let turn = 0; turn < maxTurns; turn += 1) {
    await page.mouse.wheel(0, direction === 'down' ? 2_400 : -2_400);
    if (await isReached()) return;
  }
  throw new Error(`the target was not found after scrolling ${direction} ${maxTurns} times`);
}
