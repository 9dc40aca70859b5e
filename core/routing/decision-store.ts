import { CustomAttributeType, Entity } from 'electrodb';
import type { ConversationKey } from '../outbound/queue.ts';
import { required } from '../platform/configuration.ts';
import { documents, expiryIn } from '../platform/dynamodb.ts';
import type { ThreadKey } from './carrier.ts';
import type { Decision } from './plan.ts';
import type { Phase } from './thread-store.ts';

const text = { type: 'string', required: true } as const;
const casing = 'none';

/** What was decided of a thread, in its conversation's partition. */
const Item = new Entity(
  {
    model: { entity: 'decision', version: '1', service: 'livechat' },
    attributes: {
      organizationId: text,
      conversationId: text,
      threadId: text,
      phase: { type: ['start', 'message'] as const, required: true },
      decision: { type: CustomAttributeType<Decision>('any'), required: true },
      expires: { type: 'number', required: true },
    },
    indexes: {
      primary: {
        pk: { field: 'pk', composite: ['organizationId', 'conversationId'], casing },
        sk: { field: 'sk', composite: ['threadId', 'phase'], casing },
      },
    },
  },
  { client: documents, table: required('CONVERSATIONS_TABLE', 'the name of the conversations table') },
);

export async function keepDecision(
  { organizationId, conversationId, threadId }: ThreadKey,
  decision: Decision,
): Promise<void> {
  const { phase } = decision;
  const expires = expiryIn('CONVERSATIONS_RETENTION_DAYS');
  await Item.put({ organizationId, conversationId, threadId, phase, decision, expires }).go();
}

export async function findDecision(
  { organizationId, conversationId, threadId }: ThreadKey,
  phase: Phase,
): Promise<Decision | undefined> {
  const { data } = await Item.get({ organizationId, conversationId, threadId, phase }).go({ consistent: true });
  return data?.decision;
}

/** All decisions of a conversation, oldest first. */
export async function listDecisions({ organizationId, conversationId }: ConversationKey): Promise<Decision[]> {
  const { data } = await Item.query.primary({ organizationId, conversationId }).go({ pages: 'all' });
  return data.map(({ decision }) => decision).toSorted((a, b) => (a.decidedAt < b.decidedAt ? -1 : 1));
}
