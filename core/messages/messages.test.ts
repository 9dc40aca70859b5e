import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { customerId } from '../../test/arbitraries.ts';
import { receivedAtSecond, textMessage } from '../../test/domain-events.ts';
import { useSharedLocal } from '../../test/shared-local.ts';
import type { ChatEvent } from '../conversations/projection.ts';
import type { NormalizedMessage } from '../events/schemas.ts';

let changes: typeof import('./changes.ts');
let conversations: typeof import('../conversations/conversations.ts');
let messages: typeof import('./messages.ts');
let queries: typeof import('./queries.ts');
beforeAll(async () => {
  await useSharedLocal();
  changes = await import('./changes.ts');
  conversations = await import('../conversations/conversations.ts');
  messages = await import('./messages.ts');
  queries = await import('./queries.ts');
});

/** Deliveries of one message's events in a new organization. The argument is the second of receipt. */
function chat(author?: NormalizedMessage['author']) {
  const organizationId = randomUUID();
  const place = { conversationId: 'CHAT', threadId: 'THREAD' };
  const message = textMessage(organizationId, author && { author });
  const metadata = (id: string, second: number) => receivedAtSecond(second, organizationId, id);
  return {
    message: (second: number) => messages.storeMessage(message, metadata('message', second)),
    edit: (second: number) =>
      changes.editMessage({ type: 'message.updated', metadata: metadata('edit', second), data: message }),
    deletion: (second: number) =>
      changes.deleteMessage({
        type: 'message.deleted',
        metadata: metadata('deletion', second),
        data: { ...place, messageId: message.id },
      }),
    /** A deletion as LiveChat lists it: with what is known of the message. */
    listedDeletion: (second: number) =>
      changes.deleteMessage({
        type: 'message.deleted',
        metadata: metadata('deletion', second),
        data: { ...place, messageId: message.id, header: message },
      }),
    tag: (second: number) =>
      changes.recordChatEvent({
        type: 'chat.updated',
        metadata: metadata('tag', second),
        data: { ...place, tag: 'vip' },
      }),
    join: (second: number): ChatEvent => ({
      type: 'agent.changed',
      metadata: metadata('join', second),
      data: { ...place, change: 'joined', agent: { id: message.author.id, type: 'agent', misleadingId: true } },
    }),
    list: async () =>
      (await queries.listMessages({ organizationId, id: place.conversationId, threads: [] }, { limit: 10 })).messages,
    key: { organizationId, conversationId: place.conversationId },
    readMessage: async () => (await messages.Message.get(messages.messageKey(message)).go()).data,
  };
}

describe('the outcome of storing a message', () => {
  it.each<[string, (one: ReturnType<typeof chat>) => Promise<unknown>, string]>([
    ['`stored` for the first delivery', async () => {}, 'stored'],
    ['`duplicate` for another delivery', ({ message }) => message(30), 'duplicate'],
    ['`duplicate` for another delivery that was received earlier', ({ message }) => message(50), 'duplicate'],
    ['`superseded` for a first delivery after its edit', ({ edit }) => edit(50), 'superseded'],
    ['`superseded` for a first delivery after its deletion', ({ deletion }) => deletion(50), 'superseded'],
    [
      '`superseded` for a first delivery after its deletion and then its edit',
      async ({ deletion, edit }) => [await deletion(50), await edit(45)],
      'superseded',
    ],
    [
      '`duplicate` for another delivery after its edit',
      async ({ edit, message }) => [await edit(50), await message(30)],
      'duplicate',
    ],
    [
      '`duplicate` for another delivery after its deletion',
      async ({ deletion, message }) => [await deletion(50), await message(50)],
      'duplicate',
    ],
  ])('is %s', async (_outcome, before, outcome) => {
    const one = chat();
    await before(one);
    expect(await one.message(40)).toBe(outcome);
    expect(await one.message(40)).toBe('duplicate');
  });
});

