import fc from 'fast-check';
import type { ConversationEvent } from '../core/conversations/projection.ts';
import type { EventMetadata, Participant } from '../core/events/schemas.ts';
import { payloads } from '../core/livechat/schemas.ts';
import type { Webhook } from '../core/livechat/translate.ts';

/** Generators of LiveChat payloads and domain events for property tests. */

export const organizationId = '7d1b0c52-9e44-4f0a-8a6e-2f63c1e0b9d4';
export const customerId = '5f0c1d7e-2a84-4c39-9b61-7c2e9d1a4b55';
export const agentId = 'nina.kowal@acme.example';
export const botId = 'b41f7c0d93ae4e6f8c25d10a6b7e3f92';

/** Any JSON value, including keys such as __proto__ and constructor. */
export const anyJson: fc.Arbitrary<fc.JsonValue> = fc.oneof(
  { weight: 5, arbitrary: fc.jsonValue() },
  {
    weight: 1,
    arbitrary: fc.constantFrom<fc.JsonValue>(JSON.parse('{"__proto__":{"id":"x"}}'), { constructor: 1 }, ''),
  },
);

/** RFC 3339 with anything from no decimals to nine, in UTC or with an offset; from 1970 to 2100. */
export const time: fc.Arbitrary<string> = fc
  .record({
    date: fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }),
    fraction: fc.oneof(fc.constant(''), fc.stringMatching(/^[0-9]{1,9}$/)),
    offset: fc.oneof(fc.constant('Z'), fc.stringMatching(/^[+-](0[0-9]|1[0-3]):[0-5][0-9]$/)),
  })
  .map(({ date, fraction, offset }) => `${date.toISOString().slice(0, 19)}${fraction && `.${fraction}`}${offset}`);

/** Mostly valid values, sometimes others, so that schemas match and fail. */
function mostly<T>(good: fc.Arbitrary<T>): fc.Arbitrary<T | fc.JsonValue> {
  return fc.oneof({ weight: 24, arbitrary: good }, { weight: 1, arbitrary: anyJson });
}

const id = fc.constantFrom('T8RM2K0V9X', 'T8RM2KD13X', 'T8RZ71Q04B', 'a', '');
const userId = fc.constantFrom(customerId, agentId, botId, 'somebody', '');
const groups = fc.array(fc.nat(20), { maxLength: 3 });
const agentsAndGroups = fc.record(
  { agent_ids: mostly(fc.array(userId, { maxLength: 2 })), group_ids: mostly(groups) },
  { requiredKeys: [] },
);

/** A JSON object with the fields of every LiveChat event, and arbitrary others. */
export const liveChatEvent = fc
  .tuple(
    fc.dictionary(fc.string(), anyJson, { maxKeys: 3 }),
    fc.record(
      {
        author_id: fc.option(userId),
        visibility: fc.constantFrom('all', 'agents'),
        custom_id: fc.option(fc.constantFrom('', 'out-1', 'x')),
        deleted: fc.boolean(),
        text: anyJson,
        url: anyJson,
        fields: anyJson,
        elements: anyJson,
        content: anyJson,
        system_message_type: fc.constantFrom<fc.JsonValue>('routing.idle', 'agent_joined', 7),
      },
      { requiredKeys: [] },
    ),
    fc.record({
      id: fc.string({ minLength: 1, maxLength: 20 }),
      type: fc.oneof(
        fc.constantFrom('message', 'file', 'rich_message', 'form', 'filled_form', 'system_message', 'custom', 'system'),
        fc.string({ minLength: 1, maxLength: 20 }),
        fc.constantFrom('toString', '__proto__', 'hasOwnProperty'),
      ),
      created_at: time,
    }),
  )
  .map(([anything, known, required]) => ({ ...anything, ...known, ...required }));

const user = fc.record(
  {
    id: mostly(userId),
    type: fc.constantFrom('customer', 'agent', 'other'),
    name: mostly(fc.option(fc.string())),
    present: fc.boolean(),
    session_fields: mostly(fc.array(fc.dictionary(fc.string(), anyJson, { maxKeys: 2 }), { maxLength: 2 })),
    visit: mostly(fc.record({ geolocation: fc.record({ country_code: fc.constant('PL') }) })),
  },
  { requiredKeys: ['id'] },
);

