import { beforeAll, expect, it } from 'vitest';
import { type Counted, measureLedger, readCounted } from '../bench/ledger.ts';

/** The counts of bench/ledger.json, which docs/explanation/cost.md prices, are those of a run. */

const ledger = readCounted();
const rows = Object.keys(ledger.rows);
let run: Omit<Counted, 'alarmMetrics'>;

beforeAll(async () => {
  run = await measureLedger();
}, 400_000);

/** Within 5 %, or what a hundredth of the messages uses. */
function expectNear(what: string, counted: number, expected: number): void {
  expect(Math.abs(counted - expected), `${what}: ${counted}, not ${expected}`).toBeLessThanOrEqual(
    Math.max(0.05 * Math.abs(expected), 0.01),
  );
}

it('has the rows of the run', () => {
  expect(Object.keys(run.rows)).toEqual(rows);
});

it.each(rows)('counts within 5 %%: %s', (row) => {
  const { invocations = {}, ...counts } = ledger.rows[row] ?? {};
  const { invocations: invoked = {}, ...counted } = run.rows[row] ?? {};
  const found = new Map(Object.entries({ ...counted, ...invoked }));
  const expected = Object.entries({ ...counts, ...invocations });
  expect([...found.keys()].toSorted()).toEqual(expected.map(([name]) => name).toSorted());
  for (const [name, count] of expected) expectNear(name, found.get(name) ?? 0, count);
});

it('counts the metrics that CloudWatch bills', () => {
  expectNear('metrics', run.customMetrics, ledger.customMetrics);
});
