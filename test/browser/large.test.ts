import type { Browser, Page, Request } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fixture } from '../fixtures.ts';
import { type Local, organizationId, post, startLocal } from '../local.ts';
import { createSeeder } from '../seed.ts';
import { smoothnessOf, wheel } from './smoothness.ts';
import { findViolations, openBrowser, type Visitor, visit } from './visitor.ts';

/** The page with ten thousand conversations and a chat of two thousand messages. */

const total = 10_000;
const messages = 2_000;
/** The most rendered rows, and elements, of a page. */
const maxRows = 60;
const maxElements = 1_500;
/** The largest ratio to the frame time of a short list, and the minimum frame time in ms. */
const ratio = 4;
const frame = 25;

let local: Local;
let browser: Browser;
let visitor: Visitor;

beforeAll(async () => {
  [local, browser] = await Promise.all([startLocal(), openBrowser()]);
  const seed = await createSeeder(local);
  await seed.conversations(total);
  await seed.messages('C1', messages);
}, 180_000);
afterAll(async () => {
  await browser?.close();
  await local?.stop();
});
afterEach(() => visitor?.close());

/** Opens the page and records its requests for conversations. */
async function open(path: string): Promise<{ page: Page; requests: string[] }> {
  visitor = await visit(browser, 1280);
  const { page } = visitor;
  const requests: string[] = [];
  page.on('request', (request: Request) => {
    const { pathname, search } = new URL(request.url());
    if (pathname.startsWith('/api/conversations')) requests.push(decodeURIComponent(`${pathname}${search}`));
  });
  await page.goto(`${local.console}${path}`);
  return { page, requests };
}

/** The first page is requested twice: again when the stream connects. */
const pagesOf = (requests: readonly string[]) => [...new Set(requests)];

const drawn = (page: Page) => page.locator('.virtual > li').count();
const rowOf = (page: Page, name: string) => page.getByText(name, { exact: true });
const isThere = (page: Page, name: string) => async () => (await rowOf(page, name).count()) > 0;

