import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { receivedAtSecond, textMessage } from '../../test/domain-events.ts';
import { useSharedLocal } from '../../test/shared-local.ts';
import type { NormalizedMessage } from '../events/schemas.ts';

let changes: typeof import('./changes.ts');
let conversations: typeof import('../conversations/queries.ts');
let messages: typeof import('./messages.ts');
let queries: typeof import('./queries.ts');
beforeAll(async () => {
  await useSharedLocal();
  changes = await import('./changes.ts');
  conversations = await import('../conversations/queries.ts');
  messages = await import('./messages.ts');
  queries = await import('./queries.ts');
});

const at = (second: number) => `2026-03-11T09:14:${String(second).padStart(2, '0')}.000000Z`;

/** A conversation in a new organization. Arguments are seconds of its times. */
function chat() {
  const organizationId = randomUUID();
  const key = { organizationId, conversationId: 'CHAT' };
  const load = async () => {
    const found = await conversations.loadConversation(key);
    if (!found) throw new Error('the conversation is not stored');
    return found;
  };
  return {
    key,
    start: (threadId: string, second: number) =>
      changes.recordChatEvent({
        type: 'chat.started',
        metadata: receivedAtSecond(59, organizationId, `start-${threadId}`),
        data: {
          ...key,
          threadId,
          createdAt: at(second),
          reason: 'new',
          active: true,
          participants: [],
          groups: [],
          tags: [],
          causedByUs: false,
        },
      }),
    store: (threadId: string, id: string, second: number, other: Partial<NormalizedMessage> = {}) =>
      messages.storeMessage(
        textMessage(organizationId, { threadId, id, timestamp: at(second), ...other }),
        receivedAtSecond(second + 10, organizationId, id),
      ),
    pages: async (limit: number) => {
      const conversation = await load();
      const pages: string[][] = [];
      let from: string | undefined;
      do {
        const page = await queries.listMessages(conversation, { limit, ...(from !== undefined && { from }) });
        pages.push(page.messages.map(({ id }) => id));
        from = page.next;
      } while (from !== undefined);
      return pages;
    },
    since: async (second: number, limit = 100) =>
      (await queries.listMessagesSince(await load(), at(second), limit)).map(({ id }) => id),
    thread: async (threadId: string) => (await queries.listThreadMessages({ ...key, threadId })).map(({ id }) => id),
  };
}

const note = { visibility: 'agents' } as const;

/** Three threads whose ids do not ascend with their start; the start of the last one arrives last. */
async function severalThreads() {
  const world = chat();
  await world.store('B', 'B_1', 31);
  await world.store('B', 'opaque-b', 33);
  await world.start('C', 1);
  await world.start('A', 10);
  for (const number of [11, 2, 1]) await world.store('C', `C_${number}`, number === 11 ? 4 : number + 1);
  await world.store('A', 'A_2', 14, note);
  await world.store('A', 'A_1', 11);
  await world.store('A', 'A_10', 20);
  await world.store('A', 'opaque-a', 12);
  await world.store('B', 'B_2', 32, note);
  await world.start('B', 30);
  // Only a note is known of this thread.
  await world.store('D', 'D_1', 40, note);
  return world;
}

const c = ['C_1', 'C_2', 'C_11'];
/** By time within a page, which places an id without a number. */
const inOrder = [...c, 'D_1', 'A_1', 'opaque-a', 'A_2', 'A_10', 'B_1', 'B_2', 'opaque-b'];
const byTime = [...c, 'A_1', 'opaque-a', 'A_2', 'A_10', 'B_1', 'B_2', 'opaque-b', 'D_1'];

describe('the messages of a conversation with several threads', () => {
  it('are listed by time in one page, with notes', async () => {
    const { pages } = await severalThreads();
    expect(await pages(100)).toEqual([byTime]);
  });

  it('are listed thread by thread in several pages, each once', async () => {
    const { pages } = await severalThreads();
    for (const limit of [1, 2, 3, 4, 5, 7, 11, 12]) {
      const listed = await pages(limit);
      expect(listed.flat().toSorted()).toEqual(inOrder.toSorted());
      for (const page of listed) expect(page.length).toBeLessThanOrEqual(limit);
    }
    // One by one, an id without a number comes last in its thread.
    expect((await pages(1)).flat()).toEqual([...c, 'D_1', 'A_1', 'A_2', 'A_10', 'opaque-a', 'B_1', 'B_2', 'opaque-b']);
  });

  it('are listed after a time', async () => {
    const { since } = await severalThreads();
    const times = [2, 3, 4, 11, 12, 14, 20, 31, 32, 33, 40];
    for (const second of [0, 2, 4, 10, 11, 12, 14, 25, 31, 33, 40]) {
      // The unknown thread follows the first one, which ended before the second one started.
      const expected = byTime.filter((id, index) => Number(times[index]) > second && (id !== 'D_1' || second < 10));
      expect(await since(second)).toEqual(expected);
    }
    expect(await since(11, 2)).toEqual(['opaque-a', 'A_2']);
  });

  it('are listed by thread without notes', async () => {
    const { thread } = await severalThreads();
    expect(await thread('A')).toEqual(['A_1', 'opaque-a', 'A_10']);
    expect(await thread('D')).toEqual([]);
  });
});

it('messages are listed if no thread is known', async () => {
  const { key, store } = chat();
  await store('T', 'T_1', 1, note);
  await store('S', 'S_1', 2, note);
  const unknown = { id: key.conversationId, organizationId: key.organizationId, threads: [] };
  const { messages: listed, next } = await queries.listMessages(unknown, { limit: 10 });
  expect(listed.map(({ id }) => id)).toEqual(['T_1', 'S_1']);
  expect(next).toBeUndefined();
});

describe('a message is found by its id', () => {
  const ids = async (id: string) => (await queries.findMessages(id)).map((found) => found.id);

  it('that contains the thread, if the start of the thread is stored, or it is the latest thread', async () => {
    const { store, start } = chat();
    const [earlier, later] = [randomUUID(), randomUUID()];
    await store(earlier, `${earlier}_12`, 1);
    expect(await ids(`${earlier}_12`)).toEqual([`${earlier}_12`]);
    await store(later, `${later}_1`, 9);
    expect(await ids(`${later}_1`)).toEqual([`${later}_1`]);
    expect(await ids(`${earlier}_12`)).toEqual([]);
    await start(earlier, 1);
    await start(later, 9);
    expect(await ids(`${earlier}_12`)).toEqual([`${earlier}_12`]);
    expect(await ids(`${later}_1`)).toEqual([`${later}_1`]);
    expect(await ids(`${later}_2`)).toEqual([]);
  });

  it('that does not contain the thread, also after an edit', async () => {
    const { store } = chat();
    const id = randomUUID();
    await store('T', id, 1);
    const [stored] = await queries.findMessages(id);
    if (!stored) throw new Error('not found');
    await changes.editMessage({
      type: 'message.updated',
      metadata: receivedAtSecond(50, stored.organizationId, 'edit'),
      data: textMessage(stored.organizationId, { id, threadId: 'T', content: 'edited' }),
    });
    expect(await queries.findMessages(id)).toMatchObject([{ id, content: 'edited' }]);
  });
});
