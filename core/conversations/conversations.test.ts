import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { activity, conversationEvents } from '../../test/arbitraries.ts';
import { at, idle, metadata, started, transferred, updated, withoutThread } from '../../test/conversation-events.ts';
import { propertyRuns } from '../../test/depth.ts';
import { textMessage } from '../../test/domain-events.ts';
import { meter } from '../../test/read-units.ts';
import { useSharedLocal } from '../../test/shared-local.ts';
import { type ConversationEvent, statuses } from './projection.ts';

let documents: typeof import('../platform/dynamodb.ts').documents;
let conversations: typeof import('./conversations.ts');
let queries: typeof import('./queries.ts');
let changes: typeof import('../messages/changes.ts');
beforeAll(async () => {
  await useSharedLocal();
  ({ documents } = await import('../platform/dynamodb.ts'));
  conversations = await import('./conversations.ts');
  queries = await import('./queries.ts');
  changes = await import('../messages/changes.ts');
});

/** A message of a thread, at LiveChat's time. */
interface SentMessage {
  readonly type: 'message';
  readonly threadId: string;
  readonly timestamp: string;
}
type Delivery = ConversationEvent | SentMessage;

const message = (minute: number, threadId = 'T'): SentMessage => ({ type: 'message', threadId, timestamp: at(minute) });

async function deliver(one: Delivery, organizationId: string): Promise<void> {
  const common = { conversationId: 'C' };
  if (one.type === 'message') {
    const { threadId, timestamp } = one;
    const event = { ...metadata(10, 'message'), organizationId };
    await conversations.recordMessage(textMessage(organizationId, { ...common, threadId, timestamp }), event);
    return;
  }
  const event = { ...one.metadata, organizationId };
  if (one.type !== 'idle') return void (await changes.recordChatEvent({ ...one, metadata: event }));
  const { threadId, at: timestamp } = one.data;
  const note = { ...common, threadId, timestamp, metadata: { idle: true } };
  await conversations.recordMessage(textMessage(organizationId, note), event);
}

/** Delivers to a new organization, one after the other. Returns the conversation as it is listed, and in detail. */
async function store(deliveries: readonly Delivery[]) {
  const organizationId = randomUUID();
  for (const one of deliveries) await deliver(one, organizationId);
  const key = { organizationId, conversationId: 'C' };
  const [[listed], loaded] = await Promise.all([
    queries.listConversations(organizationId, statuses, 2),
    queries.loadConversation(key),
  ]);
  return { listed: { ...listed, organizationId: '' }, loaded: { ...loaded, organizationId: '' } };
}

async function expectSameState(orders: readonly (readonly Delivery[])[]): Promise<void> {
  const [first, ...others] = await Promise.all(orders.map(store));
  expect(first?.loaded).toMatchObject(first?.listed ?? {});
  for (const other of others) expect(other).toEqual(first);
}

describe('the stored conversation', () => {
  function permutations<T>(items: readonly T[]): T[][] {
    if (items.length === 0) return [[]];
    return items.flatMap((first, index) => permutations(items.toSpliced(index, 1)).map((rest) => [first, ...rest]));
  }

  it.each<[string, readonly Delivery[]]>([
    ['a lone idle event', [idle(20)]],
    ['an idle event before the start and a message', [started(10), message(15), idle(20)]],
    ['an idle event and a tag that is received later', [idle(20), updated(21, { tag: 'vip' })]],
    ['a tag that is received after the latest message', [started(10), message(15), updated(21, { tag: 'vip' })]],
    [
      'messages of threads whose ids are numbers',
      [message(15, '1'), message(16, '1'), message(20, '2'), message(21, '2')],
    ],
    ['a start and a tag', [started(10), updated(21, { tag: 'vip' }), idle(20)]],
    [
      'a change without a thread id, in a thread whose start is unknown',
      [started(10, { threadId: 'S' }), transferred(21, { to: { groups: [4] } }), withoutThread(25), message(30)],
    ],
    ['a message after the idle event', [message(15), idle(20), message(25), updated(30, { tag: 'vip' })]],
  ])('is the same in any order, in lists and in detail: %s', async (_what, deliveries) => {
    await expectSameState(permutations(deliveries));
  });

  const threadIds = ['S', 'T', 'U'];

  /** Events and messages of threads that may overlap. Each thread has one start, or none that is known. */
  const deliveries = fc
    .tuple(conversationEvents(...threadIds), activity(...threadIds), fc.array(activity(...threadIds), { maxLength: 2 }))
    .map(([events, starts, messages]): Delivery[] => [
      ...events.flatMap((one) => startAt(starts, one)),
      ...messages.flatMap((times) =>
        Object.entries(times).map(([threadId, timestamp]) => ({ type: 'message', threadId, timestamp }) as const),
      ),
    ])
    .filter((list) => list.length > 0);

  function startAt(starts: Readonly<Record<string, string>>, one: ConversationEvent): ConversationEvent[] {
    if (one.type !== 'chat.started') return [one];
    const createdAt = starts[one.data.threadId];
    return createdAt === undefined ? [] : [{ ...one, data: { ...one.data, createdAt } }];
  }

  it('is the same in any order and with duplicates, in lists and in detail', async () => {
    const orders = deliveries
      .chain((list) => fc.tuple(fc.constant(list), fc.subarray(list)))
      .chain(([list, again]) => {
        const all = [...list, ...again];
        return fc.tuple(fc.constant(list), fc.shuffledSubarray(all, { minLength: all.length }));
      });
    await fc.assert(fc.asyncProperty(orders, expectSameState), propertyRuns(20));
  });

  it('is written once, and not read, for the latest message of an open thread', async () => {
    const organizationId = randomUUID();
    await deliver(started(10), organizationId);
    const { queries: calls } = await meter(documents).of(() => deliver(message(15), organizationId));
    expect(calls).toBe(1);
  });
});
