import { randomUUID } from 'node:crypto';
import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { type Local, startLocal } from '../../test/local.ts';
import { memoryStores } from '../../test/model/stores.ts';
import type { Claim, Claimed, DeliveryKey, DeliveryStore, GivenUp, Release, Sending } from './delivery.ts';
import type { Tries, Try } from './tries.ts';

type Operation =
  | { readonly do: 'claim'; readonly given: Claim }
  | { readonly do: 'release'; readonly given: Release & Tries; readonly leaseUntil: number }
  | { readonly do: 'sent'; readonly given: Sending; readonly leaseUntil: number }
  | { readonly do: 'delivered'; readonly given: { threadId: string; messageId: string; deliveredAt: number } }
  | { readonly do: 'giveUp'; readonly given: GivenUp };

const time = fc.nat(100);
const fingerprint = fc.constantFrom('content', 'content', 'content', 'other content');
const redrive = fc.nat(3);
const oneTry: fc.Arbitrary<Try> = fc.record(
  {
    began: time,
    run: fc.constantFrom('run-1', 'run-2'),
    ended: time,
    outcome: fc.constantFrom('sent', 'found', 'failed'),
    error: fc.constant('LiveChatServerError'),
    did: fc.constant(['joined']),
  },
  { requiredKeys: ['began', 'run'] },
);
const tries = { tries: fc.array(oneTry, { maxLength: 3 }), untold: fc.nat(3) };
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('claim'),
      given: fc.record({
        fingerprint,
        leaseUntil: fc.nat(3),
        redrive,
        now: time,
        requestedAt: time,
        redrivenAt: fc.option(time, { nil: undefined }),
        run: fc.constantFrom('run-1', 'run-2'),
      }),
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
        ...tries,
      }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('sent'),
      leaseUntil: fc.nat(3),
      given: fc.record({
        threadId: fc.constantFrom('', 'T1'),
        messageId: fc.constantFrom('E1', 'E2'),
        sentAt: time,
        ...tries,
      }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('delivered'),
      given: fc.record({ threadId: fc.constant('T1'), messageId: fc.constantFrom('E1', 'E2'), deliveredAt: time }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('giveUp'),
      given: fc.record({
        fingerprint,
        redrive,
        error: fc.constantFrom('ABORTED', 'RequestExpired'),
        at: time,
        deadLetterId: fc.constantFrom('letter-1', 'letter-2'),
      }),
    }),
  },
);
/** Operations on two parts of one conversation. */
const operations = fc.array(fc.tuple(fc.nat(1), operation), { minLength: 20, maxLength: 20 });

/** What is done to deliveries, by the send step and by the carrier's receipts. */
type Store = DeliveryStore & Pick<typeof import('./delivery-store.ts'), 'markDelivered'>;

async function apply(store: Store, key: DeliveryKey, one: Operation): Promise<unknown> {
  switch (one.do) {
    case 'claim':
      return store.claim(key, one.given);
    case 'release':
      return store.release(key, one.given, one.leaseUntil);
    case 'sent':
      return store.sent(key, one.given, one.leaseUntil);
    case 'delivered':
      return store.markDelivered(key, one.given);
    case 'giveUp':
      return store.giveUp(key, one.given);
  }
}

