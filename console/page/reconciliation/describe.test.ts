import { describe, expect, it } from 'vitest';
import type { ReconciliationReport, ReconciliationRun } from '../../../core/reconciliation/report.ts';
import { stepTime, timeInText } from '../parts/format.ts';
import { describeDuration, describeFindings, describeScope, describeStatus, describeWatermark } from './describe.ts';

const now = Date.parse('2026-03-11T12:00:00.000Z');
const minutesAgo = (minutes: number) => new Date(now - minutes * 60_000).toISOString();

describe('describeWatermark', () => {
  it.each([
    [4, 15, 'complete', '4 min ago.'],
    [119, 15, 'complete', '1 h ago.'],
    [120, 15, 'late', '2 h ago. The alarm fires at 2 h.'],
    [239, 60, 'complete', '3 h ago.'],
    [240, 60, 'late', '4 h ago. The alarm fires at 4 h.'],
    [300, 0, 'not scheduled', '5 h ago.'],
  ])('describes a watermark of %i minutes ago, with runs every %i minutes, as %s', (minutes, every, name, end) => {
    const watermark = minutesAgo(minutes);
    const at = timeInText(watermark, minutesAgo(0));
    expect(describeWatermark(watermark, every, now)).toMatchObject({
      name,
      text: `Proven complete up to ${at}, ${end}`,
    });
  });

  it('says that nothing is proven before the first complete run', () => {
    expect(describeWatermark(undefined, 15, now)).toMatchObject({ name: 'not proven yet', tone: 'calm' });
  });
});

const report: ReconciliationReport = {
  threads: 1_200,
  equal: 1_200,
  repaired: 0,
  unprovable: {},
  examples: [],
  published: 0,
  events: {},
  calls: 12,
  passes: 1,
};
const run: ReconciliationRun = {
  organizationId: 'O',
  runId: 'R',
  reason: 'schedule',
  status: 'complete',
  startedAt: minutesAgo(30),
  endedAt: minutesAgo(29),
  from: minutesAgo(90),
  to: minutesAgo(32),
  report,
};

describe('describeFindings', () => {
  it.each<[ReconciliationRun['status'], Partial<ReconciliationReport>, string]>([
    ['complete', {}, `No difference in ${(1_200).toLocaleString()} threads`],
    ['running', { threads: 1 }, 'No difference in 1 thread so far'],
    ['failed', { threads: 0 }, 'No thread read'],
    ['complete', { published: 7, repaired: 1 }, '7 events published, 1 thread repaired'],
    ['complete', { unprovable: { changing: 2, invalid: 1 } }, '3 threads unprovable'],
  ])('sums up a %s run with %j', (status, changes, text) => {
    expect(describeFindings({ status, report: { ...report, ...changes } })).toBe(text);
  });
});

describe('describeScope', () => {
  it('has a date only for a time on another day than the run', () => {
    const days = { ...run, from: minutesAgo(60 * 24 + 90) };
    expect(describeScope(run)).toBe(`${stepTime(run.from)} to ${timeInText(run.to, run.startedAt)}`);
    expect(describeScope(days)).toBe(`${stepTime(days.from, run.startedAt)} to ${timeInText(run.to, run.startedAt)}`);
    expect(describeScope(days)).toContain('2026');
  });

  it('has no period for a run of one chat, which reads all of its threads', () => {
    expect(describeScope({ ...run, conversationId: 'C' })).toBe('all threads of C');
  });
});

describe('describeDuration', () => {
  it('is the time until the end, or until now', () => {
    const { endedAt: _, ...running } = run;
    expect(describeDuration(run, now)).toBe('1 min');
    expect(describeDuration(running, now)).toBe('30 min');
  });
});

describe('describeStatus', () => {
  it.each(['incomplete', 'interrupted', 'failed'] as const)('says how a run with status %s continues', (status) => {
    expect(describeStatus({ status, reason: 'schedule' })).toContain('The next run');
    expect(describeStatus({ status, reason: 'request' })).toMatch(/the (same )?command/);
  });
});
