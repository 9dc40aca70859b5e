import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Local, startLocal } from '../../test/local.ts';
import { memoryStores } from '../../test/model/stores.ts';
import type { Claim, Claimed, DeliveryKey, DeliveryStore, GivenUp, Release } from './delivery.ts';

type Operation =
  | { readonly do: 'claim'; readonly given: Claim }
  | { readonly do: 'release'; readonly given: Release; readonly leaseUntil: number }
  | { readonly do: 'sent'; readonly given: { threadId: string; messageId: string } }
  | { readonly do: 'giveUp'; readonly given: GivenUp };

const time = fc.nat(100);
const fingerprint = fc.constantFrom('content', 'content', 'content', 'other content');
const redrive = fc.nat(3);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('claim'),
      given: fc.record({ fingerprint, leaseUntil: fc.nat(3), redrive, now: time }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('release'),
      leaseUntil: fc.nat(3),
      given: fc.record({
        unknown: fc.constantFrom('no', 'yes'),
        settledAt: time,
        attempts: fc.nat(9),
        lastError: fc.constantFrom('', 'LiveChatServerError'),
      }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('sent'),
      given: fc.record({ threadId: fc.constantFrom('', 'T1'), messageId: fc.constantFrom('E1', 'E2') }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('giveUp'),
      given: fc.record({ fingerprint, redrive, error: fc.constantFrom('ABORTED', 'RequestExpired') }),
    }),
  },
);
/** Operations on two parts of one conversation. */
const operations = fc.array(fc.tuple(fc.nat(1), operation), { minLength: 20, maxLength: 20 });

async function apply(store: DeliveryStore, key: DeliveryKey, one: Operation): Promise<unknown> {
  switch (one.do) {
    case 'claim':
      return store.claim(key, one.given);
    case 'release':
      return store.release(key, one.given, one.leaseUntil);
    case 'sent':
      return store.sent(key, one.given);
    case 'giveUp':
      return store.giveUp(key, one.given);
  }
}

/** The table's items expire, which those in memory do not. */
function butForItsExpiry(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([name]) => name !== 'expires');
  return Object.fromEntries(entries.map(([name, inner]) => [name, butForItsExpiry(inner)]));
}

describe('the table of deliveries', () => {
  let local: Local;
  let table: typeof import('./delivery-store.ts');
  beforeAll(async () => {
    local = await startLocal();
    for (const [name, value] of Object.entries(local.environment)) vi.stubEnv(name, value);
    table = await import('./delivery-store.ts');
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await local.stop();
  });

  const now = 1_790_000_000_000;
  const claim: Claim = { fingerprint: 'content', leaseUntil: now + 60_000, redrive: 0, now };
  const fresh = (): DeliveryKey => ({
    id: `out-${randomUUID()}`,
    requestId: 'request',
    organizationId: 'organization',
    conversationId: randomUUID(),
  });
  const kept = async (key: DeliveryKey) => (await table.deliveriesOf(key)).get(key.id);

  it('answers and ends as the store in memory does, whatever is done to it', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(operations, async (list) => {
        const memory = memoryStores(10);
        const one = fresh();
        const keys = [one, { ...one, id: `${one.id}.1` }];
        for (const [part, todo] of list) {
          const key = keys[part] ?? one;
          const answer = butForItsExpiry(await apply(table.deliveryStore, key, todo));
          expect(answer).toEqual(await apply(memory.deliveries, key, todo));
        }
        const { organizationId, conversationId } = one;
        const all = await table.deliveriesOf({ organizationId, conversationId });
        for (const { id } of keys) expect(butForItsExpiry(all.get(id))).toEqual(memory.delivery(id));
      }),
      { numRuns: 100 },
    );
  });

  it('grants one claim of many at the same time', async () => {
    const key = fresh();
    const claims = await Promise.all(Array.from({ length: 40 }, () => table.deliveryStore.claim(key, claim)));
    const granted = (one: Claimed) => one.claimed;
    expect(claims.filter(granted)).toEqual([{ claimed: true, before: undefined }]);
    for (const one of claims) if (!one.claimed) expect(one.current).toMatchObject({ ...key, status: 'sending' });
  });

  it.each(['unsent', 'sending', 'sent', 'failed'])(
    'believes the carrier that shows a message we think %s',
    async (status) => {
      const key = fresh();
      await table.deliveryStore.claim(key, claim);
      const release = { unknown: 'yes', settledAt: 5, attempts: 1, lastError: 'LiveChatServerError' } as const;
      if (status === 'unsent') await table.deliveryStore.release(key, release, claim.leaseUntil);
      if (status === 'sent') await table.deliveryStore.sent(key, { threadId: '', messageId: 'E1' });
      if (status === 'failed')
        await table.deliveryStore.giveUp(key, { fingerprint: 'content', redrive: 0, error: 'ABORTED' });
      expect(await kept(key)).toMatchObject({ status });
      expect(await table.markDelivered(key, { threadId: 'T1', messageId: 'E1' })).toBe(true);
      const delivered = { status: 'delivered', unknown: 'no', threadId: 'T1', messageId: 'E1' };
      expect(await kept(key)).toMatchObject(delivered);
      const redriven = { ...claim, redrive: 9, now: now + 1e9 };
      expect(await table.deliveryStore.claim(key, redriven)).toMatchObject({ claimed: false, current: delivered });
      expect(await table.deliveryStore.giveUp(key, { fingerprint: 'content', redrive: 9, error: 'X' })).toBe('arrived');
    },
  );

  it('does not take what others have sent for ours', async () => {
    const key = fresh();
    expect(await table.markDelivered(key, { threadId: 'T1', messageId: 'E1' })).toBe(false);
    expect(await kept(key)).toBeUndefined();
  });

  it('keeps deliveries for a year unless told otherwise', async () => {
    const key = fresh();
    await table.deliveryStore.claim(key, claim);
    const inDays =
      (Number(new Map(Object.entries((await kept(key)) ?? {})).get('expires')) - Date.now() / 1000) / 86_400;
    expect(inDays).toBeGreaterThan(364.9);
    expect(inDays).toBeLessThan(365.1);
  });
});
