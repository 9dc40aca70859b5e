import { randomUUID } from 'node:crypto';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { propertyRuns } from '../../test/depth.ts';
import { loseResponse } from '../../test/lose-response.ts';
import { memoryStores } from '../../test/model/stores.ts';
import { sharedLocal } from '../../test/shared-local.ts';
import type { SentMessage } from '../channel/channel.ts';
import type {
  AttemptLog,
  AttemptState,
  Claim,
  DeliveryAttempt,
  DeliveryKey,
  DeliveryStore,
  Failure,
  NewDelivery,
  SentRecord,
} from './delivery.ts';
import { StepFailed } from './errors.ts';

type Operation =
  | { readonly do: 'create'; readonly hash: string }
  | { readonly do: 'claim'; readonly given: Claim }
  | { readonly do: 'release'; readonly given: AttemptState & AttemptLog; readonly leaseUntil: number }
  | { readonly do: 'sent'; readonly given: SentRecord; readonly leaseUntil: number }
  | { readonly do: 'delivered'; readonly given: SentMessage & { readonly deliveredAt: number } }
  | { readonly do: 'fail'; readonly given: Failure };

const time = fc.nat(100);
const redrive = fc.nat(3);
const leaseUntil = fc.integer({ min: 1, max: 4 });
const attempt: fc.Arbitrary<DeliveryAttempt> = fc.record(
  {
    startedAt: time,
    endedAt: time,
    outcome: fc.constantFrom('sent', 'found', 'failed'),
    error: fc.constant('ChannelServerError'),
    repairs: fc.constant(['joined']),
  },
  { requiredKeys: ['startedAt'] },
);
const attempts = fc.array(attempt, { maxLength: 3 });
const log = fc.record({ attempts, omittedAttempts: fc.integer({ min: 1, max: 3 }) }, { requiredKeys: ['attempts'] });
const claimed = fc.record({
  leaseUntil,
  redrive,
  now: time,
  redrivenAt: fc.option(time, { nil: undefined }),
});
const state = fc.record({
  unknown: fc.constantFrom('no', 'yes'),
  settledAt: time,
  failedCalls: fc.nat(9),
  lastError: fc.constantFrom('', 'ChannelServerError'),
});
const shown = { threadId: fc.constantFrom('', 'T1'), messageId: fc.constantFrom('E1', 'E2') };
const failure = fc.record({
  redrive,
  error: fc.constantFrom('ABORTED', 'RequestExpired'),
  at: time,
  deadLetterId: fc.constantFrom('dead-1', 'dead-2'),
});
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('create'), hash: fc.constantFrom('hash', 'other hash') }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('claim'), given: claimed }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('release'),
      leaseUntil,
      given: fc.tuple(state, log).map(([one, other]) => ({ ...one, ...other })),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('sent'),
      leaseUntil,
      given: fc
        .tuple(fc.record({ ...shown, sentAt: time, failedCalls: fc.nat(9) }), log)
        .map(([one, other]) => ({ ...one, ...other })),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('delivered'), given: fc.record({ ...shown, deliveredAt: time }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('fail'), given: failure }) },
);
/** Operations on two parts of one conversation. */
const operations = fc.array(fc.tuple(fc.nat(1), operation), { minLength: 20, maxLength: 20 });

const now = 1_790_000_000_000;
const newDelivery = (key: DeliveryKey, hash = 'f'.repeat(32)): NewDelivery => ({
  ...key,
  requestId: 'request',
  hash,
  orderKey: now,
  requestedAt: now - 400,
  acceptedAt: now,
  content: '{"text":"Hi"}',
});

type Store = DeliveryStore & Pick<typeof import('./delivery.ts'), 'markDelivered'>;

async function apply(store: Store, key: DeliveryKey, one: Operation): Promise<unknown> {
  switch (one.do) {
    case 'create':
      return store.create(newDelivery(key, one.hash));
    case 'claim':
      return store.claim(key, one.given);
    case 'release':
      return store.release(key, one.given, one.leaseUntil);
    case 'sent':
      return store.recordSent(key, one.given, one.leaseUntil);
    case 'delivered':
      return store.markDelivered(key, one.given);
    case 'fail':
      return store.fail(key, one.given);
  }
}

