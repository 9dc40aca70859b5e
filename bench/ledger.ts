import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { fixture } from '../test/fixtures.ts';
import { type Local, organizationId, post } from '../test/local.ts';
import { outbound } from '../test/outbound.ts';
import { startChats } from './burst.ts';
import { reportProgress, waitForExecutions, withCapacity, withLogs } from './engine.ts';
import { setWebhooks } from './livechat.ts';
import type { RowOptions } from './prices.ts';
import { closeThreads, measureRun, reconcile, startThreads } from './reconcile.ts';
import { combineUsage, type ItemSummary, isMissedSlot, type Meter, type Usage, usage, withMeter } from './usage.ts';

/** What a run counted, and what the documents and the tests read. */
const counted = z.strictObject({
  rows: z.record(z.string(), usage),
  /** Metrics of the bridge that the rows emitted, by values of their dimensions. */
  customMetrics: z.number(),
  /** Metrics that the alarms of production read. A test of the stacks counts them. */
  alarmMetrics: z.number(),
});
export type Counted = z.infer<typeof counted>;

/** Written by `npm run bench -- --only ledger --write`. */
export const countedFile = new URL('./ledger.json', import.meta.url);

export function readCounted(): Counted {
  return counted.parse(JSON.parse(readFileSync(countedFile, 'utf8')));
}

/** Characters of a text. */
export const textLengths = [25, 100, 500] as const;
export const textRow = (kind: 'inbound' | 'echo' | 'sent', length: number) => `${kind}, ${length} characters`;

export const deferralRows = ['deferral for a slot', 'deferral for its turn'] as const;
export const coldRows = ['inbound, once an hour', 'sent, once an hour'] as const;
export const reconciledRow = 'reconciled thread of four messages';

/** Rows that are no message of their own begin no trace. */
export function rowOptions(row: string): RowOptions {
  const isPart = row === reconciledRow || deferralRows.some((name) => name === row);
  return { traces: isPart ? 0 : 1, isCold: coldRows.some((name) => name === row) };
}

/** 30 s apart, two times 5 minutes: every tenth begins another five minutes of the index `byActivity`. */
const messages = 20;
const messageIntervalMs = 30_000;
const itemsLength = 100;
const coldMessages = 3;
const coldIntervalMs = 3_600_000;
const callsPerSecond = 200;
const words = 'Your order 4711 has left our warehouse today. '.repeat(12);
const text = (length: number) => words.slice(0, length);

type Rows = Record<string, Usage>;
type Measured = Awaited<ReturnType<Meter['measure']>>;

export interface Measurement extends Omit<Counted, 'alarmMetrics'> {
  /** The items that a text of 100 characters reads and writes. */
  readonly items: readonly ({ readonly row: string } & ItemSummary)[];
}

/** Sends messages through the engine and counts what AWS bills for each. */
export async function measureLedger(): Promise<Measurement> {
  const messages = await withCapacity(callsPerSecond, withMeter(measureMessages), withLogs);
  const webhooks = await withCapacity(callsPerSecond, withMeter(measureWebhooks), sequential);
  const reconciled = await withCapacity(callsPerSecond, withMeter(measureReconciled), withLogs);
  const rows = Object.entries({ ...messages.rows, ...webhooks.rows, ...reconciled }).map(([row, used]) => [
    row,
    withoutRereads(row, used),
  ]);
  const customMetrics = countCustomMetrics([...messages.lines, ...webhooks.lines]);
  return { rows: Object.fromEntries(rows), items: messages.items, customMetrics };
}

/**
 * The functions for the events of a webhook run sequentially. Concurrent functions conflict on the same items, and the number of
 * retries depends on the machine.
 */
const sequential = { ...withLogs, flags: ['--verbose', '--async-concurrency', '1'] };

/** A warm function reads its secrets again every few minutes, which falls into one row or another. */
function withoutRereads(row: string, used: Usage): Usage {
  return rowOptions(row).isCold ? used : { ...used, secretReads: 0 };
}

async function measureMessages(local: Local, meter: Meter) {
  const rows: Rows = {};
  const items: Measurement['items'][number][] = [];
  const add = (kind: Parameters<typeof textRow>[0], length: number, measured: Measured) => {
    const row = textRow(kind, length);
    rows[row] = measured.used;
    if (length === itemsLength) items.push(...measured.items.map((item) => ({ row, ...item })));
  };
  await warmUp(local);
  for (const length of textLengths) {
    reportProgress(`ledger: texts of ${length} characters`);
    const chat = await startChat(local);
    add('inbound', length, await inbound(local, meter, chat, { length }));
    await setWebhooks(local, false);
    add('sent', length, await sent(local, meter, chat.id, { length }));
    await setWebhooks(local, true);
    add('echo', length, await echoes(local, meter, chat));
  }
  reportProgress('ledger: backlogs and cold starts');
  await setWebhooks(local, false);
  Object.assign(rows, await deferrals(local, meter, rows[textRow('sent', 100)]));
  await setWebhooks(local, true);
  Object.assign(rows, await coldMessageRows(local, meter));
  return { rows, items, lines: local.output().split('\n') };
}

