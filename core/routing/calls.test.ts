import { describe, expect, it } from 'vitest';
import { never, organizationId, world } from '../../test/model/gate-world.ts';
import { failure, routingCarrier } from '../../test/model/routing-carrier.ts';
import type { Gate } from '../outbound/gate/gate.ts';
import { Calls, NoSlot } from './apply.ts';

/** Calls in virtual time, from 0 on, through a gate that stands as given. */
function given(gate: Partial<Gate>, answers: Parameters<typeof routingCarrier>[0] = () => undefined, latest = never) {
  const { live, passage, time, gate: read } = world(gate);
  const { carrier, calls } = routingCarrier(answers);
  let locked = 0;
  const made = new Calls({
    carrier: async () => carrier,
    passage: passage('run'),
    gate: read,
    clock: time,
    latest,
    onLocked: async () => {
      locked += 1;
    },
  });
  return {
    live,
    read,
    time,
    calls,
    locked: () => locked,
    tag: (name = 't') => made.make((one) => one.tag(organizationId, 'T', name)),
  };
}

const outcome = (work: Promise<void>) =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof Error ? error.name : error),
  );

describe('a call of routing', () => {
  it('waits for a slot that comes within ten seconds', async () => {
    const { live, tag, time } = given({ nextSlotAt: 9_000, tail: 9_000 });
    expect(await live(() => outcome(tag()))).toBe('done');
    expect(time.now()).toBeGreaterThanOrEqual(9_000);
    expect(time.now()).toBeLessThanOrEqual(10_000);
  });

  it.each<[string, Partial<Gate>]>([
    ['comes later', { nextSlotAt: 13_000, tail: 13_000 }],
    ['others wait for', { tail: 30_000 }],
    ['an operator has paused', { paused: 'yes' }],
    ['the breaker keeps', { breaker: 'open', openUntil: 29_000, nextSlotAt: 29_000, tail: 29_000 }],
  ])('is not made for a slot that %s, and that is known at once', async (_why, gate) => {
    const { live, tag, time, calls, read } = given(gate);
    expect(await live(() => outcome(tag()))).toBe('NoSlot');
    expect(calls).toEqual([]);
    expect(time.now()).toBe(0);
    // Nobody waits behind one who has left.
    expect(await read()).toMatchObject(gate);
  });

  it('waits no longer than ten seconds for all calls of a decision together', async () => {
    const { live, tag, time } = given({ nextSlotAt: 4_900, tail: 4_900, interval: 4_900, baseInterval: 4_900 });
    const outcomes: unknown[] = [];
    await live(async () => {
      for (let call = 0; call < 4; call += 1) outcomes.push(await outcome(tag()));
    });
    expect(outcomes).toEqual(['done', 'done', 'NoSlot', 'NoSlot']);
    expect(time.now()).toBeLessThanOrEqual(10_000);
  });

  it('is not begun when it would outlive the function', async () => {
    const { live, tag, calls } = given({ nextSlotAt: 2_000, tail: 2_000 }, () => undefined, 1_999);
    expect(await live(() => outcome(tag()))).toBe('NoSlot');
    expect(calls).toEqual([]);
  });

  it('is made again after a limit that ends soon, and slows everybody', async () => {
    const limited = failure('RateLimit', { retryAfterMs: 3_000 });
    const { live, tag, calls, time, read } = given({}, (_call, { length }) => (length === 1 ? limited : undefined));
    expect(await live(() => outcome(tag()))).toBe('done');
    expect(calls).toEqual(['tag t', 'tag t']);
    expect(time.now()).toBeGreaterThanOrEqual(3_000);
    expect((await read()).interval).toBeGreaterThan(103);
  });

  it('is given up after a limit that does not end soon', async () => {
    const { live, tag, calls, time } = given({}, () => failure('RateLimit', { retryAfterMs: 60_000 }));
    expect(await live(() => outcome(tag()))).toBe('NoSlot');
    expect(calls).toHaveLength(1);
    expect(time.now()).toBe(0);
  });

  it.each(['Server', 'Network'] as const)(
    'that fails by %s counts at the breaker and is not repeated',
    async (category) => {
      const { live, tag, calls, read } = given({}, () => failure(category));
      expect(await live(() => outcome(tag()))).toBe(category);
      expect(calls).toHaveLength(1);
      expect((await read()).failures).toBe(1);
    },
  );

  it('follows the carrier to another region, once, and stays there', async () => {
    const elsewhere = failure('Repairable', { repair: 'region', region: 'fra' });
    const { live, tag, calls } = given({}, (call) =>
      call === 'tag a' || call === 'fra: tag c' ? elsewhere : undefined,
    );
    const outcomes = await live(async () => [
      await outcome(tag('a')),
      await outcome(tag('b')),
      await outcome(tag('c')),
    ]);
    expect(outcomes).toEqual(['done', 'done', 'Repairable']);
    expect(calls).toEqual(['tag a', 'fra: tag a', 'fra: tag b', 'fra: tag c']);
  });

  it('reads the credentials again, once', async () => {
    const refused = failure('Authentication', { type: 'authentication', status: 401 });
    const { live, tag, calls, locked } = given({}, (call) =>
      call === 'fresh credentials' ? true : call === 'tag t' ? refused : undefined,
    );
    expect(await live(() => outcome(tag()))).toBe('done');
    expect(calls).toEqual(['tag t', 'fresh: tag t']);
    expect(locked()).toBe(0);
  });

  it('closes the gate and calls a human when the credentials do not work', async () => {
    const { live, tag, read, locked } = given({}, (call) =>
      call === 'tag t' ? failure('Authentication', { type: 'authentication' }) : false,
    );
    expect(await live(() => outcome(tag()))).toBe('Authentication');
    expect(await read()).toMatchObject({ breaker: 'open', reason: 'credentials' });
    expect(locked()).toBe(1);
  });

  it('does not close the gate for all because one chat is out of bounds', async () => {
    const { live, tag, read, locked } = given({}, (call) =>
      call === 'tag t' ? failure('Authentication', { type: 'authorization' }) : false,
    );
    expect(await live(() => outcome(tag()))).toBe('Authentication');
    expect(await read()).toMatchObject({ breaker: 'closed' });
    expect(locked()).toBe(0);
  });
});

it('says where to look when there was no slot', () => {
  expect(new NoSlot().message).toBe('the gate had no slot within 10 s; see why at GET /api/gate');
});
