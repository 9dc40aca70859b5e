import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import { archive } from '../stacks/topology.ts';
import type { Local } from '../test/local.ts';
import { watchBus } from '../test/watch-bus.ts';
import type { CapacityRecord, Operation } from './capacity.ts';
import { round2 } from './engine.ts';
import { clearCallLog, readCallCounts } from './livechat.ts';

const count = z.number();

/** What AWS bills for one message, or one of whatever a row counts. */
export const usage = z.strictObject({
  /** Requests to the HTTP API. */
  webhooks: count,
  /** Entries put on the bus, for each 64 KB. */
  busEvents: count,
  archivedBytes: count,
  /** By function. */
  invocations: z.record(z.string(), count),
  /** Capacity units of DynamoDB, with those of the indexes. */
  readUnits: count,
  writeUnits: count,
  /** State transitions, retries included. */
  transitions: count,
  queueRequests: count,
  secretReads: count,
  /** As CloudWatch Logs ingests them. */
  logBytes: count,
  /** Calls of LiveChat's API. */
  liveChatCalls: count,
});
export type Usage = z.infer<typeof usage>;

/** Applies a function to each figure of two usages. */
export function combineUsage(a: Usage, b: Usage, combine: (a: number, b: number) => number): Usage {
  const { invocations: ofA, ...countsA } = a;
  const { invocations: ofB, ...countsB } = b;
  const each = (one: Readonly<Record<string, number>>, other: Readonly<Record<string, number>>) =>
    Object.fromEntries(
      [...new Set([...Object.keys(one), ...Object.keys(other)])].map((name) => [
        name,
        combine(one[name] ?? 0, other[name] ?? 0),
      ]),
    );
  return usage.parse({ ...each(countsA, countsB), invocations: each(ofA, ofB) });
}

const callCounts = z.record(z.string(), z.number());
const readOperations = ['GetItem', 'Query', 'BatchGetItem', 'Scan'];
const writeOperations = ['PutItem', 'UpdateItem', 'DeleteItem'];
const invoke = 'lambda.Invoke:';

/** Counts the engine's AWS calls during `action`. Failed conditional writes count, because AWS bills them. */
export async function countAwsCalls(local: Local, action: () => Promise<void>) {
  await fetch(`${local.aws}/_local/calls`, { method: 'DELETE' });
  await action();
  const counts = callCounts.parse(await (await fetch(`${local.aws}/_local/calls`)).json());
  const countOf = (call: string) => counts[call] ?? 0;
  const total = (service: string, operations: readonly string[]) =>
    operations.reduce((sum, operation) => sum + countOf(`${service}.${operation}`), 0);
  const invoked = Object.keys(counts).filter((call) => call.startsWith(invoke));
  return {
    invocations: Object.fromEntries(invoked.map((call) => [call.slice(invoke.length), countOf(call)])),
    invocationsOf: (name: string) => countOf(`${invoke}${name}`),
    putEvents: countOf('events.PutEvents'),
    reads: total('dynamodb', readOperations),
    writes: total('dynamodb', writeOperations),
    transitions: countOf('states.Transition'),
    describeExecutions: countOf('states.DescribeExecution'),
    queueRequests: total('sqs', ['SendMessage', 'SendMessageBatch', 'ReceiveMessage', 'DeleteMessage']),
    secretReads: countOf('secretsmanager.GetSecretValue'),
  };
}

/** The capacity units of reads or of writes, with those of the indexes. */
export function sumUnits(operations: readonly Operation[], isRead: boolean): number {
  return operations
    .filter(({ kind }) => (kind === 'read') === isRead)
    .reduce((sum, { units, indexUnits }) => sum + units + indexUnits, 0);
}

export type ItemSummary = ReturnType<typeof summarizeItems>[number];

