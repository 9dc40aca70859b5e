import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import * as z from 'zod/mini';
import type { ConsoleResponses } from '../../console/server.ts';
import { type Local, startLocal } from '../local.ts';
import { outbound } from '../outbound.ts';
import { chromiumFlags, findChromium } from './chromium.ts';

export const widths = [1280, 390] as const;
type Width = (typeof widths)[number];
const schemes = ['light', 'dark'] as const;
type Scheme = (typeof schemes)[number];
const screenSize = (width: Width) => ({ width, height: width === 390 ? 844 : 800 });

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
    viewport: screenSize(width),
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
 * Starts an engine and a browser for the tests of a file. After each test, it closes the pages that the test opened, removes the
 * faults of the simulator, and expects no error in the browser.
 */
export function useConsole(environment: Readonly<Record<string, string>> = {}) {
  let started: { readonly local: Local; readonly browser: Browser } | undefined;
  const openedPages: OpenPage[] = [];
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
    const pages = openedPages.splice(0);
    await Promise.all(pages.map(({ close }) => close()));
    await outbound(running().local).clearFaults();
    expect(pages.flatMap(({ browserErrors }) => browserErrors)).toEqual([]);
  });
  const open = async (width: Width): Promise<OpenPage> => {
    const openedPage = await openPage(running().browser, width);
    openedPages.push(openedPage);
    return openedPage;
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
    /** Opens a path of the engine's console or of another one, and waits until it has its heading and receives live updates. */
    async openPath(path: string, width: Width, address = running().local.console): Promise<OpenPage> {
      const openedPage = await open(width);
      const { page } = openedPage;
      await page.goto(`${address}${path}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.getByText('Live', { exact: true }).waitFor();
      return openedPage;
    },
  };
}

/** Responds to the GET requests of a path of the console's API with this value. */
export async function respond<Path extends keyof ConsoleResponses>(
  page: Page,
  path: Path,
  response: ConsoleResponses[Path],
): Promise<void> {
  await page.route(new URLPattern({ pathname: `/api${path}` }), (route) => route.fulfill({ json: response }));
}

/** Expects no serious accessibility violation in either colour scheme, and no content beyond the width of the screen. */
export async function expectAccessible(page: Page): Promise<void> {
  for (const colorScheme of schemes) {
    await page.emulateMedia({ colorScheme });
    expect(await findViolations(page), colorScheme).toEqual([]);
  }
  expect(await overflows(page)).toBe(false);
}

/** The same at each width. */
export async function expectAccessibleAtEachWidth(page: Page): Promise<void> {
  const before = page.viewportSize();
  for (const width of widths) {
    await page.setViewportSize(screenSize(width));
    await expectAccessible(page);
  }
  if (before) await page.setViewportSize(before);
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
async function findViolations(page: Page): Promise<string[]> {
  if (!(await page.evaluate("'axe' in globalThis"))) await page.evaluate(axe.source);
  const { violations } = result.parse(await page.evaluate("axe.run({ resultTypes: ['violations'] })"));
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary ?? ''}`));
}

/** Whether the document is wider than the screen. */
async function overflows(page: Page): Promise<boolean> {
  return z.boolean().parse(await page.evaluate('document.documentElement.scrollWidth > innerWidth'));
}