/** The table's items expire, which those in memory do not. */
function butForItsExpiry(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(butForItsExpiry);
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
  const run = `arn:aws:states:eu-central-1:123456789012:execution:livechat-production-send:${randomUUID()}_${randomUUID()}`;
  const claim: Claim = {
    fingerprint: 'f'.repeat(64),
    leaseUntil: now + 60_000,
    redrive: 0,
    now,
    requestedAt: now - 400,
    redrivenAt: undefined,
    run,
  };
  const given = { fingerprint: claim.fingerprint, error: 'ABORTED', at: now, deadLetterId: 'letter' };
  const sending: Sending = {
    threadId: '',
    messageId: 'E1',
    sentAt: now + 150,
    tries: [{ began: now, run, ended: now + 150, outcome: 'sent' }],
  };
  const fresh = (): DeliveryKey => ({
    id: `out-${randomUUID()}`,
    requestId: 'request',
    organizationId: 'organization',
    conversationId: randomUUID(),
  });
  const kept = async (key: DeliveryKey) => (await table.deliveriesOf(key)).get(key.id);

  const documents = async () => (await import('../platform/dynamodb.ts')).documents;
  const place = (key: DeliveryKey) =>
    z.object({ TableName: z.string(), Key: z.looseObject({}) }).parse(table.addressOf(key));

  /** Makes an item what a release before this knowledge would have left. */
  async function forgetWhatIsNew(key: DeliveryKey): Promise<void> {
    const added = [
      'requestedAt',
      'redrivenAt',
      'run',
      'tries',
      'untold',
      'sentAt',
      'deliveredAt',
      'failedAt',
      'deadLetterId',
    ];
    const ExpressionAttributeNames = Object.fromEntries(added.map((name) => [`#${name}`, name]));
    const UpdateExpression = `REMOVE ${Object.keys(ExpressionAttributeNames).join(', ')}`;
    await (await documents()).send(new UpdateCommand({ ...place(key), UpdateExpression, ExpressionAttributeNames }));
  }

  /** As DynamoDB counts them: names and values; a number takes a byte for two digits and one more, a list or map three and one for each. */
  async function bytesOf(key: DeliveryKey): Promise<number> {
    const { Item = {} } = await (await documents()).send(new GetCommand(place(key)));
    const size = (value: unknown): number => {
      if (typeof value === 'string') return Buffer.byteLength(value);
      if (typeof value === 'number') return Math.ceil(String(value).length / 2) + 1;
      if (Array.isArray(value)) return 3 + value.reduce((sum: number, one) => sum + 1 + size(one), 0);
      return 3 + Object.entries(value ?? {}).reduce((sum, [name, one]) => sum + 1 + name.length + size(one), 0);
    };
    return Object.entries(Item).reduce((sum, [name, value]) => sum + name.length + size(value), 0);
  }

  it('answers and ends as the store in memory does, whatever is done to it', { timeout: 240_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(operations, async (list) => {
        const memory = memoryStores(10);
        const one = fresh();
        const keys = [one, { ...one, id: `${one.id}.1` }];
        for (const [part, todo] of list) {
          const key = keys[part] ?? one;
          const answer = butForItsExpiry(await apply({ ...table.deliveryStore, ...table }, key, todo));
          expect(answer).toEqual(await apply({ ...memory.deliveries, ...memory }, key, todo));
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
      const release = { unknown: 'yes', settledAt: 5, attempts: 1, lastError: 'X', tries: [] } as const;
      if (status === 'unsent') await table.deliveryStore.release(key, release, claim.leaseUntil);
      if (status === 'sent') await table.deliveryStore.sent(key, sending, claim.leaseUntil);
      if (status === 'failed') await table.deliveryStore.giveUp(key, { ...given, redrive: 0 });
      expect(await kept(key)).toMatchObject({ status });
      const shown = { threadId: 'T1', messageId: 'E1', deliveredAt: now + 900 };
      await table.markDelivered(key, shown);
      const delivered = { status: 'delivered', unknown: 'no', ...shown };
      expect(await kept(key)).toMatchObject(delivered);
      const redriven = { ...claim, redrive: 9, now: now + 1e9 };
      expect(await table.deliveryStore.claim(key, redriven)).toMatchObject({ claimed: false, current: delivered });
      expect(await table.deliveryStore.giveUp(key, { ...given, redrive: 9 })).toBe('arrived');
    },
  );

  it('does not take what others have sent for ours', async () => {
    const key = fresh();
    await table.markDelivered(key, { threadId: 'T1', messageId: 'E1', deliveredAt: now });
    expect(await kept(key)).toBeUndefined();
  });

  it('knows when it was sent, though the carrier had shown it before that was recorded', async () => {
    const key = fresh();
    await table.deliveryStore.claim(key, claim);
    await table.markDelivered(key, { threadId: 'T1', messageId: 'E1', deliveredAt: now + 100 });
    await table.deliveryStore.sent(key, sending, claim.leaseUntil);
    const { sentAt, tries } = sending;
    expect(await kept(key)).toMatchObject({ status: 'delivered', threadId: 'T1', sentAt, tries });
  });

  it('takes up what an earlier release has left under way, and knows less of it', async () => {
    const [waiting, died, failed] = [fresh(), fresh(), fresh()];
    for (const key of [waiting, died, failed]) await table.deliveryStore.claim(key, claim);
    const before = { unknown: 'yes', settledAt: 5, attempts: 2, lastError: 'LiveChatServerError', tries: [] } as const;
    await table.deliveryStore.release(waiting, before, claim.leaseUntil);
    await table.deliveryStore.giveUp(failed, { ...given, redrive: 0 });
    for (const key of [waiting, died, failed]) await forgetWhatIsNew(key);
    expect(await kept(waiting)).not.toHaveProperty('tries');
    const later = { ...claim, now: now + 90_000, leaseUntil: now + 150_000 };
    const again = await table.deliveryStore.claim(waiting, later);
    expect(again).toMatchObject({ claimed: true, before: { status: 'unsent', attempts: 2, unknown: 'yes' } });
    expect(await table.deliveryStore.claim(died, later)).toMatchObject({ before: { status: 'sending' } });
    const redriven = { ...later, redrive: 1, redrivenAt: now + 80_000 };
    expect(await table.deliveryStore.claim(failed, redriven)).toMatchObject({ before: { status: 'failed' } });
    expect(await kept(waiting)).toMatchObject({ requestedAt: claim.requestedAt, tries: [{ began: later.now, run }] });
    await table.deliveryStore.sent(waiting, sending, later.leaseUntil);
    expect(await kept(waiting)).toMatchObject({ status: 'sent', sentAt: sending.sentAt });
  });

  it('needs no more than one write unit for a message that goes as it should', async () => {
    const key = { ...fresh(), organizationId: randomUUID(), conversationId: 'T8RM2K0V9X', requestId: randomUUID() };
    const part = { ...key, id: `out-${'0'.repeat(32)}` };
    await table.deliveryStore.claim(part, claim);
    expect(await bytesOf(part)).toBeLessThanOrEqual(1024);
    await table.deliveryStore.sent(
      part,
      { ...sending, threadId: 'T8RM2KD13X', messageId: 'T8RM2KD13X_12' },
      claim.leaseUntil,
    );
    expect(await bytesOf(part)).toBeLessThanOrEqual(1024);
    const at = { threadId: 'T8RM2KD13X', messageId: 'T8RM2KD13X_12', deliveredAt: now + 900 };
    await table.markDelivered(part, at);
    expect(await bytesOf(part)).toBeLessThanOrEqual(1024);
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
