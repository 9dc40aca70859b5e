import { randomUUID } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { loseResponse } from '../../test/lose-response.ts';
import { useSharedLocal } from '../../test/shared-local.ts';

describe('withIdempotency', () => {
  let withIdempotency: typeof import('./idempotency.ts').withIdempotency;
  beforeAll(async () => {
    await useSharedLocal();
    ({ withIdempotency } = await import('./idempotency.ts'));
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const remaining = (remainingMs: number) => () => remainingMs;

  /** An effect that counts its calls and completes when `resolve` or `reject` is called. */
  function createEffect(name = 'test') {
    let calls = 0;
    const { promise, resolve, reject } = Promise.withResolvers<{ id: string }>();
    const entered = Promise.withResolvers<void>();
    const run = withIdempotency({ keyPrefix: name }, async () => {
      calls += 1;
      entered.resolve();
      return promise;
    });
    return { run, resolve, reject, entered: entered.promise, calls: () => calls };
  }

  it('returns the stored result for a duplicate delivery', async () => {
    const id = randomUUID();
    const effect = createEffect();
    effect.resolve({ id: 'first' });
    expect(await effect.run(id, remaining(5000))).toEqual({ id: 'first' });
    expect(await effect.run(id, remaining(5000))).toEqual({ id: 'first' });
    expect(effect.calls()).toBe(1);
  });

  it('runs the effect if the SDK retried the write of its record after a lost response', async () => {
    const { dynamodb } = await import('./dynamodb.ts');
    const effect = createEffect();
    effect.resolve({ id: 'done' });
    loseResponse(dynamodb, 'PutItemCommand');
    expect(await effect.run(randomUUID(), remaining(5000))).toEqual({ id: 'done' });
    expect(effect.calls()).toBe(1);
  });

  it('rejects a delivery while another is in progress, then returns its result', async () => {
    const id = randomUUID();
    const effect = createEffect();
    const first = effect.run(id, remaining(5000));
    await effect.entered;
    await expect(effect.run(id, remaining(5000))).rejects.toThrow(
      expect.objectContaining({ name: 'IdempotencyAlreadyInProgressError' }),
    );
    effect.resolve({ id: 'done' });
    expect(await first).toEqual({ id: 'done' });
    expect(await effect.run(id, remaining(5000))).toEqual({ id: 'done' });
  });

  it('waits for a delivery in progress if there is time', async () => {
    const id = randomUUID();
    const effect = createEffect();
    const first = effect.run(id, remaining(5000));
    await effect.entered;
    const second = effect.run(id, remaining(60_000));
    effect.resolve({ id: 'done' });
    expect(await first).toEqual({ id: 'done' });
    expect(await second).toEqual({ id: 'done' });
    expect(effect.calls()).toBe(1);
  });

  it('allows an immediate retry after the effect has thrown', async () => {
    const id = randomUUID();
    const failing = createEffect();
    const rejection = expect(failing.run(id, remaining(5000))).rejects.toThrow(RangeError);
    await failing.entered;
    failing.reject(new RangeError('failed'));
    await rejection;
    const working = createEffect();
    working.resolve({ id: 'second attempt' });
    expect(await working.run(id, remaining(5000))).toEqual({ id: 'second attempt' });
  });

  it('runs the effect again once the remaining time of a crashed invocation has passed', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const id = randomUUID();
    const crashed = createEffect();
    void crashed.run(id, remaining(5000));
    await crashed.entered;
    const next = createEffect();
    next.resolve({ id: 'replaced' });
    vi.setSystemTime(Date.now() + 4000);
    await expect(next.run(id, remaining(5000))).rejects.toThrow(
      expect.objectContaining({ name: 'IdempotencyAlreadyInProgressError' }),
    );
    vi.setSystemTime(Date.now() + 1500);
    expect(await next.run(id, remaining(5000))).toEqual({ id: 'replaced' });
  });

  it('stores the result for 25 hours, longer than EventBridge retries', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const id = randomUUID();
    const first = createEffect();
    first.resolve({ id: 'first' });
    await first.run(id, remaining(5000));
    vi.setSystemTime(Date.now() + 24.9 * 3_600_000);
    const again = createEffect();
    again.resolve({ id: 'again' });
    expect(await again.run(id, remaining(5000))).toEqual({ id: 'first' });
    vi.setSystemTime(Date.now() + 0.2 * 3_600_000);
    expect(await again.run(id, remaining(5000))).toEqual({ id: 'again' });
  });

  it('separates the records of two functions', async () => {
    const id = randomUUID();
    const [one, another] = [createEffect('one'), createEffect('another')];
    one.resolve({ id: 'one' });
    another.resolve({ id: 'another' });
    expect(await one.run(id, remaining(5000))).toEqual({ id: 'one' });
    expect(await another.run(id, remaining(5000))).toEqual({ id: 'another' });
  });
});
