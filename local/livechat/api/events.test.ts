import { describe, expect, test } from 'vitest';
import {
  apiFixture,
  manualClock,
  nina,
  ownClientId,
  readText,
  requestFixture,
  startApi,
  tomas,
  until,
} from '../../../test/test-simulator.ts';

const createUpload = (name: string, bytes = 3, type = '') => {
  const form = new FormData();
  form.append('file', new File([new Uint8Array(bytes)], name, { type }));
  return form;
};

describe('send_event', () => {
  test('sends a webhook with the custom_id and client id of the sender', async () => {
    const { api, startChat, receiver, simulatorApi } = await startApi();
    const chat_id = await startChat();
    const sent = await api('send_event', requestFixture('send_event.message', { chat_id }));
    expect(sent).toMatchObject({ status: 200, json: { event_id: expect.stringMatching(/^T[0-9A-Z]{9}_2$/) } });
    await until(() => receiver.bodies.length === 2);
    const event = {
      type: 'message',
      text: 'Your parcel left the depot at 07:40.',
      custom_id: 'out-01J8Z6Q0Y2W4',
      author_id: nina,
      visibility: 'all',
      properties: { source: { client_id: ownClientId } },
    };
    expect(receiver.bodies[1]).toMatchObject({ action: 'incoming_event', payload: { chat_id, event } });
    const thread_id = expect.stringMatching(/^T/);
    expect((await simulatorApi(`chats/${chat_id}`)).json).toMatchObject({ events: [{}, { ...event, thread_id }] });
  });

  test('does not deduplicate by custom_id', async () => {
    const { startChat, send, simulatorApi } = await startApi();
    const chatId = await startChat();
    const first = await send(chatId, { custom_id: 'out-1' });
    const second = await send(chatId, { custom_id: 'out-1' });
    expect(second.json).not.toEqual(first.json);
    expect((await simulatorApi(`chats/${chatId}`)).json).toMatchObject({
      events: [{}, { custom_id: 'out-1' }, { custom_id: 'out-1' }],
    });
  });

  test('stores rich messages, system messages, custom events and notes as sent', async () => {
    const { api, startChat, send, simulatorApi } = await startApi();
    const chat_id = await startChat();
    const rich = await api('send_event', requestFixture('send_event.rich_message', { chat_id }));
    expect(rich.status).toBe(200);
    expect((await api('send_event', requestFixture('send_event.system_message', { chat_id }))).status).toBe(200);
    expect((await send(chat_id, { type: 'custom', content: { a: { b: 1 } } })).status).toBe(200);
    const { json } = await api('get_chat', { chat_id });
    expect(json).toMatchObject({
      thread: {
        events: [
          { type: 'message' },
          { type: 'rich_message', elements: [{ buttons: [{ postback_id: 'transfer' }, {}] }], author_id: nina },
          { type: 'system_message', system_message_type: 'crm.ticket_opened', visibility: 'agents' },
          { type: 'custom', content: { a: { b: 1 } } },
        ],
      },
    });
    expect(JSON.stringify((await simulatorApi(`chats/${chat_id}`)).json)).not.toContain('crm.ticket_opened');
  });

  test.each([
    [{}, '`chat_id` is required'],
    [{ chat_id: 'T1' }, '`event` is required'],
    [{ chat_id: 'T1', event: {} }, '`event.type` is required'],
    [{ chat_id: 'T1', event: { type: 'message' } }, '`event.text` is required'],
    [{ chat_id: 'T1', event: { type: 'message', text: '' } }, '`event.text` is required'],
    [{ chat_id: 'T1', event: { type: 'message', text: 'é'.repeat(8193) } }, '`event.text` must be at most 16 KB'],
    [
      { chat_id: 'T1', event: { type: 'message', text: 'a', visibility: 'me' } },
      /visibility` must be one of all, agents/,
    ],
    [{ chat_id: 'T1', event: { type: 'dance' } }, /`event.type` must be one of message/],
    [{ chat_id: 'T1', event: { type: 'file' } }, '`event.url` is required'],
    [{ chat_id: 'T1', event: { type: 'rich_message', template_id: 'cards' } }, '`event.elements` is required'],
    [{ chat_id: 'T1', event: { type: 'rich_message', template_id: 'a', elements: [{}] } }, /template_id` must be one/],
    [
      { chat_id: 'T1', event: { type: 'rich_message', template_id: 'cards', elements: Array(11).fill({}) } },
      '`event.elements` must be 1 to 10 elements',
    ],
    [
      { chat_id: 'T1', event: { type: 'rich_message', template_id: 'cards', elements: [{ buttons: [{}] }] } },
      '`event.elements.0.buttons.0.text` is required',
    ],
  ])('rejects %j', async (body, message) => {
    const { api } = await startApi();
    const { status, json } = await api('send_event', body);
    const expected = typeof message === 'string' ? message : expect.stringMatching(message);
    expect({ status, json }).toEqual({ status: 422, json: { error: { type: 'validation', message: expected } } });
  });

  test('rejects a requester who is not in the chat with 403', async () => {
    const { startChat, send } = await startApi();
    const { status, json } = await send(await startChat({ agent: tomas }));
    expect({ status, json }).toEqual({ status: 403, json: apiFixture('error.authorization_not_member.403') });
  });

  test('rejects an unknown chat with 404', async () => {
    const { send } = await startApi();
    const { status, json } = await send('T000000000');
    expect({ status, json }).toEqual({ status: 404, json: apiFixture('error.not_found.404') });
  });

  test('rejects a closed chat in the configured form', async () => {
    const { startChat, act, send, simulatorApi } = await startApi();
    const chatId = await startChat();
    await act(chatId, { action: 'leave' });
    expect(await send(chatId)).toMatchObject({ status: 422, json: apiFixture('error.chat_inactive.422') });
    await simulatorApi('settings', { inactiveForm: 'validation' });
    expect(await send(chatId)).toMatchObject({ status: 422, json: apiFixture('error.validation_chat_inactive.422') });
  });
});

