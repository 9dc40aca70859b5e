import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import pLimit from 'p-limit';
import type { Page, Request } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { fixture } from '../fixtures.ts';
import { organizationId, post } from '../local.ts';
import { awsClientConfig } from '../local-aws.ts';
import { createSeeder } from '../seed.ts';
import { expectAccessibleAtEachWidth, useConsole } from './page.ts';
import { measureRendering, scrollUntil } from './rendering.ts';

const world = useConsole();

/** The page with ten thousand conversations and a chat of two thousand messages. */

const total = 10_000;
const messages = 2_000;
/** Maximum number of rendered rows, and of elements, of a page. */
const maxRows = 60;
const maxElements = 1_500;
/** The maximum ratio to the frame time of a short list, whose frame time counts as at least this many ms. */
const maxFrameRatio = 4;
const minFrameMs = 25;

beforeAll(async () => {
  const seed = await createSeeder(world.local);
  await seed.conversations(total);
  await seed.messages('C1', messages);
}, 180_000);

/** Opens the page and records its requests for a list. */
async function open(path: string, list = 'conversations') {
  const opened = await world.open(1280);
  const { page } = opened;
  const requests: string[] = [];
  page.on('request', (request: Request) => {
    const { pathname, search } = new URL(request.url());
    if (pathname.startsWith(`/api/${list}`)) requests.push(decodeURIComponent(`${pathname}${search}`));
  });
  await page.goto(`${world.local.console}${path}`);
  return { ...opened, requests };
}

/** The first page is requested twice: again when the stream connects. */
const unique = (requests: readonly string[]) => [...new Set(requests)];

const countRows = (page: Page) => page.locator('.virtual > li').count();
const row = (page: Page, name: string) => page.getByText(name, { exact: true });
const isShown = (page: Page, name: string) => async () => (await row(page, name).count()) > 0;

describe('ten thousand conversations', { timeout: 180_000 }, () => {
  it('opens with one request and scrolls to the last one as smoothly as in a short list', async () => {
    const few = await open('#/conversations?status=queued');
    await row(few.page, 'Customer 0').waitFor();
    const shortList = await measureRendering(few.page, () =>
      scrollUntil(few.page, 'down', isShown(few.page, `Customer ${total - 50}`)),
    );
    expect(unique(few.requests)).toHaveLength(2);
    await few.close();

    const { page, requests } = await open('#/conversations');
    await row(page, 'Customer 0').waitFor();
    expect(unique(requests)).toHaveLength(1);
    const longList = await measureRendering(page, () =>
      scrollUntil(page, 'down', isShown(page, `Customer ${total - 1}`)),
    );
    expect(unique(requests)).toHaveLength(total / 100);
    expect(requests.length).toBeLessThanOrEqual(total / 100 + 1);
    expect(await countRows(page)).toBeLessThan(maxRows);
    expect(longList.elements).toBeLessThan(maxElements);
    expect(longList.frameMs).toBeLessThan(maxFrameRatio * Math.max(minFrameMs, shortList.frameMs));
  });

  it('searches to the last conversation and shows the progress', async () => {
    const { page, requests } = await open('#/conversations');
    await row(page, 'Customer 0').waitFor();
    const box = page.getByRole('searchbox', { name: 'Search' });
    await box.fill(`customer${total - 1}@mail`);
    await page.getByText(/back to/).waitFor();
    await row(page, `Customer ${total - 1}`).waitFor();
    await page.getByText('Search complete: 10,000 conversations searched.').waitFor();
    const searched = requests.filter((request) => request.includes('search='));
    // 2,000 conversations each, and a last one without results.
    expect(searched).toHaveLength(6);
    expect(await countRows(page)).toBe(1);
    await expectAccessibleAtEachWidth(page);
  });

  it('cancels a search when the text changes', async () => {
    const { page, requests } = await open('#/conversations');
    await row(page, 'Customer 0').waitFor();
    // The response is held back, so that a request is pending when the text changes.
    const held = Promise.withResolvers<void>();
    await page.route(/search=nobody/, async (route) => {
      await held.promise;
      await route.continue().catch(() => {});
    });
    const box = page.getByRole('searchbox', { name: 'Search' });
    const sent = page.waitForRequest(/search=nobody/);
    await box.fill('nobody');
    await page.getByText('Searching…').waitFor();
    await sent;
    const gone = page.waitForEvent('requestfailed', (request) => request.url().includes('search=nobody'));
    await box.fill('customer 4711');
    await gone;
    held.resolve();
    await row(page, 'Customer 4711').waitFor();
    await page.getByText('Search complete: 10,000 conversations searched.').waitFor();
    expect(requests.filter((request) => request.includes('search=nobody'))).toHaveLength(1);
    expect(await countRows(page)).toBe(1);
  });

  it('continues a stopped search', async () => {
    const { page, requests } = await open('#/conversations');
    await row(page, 'Customer 0').waitFor();
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
    await expectAccessibleAtEachWidth(page);
    held.resolve();
    held = Promise.withResolvers<void>();
    held.resolve();
    await page.getByRole('button', { name: 'Continue search' }).click();
    await page.getByText('Search complete: 10,000 conversations searched.').waitFor();
    await page.getByRole('heading', { name: 'No matching conversations' }).waitFor();
    // The stopped request is repeated.
    expect(requests.filter((request) => request.includes('search='))).toHaveLength(7);
  });

  it('loads more matches by scrolling', async () => {
    const { page, requests } = await open('#/conversations?search=customer');
    await page.getByRole('button', { name: 'Continue search' }).waitFor();
    const searches = () => requests.filter((request) => request.includes('search='));
    expect(searches()).toHaveLength(1);
    expect(await countRows(page)).toBeLessThan(maxRows);
    const last = page.locator('.virtual > li').last();
    await scrollUntil(page, 'down', async () => Number(await last.getAttribute('data-index')) > 250);
    expect(searches().length).toBeLessThan(6);
  });

  it('reports that more could not be loaded, and tries again', async () => {
    const { page } = await open('#/conversations');
    await row(page, 'Customer 0').waitFor();
    await page.route(/after=/, (route) => route.abort());
    const problem = page.getByText('More conversations could not be loaded: The console does not respond.');
    await scrollUntil(page, 'down', () => problem.isVisible());
    await expectAccessibleAtEachWidth(page);
    await page.unroute(/after=/);
    await page.getByRole('button', { name: 'Try again' }).click();
    const last = page.locator('.virtual > li').last();
    await scrollUntil(page, 'down', async () => Number(await last.getAttribute('data-index')) > 150);
  });
});

