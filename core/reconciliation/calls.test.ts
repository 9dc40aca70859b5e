import { describe, expect, it } from 'vitest';
import { ChannelError, type ChannelErrorCategory } from '../channel/channel.ts';
import { Deferred } from '../channel/deferred.ts';
import { type CallOptions, limitCalls, observationMarginMs } from './calls.ts';
import type { ReconciliationSource } from './source.ts';

const failed = (category: ChannelErrorCategory, given: object = {}) =>
  new ChannelError(category, { message: 'x', outcome: 'refused', ...given });

/** A source whose calls fail with these errors, in order, and then succeed. */
function start(errors: readonly Error[], given: Partial<CallOptions> = {}) {
  const left = [...errors];
  const regions: string[] = [];
  const sleeps: number[] = [];
  let now = 1_000_000;
  let calls = 0;
  const source: ReconciliationSource = {
    listActive: async (observedAt) => {
      const error = left.shift();
      if (error) throw error;
      return { threads: [], invalid: [], next: observedAt };
    },
    listArchived: async () => ({ threads: [], invalid: [], next: undefined }),
    getThread: async () => 'not found',
    listThreadIds: async () => undefined,
    inRegion(region) {
      regions.push(region);
      return source;
    },
    withFreshCredentials: async () => undefined,
  };
  const blocked: string[] = [];
  const { call } = limitCalls({
    connect: async () => source,
    limiter: {
      run: (make) => make(),
      holdFor: () => {},
      blockCredentials: async () => true,
    },
    clock: {
      now: () => now,
      sleep: async (ms) => {
        sleeps.push(ms);
        now += ms;
      },
      random: () => 0,
    },
    marginMs: observationMarginMs,
    deadline: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
    onCredentialsBlocked: async () => void blocked.push('blocked'),
    renewLease: async () => {},
    onCall: () => {
      calls += 1;
    },
    ...given,
  });
  const read = () => call((one, observedAt) => one.listActive(observedAt, undefined));
  return { read, regions, sleeps, blocked, calls: () => calls };
}

describe('a call', () => {
  it('observes the state of two minutes before it', async () => {
    expect((await start([]).read()).next).toBe(new Date(1_000_000 - observationMarginMs).toISOString());
  });

  it('waits for its slot, and after a 429, as often as needed', async () => {
    const deferred = (ms: number) => new Deferred(1_000_000 + ms, 'limited');
    const { read, sleeps, calls } = start([
      deferred(1_000),
      deferred(3_000),
      deferred(9_000),
      deferred(20_000),
      deferred(60_000),
    ]);
    await read();
    expect(sleeps).toEqual([1_000, 2_000, 6_000, 11_000, 40_000]);
    expect(calls()).toBe(6);
  });

  it('is repeated three times after server and network errors', async () => {
    const errors = [failed('Server'), failed('Network'), failed('Server')];
    const { read, sleeps } = start(errors);
    await read();
    expect(sleeps).toEqual([1_000, 2_000, 4_000]);
    await expect(start([...errors, failed('Server')]).read()).rejects.toThrow(ChannelError);
  });

  it('follows the region that LiveChat names, once', async () => {
    const elsewhere = failed('Repairable', { repair: 'region', region: 'fra' });
    const { read, regions } = start([elsewhere]);
    await read();
    expect(regions).toEqual(['fra']);
    await expect(start([elsewhere, elsewhere]).read()).rejects.toBe(elsewhere);
  });

  it('reports credentials that do not work', async () => {
    const { read, blocked } = start([failed('Authentication', { type: 'authentication' })]);
    await expect(read()).rejects.toThrow(ChannelError);
    expect(blocked).toEqual(['blocked']);
  });

  it.each<[string, readonly Error[], Partial<CallOptions>]>([
    ['the organization is paused or its circuit breaker is open', [new Deferred(0, 'blocked')], {}],
    ['it could outlast the function', [], { deadline: 1_000_000 + 34_999 }],
    [
      'it would have to wait until the function is nearly over',
      [new Deferred(1_030_000, 'rate')],
      { deadline: 1_060_000 },
    ],
    ['the run is aborted', [], { signal: AbortSignal.abort() }],
  ])('interrupts the run if %s', async (_why, errors, given) => {
    await expect(start(errors, given).read()).rejects.toMatchObject({ name: 'Interrupted' });
  });
});
