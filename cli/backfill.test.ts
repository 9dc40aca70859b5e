import { describe, expect, test } from 'vitest';
import type { ReconciliationReport, ReconciliationRun } from '../core/reconciliation/report.ts';
import { cliFor } from '../test/cli.ts';
import { sharedLocal } from '../test/shared-local.ts';
import { type BackfillResult, formatDetails, formatProgress, summarize } from './backfill.ts';

const organizationId = '7d1b0c52-9e44-4f0a-8a6e-2f63c1e0b9d4';
const request = { organizationId, from: '2026-11-27T12:00:00.000Z', to: '2026-11-27T14:00:00.000Z' };
const noReport: ReconciliationReport = {
  ...{ threads: 0, equal: 0, repaired: 0, unprovable: {}, examples: [], published: 0, events: {}, calls: 0, passes: 0 },
};
const makeRun = (
  status: ReconciliationRun['status'],
  report: Partial<ReconciliationReport> = {},
): ReconciliationRun => ({
  ...request,
  ...{ runId: 'r1', reason: 'request', startedAt: request.to, status },
  report: { ...noReport, ...report },
});

describe('the options', () => {
  test.each([
    [[], 'Pass --since, such as --since 2h, or --chat'],
    [['--since', 'yesterday'], '--since must be a time before now such as 2h or 7d, or a time such as'],
    [['--since', '2026-11-27'], '--since must be a time before now'],
    [['--since', '2999-01-01T00:00:00Z'], '--since must be in the past'],
    [['--since', '2h', '--until', '2999-01-01T00:00:00Z'], '--until must be in the past'],
    [['--since', '2h', '--until', '3h'], '--since must be before --until'],
    [['--since', '2026-11-20T10:00:00+01:00', '--until', '2026-11-20T09:00:00Z'], '--since must be before --until'],
    [['--since', '2h', '--organization', 'acme'], '--organization must be a UUID'],
  ])('%j are a usage error', async (args, message) => {
    const { code, stderr } = await cliFor(await sharedLocal()).run('backfill', ...args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});

describe('the output', () => {
  test('counts several organizations together', () => {
    const results: BackfillResult[] = [
      { request, run: makeRun('complete', { threads: 30, repaired: 4, published: 9, calls: 12, passes: 2 }) },
      { request, run: makeRun('complete', { threads: 5, calls: 3, unprovable: { changing: 1, 'not found': 2 } }) },
    ];
    const { runs, ...totals } = summarize(results, false);
    expect(runs).toHaveLength(2);
    expect(totals).toEqual({ published: 9, calls: 15, threads: 35, repaired: 4, unprovable: 3 });
  });

  test.each([
    ['an interrupted run', { request, run: makeRun('interrupted') }, false, 'Interrupted.'],
    ['an incomplete run', { request, run: makeRun('incomplete') }, false, 'The last pass still found differences.'],
    ['a dry run that found differences', { request, run: makeRun('incomplete') }, true, undefined],
    ['an error', { request, error: 'Resume it first.' }, true, 'Resume it first.'],
  ])('says what is wrong with %s', (_what, result, dryRun, problem) => {
    expect(summarize([result], dryRun).error).toBe(problem && `${organizationId}: ${problem}`);
  });

  test('lists the events by type, and the threads that are not proven with their reason', () => {
    const run = makeRun('complete', {
      events: { 'chat.started': 1, 'message.received': 12 },
      unprovable: { 'not found': 3 },
      examples: [
        { conversationId: 'C1', threadId: 'T1', reason: 'not found' },
        { conversationId: 'C2', threadId: 'T2', reason: 'changing' },
      ],
    });
    expect(formatDetails(run)).toEqual([
      'Events: 1 chat.started, 12 message.received',
      expect.stringMatching(/^Not proven, 3 threads: LiveChat does not return them: .* First: C1\/T1$/),
    ]);
    expect(formatDetails(makeRun('complete'))).toEqual([]);
  });

  test('shows the progress of a pass', () => {
    const run = makeRun('running', { threads: 340, published: 12, calls: 51 });
    expect(formatProgress({ phase: 'archive', pass: 2, run })).toBe(
      'Pass 2, archive: 340 threads, 12 events, 51 calls',
    );
  });
});
