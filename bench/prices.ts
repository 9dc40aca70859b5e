import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { archive, functions } from '../stacks/topology.ts';
import type { Usage } from './usage.ts';

/**
 * List prices of AWS in us-east-1 in US dollars, without free tiers, as published in March 2026. The first tier of each. `GB` is
 * 2^30 bytes, as AWS bills it.
 */
export const prices = {
  /** https://aws.amazon.com/api-gateway/pricing/: HTTP APIs, for each 512 KB. */
  httpApiRequest: 1e-6,
  /** https://aws.amazon.com/eventbridge/pricing/: custom events, for each 64 KB. */
  busEvent: 1e-6,
  archivedGb: 0.1,
  archiveGbMonth: 0.023,
  /** https://aws.amazon.com/lambda/pricing/: arm64. */
  invocation: 0.2e-6,
  gbSecond: 13.3334e-6,
  /** https://aws.amazon.com/dynamodb/pricing/on-demand/ */
  writeUnit: 0.625e-6,
  readUnit: 0.125e-6,
  /** https://aws.amazon.com/step-functions/pricing/: Standard workflows. */
  transition: 25e-6,
  /** https://aws.amazon.com/cloudwatch/pricing/ */
  logGb: 0.5,
  metricMonth: 0.3,
  alarmMetricMonth: 0.1,
  dashboardMonth: 3,
  /** https://aws.amazon.com/xray/pricing/: a recorded trace. */
  trace: 5e-6,
  /** https://aws.amazon.com/secrets-manager/pricing/ */
  secretRead: 5e-6,
  secretMonth: 0.4,
  /** https://aws.amazon.com/sqs/pricing/: standard queues, for each 64 KB. */
  queueRequest: 0.4e-6,
  /** LiveChat's documentation, "API pricing". Calls that it answers with HTTP 500 are free. */
  liveChatCall: 0.27e-3,
} as const;

/** Lambda allocates one vCPU at this memory size, and less in proportion. */
export const oneCpuMb = 1769;
/** The memory sizes that are measured and compared. */
export const comparedMb = [256, 512, 1024, oneCpuMb];

const measuredDurations = z.record(z.string(), z.object({ cpuMs: z.number(), awsCalls: z.number() }));
export type MeasuredDurations = z.infer<typeof measuredDurations>;

/** Written by `npm run bench -- --only memory --write`: CPU time and AWS calls of a warm invocation of each function. */
export const durationsFile = new URL('./durations.json', import.meta.url);

export function readDurations(): MeasuredDurations {
  return measuredDurations.parse(JSON.parse(readFileSync(durationsFile, 'utf8')));
}

/** What a run on one machine cannot measure. */
export const inputs = {
  /** A DynamoDB, EventBridge, SQS or Step Functions call within a region. */
  awsCallMs: 8,
  /** A LiveChat call, during which functions/send waits. */
  liveChatCallMs: 150,
  /** The INIT phase of a cold start, which Lambda bills. */
  initMs: 400,
  /** The load of a stage, for the sampling of X-Ray. */
  messagesPerSecond: 10,
} as const;

/**
 * The duration that Lambda bills for a warm invocation, in ms, without LiveChat calls: CPU time at the CPU share of the memory
 * size, plus the latency of every AWS call. An upper bound, because some calls run in parallel.
 */
export function billedMs({ cpuMs, awsCalls }: MeasuredDurations[string], memoryMb: number): number {
  return Math.ceil(cpuMs / Math.min(1, memoryMb / oneCpuMb) + awsCalls * inputs.awsCallMs);
}

/** The price of an invocation on arm64. */
export function invocationDollars(ms: number, memoryMb: number): number {
  return prices.invocation + (ms / 1000) * (memoryMb / 1024) * prices.gbSecond;
}

/** X-Ray's default rule records the first request of each second and 5 % of the others. */
export function sampledShare(requestsPerSecond: number): number {
  return requestsPerSecond <= 1 ? 1 : (1 + 0.05 * (requestsPerSecond - 1)) / requestsPerSecond;
}

export interface RowOptions {
  /** The traces that it begins. Default 1. */
  readonly traces?: number;
  /** Every invocation is a cold start, and every trace the first of its second. */
  readonly isCold?: boolean;
}

export type Dollars = ReturnType<typeof awsDollars>;

const bytesPerGb = 2 ** 30;
const archiveMonths = archive.retentionDays / 30;

/** The price of a usage, by service. */
export function awsDollars(used: Usage, { traces = 1, isCold = false }: RowOptions = {}) {
  const share = isCold ? 1 : sampledShare(inputs.messagesPerSecond);
  return {
    'API Gateway': used.webhooks * prices.httpApiRequest,
    EventBridge:
      used.busEvents * prices.busEvent +
      (used.archivedBytes / bytesPerGb) * (prices.archivedGb + archiveMonths * prices.archiveGbMonth),
    Lambda: lambdaDollars(used, isCold),
    DynamoDB: used.writeUnits * prices.writeUnit + used.readUnits * prices.readUnit,
    'Step Functions': used.transitions * prices.transition,
    SQS: used.queueRequests * prices.queueRequest,
    logs: (used.logBytes / bytesPerGb) * prices.logGb,
    'X-Ray': traces * share * prices.trace,
    secrets: used.secretReads * prices.secretRead,
  };
}

function lambdaDollars({ invocations, liveChatCalls }: Usage, isCold: boolean): number {
  const durations = readDurations();
  const memoryMb = new Map(Object.entries(functions).map(([name, spec]) => [name, spec.memoryMb]));
  const waiting = liveChatCalls * inputs.liveChatCallMs * (functions.send.memoryMb / 1024) * (prices.gbSecond / 1000);
  return Object.entries(invocations).reduce((sum, [name, count]) => {
    const duration = durations[name];
    const memory = memoryMb.get(name);
    if (!duration || !memory) throw new Error(`${durationsFile.pathname} has no function ${name}`);
    return sum + count * invocationDollars(billedMs(duration, memory) + (isCold ? inputs.initMs : 0), memory);
  }, waiting);
}

export function sumDollars(dollars: Dollars): number {
  return Object.values(dollars).reduce((sum, one) => sum + one, 0);
}

/** The price of a stage without traffic, per month. An alarm is billed for each metric that it reads. */
export function monthlyDollars({ alarmMetrics, customMetrics }: { alarmMetrics: number; customMetrics: number }) {
  return [
    { what: `alarms, which read ${alarmMetrics} metrics`, dollars: alarmMetrics * prices.alarmMetricMonth },
    { what: 'dashboard', dollars: prices.dashboardMonth },
    {
      what: `${customMetrics} metrics of the bridge, in months with traffic`,
      dollars: customMetrics * prices.metricMonth,
    },
    { what: 'secret of the credentials, each', dollars: prices.secretMonth },
    { what: 'polls of the dead-letter queue, by five pollers of Lambda', dollars: polls * prices.queueRequest },
    { what: 'KMS, without a key of its own', dollars: 0 },
  ];
}

/** Long polls of 20 s by five pollers, in 30 days. */
const polls = (5 * 30 * 86_400) / 20;
