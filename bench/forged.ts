import { percentile, round1 } from '../cli/simulate/timing.ts';
import { Credentials } from '../core/livechat/credentials.ts';
import type { ReadSecret } from '../core/platform/secrets-manager.ts';
import { VirtualTime } from '../test/model/virtual-time.ts';
import { lambdaContext, webhookEvent } from '../test/webhook-event.ts';
import { round2 } from './engine.ts';

/** List price of `GetSecretValue` in us-east-1: $0.05 for 10,000 calls. */
const dollarsPerRead = 5e-6;

/** Durations in ms. They determine how many instances there are, and the latencies. Estimates. */
const duration = { start: 400, read: 20, rejected: 2, accepted: 15 };

const forgedPerSecond = 500;
const genuinePerSecond = 50;
const floodMs = 60_000;
/** Genuine calls only. */
const warmUpMs = 60_000;
/** LiveChat retries three times within about a minute. */
const retryAfterMs = [10_000, 20_000, 30_000];

/** Half of the organizations have a secret of their own. */
const organizations: readonly string[] = Array.from({ length: 20 }, () => crypto.randomUUID());
const owners: ReadonlySet<string> = new Set(organizations.slice(0, organizations.length / 2));
const name = (id: string) => (owners.has(id) ? `livechat/${id}` : 'livechat/default');
const secret = (id: string) => `secret of ${name(id)}`;

interface Call {
  readonly at: number;
  readonly organizationId: string;
  readonly secretKey: string;
  /** 0 for a forged call and for the first attempt. */
  readonly retry: number;
  readonly isForged: boolean;
}

/**
 * A flood of forged webhooks with invented organization ids beside genuine ones, in virtual time: the real handler on a model of
 * Lambda, whose instances handle one call at a time, and of Secrets Manager.
 */
export async function forgedCalls() {
  process.env.SECRET_PREFIX ??= 'livechat';
  process.env.BUS_NAME ??= 'bench';
  const { webhookHandler } = await import('../functions/webhook.ts');
  return [await flood('none', 1_000_000, webhookHandler), await flood('2 per second and instance', 2, webhookHandler)];
}

type CreateHandler = typeof import('../functions/webhook.ts').webhookHandler;

async function flood(limit: string, lookUpsPerSecond: number, createHandler: CreateHandler) {
  const lambda = createLambda(lookUpsPerSecond, createHandler);
  const counts = { forged: 0, forged503: 0, genuine: 0, genuine503: 0, lost: 0 };
  const latencies: number[] = [];
  const calls = arrivals();
  const countForged = (status: number | undefined) => {
    counts.forged += 1;
    counts.forged503 += Number(status === 503);
  };
  const countGenuine = (call: Call, status: number | undefined, ms: number) => {
    latencies.push(ms);
    counts.genuine += Number(call.retry === 0);
    if (status === 200) return;
    counts.genuine503 += 1;
    const delay = retryAfterMs[call.retry];
    if (delay === undefined) counts.lost += 1;
    else insert(calls, { ...call, at: call.at + delay, retry: call.retry + 1 });
  };
  let warmUpReads = 0;
  for (let call = calls.shift(); call; call = calls.shift()) {
    const { status, ms } = await lambda.invoke(call);
    if (call.isForged) countForged(status);
    else if (call.at >= warmUpMs) countGenuine(call, status, ms);
    else warmUpReads = lambda.reads();
  }
  const reads = lambda.reads() - warmUpReads;
  return {
    limit,
    ...counts,
    instances: lambda.instances(),
    reads,
    dollarsPerDay: round2(((reads * dollarsPerRead) / floodMs) * 86_400_000),
    genuineP50: round1(percentile(latencies, 50)),
    genuineP99: round1(percentile(latencies, 99)),
  };
}

/** The calls in order of time, with exponentially distributed intervals. */
function arrivals(): Call[] {
  const time = new VirtualTime(1);
  const random = () => time.random();
  const stream = (perSecond: number, from: number, to: number, create: (at: number) => Call) => {
    const calls: Call[] = [];
    for (let at = from; at < to; at += (-Math.log(1 - random()) * 1000) / perSecond) calls.push(create(at));
    return calls;
  };
  const genuine = stream(genuinePerSecond, 0, warmUpMs + floodMs, (at) => {
    const organizationId = organizations[Math.floor(random() * organizations.length)] ?? '';
    return { at, organizationId, secretKey: secret(organizationId), retry: 0, isForged: false };
  });
  const forged = stream(forgedPerSecond, warmUpMs, warmUpMs + floodMs, (at) => {
    return { at, organizationId: crypto.randomUUID(), secretKey: 'invented', retry: 0, isForged: true };
  });
  return [...genuine, ...forged].toSorted((a, b) => a.at - b.at);
}

function insert(calls: Call[], call: Call): void {
  const index = calls.findIndex(({ at }) => at > call.at);
  calls.splice(index === -1 ? calls.length : index, 0, call);
}

interface Instance {
  readonly handler: ReturnType<CreateHandler>;
  readonly clock: { now: number };
}

function createLambda(lookUpsPerSecond: number, createHandler: CreateHandler) {
  const instances: Instance[] = [];
  let reads = 0;
  const start = (): Instance => {
    const clock = { now: 0 };
    const read: ReadSecret = async (secretName, stage) => {
      reads += 1;
      clock.now += duration.read;
      const owner = organizations.find((id) => name(id) === secretName);
      if (owner === undefined || stage === 'AWSPREVIOUS') return undefined;
      return { text: JSON.stringify({ LIVECHAT_WEBHOOK_SECRET: secret(owner) }), createdAt: 0 };
    };
    const environment = { SECRET_PREFIX: 'livechat', SECRET_LOOKUPS_PER_SECOND: String(lookUpsPerSecond) };
    const handler = createHandler({
      credentials: new Credentials(environment, { read, now: () => clock.now }),
      record() {},
      publish: async () => {},
      maxBytes: 1_048_576,
      count() {},
      measure() {},
      log: { debug() {}, info() {}, warn() {}, error() {} },
      now: () => clock.now,
    });
    const instance = { handler, clock };
    instances.push(instance);
    return instance;
  };
  return {
    reads: () => reads,
    instances: () => instances.length,
    /** On the idle instance that was busy last, or on a new one. */
    async invoke({ at, organizationId, secretKey }: Call) {
      const idle = instances.filter(({ clock }) => clock.now <= at);
      const latest = idle.toSorted((a, b) => b.clock.now - a.clock.now)[0];
      const instance = latest ?? start();
      instance.clock.now = at + (latest ? 0 : duration.start);
      const body = { organization_id: organizationId, secret_key: secretKey, action: 'tag_created', payload: {} };
      const bytes = new TextEncoder().encode(JSON.stringify(body));
      const { statusCode: status } = await instance.handler(webhookEvent(bytes), lambdaContext());
      instance.clock.now += status === 200 ? duration.accepted : duration.rejected;
      return { status, ms: instance.clock.now - at };
    },
  };
}
