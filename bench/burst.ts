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
import { messageText } from './livechat.ts';

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

const delivery = z.object({ conversationId: z.string(), requestId: z.string(), orderKey: z.number() });

/** The message numbers of each chat in the order of acceptance, as their message group sorts them. */
export async function readAcceptedNumbers(
  local: Local,
  requested: RequestedNumbers,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(awsClientConfig(local)));
  const filter = {
    FilterExpression: '#entity = :entity',
    ExpressionAttributeNames: { '#entity': '__edb_e__' },
    ExpressionAttributeValues: { ':entity': 'delivery' },
  };
  const found: { chat: string; number: number; position: string }[] = [];
  for await (const { Items = [] } of paginateScan(
    { client },
    { TableName: local.environment.MESSAGES_TABLE, ConsistentRead: true, ...filter },
  )) {
    for (const { conversationId, requestId, orderKey } of Items.map((item) => delivery.parse(item))) {
      const number = requested.get(requestId);
      const position = `${orderKey}#${executionName({ organizationId, requestId, redrive: 0 })}`;
      if (number !== undefined) found.push({ chat: conversationId, number, position });
    }
  }
  client.destroy();
  found.sort((a, b) => (a.position < b.position ? -1 : 1));
  const accepted = new Map<string, number[]>();
  for (const { chat, number } of found) accepted.set(chat, [...(accepted.get(chat) ?? []), number]);
  return accepted;
}

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
