import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import type { EventData } from '../core/events/catalogue.ts';
import { agentId, customerId } from '../test/arbitraries.ts';
import { receivedAtSecond, textMessage } from '../test/domain-events.ts';
import { useSharedLocal } from '../test/shared-local.ts';
import { lambdaContext } from '../test/webhook-event.ts';

let conversations: typeof import('../core/conversations/conversations.ts');
let messages: typeof import('../core/messages/messages.ts');
let handler: typeof import('./chat-observed.ts').handler;
beforeAll(async () => {
  await useSharedLocal();
  conversations = await import('../core/conversations/conversations.ts');
  messages = await import('../core/messages/messages.ts');
  ({ handler } = await import('./chat-observed.ts'));
});

const place = { conversationId: 'CHAT', threadId: 'THREAD' };

/** A chat of a new organization. The first argument of its functions is the second of receipt. */
function chat() {
  const organizationId = randomUUID();
  const metadata = (second: number, id: string) => receivedAtSecond(second, organizationId, `${id} ${second}`);
  return {
    observe: (second: number, given: Partial<EventData<'chat.observed'>> = {}) => {
      const known = { ...metadata(second, 'observed'), recovered: true } as const;
      const nothing = { active: true, participants: [], access: { groups: [] }, tags: [], seenUpTo: [] };
      return handler(
        {
          id: 'bus-event',
          version: '0',
          account: '',
          time: known.receivedAt,
          region: 'us-east-1',
          resources: [],
          source: 'omnichannel.livechat',
          'detail-type': 'chat.observed',
          detail: { metadata: known, data: { ...place, observedAt: known.receivedAt, ...nothing, ...given } },
        },
        lambdaContext(),
      );
    },
    message: (second: number) =>
      messages.storeMessage(
        textMessage(organizationId, { timestamp: `2026-03-11T09:14:${second}.000000Z` }),
        metadata(second, 'message'),
      ),
    seen: (second: number, seenUpTo: string) =>
      conversations.recordRead({
        type: 'message.seen',
        metadata: metadata(second, 'seen'),
        data: { ...place, seenUpTo, by: { id: customerId, type: 'customer' } },
      }),
    read: () => conversations.readTimeline({ organizationId, conversationId: place.conversationId }),
  };
}

it('stores the state of the thread', async () => {
  const { observe, read } = chat();
  const customer = { id: customerId, type: 'customer', present: true } as const;
  await observe(20, {
    active: false,
    participants: [customer],
    access: { groups: [4], agents: [agentId] },
    tags: ['vip'],
  });
  expect((await read()).stored).toMatchObject({
    status: 'closed',
    currentThreadId: 'THREAD',
    participants: JSON.stringify([{ id: customerId, present: true, type: 'customer' }]),
    assigned: { agents: [agentId], groups: [4] },
  });
});

it('changes nothing in another delivery', async () => {
  const { observe, read } = chat();
  const given = { tags: ['vip'], seenUpTo: [{ userId: customerId, at: '2026-03-11T09:14:10.000000Z' }] };
  await observe(20, given);
  const first = await read();
  await observe(20, given);
  expect(await read()).toEqual(first);
});

it('moves read marks forward, never back', async () => {
  const { observe, seen, read } = chat();
  await seen(20, '2026-03-11T09:14:15.000000Z');
  const listed = (at: string) => ({
    seenUpTo: [
      { userId: customerId, at },
      { userId: agentId, at: '2026-03-11T09:14:12.000000Z' },
    ],
  });
  const marks = async () =>
    Object.fromEntries((await read()).readMarks.map(({ userId, seenUpTo }) => [userId, seenUpTo]));
  await observe(30, listed('2026-03-11T09:14:11.000000Z'));
  expect(await marks()).toEqual({
    [customerId]: '2026-03-11T09:14:15.000000Z',
    [agentId]: '2026-03-11T09:14:12.000000Z',
  });
  await observe(31, listed('2026-03-11T09:14:25.000000Z'));
  expect(await marks()).toMatchObject({ [customerId]: '2026-03-11T09:14:25.000000Z' });
  await seen(40, '2026-03-11T09:14:16.000000Z');
  expect(await marks()).toMatchObject({ [customerId]: '2026-03-11T09:14:25.000000Z' });
});

it('moves the last activity forward to a message that cannot be restored, never back', async () => {
  const { observe, message, read } = chat();
  const lastActivityAt = async () => (await read()).stored?.lastActivityAt;
  await message(15);
  await observe(30, { lastMessageAt: '2026-03-11T09:14:14.000000Z' });
  expect(await lastActivityAt()).toBe('2026-03-11T09:14:15.000000Z');
  await observe(31, { lastMessageAt: '2026-03-11T09:14:16.000000Z' });
  expect(await lastActivityAt()).toBe('2026-03-11T09:14:16.000000Z');
  await message(14);
  expect(await lastActivityAt()).toBe('2026-03-11T09:14:16.000000Z');
  await message(17);
  expect(await lastActivityAt()).toBe('2026-03-11T09:14:17.000000Z');
});