describe('the outcome of recording a change of a conversation', () => {
  it('is `stored` once, and `duplicate` for any other delivery, also if it was received earlier', async () => {
    const { tag } = chat();
    expect(await tag(40)).toBe('stored');
    expect(await tag(50)).toBe('duplicate');
    expect(await tag(30)).toBe('duplicate');
  });
});

it('recording a change corrects the authors of stored messages, also in a retry after a crash', async () => {
  const { message, join, key, readMessage } = chat({ id: 'odd-agent', type: 'unknown' });
  await message(40);
  // The first invocation ends before it corrects the author.
  await conversations.putEvent(key, join(50));
  await conversations.updateProjection(key);
  expect(await readMessage()).toMatchObject({ authorType: 'unknown', direction: 'inbound' });
  expect(await changes.recordChatEvent(join(50))).toBe('duplicate');
  expect(await readMessage()).toMatchObject({ authorType: 'agent', direction: 'outbound' });
});

describe('a deletion that LiveChat lists with the message', () => {
  type Deliver = (one: ReturnType<typeof chat>) => Promise<unknown>;
  const deliveries: Readonly<Record<string, Deliver>> = {
    message: ({ message }) => message(40),
    edit: ({ edit }) => edit(41),
    'webhook of the deletion': ({ deletion }) => deletion(42),
    'listed deletion': ({ listedDeletion }) => listedDeletion(43),
  };

  it.each([
    [['listed deletion']],
    [['message', 'listed deletion']],
    [['listed deletion', 'message']],
    [['edit', 'listed deletion']],
    [['listed deletion', 'edit']],
    [['listed deletion', 'message', 'edit']],
    [['message', 'listed deletion', 'edit']],
    [['webhook of the deletion', 'listed deletion']],
    [['listed deletion', 'webhook of the deletion', 'message']],
    [['webhook of the deletion', 'message', 'listed deletion']],
    [['message', 'edit', 'webhook of the deletion', 'listed deletion', 'listed deletion']],
  ])('is a visible tombstone without content after %j', async (order) => {
    const one = chat();
    for (const name of order) await deliveries[name]?.(one);
    const [tombstone, ...others] = await one.list();
    expect(others).toEqual([]);
    expect(tombstone).toMatchObject({
      id: 'THREAD_1',
      deleted: true,
      direction: 'inbound',
      type: 'text',
      timestamp: '2026-03-11T09:14:14.120349Z',
      author: { id: customerId, type: 'customer' },
      visibility: 'all',
    });
    expect(tombstone?.content).toBeUndefined();
    expect(tombstone?.rawPayload).toBeUndefined();
    expect(tombstone?.edited).toBeUndefined();
  });

  it('lets the message still set when it was received', async () => {
    const { listedDeletion, message, list } = chat();
    await listedDeletion(43);
    expect(await message(40)).toBe('superseded');
    expect(await list()).toMatchObject([{ deleted: true, receivedAt: receivedAtSecond(40, '', '').receivedAt }]);
  });

  it('keeps the header of the stored message', async () => {
    const { message, join, listedDeletion, list } = chat({ id: 'odd-agent', type: 'unknown' });
    await message(40);
    await changes.recordChatEvent(join(41));
    await listedDeletion(43);
    expect(await list()).toMatchObject([{ deleted: true, author: { id: 'odd-agent', type: 'agent' } }]);
  });
});

