import { randomUUID } from 'node:crypto';
import { createEvent } from '../core/events/event.ts';
import type { ExecutionInput } from '../core/outbound/request.ts';
import { scheduledEvent } from '../stacks/topology.ts';
import { busEvents, eventsFor, isFunction, toBusEvent } from '../test/bus-events.ts';
import { fixture, sendInput, sendInputVersions } from '../test/fixtures.ts';
import { type Local, organizationId } from '../test/local.ts';
import { webhookEvent } from '../test/webhook-event.ts';
import { startChats } from './burst.ts';
import { setWebhooks } from './livechat.ts';

const sentText = 'Your parcel has left.';

/** Creates a different event for each invocation: the function does less work for a duplicate. */
export type CreateEvent = (name: string) => Promise<unknown>;

/**
 * Events of a stage with traffic. All messages belong to one conversation, so the function has its routing rules cached. Each
 * send request has its own chat.
 */
export async function invocationEvents(local: Local, chats: number): Promise<CreateEvent> {
  await setWebhooks(local, false);
  const started = await startChats(local, chats);
  const accept = await createAccept(local);
  const nextSendChat = cycle(started);
  return async (name) => {
    if (name === 'send') return { request: await accept(nextSendChat()) };
    if (name === 'message-delivered') return echo(await accept(conversationId));
    return createInvocationEvent(name);
  };
}

/** Cycles through the elements. */
function cycle<T>(elements: readonly T[]): () => T {
  let taken = 0;
  return () => {
    const element = elements[taken % elements.length];
    if (element === undefined) throw new Error('no elements');
    taken += 1;
    return element;
  };
}

/** Stores send requests without starting executions. Returns the inputs that the executions would have. */
async function createAccept(local: Local) {
  // The entity modules read the table names when they are imported.
  Object.assign(process.env, local.environment);
  const { composers } = await import('../core/channels.ts');
  const { loadPorts } = await import('../core/channel/ports.ts');
  const { acceptRequest } = await import('../core/outbound/accept.ts');
  const { outboundPorts } = await import('../core/outbound/ports.ts');
  const { executionInput, parseSendRequested } = await import('../core/outbound/request.ts');
  const { logger } = await import('../core/platform/logger.ts');
  const loaded = await loadPorts(composers);
  const ports = outboundPorts(logger);
  return async (conversationId: string) => {
    const inputs: unknown[] = [];
    const start = async (_name: string, input: string) => inputs.push(JSON.parse(input).request) > 0;
    const request = parseSendRequested(sendRequested(conversationId), loaded);
    await acceptRequest(request, { ...ports, executions: { ...ports.executions, start } });
    return executionInput.parse(inputs[0]);
  };
}

function sendRequested(conversationId: string) {
  const data = {
    requestId: randomUUID(),
    organizationId,
    conversationId,
    messages: [{ type: 'text', content: sentText }],
  };
  const time = new Date().toISOString();
  return { id: randomUUID(), 'detail-type': 'message.send.requested', source: 'bench', time, detail: { data } };
}

const conversationId = randomUUID();
let messageNumber = 100;

/** Another message of the conversation. */
function nextMessage() {
  const [event] = eventsFor('message-received', busEvents(organizationId));
  if (!event || !('timestamp' in event.detail.data)) throw new Error('the fixtures have no message');
  messageNumber += 1;
  const { metadata, data } = event.detail;
  const at = new Date(Date.now() + messageNumber).toISOString();
  const id = `${data.threadId}_${messageNumber}`;
  return {
    event,
    metadata: { ...metadata, id: randomUUID(), receivedAt: at },
    data: { ...data, conversationId, id, timestamp: at },
  };
}

/** LiveChat's webhook for a message that the bridge has sent. */
function echo({ deliveries }: ExecutionInput): unknown {
  const { event, metadata, data: message } = nextMessage();
  const { threadId, id: messageId } = message;
  const data = { conversationId, threadId, messageId, deliveryId: deliveries[0]?.id, message };
  return { ...event, 'detail-type': 'message.delivered', detail: { metadata, data } };
}

function createInvocationEvent(name: string): unknown {
  if (name === 'webhook') {
    const call = { ...fixture('incoming_event.message.customer.json'), organization_id: organizationId };
    return webhookEvent(Buffer.from(JSON.stringify(call)));
  }
  if (name === 'send-requested') return sendRequested(randomUUID());
  if (name === 'wait-for-turn') {
    // The request is not stored, so the step ends after its reads.
    const ids = { organizationId, conversationId: randomUUID(), requestId: randomUUID() };
    const { request } = sendInput(Math.max(...sendInputVersions()));
    return { request: { ...request, ...ids, expiresAt: Date.now() + 60_000 }, seconds: 60, token: 'token' };
  }
  if (name === 'dead-letter') {
    const body = JSON.stringify(busEvents(randomUUID())[0]);
    return { Records: [{ messageId: randomUUID(), body, messageAttributes: {} }] };
  }
  if (name === 'reconcile') {
    // The organization has no credentials, so the function returns before it calls LiveChat.
    const cause = { organizationId: randomUUID(), correlationId: randomUUID(), causationId: randomUUID() };
    return toBusEvent(createEvent('reconciliation.requested', { reason: 'schedule' }, cause, ['bench'], Date.now()));
  }
  if (name === 'message-received') {
    const { event, metadata, data } = nextMessage();
    return { ...event, detail: { metadata, data } };
  }
  if (name === 'schedule-reconciliation') return scheduledEvent(randomUUID(), new Date().toISOString());
  if (!isFunction(name)) return [];
  return eventsFor(name, busEvents(randomUUID()))[0];
}
