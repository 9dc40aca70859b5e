import { describe, expect, it } from 'vitest';
import { decimalGate } from '../../../test/model/decimal-gate.ts';
import {
  baseInterval,
  close,
  endOfLine,
  freshGate,
  type Gate,
  type GateUpdate,
  joinLine,
  mustOpen,
  open,
  returnTrial,
  slow,
  takeSlot,
  takeTrial,
} from './gate.ts';

const now = 1_790_000_000_000;
const limit = now + 5_000;
/** Ten calls a second: 103 ms apart. */
const gateWith = (more: Partial<Gate> = {}): Gate => ({ ...freshGate(10), windowStart: now - 1_000, ...more });

/** What becomes of a gate by an update that was decided on it, or on another reading. */
async function changed(gate: Gate, update: GateUpdate): Promise<Gate | undefined> {
  const store = decimalGate(10);
  await store.update('organization', { when: [], set: gate });
  return store.update('organization', update);
}

describe('an interval', () => {
  it.each([
    [10, 103],
    [1, 1_030],
    [3, 344],
    [7, 148],
    [200, 6],
    [0.1, 10_300],
  ])('at %d calls a second is %d ms: a little more than the rate needs, in whole ms', (callsPerSecond, ms) => {
    expect(baseInterval(callsPerSecond)).toBe(ms);
  });
});

describe('a slot', () => {
  it.each<[string, Partial<Gate>, Partial<Gate> | undefined]>([
    ['is now when nobody came lately', { nextSlotAt: 0 }, { nextSlotAt: now + 103 }],
    ['is now when the last interval ends this moment', { nextSlotAt: now }, { nextSlotAt: now + 103 }],
    ['is behind the last one', { nextSlotAt: now + 50 }, { nextSlotAt: now + 153 }],
    ['may be just at the limit', { nextSlotAt: limit }, { nextSlotAt: limit + 103 }],
    ['is refused beyond the limit', { nextSlotAt: limit + 1 }, undefined],
    ['is refused while the gate is paused', { paused: 'yes' }, undefined],
    ['is refused while the breaker is open', { breaker: 'open' }, undefined],
    ['counts as a call', { calls: 4, failures: 2 }, { calls: 5, failures: 2 }],
    [
      'begins another window after half a minute',
      { calls: 4, failures: 2, windowStart: now - 30_001 },
      { calls: 1, failures: 0, windowStart: now },
    ],
    ['restores the pace by a tenth', { interval: 500, pacedAt: now - 3_001 }, { interval: 450, pacedAt: now }],
    ['restores it to the base, no further', { interval: 110, pacedAt: 0 }, { interval: 103, pacedAt: now }],
    ['leaves a pace alone that has just slowed', { interval: 500, pacedAt: now - 3_000 }, { interval: 500 }],
  ])('%s', async (_name, given, expected) => {
    const gate = gateWith(given);
    const taken = await changed(gate, takeSlot(gate, now, limit));
    expected === undefined ? expect(taken).toBeUndefined() : expect(taken).toMatchObject(expected);
  });

  it.each<[string, Partial<Gate>]>([
    ['the regime', { epoch: 1 }],
    ['the slot', { nextSlotAt: now + 103 }],
  ])('is refused to who has an outdated reading of %s', async (_name, meanwhile) => {
    const read = gateWith();
    expect(await changed({ ...read, ...meanwhile }, takeSlot(read, now, limit))).toBeUndefined();
  });

  it('is refused to who would begin a window that another has begun', async () => {
    const read = gateWith({ windowStart: 0 });
    expect(await changed({ ...read, windowStart: now - 5 }, takeSlot(read, now, limit))).toBeUndefined();
  });
});

describe('the line', () => {
  it.each<[string, Partial<Gate>, number]>([
    ['begins now', {}, now],
    ['begins behind the slots given', { nextSlotAt: now + 6_000, tail: now + 10 }, now + 6_000],
    ['goes on at its end', { nextSlotAt: now + 6_000, tail: now + 9_000 }, now + 9_000],
  ])('%s', async (_name, given, end) => {
    const gate = gateWith(given);
    expect(endOfLine(gate, now)).toBe(end);
    expect((await changed(gate, joinLine(gate, now)))?.tail).toBe(end + 103);
  });

  it('takes two who have read the same, one behind the other', async () => {
    const read = gateWith({ tail: now + 9_000 });
    const store = decimalGate(10);
    await store.update('organization', { when: [], set: read });
    await store.update('organization', joinLine(read, now));
    await store.update('organization', joinLine(read, now));
    expect(store.current().tail).toBe(now + 9_206);
  });

  it('lets only one begin it', async () => {
    const read = gateWith();
    expect(await changed({ ...read, tail: now + 103 }, joinLine(read, now))).toBeUndefined();
  });
});

