import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { DynamoDBDocumentClient, paginateScan } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { executionName } from '../core/outbound/request.ts';
import { type Local, organizationId } from '../test/local.ts';
import { awsClientConfig } from '../test/local-aws.ts';
import { outbound } from '../test/outbound.ts';
import type { Operation } from './capacity.ts';
import { messageText, readArrivedNumbers } from './livechat.ts';

export interface BurstOptions {
  readonly chats: readonly string[];
  readonly each: number;
  /** Between two requests of one chat, in ms; 20 by default. */
  readonly spacingMs?: number;
  /** `options` of every send request. */
  readonly options?: object;
}

/** Message numbers by requestId. */
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
  const entry = (conversationId: string, number: number) => {
    const requestId = randomUUID();
    requested.set(requestId, number);
    const messages = [{ type: 'text', content: messageText(number) }];
    return {
      Source: 'bench',
      DetailType: 'message.send.requested',
      Detail: JSON.stringify({
        data: { requestId, organizationId, conversationId, messages, ...(options && { options }) },
      }),
      EventBusName: local.bus,
    };
  };
  async function put(batch: readonly string[], number: number): Promise<void> {
    const command = new PutEventsCommand({ Entries: batch.map((chat) => entry(chat, number)) });
    const { FailedEntryCount } = await client.send(command);
    if (FailedEntryCount) throw new Error('the bus rejected a request');
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

const delivery = z.object({
  __edb_e__: z.literal('delivery'),
  conversationId: z.string(),
  requestId: z.string(),
  orderKey: z.number(),
});

/** The accepted requests of each chat. */
async function readAccepted(local: Local, requested: RequestedNumbers, operations: readonly Operation[]) {
  const entries = operations.filter(({ kind, entity }) => kind === 'create' && entity === 'messageGroup');
  const entered = new Map(entries.toReversed().map(({ sortKey }, index) => [sortKey.split('#').at(-1), -index]));
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(awsClientConfig(local)));
  const table = { TableName: local.environment.MESSAGES_TABLE, ConsistentRead: true };
  const items: unknown[] = [];
  for await (const { Items = [] } of paginateScan({ client }, table)) items.push(...Items);
  client.destroy();
  const accepted = items.flatMap((item) => {
    const { data } = delivery.safeParse(item);
    const number = data && requested.get(data.requestId);
    if (!data || number === undefined) return [];
    const { conversationId, requestId, orderKey } = data;
    const execution = executionName({ organizationId, requestId, redrive: 0 });
    // Its position in the message group, and when it entered the group, as the number of the write.
    const order = { position: `${orderKey}#${execution}`, entered: entered.get(execution) ?? 0 };
    return [{ conversationId, number, ...order }];
  });
  return Map.groupBy(accepted, ({ conversationId }) => conversationId);
}

/** Counts what LiveChat has of a burst. `undelivered` has the numbers of each chat. */
export async function countArrivals(local: Local, { chats, each }: BurstOptions) {
  let once = 0;
  let twice = 0;
  const undelivered = new Map<string, ReadonlySet<number>>();
  for (const chat of chats) {
    const arrived = await readArrivedNumbers(local, chat);
    const distinct = new Set(arrived);
    const repeated = new Set(arrived.filter((number, index) => arrived.indexOf(number) !== index));
    once += distinct.size - repeated.size;
    twice += repeated.size;
    const numbers = Array.from({ length: each }, (_, number) => number);
    undelivered.set(chat, new Set(numbers.filter((number) => !distinct.has(number))));
  }
  return { once, twice, undelivered };
}

/**
 * Counts messages of a burst that arrived after one that they precede: that has a later position in the message group and
 * entered it later. A request whose acceptance crashed enters late, with its first position. Messages that are sent later, by a
 * redrive, must not have arrived yet.
 */
export async function countOutOfOrder(
  local: Local,
  chats: readonly string[],
  requested: RequestedNumbers,
  operations: readonly Operation[],
): Promise<number> {
  const accepted = await readAccepted(local, requested, operations);
  const counts = await Promise.all(
    chats.map(async (chat) => {
      const byNumber = new Map(accepted.get(chat)?.map((request) => [request.number, request]));
      const arrived = new Set(await readArrivedNumbers(local, chat));
      const sequence = [...arrived].flatMap((number) => byNumber.get(number) ?? []);
      return sequence.filter((late, index) =>
        sequence.slice(0, index).some(({ position, entered }) => position > late.position && entered > late.entered),
      ).length;
    }),
  );
  return counts.reduce((sum, one) => sum + one, 0);
}