interface Chat {
  readonly id: string;
  readonly threadId: string;
  readonly customerId: string;
}

const chatView = z.object({
  thread_ids: z.tuple([z.string()]),
  customer: z.object({ id: z.string() }),
  events: z.array(z.looseObject({ id: z.string(), custom_id: z.optional(z.string()), created_at: z.string() })),
});

async function readChat(local: Local, id: string) {
  return chatView.parse(await outbound(local).simulator('GET', `/simulator/chats/${id}`));
}

async function startChat(local: Local): Promise<Chat> {
  const id = await outbound(local).chat();
  await local.idle();
  const { thread_ids, customer } = await readChat(local, id);
  return { id, threadId: thread_ids[0], customerId: customer.id };
}

/** The caches are filled, and every code path has run once. */
async function warmUp(local: Local): Promise<void> {
  const chat = await startChat(local);
  await outbound(local).act(chat.id, { action: 'message', text: 'Hello' });
  await local.idle();
  await sendOne(local, chat.id, 25);
  await local.idle();
}

const withPayload = z.looseObject({ payload: z.looseObject({ event: z.looseObject({}) }) });

/** A webhook of a message, with the envelope of a recorded one. */
async function postEvent(local: Local, chat: Chat, change: object): Promise<void> {
  const recorded = withPayload.parse(fixture('incoming_event.message.customer.json'));
  const event = { ...recorded.payload.event, ...change };
  const payload = { chat_id: chat.id, thread_id: chat.threadId, event };
  const { status } = await post(local, { ...recorded, organization_id: organizationId, payload });
  if (status !== 200) throw new Error(`the webhook answered ${status}`);
  await local.idle();
}

const fiveMinutesMs = 300_000;

/** Times from the next full five minutes on, in LiveChat's format. */
function createTimes(intervalMs: number): () => string {
  let next = Math.ceil(Date.now() / fiveMinutesMs) * fiveMinutesMs;
  return () => {
    const time = new Date(next).toISOString().replace('Z', '000Z');
    next += intervalMs;
    return time;
  };
}

interface SeriesOptions {
  readonly length: number;
  readonly count?: number;
  readonly intervalMs?: number;
  /** Called before each. */
  readonly before?: () => Promise<void>;
}

function inbound(local: Local, meter: Meter, chat: Chat, options: SeriesOptions): Promise<Measured> {
  const { length, count = messages, intervalMs = messageIntervalMs, before } = options;
  const time = createTimes(intervalMs);
  return meter.measure(count, async () => {
    for (let number = 0; number < count; number += 1) {
      await before?.();
      // The simulator numbers its own events of the thread from 1.
      const id = `${chat.threadId}_${number + 100}`;
      await postEvent(local, chat, { id, author_id: chat.customerId, text: text(length), created_at: time() });
    }
  });
}

async function sendOne(local: Local, chat: string, length: number): Promise<void> {
  await outbound(local).send(chat, { messages: [{ type: 'text', content: text(length) }] });
  await waitForExecutions(local);
}

function sent(local: Local, meter: Meter, chat: string, options: SeriesOptions): Promise<Measured> {
  const { length, count = messages, before } = options;
  return meter.measure(count, async () => {
    for (let number = 0; number < count; number += 1) {
      await before?.();
      await sendOne(local, chat, length);
    }
  });
}

/** The webhooks of the messages that were sent to a chat. */
async function echoes(local: Local, meter: Meter, chat: Chat): Promise<Measured> {
  const { events } = await readChat(local, chat.id);
  const own = events.filter(({ custom_id }) => custom_id?.startsWith('out-'));
  // After those of the messages that the chat has already stored.
  const shiftMs = messages * messageIntervalMs;
  const time = createTimes(messageIntervalMs);
  return meter.measure(own.length, async () => {
    for (const { thread_id: _, ...event } of own) {
      const at = new Date(Date.parse(time()) + shiftMs).toISOString().replace('Z', '000Z');
      await postEvent(local, chat, { ...event, created_at: at });
    }
  });
}

/** A burst of one message each in 24 chats at 4 calls a second, and one of 20 in one chat. */
async function deferrals(local: Local, meter: Meter, alone: Usage | undefined): Promise<Rows> {
  if (!alone) throw new Error('the sent message is not measured');
  const [slot, turn] = deferralRows;
  const chats = await startChats(local, 24);
  await setRate(local, 4);
  const forSlot = await burst(local, meter, { chats, each: 1, alone });
  await setRate(local, callsPerSecond);
  const forTurn = await burst(local, meter, { chats: chats.slice(0, 1), each: 20, alone });
  return { [slot]: forSlot, [turn]: forTurn };
}