describe('upload_file', () => {
  test('returns a CDN URL that can be sent', async () => {
    const { api, startChat, send } = await startApi();
    const chat_id = await startChat();
    const { status, json } = await api('upload_file', createUpload('receipt.png', 3, 'image/png'));
    expect(status).toBe(200);
    const url = expect.stringMatching(
      /^https:\/\/cdn\.livechat-files\.com\/api\/file\/lc\/att\/\d+\/\w{32}\/receipt\.png$/,
    );
    expect(json).toEqual({ url });
    const file = { url: readText(json, 'url'), type: 'file', alternative_text: 'Receipt' };
    expect((await send(chat_id, file)).status).toBe(200);
    expect((await api('get_chat', { chat_id })).json).toMatchObject({
      thread: {
        events: [
          {},
          { type: 'file', name: 'receipt.png', content_type: 'image/png', size: 3, alternative_text: 'Receipt' },
        ],
      },
    });
  });

  test('an unused upload and its file expire after 24 hours; a used upload does not', async () => {
    const clock = manualClock();
    const { api, base, startChat, send } = await startApi({ clock });
    const chatId = await startChat();
    const upload = async (name: string) => readText((await api('upload_file', createUpload(name))).json, 'url');
    const used = { type: 'file', url: await upload('a.pdf') };
    const unused = { type: 'file', url: await upload('b.pdf') };
    clock.advance(24 * 60 * 60 * 1000 - 1);
    expect((await send(chatId, used)).status).toBe(200);
    clock.advance(1);
    expect((await send(chatId, used)).status).toBe(200);
    expect(await send(chatId, unused)).toMatchObject({
      status: 422,
      json: { error: { type: 'validation', message: '`event.url` not found or expired' } },
    });
    const download = async ({ url }: { url: string }) => (await fetch(new URL(new URL(url).pathname, base))).status;
    expect([await download(used), await download(unused)]).toEqual([200, 404]);
  });

  test('rejects large, executable and missing files, and foreign URLs', async () => {
    const { api, startChat, send } = await startApi();
    const limit = 10 * 1024 * 1024;
    expect((await api('upload_file', createUpload('a.bin.txt', limit))).status).toBe(200);
    const large = await api('upload_file', createUpload('a.txt', limit + 1));
    expect(large).toMatchObject({ status: 413, json: apiFixture('error.entity_too_large.413') });
    expect((await api('upload_file', createUpload('a.exe'))).status).toBe(422);
    expect((await api('upload_file', new FormData())).json).toMatchObject({ error: { message: '`file` is required' } });
    const foreign = await send(await startChat(), { type: 'file', url: 'https://shop.example/a.png' });
    expect(foreign.status).toBe(422);
  });
});

describe('resume_chat', () => {
  test('starts a thread with only the requester, and reports the requester id', async () => {
    const { api, startChat, act, receiver, send } = await startApi();
    const chatId = await startChat({ agent: tomas });
    await act(chatId, { action: 'leave' });
    const { status, json } = await api('resume_chat', { chat: { id: chatId }, active: true });
    expect({ status, json }).toEqual({ status: 200, json: { thread_id: expect.stringMatching(/^T[0-9A-Z]{9}$/) } });
    await until(() => receiver.bodies.length === 4);
    expect(receiver.bodies[3]).toMatchObject({
      action: 'incoming_chat',
      payload: {
        requester_id: nina,
        chat: {
          id: chatId,
          thread: {
            id: readText(json, 'thread_id'),
            active: true,
            user_ids: [nina],
            events: [],
            previous_thread_id: expect.stringMatching(/^T/),
            properties: { source: { client_id: ownClientId } },
          },
        },
      },
    });
    expect((await send(chatId)).json).toEqual({ event_id: `${readText(json, 'thread_id')}_1` });
  });

  test('stores the events of an inactive thread, which stays closed', async () => {
    const { api, startChat, act, receiver, send, simulatorApi } = await startApi();
    const chatId = await startChat();
    await act(chatId, { action: 'leave' });
    const events = [{ type: 'message', text: 'By the way', custom_id: 'out-7' }];
    const { json } = await api('resume_chat', { chat: { id: chatId, thread: { events } }, active: false });
    const thread_id = readText(json, 'thread_id');
    expect(json).toEqual({ thread_id, event_ids: [`${thread_id}_1`] });
    expect((await send(chatId)).status).toBe(422);
    await until(() => receiver.bodies.length === 4);
    expect(receiver.bodies[3]).toMatchObject({
      payload: {
        chat: { thread: { id: thread_id, active: false, events: [{ custom_id: 'out-7', author_id: nina }] } },
      },
    });
    expect((await simulatorApi('calls')).json).toMatchObject({
      arrivals: [{ method: 'resume_chat', custom_id: 'out-7' }],
    });
  });

  test('rejects an active chat', async () => {
    const { api, startChat } = await startApi();
    expect((await api('resume_chat', { chat: { id: await startChat() } })).status).toBe(422);
    expect((await api('resume_chat', { chat: {} })).json).toMatchObject({
      error: { message: '`chat.id` is required' },
    });
  });
});
