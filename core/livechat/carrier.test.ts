import { afterEach, describe, expect, it } from 'vitest';
import { serveCarrier } from '../../test/serve-carrier.ts';
import type { Channel } from '../channel/channel.ts';
import type { FilePart, Part } from './compose.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

async function serve(...setting: Parameters<typeof serveCarrier>) {
  const server = await serveCarrier(...setting);
  stops.push(server.stop);
  return server;
}

const text: Part = { kind: 'event', event: { type: 'message', text: 'Hi', visibility: 'all' } };
const file: FilePart = {
  kind: 'file',
  source: { key: 'organization/chat/message/plan.png' },
  name: 'floor plan.png',
  alternativeText: 'A plan',
  visibility: 'agents',
};

const first = Date.parse('2026-11-22T12:00:00Z');
const minutes = (count: number) => new Date(first + count * 60_000).toISOString();
const thread = (id: string, at: number | undefined, customIds: readonly (string | null)[] = []) => ({
  id,
  ...(at !== undefined && { created_at: minutes(at) }),
  events: customIds.map((custom_id, index) => ({ id: `${id}_${index + 1}`, custom_id })),
});

describe('find', () => {
  it.each<[string, readonly object[], object | undefined, number]>([
    [
      'in the latest thread',
      [{ threads: [thread('T2', 0, [null, 'other', 'out-1'])], next_page_id: 'p2' }],
      { threadId: 'T2', messageId: 'T2_3' },
      1,
    ],
    [
      'in an older thread of the same page',
      [{ threads: [thread('T2', 5), thread('T1', -90, ['out-1'])] }],
      { threadId: 'T1', messageId: 'T1_1' },
      1,
    ],
    [
      'page by page',
      [
        { threads: [thread('T9', 20)], next_page_id: 'p2' },
        { threads: [thread('T8', 10)], next_page_id: 'p3' },
        { threads: [thread('T7', -10, ['out-1'])], next_page_id: 'p4' },
      ],
      { threadId: 'T7', messageId: 'T7_1' },
      3,
    ],
    [
      'back to the thread in which the first attempt began',
      [
        { threads: [thread('T9', 20)], next_page_id: 'p2' },
        { threads: [thread('T8', -2)], next_page_id: 'p3' },
      ],
      undefined,
      2,
    ],
    [
      'one minute further back, because clocks differ',
      [
        { threads: [thread('T9', -1)], next_page_id: 'p2' },
        { threads: [thread('T8', -2)], next_page_id: 'p3' },
      ],
      undefined,
      2,
    ],
    ['until there are no more pages', [{ threads: [thread('T9', 20)], next_page_id: null }], undefined, 1],
    [
      'further if a thread has no creation time',
      [{ threads: [thread('T9', undefined)], next_page_id: 'p2' }, { threads: [] }],
      undefined,
      2,
    ],
    ['in a chat without threads', [{ threads: [] }], undefined, 1],
    ['in threads without events', [{ threads: [{ id: 'T9', events: null }, { id: 'T8' }] }], undefined, 1],
  ])('searches %s', async (_name, pages, expected, calls) => {
    const { carrier, requests } = await serve(pages);
    expect(await carrier.find('chat', 'out-1', first)).toEqual(expected);
    const bodies = requests().map(({ path, body }) => ({ path, body }));
    const path = 'list_threads';
    expect(bodies).toEqual([
      { path, body: { chat_id: 'chat', sort_order: 'desc', limit: 100 } },
      ...['p2', 'p3'].slice(0, calls - 1).map((page_id) => ({ path, body: { chat_id: 'chat', page_id } })),
    ]);
  });
});

