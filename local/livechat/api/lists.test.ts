import { describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { apiFixture, manualClock, nina, outline, type Running, startApi } from '../../../test/test-simulator.ts';

const dana = { customer: { name: 'Dana Whitfield', email: 'dana@shop.example', sessionFields: { plan: 'pro' } } };
/** Fields that depend on earlier chats. webhooks.test.ts compares the events. */
const optionalFields = /events\[\]|agent_last_event|customer_last_event|cart_value|rating|tags/;

const findMissingFields = (json: unknown, fixture: string): string[] => {
  const lines = outline(json);
  return outline(apiFixture(fixture)).filter((line) => !optionalFields.test(line) && !lines.includes(line));
};

/** Starts a chat with this many threads. */
const startChatWithThreads = async ({ startChat, act }: Running, threads: number): Promise<string> => {
  const chatId = await startChat(dana);
  for (let n = 1; n < threads; n++) {
    await act(chatId, { as: 'agent', action: 'message', text: 'Bye' });
    await act(chatId, { action: 'leave' });
    await act(chatId, { action: 'reopen', text: String(n) });
  }
  return chatId;
};

const page = z.object({
  threads: z.array(z.object({ id: z.string() })),
  found_threads: z.number(),
  next_page_id: z.optional(z.string()),
  previous_page_id: z.optional(z.string()),
});

describe('get_chat', () => {
  test('has every field of the fixture', async () => {
    const running = await startApi();
    const { json } = await running.api('get_chat', { chat_id: await startChatWithThreads(running, 2) });
    expect(findMissingFields(json, 'get_chat.response')).toEqual([]);
  });

  test('returns the newest or the requested thread', async () => {
    const running = await startApi();
    const chat_id = await startChatWithThreads(running, 3);
    const { threads } = page.parse((await running.api('list_threads', { chat_id })).json);
    const [newest, , oldest] = threads.map(({ id }) => id);
    expect((await running.api('get_chat', { chat_id })).json).toMatchObject({ thread: { id: newest } });
    const old = await running.api('get_chat', { chat_id, thread_id: oldest });
    expect(old.json).toMatchObject({ thread: { id: oldest, active: false } });
    expect((await running.api('get_chat', { chat_id, thread_id: 'T0' })).status).toBe(404);
  });

  test('returns last_visit before 3.6, and no customer_visit', async () => {
    const { api, startChat } = await startApi();
    const { json } = await api('get_chat', { chat_id: await startChat() }, { version: 'v3.4' });
    expect(json).toMatchObject({ users: [{ last_visit: { ip: '203.0.113.24' } }, {}] });
    expect(json).not.toHaveProperty('thread.customer_visit');
    expect(json).not.toHaveProperty('users.0.visit');
  });
});

describe('list_threads', () => {
  test('has every field of the fixture', async () => {
    const running = await startApi();
    const { json } = await running.api('list_threads', { chat_id: await startChatWithThreads(running, 2) });
    expect(findMissingFields(json, 'list_threads.response')).toEqual([]);
  });

  test('returns three threads per page, newest first, with page ids', async () => {
    const running = await startApi();
    const chat_id = await startChatWithThreads(running, 7);
    const list = async (more: object) => page.parse((await running.api('list_threads', { chat_id, ...more })).json);
    const pages = [await list({})];
    for (let id = pages[0]?.next_page_id; id !== undefined; id = pages.at(-1)?.next_page_id) {
      pages.push(await list({ page_id: id }));
    }
    expect(pages.map(({ threads, found_threads }) => [threads.length, found_threads])).toEqual([
      [3, 7],
      [3, 7],
      [1, 7],
    ]);
    const ids = pages.flatMap(({ threads }) => threads.map(({ id }) => id));
    const ascending = await list({ sort_order: 'asc', limit: 100 });
    expect(ascending.threads.map(({ id }) => id)).toEqual(ids.toReversed());
    expect(await list({ page_id: pages[1]?.previous_page_id })).toEqual(pages[0]);
  });

  test('filters by creation time', async () => {
    const clock = manualClock();
    const running = await startApi({ clock });
    const chat_id = await startChatWithThreads(running, 1);
    clock.advance(60_000);
    const from = new Date(clock.now()).toISOString();
    const to = new Date(clock.now() - 1).toISOString();
    await running.act(chat_id, { action: 'leave' });
    await running.act(chat_id, { action: 'reopen', text: 'Again' });
    const since = await running.api('list_threads', { chat_id, filters: { from } });
    expect(since.json).toMatchObject({ found_threads: 1 });
    expect((await running.api('list_threads', { chat_id, filters: { to } })).json).toMatchObject({
      found_threads: 1,
    });
  });

  test.each([
    [{ limit: 101 }, '`limit` must be from 1 to 100'],
    [{ limit: 0 }, '`limit` must be from 1 to 100'],
    [{ page_id: 'nonsense' }, '`page_id` is invalid'],
    [{ sort_order: 'up' }, '`sort_order` must be one of asc, desc'],
    [{ filters: { from: 'today' } }, '`filters.from` must be a time'],
    [{ page_id: 'any', limit: 2 }, '`page_id` cannot be used with other parameters'],
  ])('rejects %j', async (more, message) => {
    const { api, startChat } = await startApi();
    const answer = await api('list_threads', { chat_id: await startChat(), ...more });
    expect(answer).toMatchObject({ status: 422, json: { error: { message } } });
  });
});

describe('list_chats', () => {
  const startThreeChats = async () => {
    const clock = manualClock();
    const running = await startApi({ clock });
    const ids: string[] = [];
    for (const group of [0, 4, 4]) {
      ids.push(await running.startChat({ group }));
      clock.advance(1000);
    }
    await running.act(ids[1] ?? '', { action: 'leave' });
    const list = async (request: object, version = 'v3.6') => {
      const { json } = await running.api('list_chats', request, { version });
      return z
        .object({ chats_summary: z.array(z.object({ id: z.string() })) })
        .parse(json)
        .chats_summary.map(({ id }) => ids.indexOf(id));
    };
    return { ...running, list };
  };

  test('filters by activity and group, depending on the version', async () => {
    const { list } = await startThreeChats();
    expect(await list({})).toEqual([2, 1, 0]);
    expect(await list({ sort_order: 'asc', limit: 2 })).toEqual([0, 1]);
    expect(await list({ filters: { active: true } })).toEqual([2, 0]);
    expect(await list({ filters: { active: false } })).toEqual([1]);
    expect(await list({ filters: { group_ids: [4] } })).toEqual([2, 1]);
    expect(await list({ filters: { include_active: false } }, 'v3.4')).toEqual([1]);
    expect(await list({ filters: { include_active: true }, limit: 100 }, 'v3.5')).toEqual([2, 1, 0]);
  });

  test('returns the last event of each type, and the latest thread without its events', async () => {
    const { api, act, startChat } = await startApi();
    const chat_id = await startChat();
    await act(chat_id, { action: 'leave' });
    await act(chat_id, { action: 'reopen', text: 'Again' });
    await act(chat_id, { as: 'agent', action: 'tag', tag: 'refund' });
    await act(chat_id, { as: 'agent', action: 'message', text: 'Hello again' });
    await act(chat_id, { as: 'agent', action: 'transfer', groups: [4] });
    const { json } = await api('get_chat', { chat_id });
    const { thread, ...chat } = z.looseObject({ thread: z.looseObject({ id: z.string() }) }).parse(json);
    const { events, customer_visit: _, ...last_thread_summary } = thread;
    const [, message, transfer] = z.array(z.unknown()).parse(events);
    const about = { thread_id: thread.id, thread_created_at: thread.created_at };
    expect((await api('list_chats', {})).json).toEqual({
      chats_summary: [
        {
          ...chat,
          last_event_per_type: {
            message: { ...about, event: message },
            system_message: { ...about, event: transfer },
          },
          last_thread_summary,
        },
      ],
      found_chats: 1,
    });
    expect(last_thread_summary).toEqual({
      id: thread.id,
      active: true,
      created_at: thread.created_at,
      user_ids: [expect.any(String), nina],
      previous_thread_id: expect.any(String),
      properties: expect.any(Object),
      access: { group_ids: [4] },
      tags: ['refund'],
      queue: { position: 1, wait_time: 30, queued_at: expect.any(String) },
    });
  });

  test('rejects page_id with other parameters', async () => {
    const { api, list } = await startThreeChats();
    const { json } = await api('list_chats', { limit: 2 });
    const { next_page_id } = z.object({ next_page_id: z.string() }).parse(json);
    expect(json).toMatchObject({ found_chats: 3, chats_summary: [{ last_thread_summary: { active: true } }, {}] });
    expect(await list({ page_id: next_page_id })).toEqual([0]);
    expect((await api('list_chats', { page_id: next_page_id, limit: 2 })).status).toBe(422);
  });
});

describe('list_archives', () => {
  const archives = z.object({
    chats: z.array(
      z.object({
        id: z.string(),
        users: z.array(z.object({ present: z.boolean() })),
        thread: z.object({ active: z.boolean(), created_at: z.string(), events: z.optional(z.array(z.unknown())) }),
      }),
    ),
    found_chats: z.number(),
    next_page_id: z.optional(z.string()),
    previous_page_id: z.optional(z.string()),
  });

  const startArchive = async () => {
    const clock = manualClock();
    const running = await startApi({ clock });
    const listArchives = async (request: object) =>
      archives.parse((await running.api('list_archives', { sort_order: 'asc', ...request })).json);
    const listPage = async (page_id: string | undefined) =>
      archives.parse((await running.api('list_archives', { page_id })).json);
    const close = (chatId: string) => running.act(chatId, { as: 'agent', action: 'close' });
    /** The time a number of seconds after the start. */
    const start = clock.now();
    const at = (seconds: number) => new Date(start + seconds * 1000).toISOString();
    return { ...running, clock, listArchives, listPage, close, at };
  };

  test('has every field of the fixture', async () => {
    const running = await startApi();
    await startChatWithThreads(running, 3);
    const { json } = await running.api('list_archives', { limit: 1 });
    expect(findMissingFields(json, 'list_archives.response')).toEqual([]);
  });

  test('lists each closed thread with its chat, whose users are absent once its latest thread is closed', async () => {
    const { act, startChat, close, listArchives } = await startArchive();
    await startChat();
    const chatId = await startChat();
    await close(chatId);
    await act(chatId, { action: 'reopen', text: 'Again' });
    const present = async () => {
      const { chats } = await listArchives({});
      return chats.map(({ id, thread, users }) => [id === chatId, thread.active, users.map((user) => user.present)]);
    };
    expect(await present()).toEqual([[true, false, [true, true]]]);
    await close(chatId);
    expect(await present()).toEqual([
      [true, false, [true, true]],
      [true, false, [false, false]],
    ]);
  });

  test('lists a thread that was created closed', async () => {
    const { api, startChat, close, listArchives } = await startArchive();
    const id = await startChat();
    await close(id);
    await api('resume_chat', { chat: { id }, active: false });
    expect(await listArchives({})).toMatchObject({
      found_chats: 2,
      chats: [{ id }, { id, thread: { active: false } }],
    });
  });

  test('filters and sorts by creation, or by last activity', async () => {
    const { clock, startChat, close, listArchives, simulatorApi, at } = await startArchive();
    const first = await startChat({ group: 4 });
    clock.advance(60_000);
    const second = await startChat();
    await close(second);
    clock.advance(60_000);
    await close(first);
    const list = async (filters: object) => (await listArchives({ filters })).chats.map(({ id }) => id);
    expect(await list({})).toEqual([first, second]);
    expect(await list({ from: at(0), to: at(59) })).toEqual([first]);
    expect(await list({ from: at(61) })).toEqual([]);
    expect(await list({ group_ids: [4] })).toEqual([first]);
    await simulatorApi('settings', { archiveTime: 'activity' });
    expect(await list({})).toEqual([second, first]);
    expect(await list({ from: at(0), to: at(59) })).toEqual([]);
    expect(await list({ from: at(61) })).toEqual([first]);
  });

  test('a thread appears late, and is both active and archived, for as long as the settings say', async () => {
    const { clock, api, startChat, close, listArchives, simulatorApi } = await startArchive();
    await simulatorApi('settings', { archiveDelayMs: 1000, activeListDelayMs: 3000 });
    await close(await startChat());
    const listed = async () => {
      const { json } = await api('list_chats', { filters: { active: true } });
      const isActive = JSON.stringify(json).includes('"active":true');
      return { isActive, archived: (await listArchives({})).found_chats };
    };
    clock.advance(999);
    expect(await listed()).toEqual({ isActive: true, archived: 0 });
    clock.advance(1);
    expect(await listed()).toEqual({ isActive: true, archived: 1 });
    clock.advance(2000);
    expect(await listed()).toEqual({ isActive: false, archived: 1 });
  });

  test('leaves events out if the setting says so', async () => {
    const { startChat, close, listArchives, simulatorApi } = await startArchive();
    await close(await startChat());
    expect((await listArchives({})).chats[0]?.thread.events).toHaveLength(2);
    await simulatorApi('settings', { archiveEvents: false });
    expect((await listArchives({})).chats[0]?.thread).not.toHaveProperty('events');
  });

  test('returns ten threads per page, of the list as it is at each call', async () => {
    const { startChat, close, listArchives, listPage, clock } = await startArchive();
    const ids: string[] = [];
    const startAndClose = async () => {
      const id = await startChat();
      await close(id);
      clock.advance(1000);
      return id;
    };
    for (let n = 0; n < 12; n++) ids.push(await startAndClose());
    const firstPage = await listArchives({ sort_order: 'desc' });
    expect(firstPage.chats.map(({ id }) => id)).toEqual(ids.toReversed().slice(0, 10));
    expect(firstPage.found_chats).toBe(12);
    expect(firstPage).not.toHaveProperty('previous_page_id');
    await startAndClose();
    const next = await listPage(firstPage.next_page_id);
    expect(next.chats.map(({ id }) => id)).toEqual([ids[2], ids[1], ids[0]]);
    expect(next.found_chats).toBe(13);
    expect(next).not.toHaveProperty('next_page_id');
    expect((await listPage(next.previous_page_id)).found_chats).toBe(13);
  });

  test.each([
    [{ page_id: 'any', sort_order: 'asc' }, '`page_id` cannot be used with other parameters'],
    [{ page_id: 'any' }, '`page_id` is invalid'],
    [{ limit: 101 }, '`limit` must be from 1 to 100'],
    [{ filters: { to: 'today' } }, '`filters.to` must be a time'],
  ])('rejects %j', async (request, message) => {
    const { api } = await startApi();
    expect(await api('list_archives', request)).toMatchObject({ status: 422, json: { error: { message } } });
  });
});
