import type { ConversationEvent } from '../core/conversations/projection.ts';
import type { Participant } from '../core/events/schemas.ts';
import { type Local, organizationId } from './local.ts';

/**
 * Fills the local engine's tables in seconds: writes through the entities, without webhooks and bus. The entities read
 * their tables' names from the environment when they are imported.
 */
export async function createSeeder(local: Pick<Local, 'environment'>) {
  Object.assign(process.env, local.environment);
  const [{ activityBucket, Conversation, Organization, StoredEvent }, { Message, messageKey }, { expiresAfter }] =
    await Promise.all([
      import('../core/conversations/conversations.ts'),
      import('../core/messages/messages.ts'),
      import('../core/platform/dynamodb.ts'),
    ]);
  const expires = expiresAfter('MESSAGES_RETENTION_DAYS');

  /** Stores conversations; the first has the latest activity. */
  async function putConversations(
    count: number,
    { prefix = 'C', latest = Date.now(), apartMs = 1_000, lastNumber = 0 } = {},
  ) {
    const items = Array.from({ length: count }, (_, index) => ({
      organizationId,
      conversationId: `${prefix}${index}`,
      status: statusFor(index),
      currentThreadId: `T${prefix}${index}`,
      unstartedThreadId: '',
      lastActivityAt: toTimestamp(latest - index * apartMs),
      activityBucket: activityBucket(toTimestamp(latest - index * apartMs)),
      participants: JSON.stringify(participantsFor(index)),
      assigned: { agents: [agent.id], groups: [0] },
      lastMessage: `${toTimestamp(latest - index * apartMs)} T${prefix}${index}_${lastNumber}`,
      otherThreads: {},
      version: 3,
      expires,
    }));
    await Organization.upsert({ organizationId }).go();
    await requireComplete(Conversation.put(items).go({ concurrency }));
  }

  async function putMessages(messages: readonly ReturnType<typeof message>[]) {
    const items = messages.map(({ id, ...item }) => ({ ...item, ...messageKey({ ...item, id }), expires }));
    await requireComplete(Message.put(items).go({ concurrency }));
  }

  return {
    conversations: putConversations,

    /** Stores messages of one conversation, a second apart, the last at `latest`; every other message is an agent's. */
    async messages(conversationId: string, count: number, latest = Date.now()): Promise<void> {
      const from = latest - (count - 1) * 1_000;
      await StoredEvent.put({ ...startEvent(conversationId, toTimestamp(from)), expires }).go();
      const items = Array.from({ length: count }, (_, number) =>
        message(conversationId, number, from + number * 1_000),
      );
      await putMessages(items);
    },

    /** Stores conversations of the last seconds, with one message each. */
    async burst(count: number, prefix: string): Promise<void> {
      const times = { prefix, latest: Date.now(), apartMs: 5 };
      const items = Array.from({ length: count }, (_, index) =>
        message(`${prefix}${index}`, 0, times.latest - index * times.apartMs),
      );
      await putMessages(items);
      await putConversations(count, times);
    },
  };
}

const concurrency = 8;

const agent = { id: 'tomas.reyes@acme.example', type: 'agent', name: 'Tomas Reyes' } as const satisfies Participant;

function participantsFor(index: number): Participant[] {
  return [
    { id: `customer-${index}`, type: 'customer', name: `Customer ${index}`, email: `customer${index}@mail.example` },
    agent,
  ];
}

/** The number in a conversation's id. */
function conversationNumber(conversationId: string): number {
  return Number(conversationId.replace(/\D/g, ''));
}

/** Most conversations are closed. */
function statusFor(index: number): 'queued' | 'open' | 'idle' | 'closed' {
  if (index % 50 === 0) return 'queued';
  if (index % 10 === 1) return 'open';
  return index % 20 === 2 ? 'idle' : 'closed';
}

function startEvent(conversationId: string, at: string) {
  const eventId = `started-${conversationId}`;
  const common = { version: '1', correlationId: 'seed', carrier: 'livechat', organizationId } as const;
  const started: ConversationEvent = {
    type: 'chat.started',
    metadata: { ...common, id: eventId, occurredAt: at, receivedAt: at },
    data: {
      conversationId,
      threadId: `T${conversationId}`,
      createdAt: at,
      reason: 'new',
      active: true,
      participants: participantsFor(conversationNumber(conversationId)),
      groups: [],
      tags: [],
      causedByUs: false,
    },
  };
  return {
    organizationId,
    conversationId,
    eventId,
    receivedAt: at,
    event: JSON.stringify(started),
    startedThreadId: started.data.threadId,
  };
}

function message(conversationId: string, number: number, at: number) {
  const author = participantsFor(conversationNumber(conversationId))[number % 2] ?? agent;
  const threadId = `T${conversationId}`;
  const text = `message ${number}`;
  return {
    organizationId,
    conversationId,
    threadId,
    id: `${threadId}_${number}`,
    direction: author.type === 'customer' ? ('inbound' as const) : ('outbound' as const),
    type: 'text' as const,
    content: text,
    timestamp: toTimestamp(at),
    authorId: author.id,
    authorType: author.type,
    visibility: 'all' as const,
    metadata: '{}',
  };
}

/** In microseconds, as LiveChat's times. */
function toTimestamp(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

async function requireComplete(batch: Promise<{ readonly unprocessed: readonly unknown[] }>): Promise<void> {
  const { unprocessed } = await batch;
  if (unprocessed.length > 0) throw new Error(`${unprocessed.length} items were not written`);
}
