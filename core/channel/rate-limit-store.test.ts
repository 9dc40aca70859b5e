import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startTestAws, type TestAws } from '../../test/test-aws.ts';
import { initialState } from './rate-limit.ts';
import type { RateLimitStore } from './rate-limiter.ts';

describe('the table of rate limits', () => {
  let aws: TestAws;
  let store: RateLimitStore;
  beforeAll(async () => {
    aws = await startTestAws();
    const { endpoint, region, credentials } = aws.client;
    vi.stubEnv('AWS_ENDPOINT_URL', endpoint);
    vi.stubEnv('AWS_REGION', region);
    vi.stubEnv('AWS_ACCESS_KEY_ID', credentials.accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.secretAccessKey);
    vi.resetModules();
    const { rateLimitStore } = await import('./rate-limit-store.ts');
    store = rateLimitStore(10);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await aws.stop();
  });
  beforeEach(() => aws.control('DELETE', 'calls'));

  const calls = async () => (await aws.control('GET', 'calls')).body;
  const isEpoch = (value: number) => ({ field: 'epoch', is: '=', value }) as const;

  it('returns the state of a refused write, with that write alone', async () => {
    const id = randomUUID();
    await store.read(id);
    await store.update(id, { when: [isEpoch(0)], set: { sendsTat: 7 }, add: { epoch: 2 } });
    await aws.control('DELETE', 'calls');

    const { applied, state } = await store.update(id, { when: [isEpoch(0)], set: { sendsTat: 9 } });

    expect(applied).toBe(false);
    expect(state).toMatchObject({ ...initialState(10), sendsTat: 7, epoch: 2 });
    expect(await calls()).toEqual({ 'dynamodb.UpdateItem': 1 });
  });

  it('creates a missing item, and refuses the write', async () => {
    const id = randomUUID();
    const { applied, state } = await store.update(id, { when: [isEpoch(0)], set: { sendsTat: 9 } });
    expect({ applied, state }).toMatchObject({ applied: false, state: initialState(10) });
    expect(await calls()).toEqual({ 'dynamodb.UpdateItem': 1, 'dynamodb.PutItem': 1 });
    expect(await store.read(id)).toMatchObject(initialState(10));
  });

  it('returns the item that another caller has created meanwhile', async () => {
    const id = randomUUID();
    const states = await Promise.all(Array.from({ length: 20 }, () => store.read(id)));
    for (const state of states) expect(state).toMatchObject(initialState(10));
    await store.update(id, { when: [], add: { failures: 1 } });
    expect(await store.read(id)).toMatchObject({ failures: 1 });
  });
});
