import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { organizationId, post } from '../local.ts';
import { outbound } from '../outbound.ts';
import { startStage } from '../stage.ts';
import { expectAccessible, respond, useConsole, widths } from './page.ts';

const world = useConsole();

const options = { timeout: 120_000 };

let chatId: string;
let stage: Awaited<ReturnType<typeof startStage>>;

beforeAll(async () => {
  const { chat, send, text, fault, waitForExecutions } = outbound(world.local);
  chatId = await chat({ text: 'Where is my parcel?' });
  await world.local.idle();
  await fault({ kind: 'error', status: 422, type: 'validation', method: 'send_event', count: 1 });
  await send(chatId, text('It arrives tomorrow.'));
  await waitForExecutions();
  const refused = { action: 'incoming_event', organization_id: organizationId, payload: {} };
  await post(world.local, { ...refused, secret_key: 'wrong' });
  await world.local.idle();
  stage = await startStage(world.local);
}, 60_000);
afterAll(() => stage?.stop());

const rows = (page: Page) => page.getByRole('region', { name: 'Events' }).getByRole('link');

describe.each(widths)('events on a screen %i pixels wide', options, (width) => {
  const open = (path: string) => world.openPath(`#/events${path}`, width);

  it('lists webhooks and events, also after a reload, and filters them', async () => {
    const { page } = await open('');
    const refused = rows(page).filter({ hasText: 'refused 401' });
    await refused.getByText('Invalid signature').waitFor();
    await expectAccessible(page);
    const shown = await rows(page).count();
    await page.reload();
    await expect.poll(() => rows(page).count()).toBe(shown);
    await page.getByLabel('Type').selectOption('message.send.requested');
    await expect.poll(() => rows(page).count()).toBe(1);
    await rows(page).first().getByText('failed').waitFor();
    await page.getByLabel('Chat', { exact: true }).fill('UNKNOWN');
    await page.getByRole('heading', { name: 'No matching webhooks or events' }).waitFor();
    await expectAccessible(page);
  });

  it('opens an event to its payload, functions, chain and conversation', async () => {
    const { page } = await open('?type=message.received');
    await rows(page).last().click();
    await page.getByRole('heading', { level: 1, name: 'message.received' }).waitFor();
    await page.getByText('"content": "Where is my parcel?"').first().waitFor();
    const functions = page.getByRole('region', { name: 'Functions' });
    await functions.getByText('message-received').waitFor();
    await functions.getByText('succeeded').waitFor();
    await page.getByRole('region', { name: 'Related events' }).getByText('incoming_chat').waitFor();
    await page.locator('.head').getByRole('link', { name: chatId }).waitFor();
    await expectAccessible(page);
  });

  it('replays an event, and reports a failed call', async () => {
    const { page } = await open('?type=chat.started');
    await rows(page).last().click();
    await page.getByRole('button', { name: 'Replay' }).click();
    await page.getByText('1 event published again').waitFor();
    await expectAccessible(page);
    await page.route('**/api/events/*/replay', (route) => route.abort());
    await page.getByRole('button', { name: 'Replay' }).click();
    await page.getByRole('alert').getByText('The console does not respond.').waitFor();
    await expectAccessible(page);
  });

  it('links the dead letter of an event that failed', async () => {
    const { page } = await open('?type=message.send.requested');
    await rows(page).first().click();
    await page.getByRole('region', { name: 'Functions' }).getByText('ChannelClientError').waitFor();
    await expectAccessible(page);
    await page.getByRole('link', { name: 'dead letter', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'ChannelClientError' }).waitFor();
  });

  it('shows a refused webhook, which cannot be replayed', async () => {
    const { page } = await open('?status=refused');
    await rows(page).first().click();
    await page.getByText('Cannot be replayed: this webhook has no stored events.').waitFor();
    expect(await page.getByRole('button', { name: 'Replay' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Copy as curl' }).waitFor();
    await expectAccessible(page);
  });
});

describe.each(widths)('the events of a stage on a screen %i pixels wide', options, (width) => {
  const openEvent = async (type: string) => {
    const { page } = await world.openPath(`#/events?type=${type}`, width, stage.link);
    await rows(page).last().click();
    await page.getByRole('heading', { level: 1, name: type }).waitFor();
    return page;
  };

  it('replays an event from the archive, and shows what the replay covers and its state', async () => {
    const page = await openEvent('message.received');
    await page
      .getByText(
        /every archived event from .* \(\d+ seconds\) .* Only these functions receive them: message-received\./,
      )
      .waitFor();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Replay' }).click();
    await page.getByText('COMPLETED').waitFor();
    await page.getByText(/aws events describe-replay --replay-name \d{8}T/).waitFor();
    await expectAccessible(page);
  });

  it('shows why a replay from the archive failed', async () => {
    const page = await openEvent('message.received');
    await respond(page, '/replays/:id', { name: 'replay', state: 'FAILED', reason: 'InternalException' });
    await page.getByRole('button', { name: 'Replay' }).click();
    await page.getByText('InternalException').waitFor();
    await expectAccessible(page);
  });

  it('queries the logs again 30 s after a change, also on a page that was opened directly', async () => {
    const { page } = await world.open(width);
    await page.goto(stage.link);
    const { origin } = new URL(page.url());
    await page.goto('about:blank');
    await page.clock.install();
    let streams = 0;
    // The browser connects again after each response, and the page then assumes a change.
    await page.route('**/api/stream', (route) => {
      streams += 1;
      return route.fulfill({ contentType: 'text/event-stream', body: 'retry: 100\n\n' });
    });
    let queries = 0;
    page.on('request', (request) => {
      if (new URL(request.url()).pathname === '/api/events') queries += 1;
    });
    await page.goto(`${origin}/#/events`);
    await rows(page).first().waitFor();
    const opened = streams;
    await expect.poll(() => streams).toBeGreaterThan(opened + 2);
    await page.clock.fastForward(15_000);
    const answered = streams;
    await expect.poll(() => streams).toBeGreaterThan(answered + 2);
    expect(queries).toBe(1);
    await page.clock.fastForward(15_000);
    await expect.poll(() => queries).toBe(2);
  });

  it('shows why a send request cannot be replayed', async () => {
    const page = await openEvent('message.send.requested');
    await page.getByText('Cannot be replayed: send requests are not archived').waitFor();
    await expectAccessible(page);
  });
});
