import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import type { EventEntry } from '../../console/event-source.ts';
import type { ExecutionView } from '../../core/executions/view.ts';
import { organizationId, startLocal } from '../local.ts';
import { outbound } from '../outbound.ts';
import { expectAccessibleAtEachWidth, respond, useConsole } from './page.ts';

const world = useConsole();

const options = { timeout: 120_000 };

let chatId: string;
/** Paths of the page of one item. */
const items = { conversation: '', event: '', execution: '', 'dead letter': '' };

const withId = z.object({ id: z.string() });
const events = z.object({ entries: z.tuple([withId], withId) });
const executions = z.object({ executions: z.tuple([withId], withId) });

beforeAll(async () => {
  const { chat, send, fault, deadLetters, waitForExecutions } = outbound(world.local);
  chatId = await chat();
  await world.local.idle();
  await fault({ kind: 'error', status: 422, type: 'validation', method: 'send_event', count: 1 });
  await send(chatId);
  await waitForExecutions();
  const read = async (path: string) => (await world.local.api(path)).body;
  const path = (section: string, id = '') => `#/${section}/${encodeURIComponent(id)}`;
  items.conversation = path('conversations', chatId);
  items.event = path('events', events.parse(await read('/api/events')).entries[0].id);
  items.execution = path('executions', executions.parse(await read('/api/executions')).executions[0].id);
  items['dead letter'] = path('dead-letters', (await deadLetters(chatId))[0]?.id);
}, 60_000);

const lists = ['conversations', 'events', 'executions', 'dead-letters', 'reconciliation', 'routing', 'rate-limits'];
const kinds = ['conversation', 'event', 'execution', 'dead letter'] as const;

/** Pages that load data. The paths of items are set in `beforeAll`. */
const pages = [
  ...lists.map((section) => ({ name: `the page ${section}`, path: () => `#/${section}` })),
  ...kinds.map((kind) => ({ name: `the page of one ${kind}`, path: () => items[kind] })),
];

/** The requests for the data of a page. */
const isRead = ({ pathname }: URL) => /^\/api\/(?!console$|stream$)/.test(pathname);
const content = (page: Page) => page.getByRole('main').locator('.row, .card, .message').first();

describe.each(pages)('$name', options, ({ path }) => {
  it('shows that it is loading, why loading failed, and that it is out of date', async () => {
    const { page } = await world.open(1280);
    const held = Promise.withResolvers<void>();
    await page.route(isRead, async (route) => {
      await held.promise;
      await route.abort();
    });
    await page.goto(`${world.local.console}${path()}`);
    await page.getByText('Loading…', { exact: true }).waitFor();
    await expectAccessibleAtEachWidth(page);
    held.resolve();
    await page.getByRole('alert').getByRole('heading', { name: 'Loading failed' }).waitFor();
    await page.getByText('The console does not respond. Check that it is still running in its terminal.').waitFor();
    await expectAccessibleAtEachWidth(page);
    await page.unrouteAll({ behavior: 'wait' });
    await page.getByRole('button', { name: 'Try again' }).click();
    await content(page).waitFor();

    // The routing page does not reload, to keep the draft.
    if (path() === '#/routing') return;
    const message = 'Cannot read the tables: ThrottlingException';
    await page.route(isRead, (route) => route.fulfill({ status: 500, json: { error: { message } } }));
    const { put } = outbound(world.local);
    await put('test', 'message.sent', { data: { organizationId, conversationId: chatId } });
    await page.getByRole('alert').getByText(`This page is out of date: ${message}`).waitFor();
    await expectAccessibleAtEachWidth(page);
    await page.unrouteAll({ behavior: 'wait' });
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('alert').waitFor({ state: 'detached' });
  });
});

it('a list reports that more could not be loaded', options, async () => {
  const at = '2026-03-11T09:15:00.000Z';
  const event: EventEntry = { id: 'one', kind: 'event', at, type: 'message.received', status: 'handled' };
  const execution: ExecutionView = {
    id: 'arn:aws:states:us-east-1:000000000000:execution:send:one',
    name: 'one',
    status: 'SUCCEEDED',
    startDate: at,
    organizationId,
    conversationId: 'T8RM2K0V9X',
    requestId: 'request',
    redrive: 1,
    parts: 2,
    attempts: 3,
  };
  const { page } = await world.open(1280);
  await respond(page, '/events', { entries: [event], next: 'more', limits: [] });
  await respond(page, '/executions', { executions: [execution], next: 'more' });
  await page.route(/after=more/, (route) => route.abort());
  for (const title of ['Events', 'Executions']) {
    await page.goto(`${world.local.console}#/${title.toLowerCase()}`);
    await page.getByRole('alert').getByText(`${title} could not be loaded: The console does not respond.`).waitFor();
    await expectAccessibleAtEachWidth(page);
  }
});

it('each page shows that the connection is lost, is greyed out, and reconnects', options, async () => {
  const own = await startLocal();
  const { chat } = outbound(own);
  const ownChatId = await chat();
  await own.idle();
  const opened: Page[] = [];
  for (const path of ['flow', ...lists, `conversations/${ownChatId}`, 'sandbox']) {
    const { page } = await world.openPath(`#/${path}`, 1280, own.console);
    opened.push(page);
  }
  await own.stop();
  const banner = (page: Page) => page.getByRole('alert').filter({ hasText: 'Connection lost.' });
  for (const page of opened) {
    await banner(page)
      .getByText(/The page shows the state of .*\d\d:\d\d:\d\d \S+\. The console does not respond\./)
      .waitFor();
    expect(await page.evaluate("getComputedStyle(document.querySelector('main')).filter")).toBe('grayscale(1)');
    expect(await page.getByRole('alert').count()).toBe(1);
    await expectAccessibleAtEachWidth(page);
  }
  const restarted = await startLocal({}, ['--port', new URL(own.console).port]);
  for (const page of opened) await banner(page).waitFor({ state: 'detached' });
  await restarted.stop();
});
