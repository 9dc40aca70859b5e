import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  manualClock,
  nina,
  ownClientId,
  type Running,
  readText,
  requestFixture,
  startApi,
  startReceiver,
  until,
} from '../../test/test-simulator.ts';
import type { SimulatorOptions } from './server.ts';

let folder: string;
let running: Running | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'livechat-simulator-'));
});
afterEach(async () => {
  await running?.stop();
  running = undefined;
  rmSync(folder, { recursive: true });
});

/** Stops the running simulator, if any, and starts another one on the same folder. */
async function start(options: Partial<SimulatorOptions> = {}): Promise<Running> {
  await running?.stop();
  running = await startApi({ dataFolder: folder, ...options });
  return running;
}

test('keeps chats with their threads, and continues them', async () => {
  const before = await start();
  const chatId = await before.startChat({ form: [{ type: 'name', label: 'Name', answer: 'Dana' }] });
  await before.act(chatId, { as: 'agent', action: 'close' });
  await before.act(chatId, { action: 'reopen', text: 'Again' });
  const other = await before.startChat();
  const read = async ({ api, simulatorApi }: Running) => ({
    view: (await simulatorApi(`chats/${chatId}`)).json,
    chats: (await simulatorApi('chats')).json,
    archives: (await api('list_archives', {})).json,
  });
  const kept = await read(before);

  const after = await start();

  expect(await read(after)).toEqual(kept);
  const sent = await after.send(chatId, { custom_id: 'out-1' });
  expect(sent).toMatchObject({ status: 200 });
  expect((await after.simulatorApi(`chats/${chatId}`)).json).toMatchObject({
    events: [{}, {}, {}, { text: 'Again' }, { id: readText(sent.json, 'event_id'), custom_id: 'out-1' }],
  });
  expect([chatId, other]).not.toContain(await after.startChat());
});

test('keeps the files of customers, and uploads until they expire', async () => {
  const clock = manualClock();
  const before = await start({ clock });
  const chatId = await before.startChat({ agent: nina });
  const content = Buffer.from([0, 255, 10]);
  await before.act(chatId, { action: 'file', name: 'photo.png', content: content.toString('base64') });
  const form = new FormData();
  form.set('file', new File([content], 'invoice.pdf', { type: 'application/pdf' }));
  const url = readText((await before.api('upload_file', form)).json, 'url');
  const unused = readText((await before.api('upload_file', form)).json, 'url');

  const { base, send, api } = await start({ clock });

  const chat: unknown = (await api('get_chat', { chat_id: chatId })).json;
  const [photo = ''] = /https:[^"]+photo\.png/.exec(JSON.stringify(chat)) ?? [];
  for (const [address, type] of [
    [photo, 'image/png'],
    [url, 'application/pdf'],
  ]) {
    const response = await fetch(new URL(new URL(address ?? '').pathname, base));
    expect(response.headers.get('content-type')).toBe(type);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(content);
  }
  expect((await send(chatId, { type: 'file', text: undefined, url })).status).toBe(200);
  clock.advance(24 * 3_600_000);
  expect((await send(chatId, { type: 'file', text: undefined, url: unused })).status).toBe(422);
  expect((await send(chatId, { type: 'file', text: undefined, url })).status).toBe(200);
});

test('keeps registrations and whether they are enabled, faults with their progress, and settings', async () => {
  const before = await start();
  const owner = { owner_client_id: ownClientId };
  const elsewhere = 'https://hooks.example.net/livechat';
  const register = (url: string) =>
    before.api('configuration/register_webhook', requestFixture('register_webhook', { action: 'incoming_chat', url }));
  const removed = readText((await register(elsewhere)).json, 'id');
  await register(elsewhere);
  await register(before.receiver.url);
  await before.api('configuration/unregister_webhook', { id: removed, ...owner });
  await before.simulatorApi('faults', { kind: 'webhooks-not-sent', count: 3 });
  await before.startChat();
  await before.api('configuration/disable_license_webhooks', owner);
  await before.simulatorApi('settings', { archiveDelayMs: 7_000 });

  const after = await start();

  expect((await after.api('configuration/list_webhooks', owner)).json).toMatchObject([
    { url: elsewhere },
    // The address of the bridge can differ in each run.
    { url: after.receiver.url },
  ]);
  expect((await after.api('configuration/get_license_webhooks_state', owner)).json).toMatchObject({
    license_webhooks_enabled: false,
  });
  expect((await after.simulatorApi('faults')).json).toMatchObject({ faults: [{ id: 1, remaining: 2, applied: 1 }] });
  expect((await after.simulatorApi('settings')).json).toMatchObject({ archiveDelayMs: 7_000 });
  await after.simulatorApi('faults', undefined, 'DELETE');

  expect((await (await start()).simulatorApi('faults')).json).toEqual({ faults: [] });
});

test('sends the webhooks that were not acknowledged to the address of the new run', async () => {
  const unanswered = await startReceiver(() => new Promise<number>(() => {}));
  const before = await start({ webhookUrl: unanswered.url });
  const chatId = await before.startChat();
  await before.act(chatId, { action: 'message', text: 'Anyone?' });
  await until(() => unanswered.bodies.length === 1);

  const { receiver } = await start();

  await until(() => receiver.bodies.length === 2);
  expect(receiver.bodies.map(({ action }) => action)).toEqual(['incoming_chat', 'incoming_event']);
});
