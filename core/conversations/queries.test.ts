import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import { metadata } from '../../test/conversation-events.ts';
import { receivedAtSecond, textMessage } from '../../test/domain-events.ts';
import { useSharedLocal } from '../../test/shared-local.ts';
import type { Participant } from '../events/schemas.ts';
import type { ConversationSummary } from './queries.ts';

let queries: typeof import('./queries.ts');
let messages: typeof import('../messages/messages.ts');
let changes: typeof import('../messages/changes.ts');
beforeAll(async () => {
  await useSharedLocal();
  queries = await import('./queries.ts');
  messages = await import('../messages/messages.ts');
  changes = await import('../messages/changes.ts');
});

it('continues after a conversation of any organization without gaps or duplicates, also at equal times', async () => {
  const organizationIds = Array.from({ length: 5 }, () => randomUUID());
  for (const id of organizationIds) await messages.storeMessage(textMessage(id), receivedAtSecond(20, id, 'message'));
  const query = { organizationIds, statuses: ['open'], pageSize: 1 } as const;
  const listed: string[] = [];
  for (let after: ConversationSummary | undefined; ; ) {
    const from = after && { after };
    const page: ConversationSummary[] = await queries.take(queries.iterateConversations({ ...query, from }), 2);
    listed.push(...page.map(({ organizationId }) => organizationId));
    after = page.at(-1);
    if (!after) break;
  }
  expect(listed).toEqual(organizationIds.toSorted().toReversed());
});

it.each([
  ['case-insensitively', 'DANA@shop.example', ['A', 'B']],
  ['including conversations without the address', 'dana@shop.example', ['A', 'B']],
  ['by id', 'dana', ['A', 'B']],
  ['and no other customer', 'fay@shop.example', ['C']],
])('finds the conversations of a customer, %s', async (_what, wanted, expected) => {
  const organizationId = randomUUID();
  const begin = (conversationId: string, participant: Participant) =>
    changes.recordChatEvent({
      type: 'participant.changed',
      metadata: { ...metadata(1, conversationId), organizationId },
      data: { conversationId, change: 'joined', participant },
    });
  await begin('A', { id: 'dana', type: 'customer', email: 'Dana@shop.example' });
  await begin('B', { id: 'dana', type: 'customer' });
  await begin('C', { id: 'fay', type: 'customer', email: 'fay@shop.example' });
  const { conversationIds } = await queries.findCustomerConversations(organizationId, [wanted]);
  expect(conversationIds.toSorted()).toEqual(expected);
});
