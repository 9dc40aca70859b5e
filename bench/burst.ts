import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { type Local, organizationId } from '../test/local.ts';
import { outbound } from '../test/outbound.ts';
import { messageText } from './livechat.ts';

export interface BurstOptions {
  readonly chats: readonly string[];
  readonly each: number;
  /** Between two requests of one chat, in ms; 20 unless given. */
  readonly spacingMs?: number;
  /** `options` of every send request. */
  readonly options?: object;
}

/** Which message an event on the bus asks for. */
export type RequestedNumbers = ReadonlyMap<string, number>;

const defaultSpacingMs = 20;
/** What one call of PutEvents takes. */
const mostEntries = 10;

export async function startChats(local: Local, count: number): Promise<string[]> {
  const other = outbound(local);
  return Promise.all(Array.from({ length: count }, () => other.chat()));
}

/**
 * Puts a burst of send requests on the bus, ten a call as the bus takes them: one for each chat, and some time later the
 * next for each, with the texts `message 0`, `message 1` and so on. Answers the number by the id of the event.
 */
export async function putBurst(
  local: Local,
  { chats, each, spacingMs = defaultSpacingMs, options }: BurstOptions,
): Promise<RequestedNumbers> {
  const client = new EventBridgeClient({
    endpoint: local.aws,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const requested = new Map<string, number>();
  const entry = (conversationId: string, number: number) => ({
    Source: 'bench',
    DetailType: 'message.send.requested',
    Detail: JSON.stringify({
      data: {
        requestId: randomUUID(),
        organizationId,
        conversationId,
        messages: [{ type: 'text', content: messageText(number) }],
        ...(options && { options }),
      },
    }),
    EventBusName: local.bus,
  });
  async function put(group: readonly string[], number: number): Promise<void> {
    const { Entries = [] } = await client.send(
      new PutEventsCommand({ Entries: group.map((chat) => entry(chat, number)) }),
    );
    for (const { EventId } of Entries) {
      if (EventId === undefined) throw new Error('the bus refused a request');
      requested.set(EventId, number);
    }
  }
  for (let number = 0; number < each; number += 1) {
    await Promise.all([...batches(chats, mostEntries)].map((group) => put(group, number)));
    await sleep(spacingMs);
  }
  client.destroy();
  return requested;
}

function* batches<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < all.length; start += size) yield all.slice(start, start + size);
}

/** The messages in the order of their runs. EventBridge names a run after its event. */
export function messageNumbers(runs: readonly string[], requested: RequestedNumbers): number[] {
  return runs.flatMap((run) => {
    const eventId = run.split(':').at(-1)?.split('_')[0] ?? '';
    const number = requested.get(eventId);
    return number === undefined ? [] : [number];
  });
}
