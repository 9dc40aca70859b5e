import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimalGate } from '../../../test/model/decimal-gate.ts';
import { type Operation, operation, rate, type Step, slotOf, trace } from '../../../test/model/gate-trace.ts';
import { type Gate, mustOpen } from './gate.ts';

const began = fc.integer({ min: 1_790_000_000_000, max: 1_799_999_999_999 });
const operations = fc.array(operation, { minLength: 1, maxLength: 40, size: 'max' });
const runs = { numRuns: 1_000 };
/** Asserts something of what any crowd does to a gate. */
async function always(check: (steps: readonly Step[]) => void): Promise<void> {
  await fc.assert(
    fc.asyncProperty(rate, began, operations, async (callsPerSecond, at, list) =>
      check(await trace(decimalGate(callsPerSecond), at, list)),
    ),
    runs,
  );
}

const slotsOf = (steps: readonly Step[]) =>
  steps.flatMap((step) => {
    const at = step.operation.kind === 'takeSlot' ? slotOf(step) : undefined;
    return at === undefined ? [] : [{ at, step }];
  });

const applied = (steps: readonly Step[]) =>
  steps.flatMap(({ after, met, operation: { kind } }) => (after ? [{ after, met, kind }] : []));

describe('whatever a crowd does to a gate', () => {
  it('slots of one epoch are an interval apart, even when they are taken on an outdated reading', async () => {
    await always((steps) => {
      for (const [index, { at, step }] of slotsOf(steps).entries()) {
        const before = slotsOf(steps)[index - 1];
        if (before?.step.met.epoch !== step.met.epoch) continue;
        expect(at - before.at).toBeGreaterThanOrEqual(step.met.interval);
      }
    });
  });

  it('no slot lies in the past of who takes it', async () => {
    await always((steps) => {
      for (const { at, step } of slotsOf(steps)) expect(at).toBeGreaterThanOrEqual(step.now);
    });
  });

  it('no slot is further off than was asked', async () => {
    await always((steps) => {
      for (const { at, step } of slotsOf(steps)) expect(at).toBeLessThanOrEqual(step.now + 5_000);
    });
  });

  it('no slot is given while the breaker is open or the gate is paused', async () => {
    await always((steps) => {
      for (const { step } of slotsOf(steps)) expect(step.met).toMatchObject({ breaker: 'closed', paused: 'no' });
    });
  });

  it('one trial at a time passes an open breaker', async () => {
    await always((steps) => {
      for (const { kind, now, met, after } of steps.map((step) => ({ ...step, kind: step.operation.kind }))) {
        if (kind !== 'takeTrial' || !after) continue;
        expect(met).toMatchObject({ breaker: 'open', paused: 'no' });
        expect(met.trialUntil).toBeLessThanOrEqual(now);
      }
    });
  });

  it('the pace slows only with an epoch, and stays between its base and ten seconds', async () => {
    await always((steps) => {
      for (const { after, met, kind } of applied(steps)) {
        expect(after.epoch - met.epoch).toBe(['slow', 'open', 'close', 'pause', 'resume'].includes(kind) ? 1 : 0);
        if (after.interval > met.interval) expect(kind).toBe('slow');
        expect(after.interval).toBeGreaterThanOrEqual(after.baseInterval);
        expect(after.interval).toBeLessThanOrEqual(10_000);
      }
    });
  });

  it('whoever decided in another epoch is refused, save for counting a failure and giving a trial back', async () => {
    await always((steps) => {
      for (const { operation: one, decidedOn, met, after } of steps) {
        if (decidedOn.epoch === met.epoch || ['fail', 'returnTrial'].includes(one.kind)) continue;
        expect(after).toBeUndefined();
      }
    });
  });

  it('all numbers in the table are whole, so that a condition can equal them', async () => {
    await fc.assert(
      fc.asyncProperty(rate, began, operations, async (callsPerSecond, at, list) => {
        const gate = decimalGate(callsPerSecond);
        await trace(gate, at, list);
        expect(gate.crooked()).toEqual([]);
      }),
      runs,
    );
  });

  it('who has just read the gate is not refused by anything but its regime', async () => {
    const fresh = operations.map((list) => list.map((one): Operation => ({ ...one, lag: 0 })));
    await fc.assert(
      fc.asyncProperty(rate, began, fresh, async (callsPerSecond, at, list) => {
        for (const { operation: one, met, after } of await trace(decimalGate(callsPerSecond), at, list)) {
          if (['joinLine', 'slow', 'open', 'pause', 'resume', 'fail'].includes(one.kind)) {
            expect({ kind: one.kind, met, refused: !after }).toMatchObject({ refused: false });
          }
        }
      }),
      runs,
    );
  });

  it('the line never gets shorter within an epoch', async () => {
    await always((steps) => {
      for (const { after, met } of applied(steps)) {
        if (after.epoch === met.epoch) expect(after.tail).toBeGreaterThanOrEqual(met.tail);
      }
    });
  });

  it('each who joins the line stands an interval of the best pace behind the one before, and behind the slots it knew of', async () => {
    await always((steps) => {
      for (const { operation: one, decidedOn, now, met, after } of steps) {
        if (one.kind !== 'joinLine' || !after) continue;
        const behind = Math.max(met.tail, decidedOn.nextSlotAt, now);
        expect(after.tail - behind).toBeGreaterThanOrEqual(met.baseInterval);
      }
    });
  });
});

describe('the breaker', () => {
  const counts = fc.record({ calls: fc.nat(1_000), failures: fc.nat(1_000) });
  const closed = { breaker: 'closed' } satisfies Partial<Gate>;

  it('opens from ten calls on, when half of them have failed', () => {
    fc.assert(
      fc.property(counts, ({ calls, failures }) => {
        const gate = { ...decimalGate(10).current(), ...closed, calls, failures };
        expect(mustOpen(gate)).toBe(calls >= 10 && failures * 2 >= calls);
        expect(mustOpen({ ...gate, breaker: 'open' })).toBe(false);
      }),
      runs,
    );
  });
});
