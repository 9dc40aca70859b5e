import { expect, it } from 'vitest';
import type { Activity } from './flow.ts';
import { createFlow, stationsNotInTables } from './flow.ts';

const at = '2026-01-01T00:00:00.000Z';
const start = 1_800_000_000_000;
const event = (detailType: string, data: object = {}): Activity => ({
  type: 'event',
  at,
  detailType,
  detail: { data },
});

const rateLimit = {
  organizationId: 'o',
  paused: false,
  breaker: 'closed' as const,
  reason: '' as const,
  callsPerSecond: 10,
  baseCallsPerSecond: 10,
  sendsPerSecond: 10,
  backlogSeconds: 0,
  failures: 0,
  successes: 0,
};

it('counts each activity at its station, and failures separately', () => {
  const flow = createFlow();
  const activities: Activity[] = [
    { type: 'webhook', at, status: 200, ms: 20 },
    { type: 'webhook', at, status: 401, ms: 10 },
    event('message.received'),
    { type: 'invocation', at, function: 'webhook', ok: true, ms: 19 },
    { type: 'invocation', at, function: 'message-received', ok: true, ms: 5 },
    { type: 'invocation', at, function: 'message-received', ok: false, ms: 5, error: 'TypeError' },
    { type: 'execution', at, name: 'a', status: 'RUNNING' },
    { type: 'invocation', at, function: 'wait-for-turn', ok: true, ms: 5 },
    { type: 'invocation', at, function: 'send', ok: true, ms: 5 },
    { type: 'invocation', at, function: 'send', ok: false, ms: 5, error: 'ChannelServerError' },
    event('message.sent'),
  ];
  for (const activity of activities) flow.count(activity, start);
  const { stations, running } = flow.view(start);
  const once = { total: 1, failed: 0, lastMinute: 1 };
  expect(stations).toEqual({
    webhook: { ...once, failed: 1 },
    bus: { total: 2, failed: 0, lastMinute: 2 },
    functions: { ...once, failed: 1 },
    tables: once,
    machine: once,
    livechat: { ...once, failed: 1 },
    'dead-letters': { total: 0, failed: 0, lastMinute: 0 },
  });
  expect(running).toBe(1);
});

it.each(['dead-letter', 'reconcile', 'schedule-reconciliation'])(
  'counts %s without a write: it stores no event',
  (name) => {
    const flow = createFlow();
    flow.count({ type: 'invocation', at, function: name, ok: true, ms: 5 }, start);
    const { functions, tables } = flow.view(start).stations;
    expect([functions.total, tables.total]).toEqual([1, 0]);
  },
);

it.each([
  ['ChannelServerError', 1],
  ['ChannelNetworkError', 1],
  ['ChannelClientError', 1],
  ['ChannelAuthenticationError', 1],
  ['Deferred', 0],
  ['NotFirst', 0],
  ['RequestExpired', 0],
  ['RequestInvalid', 0],
  ['DeliveryMissing', 0],
  ['FileUnavailable', 0],
  ['ConfigurationError', 0],
  ['StepFailed', 0],
])('counts a send step that ended with %s as %i failures of LiveChat', (error, failed) => {
  const flow = createFlow();
  flow.count({ type: 'invocation', at, function: 'send', ok: false, ms: 5, error }, start);
  expect(flow.view(start).stations.livechat).toEqual({ total: 0, failed, lastMinute: 0 });
});

it('counts dead letters of rejected, expired and stopped requests as dead letters only', () => {
  const flow = createFlow();
  const failures = ['RequestInvalid', 'RequestConflict', 'RequestExpired', 'ABORTED'];
  for (const name of failures) flow.count(event('message.failed', { deadLetterId: name, error: { name } }), start);
  const { livechat, 'dead-letters': deadLetters } = flow.view(start).stations;
  expect({ livechat, deadLetters }).toEqual({
    livechat: { total: 0, failed: 0, lastMinute: 0 },
    deadLetters: { total: 4, failed: 0, lastMinute: 4 },
  });
});

it('counts a dead letter that is reported twice once', () => {
  const flow = createFlow();
  for (const id of ['a', 'a', 'b']) flow.count(event('message.failed', { deadLetterId: id }), start);
  expect(flow.view(start).stations['dead-letters'].total).toBe(2);
});