/** The items of the table expire; those in memory do not. An absent field is one that is undefined. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([name, inner]) => name !== 'expires' && inner !== undefined);
  return Object.fromEntries(entries.map(([name, inner]) => [name, comparable(inner)]));
}

describe('the table of deliveries', () => {
  let table: typeof import('./delivery.ts');
  beforeAll(async () => {
    const { environment } = await sharedLocal();
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    vi.resetModules();
    table = await import('./delivery.ts');
  });
  afterAll(() => {
    vi.unstubAllEnvs();
  });

  const claim: Claim = {
    leaseUntil: now + 60_000,
    redrive: 0,
    now,
    redrivenAt: undefined,
  };
  const failed: Failure = { redrive: 0, error: 'ABORTED', at: now, deadLetterId: 'dead' };
  const sent: SentRecord = {
    threadId: '',
    messageId: 'E1',
    sentAt: now + 150,
    failedCalls: 0,
    attempts: [{ startedAt: now, endedAt: now + 150, outcome: 'sent' }],
  };
  const released: AttemptState & AttemptLog = {
    unknown: 'yes',
    settledAt: 5,
    failedCalls: 1,
    lastError: 'X',
    attempts: [],
  };
  const newKey = (): DeliveryKey => ({
    id: `out-${randomUUID()}`,
    organizationId: 'organization',
    conversationId: randomUUID(),
  });
  const create = async (key: DeliveryKey = newKey()): Promise<DeliveryKey> => {
    expect(await table.deliveryStore.create(newDelivery(key))).toBeUndefined();
    return key;
  };
  const stored = async (key: DeliveryKey) => (await table.listDeliveries(key)).get(key.id);

  it('agrees with the one in memory after any operations', { timeout: 240_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(operations, async (list) => {
        const memory = memoryStores(10);
        const first = newKey();
        const keys = [first, { ...first, id: `${first.id}.1` }];
        const memoryStore: Store = {
          ...memory.deliveries,
          markDelivered: async (...given) => memory.markDelivered(...given),
        };
        for (const [part, one] of list) {
          const key = keys[part] ?? first;
          const result = comparable(await apply({ ...table.deliveryStore, ...table }, key, one));
          expect(result).toEqual(comparable(await apply(memoryStore, key, one)));
        }
        for (const key of keys) expect(comparable(await stored(key))).toEqual(comparable(memory.delivery(key.id)));
      }),
      propertyRuns(100),
    );
  });

  it('creates a delivery once, and returns the existing one', async () => {
    const key = await create();
    const results = await Promise.all([1, 2, 3].map(() => table.deliveryStore.create(newDelivery(key, 'other hash'))));
    for (const existing of results) expect(existing).toMatchObject({ hash: 'f'.repeat(32), status: 'queued' });
  });

  it('grants one claim of many at the same time', async () => {
    const key = await create();
    const claims = await Promise.all(Array.from({ length: 40 }, () => table.deliveryStore.claim(key, claim)));
    const granted = claims.filter((one) => one.claimed);
    expect(granted).toMatchObject([{ claimed: true, before: { status: 'queued', content: '{"text":"Hi"}' } }]);
    for (const one of claims) if (!one.claimed) expect(one.current).toMatchObject({ ...key, status: 'sending' });
  });

  it('grants the claim of a first attempt that the SDK retried after a lost response', async () => {
    const key = await create();
    const { dynamodb } = await import('../platform/dynamodb.ts');
    loseResponse(dynamodb, 'UpdateItemCommand');
    const result = await table.deliveryStore.claim(key, claim);
    expect(result).toMatchObject({
      claimed: true,
      before: { status: 'queued', attempts: [], content: '{"text":"Hi"}' },
    });
    expect(await stored(key)).toMatchObject({ status: 'sending', attempts: [{ startedAt: now }] });
  });

  it('claims nothing that does not exist', async () => {
    expect(await table.deliveryStore.claim(newKey(), claim)).toEqual({ claimed: false, current: undefined });
  });

  it('records an attempt with its claim: if the function dies, there is no other record', async () => {
    const key = await create();
    await table.deliveryStore.claim(key, claim);
    expect(await stored(key)).toMatchObject({
      status: 'sending',
      firstAttemptAt: now,
      attempts: [{ startedAt: now }],
    });
  });

  it.each(['queued', 'sending', 'sent', 'failed'])(
    'lets a webhook override the recorded status "%s"',
    async (status) => {
      const key = await create();
      await table.deliveryStore.claim(key, claim);
      if (status === 'queued') await table.deliveryStore.release(key, released, claim.leaseUntil);
      if (status === 'sent') await table.deliveryStore.recordSent(key, sent, claim.leaseUntil);
      if (status === 'failed') await table.deliveryStore.fail(key, failed);
      expect(await stored(key)).toMatchObject({ status });
      const delivered = { threadId: 'T1', messageId: 'E1', deliveredAt: now + 900 };
      await table.markDelivered(key, delivered);
      const after = { status: 'delivered', unknown: 'no', ...delivered };
      expect(await stored(key)).toMatchObject(after);
      const redriven = { ...claim, redrive: 9, now: now + 1e9 };
      expect(await table.deliveryStore.claim(key, redriven)).toMatchObject({ claimed: false, current: after });
      expect(await table.deliveryStore.fail(key, { ...failed, redrive: 9 })).toMatchObject({
        sent: { messageId: expect.any(String) },
      });
    },
  );

  it('removes the content with the webhook, keeps the earliest receipt, and ignores other messages', async () => {
    const key = await create();
    for (const deliveredAt of [now + 900, now + 2_000, now + 800]) {
      await table.markDelivered(key, { threadId: 'T1', messageId: 'E1', deliveredAt });
    }
    expect(await stored(key)).toMatchObject({ deliveredAt: now + 800 });
    expect(await stored(key)).not.toHaveProperty('content');
    const other = newKey();
    await table.markDelivered(other, { threadId: 'T1', messageId: 'E1', deliveredAt: now });
    expect(await stored(other)).toBeUndefined();
  });

  it('records the end of an attempt whose webhook was faster', async () => {
    const key = await create();
    await table.deliveryStore.claim(key, claim);
    await table.markDelivered(key, { threadId: 'T1', messageId: 'E1', deliveredAt: now + 100 });
    await table.deliveryStore.recordSent(key, sent, claim.leaseUntil);
    const { sentAt, attempts: recorded } = sent;
    expect(await stored(key)).toMatchObject({ status: 'delivered', threadId: 'T1', sentAt, attempts: recorded });
  });

  it('does not let a late invocation end the claim of another', async () => {
    const key = await create();
    await table.deliveryStore.claim(key, claim);
    const later = { ...claim, now: now + 61_000, leaseUntil: now + 121_000 };
    await table.deliveryStore.claim(key, later);
    await table.deliveryStore.release(key, released, claim.leaseUntil);
    expect(await stored(key)).toMatchObject({ status: 'sending', leaseUntil: later.leaseUntil, failedCalls: 0 });
  });

  it('needs one write unit for a short message that is sent at once', async () => {
    const organizationId = randomUUID();
    const key = { organizationId, conversationId: 'T8RM2K0V9X', id: `out-${'0'.repeat(32)}` };
    await table.deliveryStore.create({ ...newDelivery(key), requestId: randomUUID() });
    const size = async () => {
      const { documents } = await import('../platform/dynamodb.ts');
      const scan = new ScanCommand({
        TableName: process.env.MESSAGES_TABLE ?? '',
        FilterExpression: 'organizationId = :id',
        ExpressionAttributeValues: { ':id': organizationId },
      });
      const { Items = [] } = await documents.send(scan);
      return Math.max(...Items.map(itemBytes));
    };
    await table.deliveryStore.claim(key, claim);
    expect(await size()).toBeLessThanOrEqual(1024);
    const message = { threadId: 'T8RM2KD13X', messageId: 'T8RM2KD13X_12' };
    await table.deliveryStore.recordSent(key, { ...sent, ...message }, claim.leaseUntil);
    expect(await size()).toBeLessThanOrEqual(1024);
    await table.markDelivered(key, { ...message, deliveredAt: now + 900 });
    expect(await size()).toBeLessThanOrEqual(1024);
  });

  it('fails with an error of the step that names the error of AWS', async () => {
    const error = await table.deliveryStore.read({ ...newKey(), organizationId: 'x'.repeat(3_000) }).catch((e) => e);
    expect(new StepFailed(error).message).toContain('(ValidationException)');
  });

  it('expires after a year by default', async () => {
    const key = await create();
    const { expires } = Object(await stored(key));
    const days = (Number(expires) - now / 1000) / 86_400;
    expect(days).toBeGreaterThan(364.9);
    expect(days).toBeLessThan(365.1);
  });
});

/** As DynamoDB counts: names and values; a number takes a byte for two digits and one more, a list or map three and one for each. */
function itemBytes(item: object): number {
  const size = (value: unknown): number => {
    if (typeof value === 'string') return Buffer.byteLength(value);
    if (typeof value === 'number') return Math.ceil(String(value).length / 2) + 1;
    if (Array.isArray(value)) return 3 + value.reduce((sum: number, one) => sum + 1 + size(one), 0);
    return 3 + Object.entries(value ?? {}).reduce((sum, [name, one]) => sum + 1 + name.length + size(one), 0);
  };
  return Object.entries(item).reduce((sum, [name, value]) => sum + name.length + size(value), 0);
}
