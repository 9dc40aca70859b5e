import { describe, expect, it } from 'vitest';
import { readCounted, rowOptions, textRow } from './ledger.ts';
import { readCostPage, replaceTables } from './ledger-page.ts';
import { awsDollars, sampledShare } from './prices.ts';
import { logLineBytes, type Usage } from './usage.ts';

describe('docs/explanation/cost.md', () => {
  it('has the tables of the ledger: npm run bench -- --only ledger --write', () => {
    const text = readCostPage();
    expect(text).toBe(replaceTables(text, readCounted()));
  });
});

const nothing: Usage = {
  webhooks: 0,
  busEvents: 0,
  archivedBytes: 0,
  invocations: {},
  readUnits: 0,
  writeUnits: 0,
  transitions: 0,
  queueRequests: 0,
  secretReads: 0,
  logBytes: 0,
  liveChatCalls: 0,
};
const perMillion = (used: Partial<Usage>, options = { traces: 0, isCold: false }) =>
  Object.values(awsDollars({ ...nothing, ...used }, options)).reduce((sum, dollars) => sum + dollars * 1e6, 0);

it.each<[string, Partial<Usage>, number]>([
  ['a request to the HTTP API', { webhooks: 1 }, 1],
  ['an event on the bus', { busEvents: 1 }, 1],
  ['a write unit', { writeUnits: 1 }, 0.625],
  ['two read units', { readUnits: 2 }, 0.25],
  ['a state transition', { transitions: 1 }, 25],
  ['a read of a secret', { secretReads: 1 }, 5],
  ['a request to a queue', { queueRequests: 1 }, 0.4],
  ['2 KB of logs', { logBytes: 2_048 }, 0.954],
  ['1 KB in the archive', { archivedBytes: 1_024 }, 0.106],
])('prices a million times %s', (_what, used, dollars) => {
  expect(perMillion(used)).toBeCloseTo(dollars, 2);
});

it('adds the INIT phase to each invocation of an organization that writes once an hour', () => {
  const invoked = { invocations: { 'message-received': 1 } };
  expect(perMillion(invoked, { traces: 0, isCold: true })).toBeGreaterThan(5 * perMillion(invoked));
});

it.each([
  [0.1, 1],
  [1, 1],
  [10, 0.145],
  [100, 0.0595],
])('samples, of %f traces a second, the share %f', (rate, share) => {
  expect(sampledShare(rate)).toBeCloseTo(share, 5);
});

it('begins a trace for a message, but not for a deferral of it', () => {
  expect(rowOptions(textRow('sent', 100)).traces).toBe(1);
  expect(rowOptions('deferral for a slot').traces).toBe(0);
});

describe('a log line', () => {
  it('counts with the names of a deployed stage, the trace id, and the 26 bytes of CloudWatch Logs', () => {
    const arn = 'arn:aws:lambda:us-east-1:000000000000:function:send';
    const line = JSON.stringify({ message: 'sent', service: 'livechat', function_arn: arn, function_name: 'send' });
    const prefixes = 2 * 'livechat-production-'.length + '-production'.length;
    const trace = ',"xray_trace_id":"1-5759e988-bd862e3fe1be46a994272793"'.length;
    expect(logLineBytes(line)).toBe(line.length + prefixes + trace + 26);
  });

  it('is not one of the engine itself', () => {
    expect(logLineBytes('17:21:40.116 invocation message-received ok 12 ms')).toBe(0);
  });
});
