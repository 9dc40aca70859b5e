import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { DynamoDBDocumentClient, paginateScan } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { type Local, organizationId } from '../test/local.ts';
import { awsClientConfig } from '../test/local-aws.ts';
import { outbound } from '../test/outbound.ts';
import { messageText } from './livechat.ts';

export interface BurstOptions {
  readonly chats: readonly string[];
  readonly each: number;
  /** Between two requests of one chat, in ms; 20 by default. */
  readonly spacingMs?: number;
  /** `options` of every send request. */
  readonly options?: object;
}

/** Message numbers by the id of the event that requests the message. */
export type RequestedNumbers = ReadonlyMap<string, number>;

const defaultSpacingMs = 20;
/** The limit of PutEvents. */
const maxEntries = 10;

export async function startChats(local: Local, count: number): Promise<string[]> {
  const { chat } = outbound(local);
  return Promise.all(Array.from({ length: count }, () => chat()));
}

/** Puts send requests on the bus: `message 0` for each chat, after the spacing `message 1` for each chat, and so on. */
export async function putBurst(
  local: Local,
  { chats, each, spacingMs = defaultSpacingMs, options }: BurstOptions,
): Promise<RequestedNumbers> {
  const client = new EventBridgeClient(awsClientConfig(local));
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
  async function put(batch: readonly string[], number: number): Promise<void> {
    const command = new PutEventsCommand({ Entries: batch.map((chat) => entry(chat, number)) });
    for (const { EventId } of (await client.send(command)).Entries ?? []) {
      if (EventId === undefined) throw new Error('the bus rejected a request');
      requested.set(EventId, number);
    }
  }
  for (let number = 0; number < each; number += 1) {
    await Promise.all([...batches(chats, maxEntries)].map((batch) => put(batch, number)));
    await sleep(spacingMs);
  }
  client.destroy();
  return requested;
}

function* batches<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < all.length; start += size) yield all.slice(start, start + size);
}

/** The message numbers of executions. EventBridge names an execution after its event. */
export function messageNumbers(executionArns: readonly string[], requested: RequestedNumbers): number[] {
  return executionArns.flatMap((arn) => {
    const eventId = arn.split(':').at(-1)?.split('_')[0] ?? '';
    return requested.get(eventId) ?? [];
  });
}

const queue = z.object({ conversationId: z.string(), waiting: z.array(z.string()) });
const pollIntervalMs = 400;

/** Polls the queues of all chats. A queue grows at its end, so an execution that is new in a poll joined after all others. */
export function watchQueues(local: Local) {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(awsClientConfig(local)));
  const orders = new Map<string, Set<string>>();
  let stopping = false;

  async function watch(): Promise<void> {
    const filter = { FilterExpression: 'attribute_exists(waiting)', ConsistentRead: true };
    while (!stopping) {
      const pages = paginateScan({ client }, { TableName: local.environment.CONTROL_TABLE, ...filter });
      for await (const { Items = [] } of pages) {
        for (const { conversationId, waiting } of Items.map((item) => queue.parse(item))) {
          orders.set(conversationId, new Set([...(orders.get(conversationId) ?? []), ...waiting]));
        }
      }
      await sleep(pollIntervalMs);
    }
  }

  const watching = watch();
  return {
    async stop() {
      stopping = true;
      await watching;
      client.destroy();
    },
    /** Execution ARNs in the order in which they joined the chat's queue. Those that joined and left between polls are missing. */
    joined: (chat: string): readonly string[] => [...(orders.get(chat) ?? [])],
  };
}

export type QueueWatch = ReturnType<typeof watchQueues>;

/** Counts how often the messages of one chat were delivered. */
export function countDeliveries(sent: readonly number[], arrived: readonly number[]) {
  const times = (number: number) => arrived.filter((one) => one === number).length;
  return {
    once: sent.filter((number) => times(number) === 1).length,
    twice: sent.filter((number) => times(number) > 1).length,
    missing: sent.filter((number) => times(number) === 0),
  };
}

/** Counts messages that arrived after a message they should precede. Ignores those that are not in `expected`. */
export function countOutOfOrder(expected: readonly number[], arrived: readonly number[]): number {
  const positions = new Map(expected.map((number, index) => [number, index]));
  let last = -1;
  let outOfOrder = 0;
  for (const number of new Set(arrived)) {
    const position = positions.get(number);
    if (position === undefined) continue;
    if (position < last) outOfOrder += 1;
    last = Math.max(last, position);
  }
  return outOfOrder;
}
