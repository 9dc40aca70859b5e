import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import { functions } from '../stacks/topology.ts';
import { fixture } from '../test/fixtures.ts';
import { type Local, post } from '../test/local.ts';
import { outbound } from '../test/outbound.ts';
import type { CapacityRecord, Operation } from './capacity.ts';
import { round2, waitForExecutions } from './engine.ts';
import { clearCallLog, readCallCounts, setWebhooks } from './livechat.ts';
import { chatStarted, customerMessage } from './throughput.ts';

/**
 * AWS list prices in US dollars: us-east-1, on demand, Lambda on arm64, a Standard workflow. A DynamoDB write is one unit for
 * an item of up to 1 KB, plus one for each index it changes; a read is one unit for up to 4 KB.
 */
export const price = {
  httpApiRequest: 1e-6,
  customEvent: 1e-6,
  invocation: 0.2e-6,
  gigabyteSecond: 13.3334e-6,
  write: 0.625e-6,
  read: 0.125e-6,
  transition: 25e-6,
  /** LiveChat's price: 0.27 per thousand calls. Calls that it answers with HTTP 500 are free. */
  liveChatCall: 0.27e-3,
};

/** Billed time of an invocation: mostly a few AWS calls of a few ms each. An estimate. */
const billedSeconds = 0.02;
/** Time of a LiveChat call. An estimate. */
const liveChatSeconds = 0.15;
/** Write units of one write of a conversation or message, which have indexes. */
const indexedWriteUnits = 2;

const usage = z.object({
  invocations: z.number(),
  /** Sum over all invocations of the memory of the function. */
  gigabyteInvocations: z.number(),
  putEvents: z.number(),
  reads: z.number(),
  writes: z.number(),
  /** State transitions, retries included. */
  transitions: z.number(),
  describeExecutions: z.number(),
});
type AwsUsage = z.infer<typeof usage>;

const callCounts = z.record(z.string(), z.number());
const readOperations = ['GetItem', 'Query', 'BatchGetItem', 'Scan'];
const writeOperations = ['PutItem', 'UpdateItem', 'DeleteItem'];
const invoke = 'lambda.Invoke:';

/** Counts the engine's AWS calls during `action`. Failed conditional writes count, because AWS bills them. */
export async function countAwsCalls(local: Local, action: () => Promise<void>) {
  await fetch(`${local.aws}/_local/calls`, { method: 'DELETE' });
  await action();
  const counts = callCounts.parse(await (await fetch(`${local.aws}/_local/calls`)).json());
  const count = (call: string) => counts[call] ?? 0;
  const total = (calls: readonly string[]) => calls.reduce((sum, call) => sum + count(call), 0);
  const invoked = Object.keys(counts).filter((call) => call.startsWith(invoke));
  return {
    invocations: total(invoked),
    invocationsOf: (name: string) => count(`${invoke}${name}`),
    gigabyteInvocations: invoked.reduce((sum, call) => sum + count(call) * gigabytes(call.slice(invoke.length)), 0),
    putEvents: count('events.PutEvents'),
    reads: total(readOperations.map((operation) => `dynamodb.${operation}`)),
    writes: total(writeOperations.map((operation) => `dynamodb.${operation}`)),
    transitions: count('states.Transition'),
    describeExecutions: count('states.DescribeExecution'),
  };
}

function gigabytes(functionName: string): number {
  const spec = Object.entries(functions).find(([name]) => name === functionName)?.[1];
  if (!spec) throw new Error(`the function ${functionName} is not in the topology`);
  return spec.memoryMb / 1024;
}

/** @param used with `reads` and `writes` in capacity units */
export function awsDollars(used: AwsUsage): number {
  return (
    used.invocations * price.invocation +
    used.gigabyteInvocations * billedSeconds * price.gigabyteSecond +
    used.reads * price.read +
    used.writes * price.write +
    used.transitions * price.transition
  );
}

/** Counts the AWS calls of one webhook of each kind. */
export async function webhookCosts(local: Local) {
  const organization_id = randomUUID();
  await post(local, chatStarted(organization_id, 0));
  await post(local, customerMessage(organization_id, 0, 0));
  await local.idle();
  const recorded = (name: string) => ({ ...fixture(name), organization_id: randomUUID() });
  const webhooks = {
    message: customerMessage(organization_id, 0, 1),
    'duplicate of the message': customerMessage(organization_id, 0, 1),
    'start of a chat with three messages': recorded('incoming_chat.json'),
    transfer: recorded('chat_transferred.manual_to_agent.json'),
    'end of a chat': recorded('chat_deactivated.by_agent.json'),
    'messages seen': recorded('events_marked_as_seen.json'),
    'button click': recorded('incoming_rich_message_postback.json'),
    'action that publishes no event': recorded('tag_created.v3.5_plus.json'),
  };
  const rows: object[] = [];
  for (const [webhook, body] of Object.entries(webhooks)) rows.push(await webhookCost(local, webhook, body));
  return rows;
}