it('covers fifteen minutes and drops older slices', () => {
  const flow = createFlow();
  for (const ms of [10, 20, 30, 40]) flow.count({ type: 'webhook', at, status: 200, ms }, start);
  const { slices } = flow.view(start);
  expect(slices).toHaveLength(180);
  expect(slices.at(-1)).toMatchObject({ webhooks: 4, inboundMs: { p50: 20, p99: 40 }, sendMs: null });
  expect(new Set(slices.slice(1).map(({ at: time }, index) => time - (slices[index]?.at ?? 0)))).toEqual(new Set([5]));
  const later = flow.view(start + 15 * 60_000);
  expect(later.slices.every(({ webhooks }) => webhooks === null)).toBe(true);
  expect(later.stations.webhook).toEqual({ total: 4, failed: 0, lastMinute: 0 });
});

it('counts zero where the pipeline was observed, and nothing where it was not', () => {
  const flow = createFlow();
  flow.measure(start - 20_000);
  flow.recordRateLimits([rateLimit], start - 15_000);
  flow.count({ type: 'webhook', at, status: 200 }, start);
  expect(flow.view(start).slices.slice(-5)).toMatchObject([
    { webhooks: 0, events: 0, sent: 0 },
    { webhooks: null, events: null, sent: null, callsPerSecond: 10 },
    { webhooks: null },
    { webhooks: null },
    { webhooks: 1, events: 0, sent: 0 },
  ]);
});

it('measures the time from a request on the bus to each sent message', () => {
  const flow = createFlow();
  const requestEvent = (detailType: string, ms: number, requestId: string): Activity => ({
    ...event(detailType, { requestId }),
    at: new Date(start + ms).toISOString(),
  });
  const activities = [
    requestEvent('message.send.requested', 0, 'a'),
    requestEvent('message.send.requested', 100, 'b'),
    // A duplicate of a request keeps its first time.
    requestEvent('message.send.requested', 200, 'a'),
    requestEvent('message.sent', 300, 'a'),
    requestEvent('message.sent', 700, 'a'),
    requestEvent('message.sent', 400, 'b'),
    requestEvent('message.sent', 900, 'unknown'),
  ];
  for (const activity of activities) flow.count(activity, start);
  flow.count({ type: 'execution', at, name: 'a', status: 'SUCCEEDED', ms: 900 }, start);
  const slice = flow.view(start).slices.at(-1);
  expect(slice).toMatchObject({ sent: 4, inboundMs: null, sendMs: { p50: 300, p99: 900 } });
});

it('counts stored messages as table writes and measures the time until they were stored', () => {
  const flow = createFlow(stationsNotInTables);
  const stored = (ms?: number): Activity => ({
    ...event('message.received'),
    stored: true,
    ...(ms !== undefined && { ms }),
  });
  for (const activity of [stored(30), stored(), stored(10), event('message.sent')]) flow.count(activity, start);
  const { stations, slices, notMeasured, sampledAt } = flow.view(start);
  expect(stations.tables.total).toBe(3);
  expect(stations.bus.total).toBe(4);
  expect(stations.livechat.total).toBe(1);
  expect(slices.at(-1)).toMatchObject({ inboundMs: { p50: 10, p99: 30 }, sendMs: null });
  expect({ notMeasured, sampledAt }).toEqual({ notMeasured: ['webhook', 'functions'], sampledAt: null });
});

it('does not count the start of an execution that began before the console, and ignores the end of an unknown one', () => {
  const flow = createFlow();
  const execution = (name: string, status: string, more: object = {}): Activity => ({
    type: 'execution',
    at,
    name,
    status,
    ...more,
  });
  flow.count(execution('old', 'RUNNING', { startedBefore: true }), start);
  flow.count(execution('older', 'SUCCEEDED'), start);
  flow.count(execution('new', 'RUNNING'), start);
  flow.count(execution('new', 'RUNNING'), start);
  expect(flow.view(start).running).toBe(2);
  expect(flow.view(start).stations.machine.total).toBe(2);
  flow.count(execution('old', 'FAILED'), start);
  expect(flow.view(start).running).toBe(1);
});

it('reports when a poll found more than it reads', () => {
  const flow = createFlow(stationsNotInTables);
  flow.count({ type: 'sampled', at }, start);
  expect(flow.view(start + 1_000).sampledAt).toBe(start);
});

it('shows the worst rate limit', () => {
  const flow = createFlow();
  flow.recordRateLimits([rateLimit, { ...rateLimit, callsPerSecond: 4 }, { ...rateLimit, breaker: 'open' }], start);
  expect(flow.view(start).slices.at(-1)).toMatchObject({ callsPerSecond: 4, breaker: 'open' });
  flow.recordRateLimits([rateLimit, { ...rateLimit, paused: true }], start);
  expect(flow.view(start).slices.at(-1)).toMatchObject({ callsPerSecond: 10, breaker: 'paused' });
});
