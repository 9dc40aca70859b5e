import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Credentials } from '../core/livechat/credentials.ts';
import type { SecretStage } from '../core/platform/secrets-manager.ts';
import { propertyRuns } from '../test/depth.ts';
import { lambdaContext, webhookEvent } from '../test/webhook-event.ts';
import { webhookHandler } from './webhook.ts';

vi.hoisted(() => {
  // The module reads its settings when it is imported.
  vi.stubEnv('SECRET_PREFIX', 'livechat');
  vi.stubEnv('BUS_NAME', 'bus');
});

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const fallback = 'livechat/default';
/** These have a secret of their own from the start. */
const owners = Array.from({ length: 4 }, () => randomUUID());
const others = Array.from({ length: 4 }, () => randomUUID());
/** Ids that forged calls repeat. */
const invented = Array.from({ length: 4 }, () => randomUUID());

interface Version {
  readonly secret: string;
  readonly createdAt: number;
}

/** One instance of the function, with a model of Secrets Manager and a virtual clock. */
function instance(maxLookUps: number) {
  /** The versions of each secret, the latest last. */
  const secrets = new Map<string, Version[]>();
  const reads: { readonly name: string; readonly at: number; readonly found: boolean }[] = [];
  const counted: string[] = [];
  const state = { now: 100 * hour };
  const put = (name: string) => {
    const versions = secrets.get(name) ?? [];
    secrets.set(name, [...versions, { secret: `secret ${versions.length} of ${name}`, createdAt: state.now }]);
  };
  for (const name of [fallback, ...owners.map((id) => `livechat/${id}`)]) put(name);
  const read = async (name: string, stage: SecretStage) => {
    const version = secrets.get(name)?.at(stage === 'AWSCURRENT' ? -1 : -2);
    reads.push({ name, at: state.now, found: version !== undefined });
    const text = JSON.stringify({ LIVECHAT_WEBHOOK_SECRET: version?.secret });
    return version && { text, createdAt: version.createdAt };
  };
  const environment = { SECRET_PREFIX: 'livechat', SECRET_LOOKUPS_PER_SECOND: String(maxLookUps) };
  const handler = webhookHandler({
    credentials: new Credentials(environment, { read, now: () => state.now }),
    record: () => {},
    publish: async () => undefined,
    count: (metric, keys) => counted.push(`${metric} ${Object.values(keys).join(' ')}`),
    measure: () => undefined,
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
    maxBytes: 1_048_576,
    now: () => state.now,
  });
  const call = async (organization_id: string, secret_key: string) => {
    const body = { organization_id, secret_key, action: 'tag_created', payload: {} };
    const bytes = new TextEncoder().encode(JSON.stringify(body));
    const { statusCode = 0 } = await handler(webhookEvent(bytes), lambdaContext());
    return statusCode;
  };
  const wait = (ms: number) => {
    state.now += ms;
  };
  return { call, put, wait, secrets, reads, counted, state };
}

/** An instance, and what callers know of it. */
function world(maxLookUps: number) {
  return {
    ...instance(maxLookUps),
    /** Organizations of which the instance has accepted a webhook. */
    accepted: new Set<string>(),
    /** When organizations got a secret of their own. For a minute the instance may not know it. */
    createdAt: new Map<string, number>(),
  };
}

type World = ReturnType<typeof world>;

const organizations = [...owners, ...others];
const secretName = ({ secrets }: World, id: string) => (secrets.has(`livechat/${id}`) ? `livechat/${id}` : fallback);
const isSettled = ({ createdAt, state }: World, id: string) => state.now - (createdAt.get(id) ?? 0) >= minute;

/** The secrets that LiveChat may send: a new one from 30 s after it was stored, the previous one for a day. */
function validSecrets(one: World, id: string): string[] {
  const [current, previous] = (one.secrets.get(secretName(one, id)) ?? []).slice(-2).toReversed();
  const age = one.state.now - (current?.createdAt ?? 0);
  return [...(age >= 30 * second ? [current] : []), ...(age < 24 * hour ? [previous] : [])].flatMap((version) =>
    version ? [version.secret] : [],
  );
}

/** Something that happens to an instance. */
interface Step {
  readonly run: (one: World) => Promise<void> | void;
  readonly [fc.toStringMethod]: () => string;
}

const happens = <Given>(
  name: string,
  given: fc.Arbitrary<Given>,
  run: (one: World, given: Given) => Promise<void> | void,
) =>
  given.map(
    (value): Step => ({
      run: (one) => run(one, value),
      [fc.toStringMethod]: () => `${name} ${JSON.stringify(value)}`,
    }),
  );

