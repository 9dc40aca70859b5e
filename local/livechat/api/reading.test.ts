import { describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { outline } from '../testing.ts';
import { apiFixture, manualClock, type Running, startApi } from '../testing-api.ts';

const dana = { customer: { name: 'Dana Whitfield', email: 'dana@shop.example', sessionFields: { plan: 'pro' } } };
/** What depends on a longer past than our chats have; events are those of the webhooks, which shapes.test.ts compares. */
const mayLack = /events\[\]|agent_last_event|customer_last_event|cart_value|rating|tags/;

/** A chat that was closed and reopened so many times. */
const chatOfThreads = async ({ begin, act }: Running, threads: number): Promise<string> => {
  const chatId = await begin(dana);
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
  test('has every field of the collection', async () => {
    const running = await startApi();
    const { json } = await running.api('get_chat', { chat_id: await chatOfThreads(running, 2) });
    const lines = outline(json);
    const expected = outline(apiFixture('get_chat.response')).filter((line) => !mayLack.test(line));
    expect(expected.filter((line) => !lines.includes(line))).toEqual([]);
  });

  test('shows one thread, the newest or the one that was asked for', async () => {
    const running = await startApi();
    const chat_id = await chatOfThreads(running, 3);
    const { threads } = page.parse((await running.api('list_threads', { chat_id })).json);
    const [newest, , oldest] = threads.map(({ id }) => id);
    expect((await running.api('get_chat', { chat_id })).json).toMatchObject({ thread: { id: newest } });
    const old = await running.api('get_chat', { chat_id, thread_id: oldest });
    expect(old.json).toMatchObject({ thread: { id: oldest, active: false } });
    expect((await running.api('get_chat', { chat_id, thread_id: 'T0' })).status).toBe(404);
  });

  test("before 3.6 the customer's visit has another name, and the thread has none", async () => {
    const { api, begin } = await startApi();
    const { json } = await api('get_chat', { chat_id: await begin() }, { version: 'v3.4' });
    expect(json).toMatchObject({ users: [{ last_visit: { ip: '203.0.113.24' } }, {}] });
    expect(json).not.toHaveProperty('thread.customer_visit');
    expect(json).not.toHaveProperty('users.0.visit');
  });
});

describe('list_threads', () => {
  test('has every field of the collection', async () => {
    const running = await startApi();
    const { json } = await running.api('list_threads', { chat_id: await chatOfThreads(running, 2) });
    const lines = outline(json);
    const expected = outline(apiFixture('list_threads.response')).filter((line) => !mayLack.test(line));
    expect(expected.filter((line) => !lines.includes(line))).toEqual([]);
  });

  test('gives three threads a page, newest first, and leads to the others', async () => {
    const running = await startApi();
    const chat_id = await chatOfThreads(running, 7);
    const ask = async (more: object) => page.parse((await running.api('list_threads', { chat_id, ...more })).json);
    const pages = [await ask({})];
    for (let id = pages[0]?.next_page_id; id !== undefined; id = pages.at(-1)?.next_page_id) {
      pages.push(await ask({ page_id: id }));
    }
    expect(pages.map(({ threads, found_threads }) => [threads.length, found_threads])).toEqual([
      [3, 7],
      [3, 7],
      [1, 7],
    ]);
    const ids = pages.flatMap(({ threads }) => threads.map(({ id }) => id));
    const upwards = await ask({ sort_order: 'asc', limit: 100 });
    expect(upwards.threads.map(({ id }) => id)).toEqual(ids.toReversed());
    expect(await ask({ page_id: pages[1]?.previous_page_id })).toEqual(pages[0]);
  });

  test('gives those that began within a time', async () => {
    const clock = manualClock();
    const running = await startApi({ clock });
    const chat_id = await chatOfThreads(running, 1);
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
  ])('%j is refused', async (more, message) => {
    const { api, begin } = await startApi();
    const answer = await api('list_threads', { chat_id: await begin(), ...more });
    expect(answer).toMatchObject({ status: 422, json: { error: { message } } });
  });
});

describe('list_chats', () => {
  const some = async () => {
    const clock = manualClock();
    const running = await startApi({ clock });
    const ids: string[] = [];
    for (const group of [0, 4, 4]) {
      ids.push(await running.begin({ group }));
      clock.advance(1000);
    }
    await running.act(ids[1] ?? '', { action: 'leave' });
    const found = async (request: object, version = 'v3.6') => {
      const { json } = await running.api('list_chats', request, { version });
      return z
        .object({ chats_summary: z.array(z.object({ id: z.string() })) })
        .parse(json)
        .chats_summary.map(({ id }) => ids.indexOf(id));
    };
    return { ...running, found };
  };

  test('finds by activity and group, each version in its own way', async () => {
    const { found } = await some();
    expect(await found({})).toEqual([2, 1, 0]);
    expect(await found({ sort_order: 'asc', limit: 2 })).toEqual([0, 1]);
    expect(await found({ filters: { active: true } })).toEqual([2, 0]);
    expect(await found({ filters: { active: false } })).toEqual([1]);
    expect(await found({ filters: { group_ids: [4] } })).toEqual([2, 1]);
    expect(await found({ filters: { include_active: false } }, 'v3.4')).toEqual([1]);
    expect(await found({ filters: { include_active: true }, limit: 100 }, 'v3.5')).toEqual([2, 1, 0]);
  });

  test('a page is asked for by its id alone', async () => {
    const { api, found } = await some();
    const { json } = await api('list_chats', { limit: 2 });
    const { next_page_id } = z.object({ next_page_id: z.string() }).parse(json);
    expect(json).toMatchObject({ found_chats: 3, chats_summary: [{ last_thread_summary: { active: true } }, {}] });
    expect(await found({ page_id: next_page_id })).toEqual([0]);
    expect((await api('list_chats', { page_id: next_page_id, limit: 2 })).status).toBe(422);
  });
});

test('a tag is put on any thread and taken off again', async () => {
  const running = await startApi();
  const chat_id = await chatOfThreads(running, 2);
  const { threads } = page.parse((await running.api('list_threads', { chat_id })).json);
  const request = { chat_id, thread_id: threads[1]?.id, tag: 'bug_report' };
  expect(await running.api('tag_thread', request)).toMatchObject({ status: 200, json: {} });
  const tagged = await running.api('list_threads', { chat_id });
  expect(tagged.json).toMatchObject({ threads: [{}, { active: false, tags: ['bug_report'] }] });
  expect((await running.api('untag_thread', request)).status).toBe(200);
  expect((await running.api('untag_thread', request)).status).toBe(422);
  expect((await running.api('tag_thread', { ...request, thread_id: 'T0' })).status).toBe(404);
});
