import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { close, listen } from '../../local/listen.ts';
import { outbound } from '../outbound.ts';
import { startStage } from '../stage.ts';
import { expectAccessible, openPage, respond, useConsole, widths } from './page.ts';

/** The console of a deployed stage, with the tables of an engine. */
const world = useConsole();

const options = { timeout: 60_000 };
const name = 'production-eu';
const foreign = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<h1>Foreign</h1>'));

let stage: Awaited<ReturnType<typeof startStage>>;
let address: string;
let foreignPort: number;
let chatId: string;

beforeAll(async () => {
  const { chat, fault, send, waitForExecutions } = outbound(world.local);
  chatId = await chat();
  await world.local.idle();
  await fault({ kind: 'error', status: 422, type: 'validation', method: 'send_event', count: 1 });
  await send(chatId);
  await waitForExecutions();
  stage = await startStage(world.local, name);
  address = new URL('/', stage.link).href;
  foreignPort = await listen(foreign, 0, '--port');
}, 60_000);

afterAll(() => Promise.all([stage?.stop(), close(foreign)]));

describe.each(widths)('on a screen %i pixels wide', options, (width) => {
  const open = async (path: string) => (await world.openPath(path, width, stage.link)).page;

  it('explains how to get the link', async () => {
    const { page } = await world.open(width);
    const response = await page.goto(`${address}#/conversations`);
    expect(response?.status()).toBe(401);
    await page.getByRole('heading', { name: 'Access requires the printed link' }).waitFor();
    await expectAccessible(page);
  });

  it('names the stage, marks unmeasured nodes of the flow, and has no sandbox', async () => {
    const page = await open('#/flow');
    await page.getByText("Read from the stage's tables every 2 seconds.").waitFor();
    await page.getByText('not measured').first().waitFor();
    await page.locator('.where').getByText(name, { exact: true }).waitFor();
    await expectAccessible(page);
    await page.goto(`${address}#/sandbox`);
    await page.getByRole('heading', { level: 1, name: 'Page not found' }).waitFor();
    await expectAccessible(page);
    await page.route('**/api/stream', (route) => route.abort());
    await page.reload();
    await page.getByRole('alert').getByText('Connection lost.').waitFor();
    await expectAccessible(page);
  });

  it('shows the query of the logs in the timeline of a message', async () => {
    const page = await open(`#/conversations/${chatId}`);
    const message = page.locator('.message.left');
    await message.locator('summary').click();
    const query = await message.locator('.copyable', { hasText: 'Logs Insights' }).locator('code').textContent();
    const guide = await readFile('docs/how-to/trace-a-message.md', 'utf8');
    expect(guide.replaceAll('T8RM2K0V9X', chatId)).toContain(query?.replaceAll(' | ', '\n| '));
    await page.locator('.message.pending').locator('summary').click();
    await expectAccessible(page);
  });

  it('shows where the events come from, and that the body of a webhook is not stored', async () => {
    const page = await open('#/events');
    await page.getByText('Source: logs of the last 24 hours.').waitFor();
    await expectAccessible(page);
    const events = page.getByRole('region', { name: 'Events' }).getByRole('link');
    await events.filter({ hasText: 'incoming_chat' }).first().click();
    await page.getByText('The payload is not stored.').waitFor();
    await expectAccessible(page);

    await respond(page, '/events', { entries: [], limits: ['Source: logs of the functions.'] });
    await page.goto(`${address}#/events`);
    await page.getByText('To register the webhooks, run npx livechat webhooks sync').waitFor();
    await expectAccessible(page);
  });

  it('shows no simulator command on an empty page, and adds --stage to the other commands', async () => {
    const page = await open('#/reconciliation');
    await page.getByText(`npx livechat backfill --since 2h --stage ${name} --dry-run`, { exact: true }).waitFor();
    await expectAccessible(page);
    await page.goto(`${address}#/executions/unknown`);
    await page.getByText(`The stage ${name} has no execution with the ID unknown.`).waitFor();
    await expectAccessible(page);
    await respond(page, '/conversations', { conversations: [], organizations: [] });
    await respond(page, '/rate-limits', { rateLimits: [], organizations: [] });
    await respond(page, '/routing/rules', { rules: [], organizations: [] });
    for (const [section, text] of [
      ['conversations', "Conversations appear after LiveChat's first webhook."],
      ['rate-limits', 'An organization appears here after its first conversation.'],
      ['routing', 'An organization appears here after its first conversation.'],
    ] as const) {
      await page.goto(`${address}#/${section}`);
      await page.getByText(text).waitFor();
      expect(await page.getByRole('main').textContent()).not.toContain('simulate');
      await expectAccessible(page);
    }
  });
});

it('works after the link was opened once, and gives other sites no access', async () => {
  const chatId = await outbound(world.local).chat();
  await world.local.idle();
  const { length } = stage.audited;
  const { page, browserErrors, close: closePage } = await openPage(world.browser, 1280);
  await page.goto(`${stage.link}#/conversations/${chatId}`);
  await page.getByText('Live', { exact: true }).waitFor();
  await page.locator('.message').first().waitFor();
  expect(page.url()).toBe(`${address}#/conversations/${chatId}`);
  expect(await page.evaluate('document.cookie')).toBe('');
  const audited = () => stage.audited.slice(length).map(({ request }) => request);
  expect(audited()).toEqual([`GET /api/conversations/${chatId}`]);
  await page.reload();
  await page.getByText('Live', { exact: true }).waitFor();
  expect(browserErrors).toEqual([]);

  const attack = (init: object) =>
    page.evaluate(
      `fetch('${address}api/rate-limits/O', ${JSON.stringify({ ...init, credentials: 'include' })}).then(({ type, status }) => [type, status], () => 'blocked')`,
    );
  const pause = { method: 'POST', body: '{"do":"pause"}' };
  // Another port of localhost is the same site, so the browser sends the cookie.
  for (const origin of [`http://localhost:${foreignPort}/`, `http://127.0.0.1:${foreignPort}/`]) {
    await page.goto(origin);
    expect(await attack(pause)).toBe('blocked');
    expect(await attack({ ...pause, mode: 'no-cors' })).toEqual(['opaque', 0]);
  }
  expect(audited()).toHaveLength(1);
  const rebound = await page.goto(stage.link.replace('localhost', 'rebound.localhost'));
  expect(rebound?.status()).toBe(403);
  await closePage();
});