const genuine = happens(
  'genuine',
  fc.tuple(fc.constantFrom(...organizations), fc.nat(1)),
  async (one, [id, version]) => {
    const valid = validSecrets(one, id);
    const secret = valid[version % valid.length];
    if (secret === undefined || !isSettled(one, id)) return;
    const status = await one.call(id, secret);
    expect(one.accepted.has(id) ? [200] : [200, 503]).toContain(status);
    if (status === 200) one.accepted.add(id);
  },
);

const flood = happens('flood', fc.integer({ min: 1, max: 8 }), async (one, calls) => {
  for (let index = 0; index < calls; index += 1) expect([401, 503]).toContain(await one.call(randomUUID(), 'wrong'));
});

/** Calls with ids that exist, or were invented before, and with a secret that nobody or another organization has. */
const forged = happens(
  'forged',
  fc.tuple(fc.constantFrom(...organizations, ...invented), fc.constantFrom(fallback, `livechat/${owners[0]}`, 'none')),
  async (one, [id, name]) => {
    if (!isSettled(one, id) || name === secretName(one, id)) return;
    const secret = one.secrets.get(name)?.at(-1)?.secret ?? 'wrong';
    expect([401, 503]).toContain(await one.call(id, secret));
  },
);

const rotate = happens('rotate', fc.constantFrom(fallback, ...owners.map((id) => `livechat/${id}`)), (one, name) => {
  const [latest] = (one.secrets.get(name) ?? []).slice(-1);
  if (one.state.now - (latest?.createdAt ?? 0) >= minute) one.put(name);
});

const create = happens('create', fc.constantFrom(...others), (one, id) => {
  if (one.secrets.has(`livechat/${id}`)) return;
  one.put(`livechat/${id}`);
  one.createdAt.set(id, one.state.now);
  one.accepted.delete(id);
});

const times = [fc.nat(400), fc.nat(2 * second), fc.nat(90 * second), fc.nat(8 * minute), fc.constant(23 * hour)];
const wait = happens('wait', fc.oneof(...times), (one, ms) => one.wait(ms));

const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: genuine },
    { weight: 4, arbitrary: flood },
    { weight: 3, arbitrary: forged },
    { weight: 4, arbitrary: wait },
    { weight: 1, arbitrary: rotate },
    { weight: 1, arbitrary: create },
  ),
  { maxLength: 80 },
);

/** The highest number of reads of secrets that do not exist within a second. Those of known organizations do not count. */
function maxFailedReads({ reads }: World): number {
  const known = new Set([fallback, ...organizations.map((id) => `livechat/${id}`)]);
  const failed = reads.filter(({ name }) => !known.has(name)).map(({ at }) => at);
  return Math.max(0, ...failed.map((end) => failed.filter((at) => at > end - second && at <= end).length));
}

describe('forged calls', () => {
  it('are never accepted, cause few look-ups, and do not affect known organizations', async () => {
    const property = fc.asyncProperty(fc.integer({ min: 1, max: 4 }), steps, async (maxLookUps, all) => {
      const one = world(maxLookUps);
      for (const { run } of all) await run(one);
      expect(maxFailedReads(one)).toBeLessThanOrEqual(maxLookUps);
    });
    await fc.assert(property, propertyRuns(1_000));
  });

  it('are answered 503 beyond the limit, so that LiveChat repeats what was not forged', async () => {
    const { call, counted, reads } = instance(2);
    const statuses: number[] = [];
    for (let index = 0; index < 5; index += 1) statuses.push(await call(randomUUID(), 'wrong'));
    expect(statuses).toEqual([401, 503, 503, 503, 503]);
    expect(counted.filter((one) => one === 'WebhookErrorResponses 503')).toHaveLength(4);
    expect(reads.filter(({ name }) => name !== fallback)).toHaveLength(1);
  });

  it('delay the first webhook of an organization with its own secret once at most', async () => {
    const { call, wait, secrets } = instance(2);
    const [id = ''] = owners;
    const secret = secrets.get(`livechat/${id}`)?.[0]?.secret ?? '';
    await call(randomUUID(), 'wrong');
    expect(await call(id, secret)).toBe(503);
    for (let index = 0; index < 100; index += 1) await call(randomUUID(), 'wrong');
    wait(10);
    expect(await call(id, secret)).toBe(200);
  });

  it('do not delay an organization without a secret of its own', async () => {
    const { call, secrets } = instance(2);
    for (let index = 0; index < 100; index += 1) await call(randomUUID(), 'wrong');
    for (const id of others) expect(await call(id, secrets.get(fallback)?.[0]?.secret ?? '')).toBe(200);
  });
});

it('looks up many organizations with their own secrets at once, since no call is forged', async () => {
  const { call, put, secrets } = instance(2);
  for (let index = 0; index < 50; index += 1) {
    const name = randomUUID();
    put(`livechat/${name}`);
    expect(await call(name, secrets.get(`livechat/${name}`)?.[0]?.secret ?? '')).toBe(200);
  }
});
