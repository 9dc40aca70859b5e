import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type SharedLocal, sharedLocal } from '../../test/shared-local.ts';

describe('an effect that must happen once', () => {
  let local: SharedLocal;
  let withIdempotency: typeof import('./idempotency.ts').withIdempotency;
  beforeAll(async () => {
    local = await sharedLocal();
    for (const [name, value] of Object.entries(local.environment)) vi.stubEnv(name, value);
    ({ withIdempotency } = await import('./idempotency.ts'));
  });
  afterAll(async () => {
    vi.useRealTimers();
    vi.unstubAllEnvs();
  });

  const left = (remainingMs: number) => () => remainingMs;

  /** An effect that counts itself, with a gate that holds it open until it is told how to end. */
  function held(name = 'test') {
    let calls = 0;
    const { promise, resolve, reject } = Promise.withResolvers<{ id: string }>();
    const entered = Promise.withResolvers<void>();
    const run = withIdempotency(name, async () => {
      calls += 1;
      entered.resolve();
      return promise;
    });
    return { run, resolve, reject, entered: entered.promise, calls: () => calls };
  }

  it('answers a second delivery with the first one’s answer', async () => {
    const id = randomUUID();
    const effect = held();
    effect.resolve({ id: 'first' });
    expect(await effect.run(id, left(5000))).toEqual({ id: 'first' });
    expect(await effect.run(id, left(5000))).toEqual({ id: 'first' });
    expect(effect.calls()).toBe(1);
  });

  it('refuses a delivery while another is under way, then answers it', async () => {
    const id = randomUUID();
    const effect = held();
    const first = effect.run(id, left(5000));
    await effect.entered;
    await expect(effect.run(id, left(5000))).rejects.toThrow(
      expect.objectContaining({ name: 'IdempotencyAlreadyInProgressError' }),
    );
    effect.resolve({ id: 'done' });
    expect(await first).toEqual({ id: 'done' });
    expect(await effect.run(id, left(5000))).toEqual({ id: 'done' });
  });

  it('lets a delivery that has time wait for the one that is under way', async () => {
    const id = randomUUID();
    const effect = held();
    const first = effect.run(id, left(5000));
    await effect.entered;
    const second = effect.run(id, left(60_000));
    effect.resolve({ id: 'done' });
    expect(await first).toEqual({ id: 'done' });
    expect(await second).toEqual({ id: 'done' });
    expect(effect.calls()).toBe(1);
  });

  it('lets a delivery try again at once after the effect has thrown', async () => {
    const id = randomUUID();
    const failing = held();
    const refused = expect(failing.run(id, left(5000))).rejects.toThrow(RangeError);
    await failing.entered;
    failing.reject(new RangeError('no luck'));
    await refused;
    const working = held();
    working.resolve({ id: 'second try' });
    expect(await working.run(id, left(5000))).toEqual({ id: 'second try' });
  });

  it('takes over from a run that died half-way, once its lease has ended', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const id = randomUUID();
    const crashed = held();
    void crashed.run(id, left(5000));
    await crashed.entered;
    const next = held();
    next.resolve({ id: 'taken over' });
    vi.setSystemTime(Date.now() + 4000);
    await expect(next.run(id, left(5000))).rejects.toThrow(
      expect.objectContaining({ name: 'IdempotencyAlreadyInProgressError' }),
    );
    vi.setSystemTime(Date.now() + 1500);
    expect(await next.run(id, left(5000))).toEqual({ id: 'taken over' });
  });

  it('remembers for 25 hours, longer than EventBridge tries', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const id = randomUUID();
    const first = held();
    first.resolve({ id: 'first' });
    await first.run(id, left(5000));
    vi.setSystemTime(Date.now() + 24.9 * 3_600_000);
    const again = held();
    again.resolve({ id: 'again' });
    expect(await again.run(id, left(5000))).toEqual({ id: 'first' });
    vi.setSystemTime(Date.now() + 0.2 * 3_600_000);
    expect(await again.run(id, left(5000))).toEqual({ id: 'again' });
  });

  it('keeps the records of two functions apart', async () => {
    const id = randomUUID();
    const [one, another] = [held('one'), held('another')];
    one.resolve({ id: 'one' });
    another.resolve({ id: 'another' });
    expect(await one.run(id, left(5000))).toEqual({ id: 'one' });
    expect(await another.run(id, left(5000))).toEqual({ id: 'another' });
  });
});
