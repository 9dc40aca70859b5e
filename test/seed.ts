import type { Participant } from '../core/events/schemas.ts';
import { type Local, organizationId } from './local.ts';

/**
 * Fills the local engine's tables in seconds, past webhooks and bus: with the real entities, so that what the console
 * reads is what it would read after months. The entities read their tables' names when they are loaded.
 */
export async function seedOf(local: Pick<Local, 'environment'>) {
  Object.assign(process.env, local.environment);
  const [{ conversations }, { Message }, { expiryIn }] = await Promise.all([
    import('../core/conversations/entities.ts'),
    import('../core/messages/entities.ts'),
    import('../core/platform/dynamodb.ts'),
  ]);
  const { conversation, fact, organization } = conversations.entities;
  const expires = expiryIn('MESSAGES_RETENTION_DAYS');

  return {
    /** Conversations as they are stored, the first with the latest activity. */
    async conversations(count: number, { prefix = 'C', latest = Date.now() } = {}): Promise<void> {
      const items = Array.from({ length: count }, (_, index) => ({
        organizationId,
        conversationId: `${prefix}${index}`,
        status: statusOf(index),
        currentThreadId: `T${prefix}${index}`,
        lastActivityAt: timeOf(latest - index * 1_000),
        participants: participantsOf(index),
        assigned: { agents: [agent.id], groups: [0] },
        earlier: {},
        version: 3,
        expires,
      }));
      await organization.upsert({ organizationId }).go();
      await complete(conversation.put(items).go({ concurrency }));
    },

    /** What was said in one of them, up to its last activity; each second message an agent's. */
    async messages(conversationId: string, count: number, latest = Date.now()): Promise<void> {
      const threadId = `T${conversationId}`;
      const index = Number(conversationId.replace(/\D/g, ''));
      const participants = participantsOf(index);
      const at = timeOf(latest - count * 1_000);
      const about = {
        id: `started-${conversationId}`,
        version: '1',
        correlationId: 'seed',
        carrier: 'livechat',
      } as const;
      await fact
        .put({
          organizationId,
          conversationId,
          eventId: about.id,
          receivedAt: at,
          fact: {
            type: 'chat.started',
            metadata: { ...about, organizationId, occurredAt: at, receivedAt: at },
            data: {
              conversationId,
              threadId,
              reason: 'new',
              createdAt: at,
              active: true,
              participants,
              groups: [],
              tags: [],
              causedByUs: false,
            },
          },
          expires,
        })
        .go();
      const items = Array.from({ length: count }, (_, number) => {
        const author = participants[number % 2] ?? agent;
        return {
          organizationId,
          conversationId,
          threadId,
          messageId: `${threadId}_${number}`,
          direction: author.type === 'customer' ? ('inbound' as const) : ('outbound' as const),
          type: 'text' as const,
          content: `message ${number}`,
          timestamp: timeOf(latest - (count - 1 - number) * 1_000),
          authorId: author.id,
          authorType: author.type,
          visibility: 'all' as const,
          metadata: {},
          rawPayload: JSON.stringify({
            id: `${threadId}_${number}`,
            text: `message ${number}`,
            padding: 'x'.repeat(300),
          }),
          expires,
        };
      });
      await complete(Message.put(items).go({ concurrency }));
    },
  };
}

const concurrency = 8;
const agent = { id: 'tomas.reyes@acme.example', type: 'agent', name: 'Tomas Reyes' } as const satisfies Participant;

function participantsOf(index: number): Participant[] {
  return [
    { id: `customer-${index}`, type: 'customer', name: `Customer ${index}`, email: `customer${index}@mail.example` },
    agent,
  ];
}

/** Most are closed, as everywhere. */
function statusOf(index: number): 'queued' | 'open' | 'idle' | 'closed' {
  if (index % 50 === 0) return 'queued';
  if (index % 10 === 1) return 'open';
  return index % 20 === 2 ? 'idle' : 'closed';
}

/** As LiveChat tells times: in microseconds. */
function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

async function complete(batch: Promise<{ readonly unprocessed: readonly unknown[] }>): Promise<void> {
  const { unprocessed } = await batch;
  if (unprocessed.length > 0) throw new Error(`${unprocessed.length} items were not taken`);
}
