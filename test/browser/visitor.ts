import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import * as z from 'zod/mini';
import { chromiumFlags, findChromium } from './chromium.ts';

export const widths = [1280, 390] as const;
export type Width = (typeof widths)[number];

/** How long a person would wait; the machine may be busy with other tests. */
const patienceMs = 15_000;

export function openBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (!executablePath) throw new Error('there is no Chromium; vitest.config.ts leaves these tests out without one');
  return chromium.launch({ executablePath, args: chromiumFlags });
}

export interface Visitor {
  readonly page: Page;
  /** What the browser complained of: errors of the page, and what its policy refused. */
  readonly complaints: readonly string[];
  close(): Promise<void>;
}

/** Somebody who looks at the console, on a screen of this width. */
export async function visit(browser: Browser, width: Width, scheme: 'light' | 'dark' = 'light'): Promise<Visitor> {
  const context = await browser.newContext({
    viewport: { width, height: width === 390 ? 844 : 800 },
    colorScheme: scheme,
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(patienceMs);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    // That something is not there yet is an answer, which the page handles.
    const answered = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !answered) complaints.push(message.text());
  });
  return { page, complaints, close: () => context.close() };
}

const result = z.object({
  violations: z.array(
    z.object({
      id: z.string(),
      impact: z.nullable(z.string()),
      nodes: z.array(z.object({ html: z.string(), failureSummary: z.optional(z.string()) })),
    }),
  ),
});

/** What axe finds that keeps somebody out: of serious or critical impact. */
export async function faultsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = result.parse(await page.evaluate('axe.run()'));
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary ?? ''}`));
}

/** Whether something is wider than the screen. */
export async function overflows(page: Page): Promise<boolean> {
  return z.boolean().parse(await page.evaluate('document.documentElement.scrollWidth > innerWidth'));
}
