import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import * as z from 'zod/mini';
import { chromiumFlags, findChromium } from './chromium.ts';

export const widths = [1280, 390] as const;
type Width = (typeof widths)[number];

const timeoutMs = 20_000;

export function openBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (!executablePath) throw new Error('Chromium not found');
  return chromium.launch({ executablePath, args: chromiumFlags });
}

export interface OpenPage {
  readonly page: Page;
  /** Page errors and content security policy violations. */
  readonly browserErrors: readonly string[];
  close(): Promise<void>;
}

/** Opens a browser page of this width. */
export async function openPage(browser: Browser, width: Width, scheme: 'light' | 'dark' = 'light'): Promise<OpenPage> {
  const context = await browser.newContext({
    viewport: { width, height: width === 390 ? 844 : 800 },
    colorScheme: scheme,
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(timeoutMs);
  const browserErrors: string[] = [];
  page.on('pageerror', (error) => browserErrors.push(error.message));
  page.on('console', (message) => {
    // The page handles error responses.
    const isErrorResponse = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !isErrorResponse) browserErrors.push(message.text());
  });
  return { page, browserErrors, close: () => context.close() };
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

/** Accessibility violations of serious or critical impact, found by axe. */
export async function findViolations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = result.parse(await page.evaluate('axe.run()'));
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary ?? ''}`));
}

/** Whether the document is wider than the screen. */
export async function overflows(page: Page): Promise<boolean> {
  return z.boolean().parse(await page.evaluate('document.documentElement.scrollWidth > innerWidth'));
}