const thread = fc.record(
  {
    id: mostly(id),
    created_at: mostly(time),
    active: fc.boolean(),
    events: mostly(fc.array(mostly(liveChatEvent), { maxLength: 3 })),
    access: mostly(fc.record({ group_ids: groups })),
    queue: mostly(fc.record({ position: fc.nat(), wait_time: fc.nat(), queued_at: time })),
    previous_thread_id: fc.option(id),
    tags: mostly(fc.array(fc.string(), { maxLength: 2 })),
    properties: mostly(fc.dictionary(fc.constantFrom('routing', 'source'), anyJson)),
  },
  { requiredKeys: ['id', 'created_at'] },
);

const fields = {
  id: mostly(id),
  chat_id: mostly(id),
  thread_id: mostly(fc.option(id)),
  event_id: mostly(id),
  event: mostly(liveChatEvent),
  chat: mostly(fc.record({ id: mostly(id), users: mostly(fc.array(user, { maxLength: 3 })), thread })),
  user: mostly(user),
  user_id: mostly(userId),
  user_type: fc.option(fc.constantFrom('agent', 'customer')),
  agent_id: mostly(userId),
  previous_agent_id: fc.option(userId),
  requester_id: fc.option(userId),
  reason: fc.option(fc.constantFrom('manual', 'assigned', '')),
  transferred_from: fc.option(agentsAndGroups),
  transferred_to: agentsAndGroups,
  access: fc.record({ group_ids: groups }),
  tag: mostly(fc.string({ minLength: 1 })),
  seen_up_to: mostly(time),
  session_fields: mostly(fc.array(fc.dictionary(fc.string(), anyJson, { maxKeys: 2 }), { maxLength: 2 })),
  active_chat: mostly(fc.option(fc.record({ chat_id: id, thread_id: fc.option(id) }))),
  postback: mostly(fc.record({ id, toggled: fc.boolean(), button_value: fc.option(fc.string()) })),
};

/** Has the fields of every action, mostly valid; as returned by JSON.parse. */
export const payload: fc.Arbitrary<unknown> = mostly(
  fc.oneof(
    { weight: 3, arbitrary: fc.record(fields) },
    { weight: 1, arbitrary: fc.record(fields, { requiredKeys: [] }) },
  ),
).map((value): unknown => JSON.parse(JSON.stringify(value)));

const actions = Object.keys(payloads);

/** A verified webhook, mostly of a known action, received at a whole millisecond. */
export const webhook: fc.Arbitrary<Webhook> = fc.record({
  organizationId: fc.constant(organizationId),
  action: fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(...actions) },
    { weight: 1, arbitrary: fc.constantFrom('routing_status_set', 'toString', '__proto__', '') },
  ),
  payload,
  receivedAt: fc
    .date({ min: new Date('2026-01-01'), max: new Date('2027-01-01'), noInvalidDate: true })
    .map((date) => date.toISOString()),
});

/** Minutes of one hour, so that equal times occur. */
const minute = fc.integer({ min: 10, max: 19 });
const receivedAt = minute.map((at) => `2026-03-11T09:${at}:00.000Z`);
const happenedAt = minute.map((at) => `2026-03-11T09:${at}:00.000000Z`);
const conversationId = fc.constant('C');
const agents = fc.uniqueArray(fc.constantFrom(agentId, 'tomas.reyes@acme.example'), { maxLength: 2 });

export const participant: fc.Arbitrary<Participant> = fc.record(
  {
    id: userId.filter((one) => one !== ''),
    type: fc.constantFrom('customer', 'agent', 'bot', 'unknown'),
    name: fc.constantFrom('Dana', 'Nina'),
    present: fc.boolean(),
    misleadingId: fc.constant(true),
    fields: fc.dictionary(fc.constantFrom('plan', 'cart'), fc.constantFrom('1', '2')),
  },
  { requiredKeys: ['id', 'type'] },
);

const metadata = receivedAt.map(
  (at): EventMetadata => ({
    id: 'set by withIds()',
    version: '1',
    correlationId: 'c',
    organizationId,
    carrier: 'livechat',
    occurredAt: at,
    receivedAt: at,
  }),
);

