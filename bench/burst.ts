import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { type Local, organizationId } from '../test/local.ts';
import { outbound } from '../test/outbound.ts';
import { textOf } from './livechat.ts';

export interface BurstOptions {
  readonly chats: readonly string[];
  readonly each: number;
  /** Between two requests of one chat, in ms; 20 unless given. */
  readonly spacingMs?: number;
  /** `options` of every send request. */
  readonly options?: object;
}

/** Which message an event on the bus asks for. */
export type Requested = ReadonlyMap<string, number>;

const defaultSpacingMs = 20;

export async function newChats(local: Local, count: number): Promise<string[]> {
  const other = outbound(local);
  return Promise.all(Array.from({ length: count }, () => other.chat()));
}

/**
 * Puts a burst of send requests on the bus: the chats side by side, those of one chat one after the other and some
 * time apart, with the texts `message 0`, `message 1` and so on. Answers the number by the id of the event.
 */
export async function putBurst(
  local: Local,
  { chats, each, spacingMs = defaultSpacingMs, options }: BurstOptions,
): Promise<Requested> {
  const client = new EventBridgeClient({
    endpoint: local.aws,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const requested = new Map<string, number>();
  async function put(conversationId: string, number: number): Promise<void> {
    const messages = [{ type: 'text', content: textOf(number) }];
    const data = { requestId: randomUUID(), organizationId, conversationId, messages, ...(options && { options }) };
    const entry = {
      Source: 'bench',
      DetailType: 'message.send.requested',
      Detail: JSON.stringify({ data }),
      EventBusName: local.bus,
    };
    const { Entries } = await client.send(new PutEventsCommand({ Entries: [entry] }));
    const id = Entries?.[0]?.EventId;
    if (id === undefined) throw new Error('the bus refused a request');
    requested.set(id, number);
  }
  async function putAll(chat: string): Promise<void> {
    for (let number = 0; number < each; number += 1) {
      await put(chat, number);
      await sleep(spacingMs);
    }
  }
  await Promise.all(chats.map(putAll));
  client.destroy();
  return requested;
}

/** The messages in the order of their runs. EventBridge names a run after its event. */
export function numbersOf(runs: readonly string[], requested: Requested): number[] {
  return runs.flatMap((run) => {
    const eventId = run.split(':').at(-1)?.split('_')[0] ?? '';
    const number = requested.get(eventId);
    return number === undefined ? [] : [number];
  });
}
