import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import * as z from 'zod/mini';
import { type Local, startLocal } from '../local.ts';
import { outbound } from '../outbound.ts';
import { chromiumFlags, findChromium } from './chromium.ts';

export const widths = [1280, 390] as const;
type Width = (typeof widths)[number];
const schemes = ['light', 'dark'] as const;
type Scheme = (typeof schemes)[number];
/** Each width in each colour scheme. */
export const screens = widths.flatMap((width) => schemes.map((scheme) => ({ width, scheme })));

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
export async function openPage(browser: Browser, width: Width, scheme: Scheme = 'light'): Promise<OpenPage> {
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

/**
 * Starts an engine and a browser for the tests of a file. After each test, it closes the page that the test opened, and removes
 * the faults of the simulator.
 */
export function useConsole(environment: Readonly<Record<string, string>> = {}) {
  let started: { readonly local: Local; readonly browser: Browser } | undefined;
  let opened: OpenPage | undefined;
  const running = () => {
    if (!started) throw new Error('the engine has not started');
    return started;
  };
  beforeAll(async () => {
    const [local, browser] = await Promise.all([startLocal(environment), openBrowser()]);
    started = { local, browser };
  }, 60_000);
  afterAll(async () => {
    await started?.browser.close();
    await started?.local.stop();
  });
  afterEach(async () => {
    await opened?.close();
    await outbound(running().local).clearFaults();
  });
  const open = async (width: Width, scheme?: Scheme): Promise<OpenPage> => {
    opened = await openPage(running().browser, width, scheme);
    return opened;
  };
  return {
    get local() {
      return running().local;
    },
    get browser() {
      return running().browser;
    },
    /** Opens an empty page. */
    open,
    /** Opens a path of the console, and waits until it receives live updates. */
    async openPath(path: string, width: Width, scheme?: Scheme): Promise<OpenPage> {
      const shown = await open(width, scheme);
      await shown.page.goto(`${running().local.console}${path}`);
      await shown.page.getByText('Live', { exact: true }).waitFor();
      return shown;
    },
  };
}

/** Expects no serious accessibility violation, and no content beyond the width of the screen. */
export async function expectAccessible(page: Page): Promise<void> {
  expect(await findViolations(page)).toEqual([]);
  expect(await overflows(page)).toBe(false);
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