/** One event of a thread. `maybeThreadId` applies to events whose thread id is optional. */
function conversationEvent(
  threadId: fc.Arbitrary<string>,
  maybeThreadId: fc.Arbitrary<string | undefined>,
): fc.Arbitrary<ConversationEvent> {
  const started = fc.record({
    conversationId,
    threadId,
    reason: fc.constantFrom('new', 'reopened', 'transferred'),
    createdAt: happenedAt,
    active: fc.oneof({ weight: 6, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
    participants: fc.array(participant, { maxLength: 3 }),
    groups,
    queue: fc.option(fc.constant({ position: 1 }), { nil: undefined }),
    tags: fc.array(fc.constantFrom('refund', 'bug'), { maxLength: 2 }),
    causedByUs: fc.boolean(),
  });
  const place = { conversationId, threadId: maybeThreadId };
  const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  const transferred = fc.record({
    ...place,
    to: fc.record({ agents: optional(agents), groups: optional(groups) }),
    reason: fc.constant('manual'),
    queue: optional(fc.constant({ position: 2 })),
  });
  const changed = fc.record({
    ...place,
    change: fc.constantFrom('joined', 'left'),
    agent: participant,
    replaces: optional(userId),
  });
  const others = fc.record({ ...place, change: fc.constantFrom('joined', 'left', 'fields'), participant });
  const observed = metadata.chain((known) => {
    const data = fc.record({
      conversationId,
      threadId,
      observedAt: fc.constant(known.receivedAt),
      active: fc.oneof({ weight: 6, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
      participants: fc.array(participant, { maxLength: 3 }),
      access: fc.record({ groups, agents: optional(agents) }),
      queue: optional(fc.constant({ position: 3 })),
      tags: fc.array(fc.constantFrom('refund', 'bug'), { maxLength: 2 }),
      seenUpTo: fc.array(fc.record({ userId: fc.constantFrom(customerId, agentId), at: happenedAt }), { maxLength: 2 }),
      lastMessageAt: optional(happenedAt),
    });
    return fc.record({ type: fc.constant('chat.observed'), metadata: fc.constant(known), data });
  });
  const tag = optional(fc.constantFrom('refund', 'bug'));
  const updated = fc.record({ ...place, groups: optional(groups), tag, untag: tag });
  return fc.oneof(
    fc.record({ type: fc.constant('chat.started'), metadata, data: started }),
    observed,
    fc.record({ type: fc.constant('chat.transferred'), metadata, data: transferred }),
    fc.record({ type: fc.constant('chat.updated'), metadata, data: updated }),
    fc.record({ type: fc.constant('agent.changed'), metadata, data: changed }),
    fc.record({ type: fc.constant('participant.changed'), metadata, data: others }),
    fc.record({ type: fc.constant('chat.deactivated'), metadata, data: fc.record({ conversationId, threadId }) }),
    fc.record({ type: fc.constant('idle'), metadata, data: fc.record({ conversationId, threadId, at: happenedAt }) }),
  );
}

/** Events with unique ids of the given threads, or without a thread id where it is optional. */
export function conversationEvents(...threadIds: readonly string[]): fc.Arbitrary<ConversationEvent[]> {
  const threadId = fc.constantFrom(...threadIds);
  return fc
    .array(conversationEvent(threadId, fc.option(threadId, { nil: undefined })), { maxLength: 12 })
    .map(withIds(threadIds));
}

/** Events of one thread. */
export function threadEvents(threadId: string): fc.Arbitrary<ConversationEvent[]> {
  const only = fc.constant(threadId);
  return fc.array(conversationEvent(only, only), { maxLength: 8 }).map(withIds([threadId]));
}

function withIds(threadIds: readonly string[]): (list: readonly ConversationEvent[]) => ConversationEvent[] {
  return (list) => list.map((one, index) => numbered(one, `${threadIds.join('')}${index}`));
}

function numbered(one: ConversationEvent, id: string): ConversationEvent {
  return { ...one, metadata: { ...one.metadata, id } };
}

/** The time of each thread's latest message. */
export function activity(...threadIds: readonly string[]): fc.Arbitrary<Record<string, string>> {
  return fc.dictionary(fc.constantFrom(...threadIds), happenedAt);
}

/** The same value with the members of every object reversed. */
export function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, inner]) => [name, reversed(inner)]),
  );
}