async function setRate(local: Local, rate: number): Promise<void> {
  const address = new URL(`/api/rate-limits/${organizationId}`, local.console);
  const body = JSON.stringify({ do: 'set', callsPerSecond: rate });
  const { ok, status } = await fetch(address, { method: 'POST', body });
  if (!ok) throw new Error(`the rate was not set: ${status}`);
}

/** What a deferral adds: the usage of a burst less that of as many messages alone, for each deferral. */
async function burst(
  local: Local,
  meter: Meter,
  { chats, each, alone }: { chats: readonly string[]; each: number; alone: Usage },
): Promise<Usage> {
  const { used, lines } = await meter.measure(1, async () => {
    const content = text(100);
    const send = (chat: string) => outbound(local).send(chat, { messages: [{ type: 'text', content }] });
    await Promise.all(Array.from({ length: each }, () => chats.map(send)).flat());
    await waitForExecutions(local);
  });
  const deferred = lines.filter((line) => line.startsWith('{"_aws"') && line.includes('"SendsDeferred":1')).length;
  if (deferred === 0) throw new Error('no message was deferred');
  return combineUsage(used, alone, (all, one) => Math.max(0, all - chats.length * each * one) / deferred);
}

/** An organization that writes once an hour: no function is warm, and no cache is filled. */
async function coldMessageRows(local: Local, meter: Meter): Promise<Rows> {
  const [inboundRow, sentRow] = coldRows;
  const chat = await startChat(local);
  const before = async () => {
    // A function that is killed loses the lines that it has not printed yet.
    await meter.settle();
    await fetch(`${local.aws}/_local/kill`, { method: 'POST' });
  };
  const options = { length: 100, count: coldMessages, intervalMs: coldIntervalMs, before };
  const received = await inbound(local, meter, chat, options);
  await setWebhooks(local, false);
  const sending = await sent(local, meter, chat.id, options);
  await setWebhooks(local, true);
  return { [inboundRow]: received.used, [sentRow]: sending.used };
}

/** In the order of the recorded chat. */
const recordedWebhooks = {
  'start of a chat with three messages': 'incoming_chat.json',
  transfer: 'chat_transferred.manual_to_agent.json',
  'messages seen': 'events_marked_as_seen.json',
  'button click': 'incoming_rich_message_postback.json',
  'end of a chat': 'chat_deactivated.by_agent.json',
  'action that publishes no event': 'tag_created.v3.5_plus.json',
};

/** How the ids of the recorded chat and of its thread begin. */
const recordedIds = 'T8RM2K';
const recordedChats = 5;

async function measureWebhooks(local: Local, meter: Meter) {
  await warmUp(local);
  const rows: Rows = {};
  for (const [row, name] of Object.entries(recordedWebhooks)) {
    const { used } = await meter.measure(recordedChats, async () => {
      for (let chat = 0; chat < recordedChats; chat += 1) {
        const body = JSON.stringify({ ...fixture(name), organization_id: organizationId });
        await post(local, body.replaceAll(recordedIds, `${recordedIds.slice(0, -1)}${chat}`));
        await local.idle();
      }
    });
    rows[row] = used;
  }
  return { rows, lines: local.output().split('\n') };
}

const reconciledThreads = 100;

async function measureReconciled(local: Local, meter: Meter): Promise<Rows> {
  reportProgress(`ledger: ${reconciledThreads} threads without webhooks, for reconciliation`);
  await startThreads(local, 1);
  await reconcile(local);
  await outbound(local).simulator('POST', '/simulator/faults', { kind: 'webhooks-not-sent' });
  await closeThreads(local, await startThreads(local, reconciledThreads));
  await outbound(local).clearFaults();
  const { used } = await measureRun(local, meter);
  return { [reconciledRow]: combineUsage(used, used, (total) => total / reconciledThreads) };
}

const metricLine = z.looseObject({
  _aws: z.object({
    CloudWatchMetrics: z.tuple([
      z.object({ Dimensions: z.array(z.array(z.string())), Metrics: z.tuple([z.object({ Name: z.string() })]) }),
    ]),
  }),
});

/** CloudWatch bills each combination of a name and the values of its dimensions. */
function countCustomMetrics(lines: readonly string[]): number {
  const emitted = lines
    .filter((line) => line.startsWith('{"_aws"') && !isMissedSlot(line))
    .flatMap((line) => {
      const { _aws, ...values } = metricLine.parse(JSON.parse(line));
      const [{ Dimensions, Metrics }] = _aws.CloudWatchMetrics;
      return Dimensions.map((names) => [Metrics[0].Name, ...names.map((name) => values[name])].join(' '));
    });
  return new Set(emitted).size;
}