/** Operations for one of `count` messages, by entity. */
function summarizeItems(operations: readonly Operation[], count: number) {
  const groups = Map.groupBy(operations, ({ table, entity, kind }) => `${table} ${entity} ${kind}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const average = (of: (one: Operation) => number) => round2(group.reduce((sum, one) => sum + of(one), 0) / count);
    return {
      table: first.table,
      item: first.entity,
      operation: first.kind,
      each: round2(group.length / count),
      maxBytes: Math.max(...group.map(({ bytes }) => bytes)),
      units: average(({ units }) => units),
      indexUnits: average(({ indexUnits }) => indexUnits),
    };
  });
}

/**
 * The console of the engine reads the rate limit of each organization every few seconds, after a query of the organizations.
 * Nothing deployed does.
 */
function withoutConsole(operations: readonly Operation[]): Operation[] {
  let reads = 0;
  return operations.filter(({ kind, entity }) => {
    if (entity === 'organizations') {
      reads += 1;
      return false;
    }
    if (reads === 0 || kind !== 'read' || entity !== 'rateLimit') return true;
    reads -= 1;
    return false;
  });
}

/** A slot is missed where the machine is too slow, and reserved again. */
export const isMissedSlot = (line: string) => line.startsWith('{"_aws"') && line.includes('"SlotsMissed"');

function withoutRetries(operations: readonly Operation[], missedSlots: number): Operation[] {
  let left = missedSlots;
  return operations.filter(({ kind, entity }) => {
    if (left === 0 || kind !== 'update' || entity !== 'rateLimit') return true;
    left -= 1;
    return false;
  });
}

/** Names of a deployed stage, which are longer than those of the engine. */
const deployed = {
  service: 'livechat-production',
  prefix: 'livechat-production-',
  xrayTraceId: '1-5759e988-bd862e3fe1be46a994272793',
};
/** CloudWatch Logs adds this to each line. */
const lineOverhead = 26;
/** The access log of the HTTP API, see stacks/inbound.ts. */
const accessLogLine =
  '{"requestTime":"27/Nov/2026:17:21:40 +0000","requestId":"d9fj2ji5IAMEJ9g=","routeKey":"POST /livechat/webhook","responseLatency":"24","error.message":"-","integration.error":"-","status":200}';

const logLine = z.looseObject({
  function_name: z.optional(z.string()),
  function_arn: z.optional(z.string()),
  service: z.optional(z.string()),
});

/** The ingested bytes of a function's line on a deployed stage. 0 for another line of the engine. */
export function logLineBytes(line: string): number {
  if (!line.startsWith('{"')) return 0;
  const { function_name: name, function_arn: arn, ...rest } = logLine.parse(JSON.parse(line));
  const { service, prefix, xrayTraceId } = deployed;
  const context = name && {
    function_name: `${prefix}${name}`,
    function_arn: arn?.replace(/[^:]+$/, `${prefix}${name}`),
    xray_trace_id: xrayTraceId,
  };
  return Buffer.byteLength(JSON.stringify({ ...rest, ...(rest.service && { service }), ...context })) + lineOverhead;
}

const chunkBytes = 65_536;
/** What EventBridge adds to an entry in the archive: ids, account, time, region. */
const envelope = { version: '0', id: '', account: '000000000000', time: '2026-11-27T17:21:40Z', region: 'us-east-1' };
const [{ 'anything-but': unarchived }] = archive.pattern['detail-type'];

export type Meter = Awaited<ReturnType<typeof createMeter>>;

/** A measurement with a meter, for `withCapacity`. */
export function withMeter<T>(measure: (local: Local, meter: Meter) => Promise<T>) {
  return async (local: Local, capacity: CapacityRecord): Promise<T> => {
    const meter = await createMeter(local, capacity);
    try {
      return await measure(local, meter);
    } finally {
      await meter.stop();
    }
  };
}

/** Measures the usage of actions on an engine that prints the log lines of the functions and records its operations. */
export async function createMeter(local: Local, capacity: CapacityRecord) {
  const bus = await watchBus(local);
  const progress = () => ({ lines: local.output().split('\n').length, events: bus.all().length });

  /** Lines and events arrive shortly after the engine is idle. */
  async function settle(): Promise<void> {
    for (let before = '', now = 'none'; now !== before; now = JSON.stringify(progress())) {
      before = now;
      await sleep(100);
    }
  }

  return {
    settle,
    /** The usage and the items of `action`, divided by `times`, and its operations and log lines. */
    async measure(times: number, action: () => Promise<void>) {
      await settle();
      await clearCallLog(local);
      capacity.clear();
      const from = progress();
      const counts = await countAwsCalls(local, action);
      await settle();
      const printed = local.output().split('\n').slice(from.lines);
      const lines = printed.filter((line) => !isMissedSlot(line));
      const entries = bus
        .all()
        .slice(from.events)
        .map(({ source, detailType, detail }) => {
          const text = JSON.stringify(detail);
          return {
            isArchived: detailType !== unarchived,
            entryBytes: Buffer.byteLength(`${source}${detailType}${text}`),
            archivedBytes:
              Buffer.byteLength(JSON.stringify({ ...envelope, source, 'detail-type': detailType, detail })) + 36,
          };
        });
      const operations = withoutRetries(withoutConsole(capacity.read()), printed.length - lines.length);
      const webhooks = counts.invocations.webhook ?? 0;
      const { calls } = await readCallCounts(local);
      const { invocations, transitions, queueRequests, secretReads } = counts;
      const sum = (values: readonly number[]) => values.reduce((total, one) => total + one, 0);
      const total: Usage = {
        webhooks,
        busEvents: sum(entries.map(({ entryBytes }) => Math.ceil(entryBytes / chunkBytes))),
        archivedBytes: sum(entries.filter(({ isArchived }) => isArchived).map(({ archivedBytes }) => archivedBytes)),
        invocations,
        readUnits: sumUnits(operations, true),
        writeUnits: sumUnits(operations, false),
        transitions,
        queueRequests,
        secretReads,
        logBytes: sum(lines.map(logLineBytes)) + webhooks * (accessLogLine.length + lineOverhead),
        liveChatCalls: calls,
      };
      return {
        used: combineUsage(total, total, (one) => one / times),
        items: summarizeItems(operations, times),
        operations,
        lines,
      };
    },
    stop: () => bus.stop(),
  };
}