describe('a chat of two thousand messages', { timeout: 180_000 }, () => {
  it('opens at its end, scrolls to its first message, and loads only updates afterwards', async () => {
    const { page, requests } = await open('#/conversations/C1');
    const last = row(page, `message ${messages - 1}`);
    await last.waitFor();
    const up = await measureRendering(page, () => scrollUntil(page, 'up', isShown(page, 'message 0')));
    expect(await countRows(page)).toBeLessThan(maxRows);
    expect(up.elements).toBeLessThan(2 * maxElements);
    const down = await measureRendering(page, () => scrollUntil(page, 'down', async () => last.isVisible()));
    // Scrolling back renders the same rows.
    expect(up.frameMs).toBeLessThan(maxFrameRatio * Math.max(minFrameMs, down.frameMs));

    const event = { id: 'TC1_new', type: 'message', text: 'One more', author_id: 'customer-1', visibility: 'all' };
    const payload = { chat_id: 'C1', thread_id: 'TC1', event: { ...event, created_at: new Date().toISOString() } };
    const webhook = { ...fixture('incoming_event.message.customer.json'), organization_id: organizationId, payload };
    expect((await post(world.local, webhook)).status).toBe(200);
    await row(page, 'One more').waitFor();
    // A full page is followed by an empty one.
    const whole = requests.filter((request) => !request.includes('since='));
    expect(whole.map((request) => request.split('?')[0])).toEqual(['/api/conversations/C1', '/api/conversations/C1']);
    await expectAccessibleAtEachWidth(page);
  });
});

describe('five hundred executions', { timeout: 180_000 }, () => {
  it('are listed in ten requests by scrolling, newest first, with as many rows as fit', async () => {
    const client = new SFNClient(awsClientConfig(world.local));
    const limit = pLimit(20);
    // Their input is invalid, so that each fails at once.
    const start = (index: number) =>
      client.send(
        new StartExecutionCommand({
          stateMachineArn: world.local.environment.SEND_MACHINE_ARN,
          name: `e${index}`,
          input: '{}',
        }),
      );
    await Promise.all(Array.from({ length: 499 }, (_, index) => limit(start, index)));
    await world.local.idle();
    await start(499);
    const { page, requests } = await open('#/executions', 'executions');
    await page.getByText('e499', { exact: true }).waitFor();
    expect(await page.locator('.virtual > li').first().textContent()).toContain('e499');
    expect(await countRows(page)).toBeLessThan(maxRows);
    const last = page.locator('.virtual > li').last();
    await scrollUntil(page, 'down', async () => (await last.getAttribute('data-index')) === '499');
    expect(await countRows(page)).toBeLessThan(maxRows);
    expect(
      new Set(requests.map((request) => new URL(request, world.local.console).searchParams.get('after'))).size,
    ).toBe(10);
    await expectAccessibleAtEachWidth(page);
  });
});