describe('ten thousand conversations', { timeout: 180_000 }, () => {
  it('opens with one request and scrolls to the last one as smoothly as in a short list', async () => {
    const few = await open('#/conversations?status=queued');
    await rowOf(few.page, 'Customer 0').waitFor();
    const ofFew = await smoothnessOf(few.page, () =>
      wheel(few.page, 'down', isThere(few.page, `Customer ${total - 50}`)),
    );
    expect(pagesOf(few.requests)).toHaveLength(2);
    await visitor.close();

    const { page, requests } = await open('#/conversations');
    await rowOf(page, 'Customer 0').waitFor();
    expect(pagesOf(requests)).toHaveLength(1);
    const ofAll = await smoothnessOf(page, () => wheel(page, 'down', isThere(page, `Customer ${total - 1}`)));
    expect(pagesOf(requests)).toHaveLength(total / 100);
    expect(requests.length).toBeLessThanOrEqual(total / 100 + 1);
    expect(await drawn(page)).toBeLessThan(maxRows);
    expect(ofAll.elements).toBeLessThan(maxElements);
    expect(ofAll.frameMs).toBeLessThan(ratio * Math.max(frame, ofFew.frameMs));
    expect(visitor.browserErrors).toEqual([]);
  });

  it('searches to the last conversation and shows the progress', async () => {
    const { page, requests } = await open('#/conversations');
    await rowOf(page, 'Customer 0').waitFor();
    const box = page.getByRole('searchbox', { name: 'Search' });
    await box.fill(`customer${total - 1}@mail`);
    await page.getByText(/back to/).waitFor();
    await rowOf(page, `Customer ${total - 1}`).waitFor();
    await page.getByText('All 10,000 conversations were searched.').waitFor();
    const searched = requests.filter((one) => one.includes('search='));
    // 2,000 conversations each, and a last one without results.
    expect(searched).toHaveLength(6);
    expect(await drawn(page)).toBe(1);
    expect(await findViolations(page)).toEqual([]);
  });

  it('cancels a search when the text changes', async () => {
    const { page, requests } = await open('#/conversations');
    await rowOf(page, 'Customer 0').waitFor();
    // The response is held back, so that a request is pending when the text changes.
    const held = Promise.withResolvers<void>();
    await page.route(/search=nobody/, async (route) => {
      await held.promise;
      await route.continue().catch(() => {});
    });
    const box = page.getByRole('searchbox', { name: 'Search' });
    await box.fill('nobody');
    await page.getByText('Searching…').waitFor();
    const gone = page.waitForEvent('requestfailed', (request) => request.url().includes('search=nobody'));
    await box.fill('customer 4711');
    await gone;
    held.resolve();
    await rowOf(page, 'Customer 4711').waitFor();
    await page.getByText('All 10,000 conversations were searched.').waitFor();
    expect(requests.filter((one) => one.includes('search=nobody'))).toHaveLength(1);
    expect(await drawn(page)).toBe(1);
  });

  it('continues a stopped search', async () => {
    const { page, requests } = await open('#/conversations');
    await rowOf(page, 'Customer 0').waitFor();
    let held = Promise.withResolvers<void>();
    await page.route(/search=nobody.*after=/, async (route) => {
      await held.promise;
      await route.continue().catch(() => {});
    });
    await page.getByRole('searchbox', { name: 'Search' }).fill('nobody at all');
    await page.getByText(/^Searching: 2,000 searched, back to/).waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText(/^2,000 searched, back to/).waitFor();
    await page.getByRole('heading', { name: 'No matches yet' }).waitFor();
    expect(await findViolations(page)).toEqual([]);
    held.resolve();
    held = Promise.withResolvers<void>();
    held.resolve();
    await page.getByRole('button', { name: 'Continue search' }).click();
    await page.getByText('All 10,000 conversations were searched.').waitFor();
    await page.getByRole('heading', { name: 'No conversation matches' }).waitFor();
    // The stopped request is repeated.
    expect(requests.filter((one) => one.includes('search='))).toHaveLength(7);
  });

  it('loads more matches by scrolling', async () => {
    const { page, requests } = await open('#/conversations?search=customer');
    await page.getByRole('button', { name: 'Continue search' }).waitFor();
    const searches = () => requests.filter((one) => one.includes('search='));
    expect(searches()).toHaveLength(1);
    expect(await drawn(page)).toBeLessThan(maxRows);
    const last = page.locator('.virtual > li').last();
    await wheel(page, 'down', async () => Number(await last.getAttribute('data-index')) > 250);
    expect(searches().length).toBeLessThan(6);
  });
});

describe('a chat of two thousand messages', { timeout: 180_000 }, () => {
  it('opens at its end, scrolls to its first message, and loads only updates afterwards', async () => {
    const { page, requests } = await open('#/conversations/C1');
    const last = rowOf(page, `message ${messages - 1}`);
    await last.waitFor();
    const up = await smoothnessOf(page, () => wheel(page, 'up', isThere(page, 'message 0')));
    expect(await drawn(page)).toBeLessThan(maxRows);
    expect(up.elements).toBeLessThan(2 * maxElements);
    expect(await findViolations(page)).toEqual([]);
    const down = await smoothnessOf(page, () => wheel(page, 'down', async () => last.isVisible()));
    // Scrolling back renders the same rows.
    expect(up.frameMs).toBeLessThan(ratio * Math.max(frame, down.frameMs));

    const event = { id: 'TC1_new', type: 'message', text: 'One more', author_id: 'customer-1', visibility: 'all' };
    const payload = { chat_id: 'C1', thread_id: 'TC1', event: { ...event, created_at: new Date().toISOString() } };
    const webhook = { ...fixture('incoming_event.message.customer.json'), organization_id: organizationId, payload };
    expect((await post(local, webhook)).status).toBe(200);
    await rowOf(page, 'One more').waitFor();
    // A full page is followed by an empty one.
    const whole = requests.filter((one) => !one.includes('since='));
    expect(whole.map((one) => one.split('?')[0])).toEqual(['/api/conversations/C1', '/api/conversations/C1']);
    expect(visitor.browserErrors).toEqual([]);
  });
});