async function webhookCost(local: Local, webhook: string, body: object) {
  const used = await countAwsCalls(local, async () => {
    await post(local, body);
    await local.idle();
  });
  const { invocations, putEvents, reads, writes } = used;
  // Each invocation except the webhook's own is of one event.
  const events = Math.max(0, invocations - 1);
  const dollars =
    price.httpApiRequest + events * price.customEvent + awsDollars({ ...used, writes: writes * indexedWriteUnits });
  return { webhook, invocations, putEvents, reads, writes, dollarsPerMillion: round2(dollars * 1e6) };
}

/** Averages for one message. */
const sendUsage = z.extend(usage, {
  readUnits: z.number(),
  /** Index copies included. */
  writeUnits: z.number(),
  /** Calls of LiveChat's API, and those that it accepted. */
  calls: z.number(),
  accepted: z.number(),
});
type SendUsage = z.infer<typeof sendUsage>;

const messages = 50;
/** More messages, because the faults are random. */
const messagesWithFaults = 300;
const faultProbability = 0.05;
/** A text of 0.5 KB. */
const text = 'Your order 4711 has left our warehouse today. '.repeat(12).slice(0, 500);

/**
 * Counts what sending a text of 0.5 KB costs, one message at a time with LiveChat's webhooks disabled. The cost of the webhook
 * that confirms a message is the difference with webhooks enabled.
 */
export async function sendCosts(local: Local, capacity: CapacityRecord) {
  const { chat, fault, clearFaults } = outbound(local);
  const conversation = await chat();
  await sendOne(local, conversation);
  const average = (count: number) => averageUsage(local, capacity, conversation, count);
  await setWebhooks(local, false);
  const sending = await average(messages);
  const items = summarizeItems(capacity.read(), messages);
  await setWebhooks(local, true);
  const withWebhook = await average(messages);
  await setWebhooks(local, false);
  await fault({ kind: 'error', status: 500, probability: faultProbability });
  const failing = await average(messagesWithFaults);
  await clearFaults();
  await setWebhooks(local, true);
  const target = { writeUnits: 12, transitions: 1, invocations: 2, describeExecutions: 0, putEvents: 2 };
  const webhook = mapUsage(withWebhook, (count, field) => count - sending[field]);
  return {
    items,
    sending,
    rows: [
      sendCost('sent', sending),
      { message: '(target)', ...target, liveChatCalls: 1 },
      sendCost('its webhook', webhook, price.httpApiRequest),
      sendCost(`sent, ${faultProbability * 100} % of calls answered with 500`, failing),
    ],
  };
}

/** Operations for one of `count` messages or threads, by entity. */
export function summarizeItems(operations: readonly Operation[], count: number) {
  const groups = Map.groupBy(operations, ({ table, entity, kind }) => `${table} ${entity} ${kind}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const sum = (field: 'units' | 'indexUnits') => group.reduce((total, one) => total + one[field], 0);
    return {
      table: first.table,
      item: first.entity,
      operation: first.kind,
      average: round2(group.length / count),
      maxBytes: Math.max(...group.map(({ bytes }) => bytes)),
      units: round2(sum('units') / count),
      indexUnits: round2(sum('indexUnits') / count),
    };
  });
}

async function averageUsage(
  local: Local,
  capacity: CapacityRecord,
  conversation: string,
  count: number,
): Promise<SendUsage> {
  await clearCallLog(local);
  capacity.clear();
  const used = await countAwsCalls(local, async () => {
    for (let sent = 0; sent < count; sent += 1) await sendOne(local, conversation);
  });
  const { calls, accepted } = await readCallCounts(local);
  const operations = capacity.read();
  const units = (isRead: boolean) =>
    operations
      .filter(({ kind }) => (kind === 'read') === isRead)
      .reduce((sum, operation) => sum + operation.units + operation.indexUnits, 0);
  const all = { ...used, readUnits: units(true), writeUnits: units(false), calls, accepted };
  return mapUsage(all, (total) => total / count);
}

async function sendOne(local: Local, conversation: string): Promise<void> {
  await outbound(local).send(conversation, { messages: [{ type: 'text', content: text }] });
  await waitForExecutions(local);
}

function mapUsage(used: SendUsage, change: (count: number, field: keyof SendUsage) => number): SendUsage {
  const fields = z.keyof(sendUsage).options;
  return sendUsage.parse(Object.fromEntries(fields.map((field) => [field, change(used[field], field)])));
}

function sendCost(message: string, { gigabyteInvocations, calls, accepted, ...counts }: SendUsage, otherDollars = 0) {
  const liveChatGigabyteSeconds = calls * liveChatSeconds * (functions.send.memoryMb / 1024);
  const { readUnits: reads, writeUnits: writes } = counts;
  const dollars =
    otherDollars +
    counts.putEvents * price.customEvent +
    liveChatGigabyteSeconds * price.gigabyteSecond +
    awsDollars({ ...counts, gigabyteInvocations, reads, writes });
  return {
    message,
    // `putEvents` includes the call that puts the request on the bus.
    ...Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, round2(count)])),
    liveChatCalls: round2(calls),
    // US dollars.
    awsPerMillion: round2(dollars * 1e6),
    liveChatPerMillion: round2(accepted * price.liveChatCall * 1e6),
  };
}
