import { beforeAll, expect, it } from 'vitest';
import { type Counted, deferralRows, measureLedger, readCounted, reconciledRow } from '../bench/ledger.ts';

/** The counts of bench/ledger.json, which docs/explanation/cost.md prices, are those of a run. */

const ledger = readCounted();
const rows = Object.keys(ledger.rows);
let run: Omit<Counted, 'alarmMetrics'>;

beforeAll(async () => {
  run = await measureLedger();
}, 400_000);

/**
 * These rows vary between machines: concurrent sends retry after write conflicts, and a reconciliation run polls until its events
 * are stored.
 */
const concurrent: readonly string[] = [...deferralRows, reconciledRow];

function tolerance(row: string, name: string): number {
  if (!concurrent.includes(row)) return 0.05;
  return name === 'readUnits' ? 0.5 : 0.25;
}

function expectNear(name: string, counted: number, expected: number, share = 0.05): void {
  const rounding = name.endsWith('Bytes') ? 5 : 0.1;
  expect(Math.abs(counted - expected), `${name}: ${counted}, not ${expected}`).toBeLessThanOrEqual(
    Math.max(share * expected, rounding),
  );
}

it('has the rows of the run', () => {
  expect(Object.keys(run.rows)).toEqual(rows);
});

it.each(rows)('counts what bench/ledger.json says: %s', (row) => {
  const { invocations = {}, ...counts } = ledger.rows[row] ?? {};
  const { invocations: invoked = {}, ...counted } = run.rows[row] ?? {};
  const found = new Map(Object.entries({ ...counted, ...invoked }));
  const expected = Object.entries({ ...counts, ...invocations });
  expect([...found.keys()].toSorted()).toEqual(expected.map(([name]) => name).toSorted());
  for (const [name, count] of expected) expectNear(name, found.get(name) ?? 0, count, tolerance(row, name));
});

it('counts the metrics that CloudWatch bills', () => {
  expectNear('metrics', run.customMetrics, ledger.customMetrics);
});
