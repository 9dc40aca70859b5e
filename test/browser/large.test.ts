import type { Browser, Page, Request } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fixture } from '../fixtures.ts';
import { type Local, organizationId, post, startLocal } from '../local.ts';
import { seedOf } from '../seed.ts';
import { smoothnessOf, wheel } from './smoothness.ts';
import { faultsOf, openBrowser, type Visitor, visit } from './visitor.ts';

/** Ten thousand conversations and a chat of two thousand messages: in the tables, through the API, to the page. */

const total = 10_000;
const messages = 2_000;
/** Of each page: what is in sight, and some beside. */
const mostDrawn = 60;
const mostElements = 1_500;
/** Beside a list that needs no second page; a frame is never counted as shorter than this, in ms. */
const ratio = 4;
const frame = 25;

let local: Local;
let browser: Browser;
let visitor: Visitor;

beforeAll(async () => {
  [local, browser] = await Promise.all([startLocal(), openBrowser()]);
  const seed = await seedOf(local);
  await seed.conversations(total);
  await seed.messages('C1', messages);
}, 180_000);
afterAll(async () => {
  await browser?.close();
  await local?.stop();
});
afterEach(() => visitor?.close());

/** The page, and what it asks of the API. */
async function open(path: string): Promise<{ page: Page; asked: string[] }> {
  visitor = await visit(browser, 1280);
  const { page } = visitor;
  const asked: string[] = [];
  page.on('request', (request: Request) => {
    const { pathname, search } = new URL(request.url());
    if (pathname.startsWith('/api/conversations')) asked.push(decodeURIComponent(`${pathname}${search}`));
  });
  await page.goto(`${local.console}${path}`);
  return { page, asked };
}

/** The first is asked for twice: once more when the stream begins, since something may have happened before. */
const pagesOf = (asked: readonly string[]) => [...new Set(asked)];

const drawn = (page: Page) => page.locator('.virtual > li').count();
const rowOf = (page: Page, name: string) => page.getByText(name, { exact: true });
const isThere = (page: Page, name: string) => async () => (await rowOf(page, name).count()) > 0;

describe('ten thousand conversations', { timeout: 180_000 }, () => {
  it('open with one request, and scroll to the last as smoothly as two hundred, page by page', async () => {
    const few = await open('#/conversations?status=queued');
    await rowOf(few.page, 'Customer 0').waitFor();
    const ofFew = await smoothnessOf(few.page, () =>
      wheel(few.page, 'down', isThere(few.page, `Customer ${total - 50}`)),
    );
    expect(pagesOf(few.asked)).toHaveLength(2);
    await visitor.close();

    const { page, asked } = await open('#/conversations');
    await rowOf(page, 'Customer 0').waitFor();
    expect(pagesOf(asked)).toHaveLength(1);
    const ofAll = await smoothnessOf(page, () => wheel(page, 'down', isThere(page, `Customer ${total - 1}`)));
    expect(pagesOf(asked)).toHaveLength(total / 100);
    expect(asked.length).toBeLessThanOrEqual(total / 100 + 1);
    expect(await drawn(page)).toBeLessThan(mostDrawn);
    expect(ofAll.elements).toBeLessThan(mostElements);
    expect(ofAll.frameMs).toBeLessThan(ratio * Math.max(frame, ofFew.frameMs));
    expect(visitor.complaints).toEqual([]);
  });

  it('a search goes on by itself to the one at the end, and says how far it has looked', async () => {
    const { page, asked } = await open('#/conversations');
    await rowOf(page, 'Customer 0').waitFor();
    const box = page.getByRole('searchbox', { name: 'Search' });
    await box.fill(`customer${total - 1}@mail`);
    await page.getByText(/back to/).waitFor();
    await rowOf(page, `Customer ${total - 1}`).waitFor();
    await page.getByText('All 10,000 conversations were searched.').waitFor();
    const searched = asked.filter((one) => one.includes('search='));
    // Two thousand each, and one that finds nothing more.
    expect(searched).toHaveLength(6);
    expect(await drawn(page)).toBe(1);
    expect(await faultsOf(page)).toEqual([]);
  });

  it('another text ends a search, and what it was about', async () => {
    const { page, asked } = await open('#/conversations');
    await rowOf(page, 'Customer 0').waitFor();
    // Each answer waits until it is let go: so there is one on its way when the text changes.
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
    expect(asked.filter((one) => one.includes('search=nobody'))).toHaveLength(1);
    expect(await drawn(page)).toBe(1);
  });

  it('a search that is stopped goes on from there', async () => {
    const { page, asked } = await open('#/conversations');
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
    await page.getByRole('heading', { name: 'None of these matches' }).waitFor();
    expect(await faultsOf(page)).toEqual([]);
    held.resolve();
    held = Promise.withResolvers<void>();
    held.resolve();
    await page.getByRole('button', { name: 'Search on' }).click();
    await page.getByText('All 10,000 conversations were searched.').waitFor();
    await page.getByRole('heading', { name: 'No conversation matches' }).waitFor();
    // The one that was stopped is asked once more.
    expect(asked.filter((one) => one.includes('search='))).toHaveLength(7);
  });

  it('many hits come a screen at a time, and more by scrolling', async () => {
    const { page, asked } = await open('#/conversations?search=customer');
    await page.getByRole('button', { name: 'Search on' }).waitFor();
    const searches = () => asked.filter((one) => one.includes('search='));
    expect(searches()).toHaveLength(1);
    expect(await drawn(page)).toBeLessThan(mostDrawn);
    const last = page.locator('.virtual > li').last();
    await wheel(page, 'down', async () => Number(await last.getAttribute('data-index')) > 250);
    expect(searches().length).toBeLessThan(6);
  });
});

describe('a chat of two thousand messages', { timeout: 180_000 }, () => {
  it('opens at its end, scrolls up to its first message, and is not read again as a whole', async () => {
    const { page, asked } = await open('#/conversations/C1');
    const last = rowOf(page, `message ${messages - 1}`);
    await last.waitFor();
    const up = await smoothnessOf(page, () => wheel(page, 'up', isThere(page, 'message 0')));
    expect(await drawn(page)).toBeLessThan(mostDrawn);
    expect(up.elements).toBeLessThan(2 * mostElements);
    expect(await faultsOf(page)).toEqual([]);
    const down = await smoothnessOf(page, () => wheel(page, 'down', async () => last.isVisible()));
    // Drawn and measured for the first time, or once more: of each the same.
    expect(up.frameMs).toBeLessThan(ratio * Math.max(frame, down.frameMs));

    const event = { id: 'TC1_new', type: 'message', text: 'One more', author_id: 'customer-1', visibility: 'all' };
    const payload = { chat_id: 'C1', thread_id: 'TC1', event: { ...event, created_at: new Date().toISOString() } };
    const webhook = { ...fixture('incoming_event.message.customer.json'), organization_id: organizationId, payload };
    expect((await post(local, webhook)).status).toBe(200);
    await rowOf(page, 'One more').waitFor();
    // A page that is just full is followed by an empty one.
    const whole = asked.filter((one) => !one.includes('since='));
    expect(whole.map((one) => one.split('?')[0])).toEqual(['/api/conversations/C1', '/api/conversations/C1']);
    expect(visitor.complaints).toEqual([]);
  });
});