describe('a 429', () => {
  it.each<[string, Partial<Gate>, number, Partial<Gate>]>([
    ['slows by a quarter and moves the next slot', {}, 2_000, { interval: 129, nextSlotAt: now + 2_000, epoch: 1 }],
    ['moves the line along', { tail: now + 500 }, 2_000, { tail: now + 2_000 }],
    ['never draws anything nearer', { nextSlotAt: now + 3_000, tail: now + 9_000 }, 0, { nextSlotAt: now + 3_000 }],
    ['slows to ten seconds at the most', { interval: 9_000 }, 0, { interval: 10_000 }],
  ])('%s', async (_name, given, retryAfterMs, expected) => {
    const gate = gateWith(given);
    expect(await changed(gate, slow(gate, now, retryAfterMs))).toMatchObject(expected);
  });

  it('slows once, however many were on their way', async () => {
    const read = gateWith();
    expect(await changed({ ...read, epoch: 1 }, slow(read, now, 0))).toBeUndefined();
  });

  it('does not quicken a pace that was set slower than ten seconds', async () => {
    const gate = { ...gateWith(), interval: baseInterval(0.1), baseInterval: baseInterval(0.1) };
    expect((await changed(gate, slow(gate, now, 0)))?.interval).toBeGreaterThanOrEqual(gate.baseInterval);
  });
});

describe('a breaker', () => {
  it.each([
    [9, 9, false],
    [10, 4, false],
    [10, 5, true],
    [11, 5, false],
    [1, 10, false],
  ])('with %d calls, %d of them failed, must open: %s', (calls, failures, expected) => {
    expect(mustOpen(gateWith({ calls, failures }))).toBe(expected);
  });

  it('opens for half a minute, and everybody waits behind it', async () => {
    const gate = gateWith({ epoch: 7, trialBy: 'run', trialUntil: now + 5 });
    const until = now + 30_000;
    expect(await changed(gate, open(gate, now, 'failures'))).toMatchObject({
      breaker: 'open',
      reason: 'failures',
      openUntil: until,
      nextSlotAt: until,
      tail: until,
      trialUntil: 0,
      trialBy: '',
      epoch: 8,
    });
    expect(await changed({ ...gate, epoch: 8 }, open(gate, now, 'failures'))).toBeUndefined();
  });

  const opened = gateWith({ breaker: 'open', openUntil: now, epoch: 3, calls: 20, failures: 15, reason: 'failures' });
  it.each<[string, Partial<Gate>, Partial<Gate> | undefined]>([
    ['gives one trial, leased', {}, { trialBy: 'run', trialUntil: now + 65_000 }],
    ['gives none while another has it', { trialUntil: now + 1, trialBy: 'other' }, undefined],
    ['gives it again when its lease is over', { trialUntil: now, trialBy: 'dead' }, { trialBy: 'run' }],
    ['gives none while paused', { paused: 'yes' }, undefined],
    ['gives none when closed', { breaker: 'closed' }, undefined],
  ])('%s', async (_name, given, expected) => {
    const gate = { ...opened, ...given };
    const taken = await changed(gate, takeTrial(gate, now, 'run'));
    expected === undefined ? expect(taken).toBeUndefined() : expect(taken).toMatchObject(expected);
  });

  it('takes a trial back from who has it only', async () => {
    const gate = { ...opened, trialBy: 'run', trialUntil: now + 65_000 };
    expect(await changed(gate, returnTrial('run'))).toMatchObject({ trialBy: '', trialUntil: 0, breaker: 'open' });
    expect(await changed(gate, returnTrial('other'))).toBeUndefined();
  });

  it('closes from the regime of the trial, with a clean slate', async () => {
    expect(await changed(opened, close(3, now))).toMatchObject({
      breaker: 'closed',
      reason: '',
      calls: 0,
      failures: 0,
      nextSlotAt: now,
      tail: now,
      epoch: 4,
    });
    expect(await changed(opened, close(2, now))).toBeUndefined();
    expect(await changed({ ...opened, breaker: 'closed' }, close(3, now))).toBeUndefined();
  });
});
