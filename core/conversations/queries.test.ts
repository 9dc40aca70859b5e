import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import { receivedAtSecond, textMessage } from '../../test/domain-events.ts';
import { useSharedLocal } from '../../test/shared-local.ts';
import type { ConversationSummary } from './queries.ts';

let queries: typeof import('./queries.ts');
let messages: typeof import('../messages/messages.ts');
beforeAll(async () => {
  await useSharedLocal();
  queries = await import('./queries.ts');
  messages = await import('../messages/messages.ts');
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