describe('the visibility and the type of an edited message', () => {
  it.each([
    ['all', 'agents', ['message', 'edit']],
    ['all', 'agents', ['edit', 'message']],
    ['agents', 'all', ['message', 'edit']],
    ['agents', 'all', ['edit', 'message']],
  ] as const)('change from %s to %s with its content, in the order %j', async (before, after, order) => {
    const organizationId = randomUUID();
    const message = textMessage(organizationId, { visibility: before });
    const edited = textMessage(organizationId, { visibility: after, type: 'interactive', content: '[]' });
    const type = after === 'agents' ? 'note.updated' : 'message.updated';
    const deliveries = {
      message: () => messages.storeMessage(message, receivedAtSecond(40, organizationId, 'message')),
      edit: () => changes.editMessage({ type, metadata: receivedAtSecond(41, organizationId, 'edit'), data: edited }),
    };
    for (const name of order) await deliveries[name]();
    const content = { visibility: after, type: 'interactive', content: '[]' };
    expect(await queries.getMessages([message])).toMatchObject([content]);
    const toCustomer = await queries.listThreadMessages({ organizationId, conversationId: 'CHAT', threadId: 'THREAD' });
    expect(toCustomer).toMatchObject(after === 'all' ? [content] : []);
  });
});

describe('the raw payload', () => {
  const media = { type: 'media', content: 'https://files.example/a.png' } as const;

  it.each<[string, Partial<NormalizedMessage>, string | undefined]>([
    ['is not stored for a text, which has the same content', {}, undefined],
    ['is stored for a file', media, '{"size":1}'],
    [
      'is stored for a text with numbers that JavaScript does not represent exactly',
      { exact: { content: '"Hello"', rawPayload: '{"size":9007199254740993}' } },
      '{"size":9007199254740993}',
    ],
  ])('%s', async (_what, changes, expected) => {
    const organizationId = randomUUID();
    const message = textMessage(organizationId, { rawPayload: { size: 1 }, ...changes });
    await messages.storeMessage(message, receivedAtSecond(40, organizationId, 'message'));
    const { data } = await messages.Message.get(messages.messageKey(message)).go();
    expect(data?.content).toBe(message.content);
    expect(data?.rawPayload).toBe(expected);
  });

  it('of the previous content is removed by an edit to a text', async () => {
    const organizationId = randomUUID();
    await messages.storeMessage(textMessage(organizationId, media), receivedAtSecond(40, organizationId, 'message'));
    const edited = textMessage(organizationId);
    const metadata = receivedAtSecond(41, organizationId, 'edit');
    await changes.editMessage({ type: 'message.updated', metadata, data: edited });
    const { data } = await messages.Message.get(messages.messageKey(edited)).go();
    expect(data).toMatchObject({ content: 'Hello' });
    expect(data).not.toHaveProperty('rawPayload');
  });
});

describe('a message whose metadata is too large for an item', () => {
  it.each<[string, Partial<NormalizedMessage>]>([
    [
      'is stored without the answers of its form',
      { type: 'form', content: '[]', metadata: { formId: 'f', answers: [{ id: 'a', values: ['x'.repeat(420_000)] }] } },
    ],
    [
      'is stored without the name of its file',
      {
        type: 'media',
        content: 'https://files.example/a.png',
        metadata: { formId: 'f', filename: 'x'.repeat(420_000) },
      },
    ],
    [
      'is stored without its URL',
      { type: 'media', content: `https://files.example/${'x'.repeat(420_000)}`, metadata: { formId: 'f' } },
    ],
  ])('%s', async (_what, given) => {
    const organizationId = randomUUID();
    const message = textMessage(organizationId, { rawPayload: {}, ...given });
    await messages.storeMessage(message, receivedAtSecond(40, organizationId, 'message'));
    const [stored] = await queries.getMessages([message]);
    expect(stored?.metadata).toMatchObject({ formId: 'f', oversize: { key: `events/${organizationId}/message.json` } });
  });

  it('is stored whole if it fits', async () => {
    const organizationId = randomUUID();
    const answers = [{ id: 'a', label: 'a', values: ['x'.repeat(90_000)] }];
    const content = 'y'.repeat(90_000);
    const message = textMessage(organizationId, { type: 'form', content, metadata: { answers }, rawPayload: {} });
    await messages.storeMessage(message, receivedAtSecond(40, organizationId, 'message'));
    expect(await queries.getMessages([message])).toMatchObject([{ content, metadata: { answers } }]);
  });
});