describe('send, append and upload', () => {
  it('sends an event with its custom_id', async () => {
    const { carrier, requests } = await serve([{ event_id: 'E1' }]);
    expect(await carrier.send('chat', { id: 'out-1', content: text })).toEqual({ messageId: 'E1', threadId: '' });
    expect(requests()).toMatchObject([
      {
        path: 'send_event',
        body: { chat_id: 'chat', event: { type: 'message', text: 'Hi', visibility: 'all', custom_id: 'out-1' } },
      },
    ]);
  });

  it.each([
    ['the event id', { thread_id: 'T1', event_ids: ['E1'] }, 'E1'],
    ['an empty id if LiveChat returns none', { thread_id: 'T1' }, ''],
  ])('appends an inactive thread and returns %s', async (_name, response, messageId) => {
    const { carrier, requests } = await serve([response]);
    expect(await carrier.append('chat', { id: 'out-1', content: text })).toEqual({ threadId: 'T1', messageId });
    expect(requests()).toMatchObject([
      {
        path: 'resume_chat',
        body: {
          active: false,
          chat: { id: 'chat', thread: { events: [{ type: 'message', text: 'Hi', custom_id: 'out-1' }] } },
        },
      },
    ]);
  });

  it('uploads a file from the media bucket and sends the returned URL', async () => {
    const { carrier, requests, fetched } = await serve([
      { url: 'https://cdn.livechat-files.com/plan.png' },
      { event_id: 'E1' },
    ]);
    const content = await carrier.withFile(file, carrier.upload);
    await carrier.send('chat', { id: 'out-1', content });
    expect(fetched).toEqual(['organization/chat/message/plan.png']);
    const [upload, send] = requests();
    expect(upload).toMatchObject({ path: 'upload_file', body: expect.stringContaining('filename="floor plan.png"') });
    expect(upload?.body).toMatch(/Content-Type: image\/png\r\n\r\nPNG\r\n/i);
    expect(send).toMatchObject({
      path: 'send_event',
      body: {
        chat_id: 'chat',
        event: {
          type: 'file',
          url: 'https://cdn.livechat-files.com/plan.png',
          visibility: 'agents',
          alternative_text: 'A plan',
          custom_id: 'out-1',
        },
      },
    });
  });

  it('names an unnamed file after its key', async () => {
    const { carrier, requests } = await serve([{ url: 'https://cdn.livechat-files.com/plan.png' }]);
    const { name: _name, alternativeText: _text, ...unnamed } = file;
    expect(await carrier.withFile(unnamed, carrier.upload)).toEqual({
      kind: 'event',
      event: expect.not.objectContaining({ alternative_text: expect.anything() }),
    });
    expect(requests()[0]?.body).toContain('filename="plan.png"');
  });

  it('uploads the whole file at each attempt', async () => {
    const { carrier, requests, fetched } = await serve([{ url: 'https://cdn.livechat-files.com/plan.png' }]);
    await carrier.withFile(file, async (fetched) => {
      await carrier.upload(fetched);
      await carrier.inRegion('fra').upload(fetched);
    });
    expect(fetched).toHaveLength(1);
    const whole = { path: 'upload_file', body: expect.stringContaining('\r\n\r\nPNG\r\n') };
    expect(requests()).toMatchObject([whole, { ...whole, region: 'fra' }]);
  });

  it('rejects sending a file before the upload', async () => {
    const { carrier, requests } = await serve([{}]);
    await expect(carrier.send('chat', { id: 'out-1', content: file })).rejects.toBeInstanceOf(TypeError);
    expect(requests()).toEqual([]);
  });
});

describe('repairs', () => {
  it.each<[string, (carrier: Channel<Part>) => Promise<void>, string, object]>([
    ['resumes the chat', (carrier) => carrier.resume('chat'), 'resume_chat', { chat: { id: 'chat' }, active: true }],
    [
      'adds the sender to the chat',
      (carrier) => carrier.join('chat'),
      'add_user_to_chat',
      {
        chat_id: 'chat',
        user_id: 'nina@acme.example',
        user_type: 'agent',
        visibility: 'all',
        ignore_requester_presence: true,
      },
    ],
    [
      'takes the chat over for the sender',
      (carrier) => carrier.takeOver('chat'),
      'transfer_chat',
      {
        id: 'chat',
        target: { type: 'agent', ids: ['nina@acme.example'] },
        ignore_agents_availability: true,
        ignore_requester_presence: true,
      },
    ],
  ])('%s', async (_name, repair, path, body) => {
    const { carrier, requests } = await serve([{ thread_id: 'T1' }]);
    await repair(carrier);
    expect(requests()).toMatchObject([{ path, body }]);
  });

  it.each(['join', 'takeOver'] as const)('%s rejects a missing sender with the name of the setting', async (method) => {
    const { carrier, requests } = await serve([{}], { agentId: '' });
    await expect(carrier[method]('chat')).rejects.toThrow(/^LIVECHAT_AGENT_ID: expected/);
    expect(requests()).toEqual([]);
  });

  it('inRegion calls the region and stores it', async () => {
    const { carrier, requests, regions } = await serve([{ event_id: 'E1' }]);
    await carrier.inRegion('fra').send('chat', { id: 'out-1', content: text });
    expect(regions).toEqual(['fra']);
    expect(requests()).toMatchObject([{ region: 'fra' }]);
  });

  it('withFreshCredentials calls with changed credentials', async () => {
    const { carrier, requests } = await serve([{ event_id: 'E1' }], { refreshed: true });
    await (await carrier.withFreshCredentials())?.send('chat', { id: 'out-1', content: text });
    expect(requests()).toMatchObject([{ authorization: 'Basic new' }]);
  });

  it('withFreshCredentials returns undefined for unchanged credentials', async () => {
    const { carrier } = await serve([{}]);
    expect(await carrier.withFreshCredentials()).toBeUndefined();
  });
});
