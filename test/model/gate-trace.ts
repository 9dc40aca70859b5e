import * as fc from 'fast-check';
import {
  clear,
  close,
  type Gate,
  type GateUpdate,
  joinLine,
  open,
  returnTrial,
  slow,
  takeSlot,
  takeTrial,
} from '../../core/outbound/gate/gate.ts';
import type { GateStore } from '../../core/outbound/gate/store.ts';

/** Something that somebody does to a gate, having read it a while ago. */
export interface Operation {
  readonly kind:
    | 'takeSlot'
    | 'joinLine'
    | 'slow'
    | 'open'
    | 'close'
    | 'takeTrial'
    | 'returnTrial'
    | 'fail'
    | 'pause'
    | 'resume';
  /** Time passes before it, whole ms. */
  readonly afterMs: number;
  /** How many operations ago the gate was read. */
  readonly lag: number;
  readonly ms: number;
  readonly by: string;
}

/** An operation, the gate and time it was decided on, the gate that it met, and what came of it. */
export interface Step {
  readonly operation: Operation;
  readonly decidedOn: Gate;
  readonly now: number;
  readonly met: Gate;
  readonly update: GateUpdate;
  /** Undefined when it was refused. */
  readonly after: Gate | undefined;
}

const nearMs = 5_000;
const afterMs = fc.oneof(
  { weight: 6, arbitrary: fc.nat(200) },
  { weight: 2, arbitrary: fc.nat(5_000) },
  { weight: 1, arbitrary: fc.nat(80_000) },
);

export const operation: fc.Arbitrary<Operation> = fc.record({
  kind: fc.oneof(
    { weight: 8, arbitrary: fc.constant('takeSlot' as const) },
    { weight: 4, arbitrary: fc.constant('joinLine' as const) },
    {
      weight: 6,
      arbitrary: fc.constantFrom(
        'slow',
        'open',
        'close',
        'takeTrial',
        'returnTrial',
        'fail',
        'pause',
        'resume',
      ) satisfies fc.Arbitrary<Operation['kind']>,
    },
  ),
  afterMs,
  lag: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(4) }),
  ms: fc.nat(20_000),
  by: fc.constantFrom('run-1', 'run-2'),
});

/** Rates whose intervals are whole and rates whose intervals are not. */
export const rate = fc.constantFrom(1, 3, 7, 10, 15, 60, 200);

export function updateOf({ kind, ms, by }: Operation, gate: Gate, now: number): GateUpdate {
  const sameEpoch = { field: 'epoch', is: '=', value: gate.epoch } as const;
  switch (kind) {
    case 'takeSlot':
      return takeSlot(gate, now, now + nearMs);
    case 'joinLine':
      return joinLine(gate, now);
    case 'slow':
      return slow(gate, now, ms);
    case 'open':
      return open(gate, now, 'failures');
    case 'close':
      return close(gate.epoch, now);
    case 'takeTrial':
      return takeTrial(gate, now, by);
    case 'returnTrial':
      return returnTrial(by);
    case 'fail':
      return { when: [], add: { failures: 1 } };
    case 'pause':
      return { when: [sameEpoch], set: { paused: 'yes' }, add: { epoch: 1 } };
    case 'resume':
      return {
        when: [sameEpoch],
        set: { paused: 'no', ...clear(now) },
        add: { epoch: 1 },
      };
  }
}

/** Applies the operations one after the other, each decided on the gate and at the time of its reading. */
export async function trace(store: GateStore, began: number, operations: readonly Operation[]): Promise<Step[]> {
  const steps: Step[] = [];
  let now = began;
  let met = await store.read('organization');
  const read: { gate: Gate; now: number }[] = [];
  for (const one of operations) {
    now += one.afterMs;
    read.push({ gate: met, now });
    const decided = read.at(-1 - one.lag) ?? { gate: met, now };
    const update = updateOf(one, decided.gate, decided.now);
    const after = await store.update('organization', update);
    steps.push({ operation: one, decidedOn: decided.gate, now: decided.now, met, update, after });
    met = after ?? met;
  }
  return steps;
}

/** Where the slot of a successful `takeSlot` is, as a passage reckons it. */
export function slotOf({ decidedOn, now, after }: Step): number | undefined {
  if (!after) return undefined;
  return decidedOn.nextSlotAt > now ? after.nextSlotAt - decidedOn.interval : now;
}
