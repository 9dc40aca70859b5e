import { parseExecutionInput } from '../../core/outbound/request.ts';
import { shares } from './faulty-ports.ts';
import { findInversions, World, type WorldOptions } from './world.ts';

/** Load scenarios of the send path in virtual time, with figures per request. */

const hour = 3_600_000;

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

async function untilIdle(world: World, publishing: Promise<unknown>, latest = 6 * hour): Promise<void> {
  await world.time.until(publishing, latest);
  await world.time.until(idle(world), latest);
}

async function idle(world: World): Promise<void> {
  while (world.live > 0) await world.time.sleep(100);
}

const perRequest = (world: World, requests: number) => ({
  transitions: world.counts.transitions / requests,
  sends: world.counts.sendInvocations / requests,
  waits: world.counts.waitInvocations / requests,
  concurrencySeconds: world.counts.busyMs / 1000 / requests,
  peak: world.peak,
  throttled: world.counts.throttled / requests,
  opened: world.counts.opened,
  calls: world.liveChat.calls,
  describes: world.counts.describes,
  rateLimited: world.liveChat.tooMany,
  inversions: findInversions(world),
});

/** 1,000 requests within 20 s of one organization. The ratio is the time needed to the ideal at the rate. */
export async function drain(options: WorldOptions & { chats: number; messages?: number }) {
  const { chats, messages = 1000, callsPerSecond } = options;
  const world = new World(options);
  const publishing = Array.from({ length: messages }, async (_, index) => {
    await world.time.sleep(Math.floor(index / chats) * 20 + (index % chats) * (20 / chats));
    await world.publish({ organizationId: 'o', conversationId: `chat ${index % chats}`, requestId: `r${index}` });
  });
  await untilIdle(world, Promise.all(publishing));
  const last = Math.max(...world.liveChat.accepted.map(({ at }) => at));
  const waits = world.liveChat.accepted.map(({ id, at }) => at - (world.acceptedAt.get(id.replace(/\.0$/, '')) ?? 0));
  return {
    /** The longest time from acceptance to LiveChat, s. */
    maxWait: Math.max(...waits) / 1000,
    ratio: last / 1000 / (messages / callsPerSecond),
    ...perRequest(world, messages),
    delivered: world.liveChat.accepted.length,
  };
}

/** One message a second of one organization beside ten organizations with a backlog of 500 each. */
export async function noisyNeighbours(options: WorldOptions & { organizations?: number; backlog?: number }) {
  const { organizations = 10, backlog = 500 } = options;
  const world = new World(options);
  const requests: Promise<void>[] = [];
  const publishAt = async (at: number, organizationId: string, chat: string, requestId: string) => {
    await world.time.sleep(at);
    await world.publish({ organizationId, conversationId: `${organizationId} ${chat}`, requestId });
  };
  for (let organization = 0; organization < organizations; organization += 1) {
    for (let index = 0; index < backlog; index += 1) {
      requests.push(
        publishAt((index / backlog) * 10_000, `o${organization}`, `${index % 50}`, `o${organization} r${index}`),
      );
    }
  }
  const victims = Array.from({ length: 60 }, (_, second) => second);
  for (const second of victims) requests.push(publishAt(second * 1000 + 500, 'victim', `${second}`, `v${second}`));
  await world.time.until(Promise.all(requests), hour);
  const waited = world.time.until(world.time.sleep(70_000), 6 * hour);
  await waited;
  return { ...victimLatency(world, 3, 50), ...perRequest(world, requests.length) };
}

function victimLatency(world: World, from: number, to: number) {
  const latencies = world.liveChat.accepted.flatMap(({ id, at }) => {
    const match = /^v(\d+)\./.exec(id);
    const second = Number(match?.[1]);
    return match && second >= from && second < to ? [at - (second * 1000 + 500)] : [];
  });
  return { p50: percentile(latencies, 0.5) / 1000, p99: percentile(latencies, 0.99) / 1000, arrived: latencies.length };
}

/** The same beside a paused organization with 300 chats of five requests. */
export async function pausedOrganization(options: WorldOptions & { chats?: number; each?: number }) {
  const { chats = 300, each = 5 } = options;
  const world = new World(options);
  await world.stores.rateLimits.update('paused', { when: [], set: { paused: 'yes' } });
  const requests: Promise<void>[] = [];
  for (let index = 0; index < chats * each; index += 1) {
    requests.push(
      world.time
        .sleep((index / (chats * each)) * 20_000)
        .then(() =>
          world.publish({ organizationId: 'paused', conversationId: `p${index % chats}`, requestId: `p${index}` }),
        ),
    );
  }
  for (let second = 0; second < 300; second += 1) {
    requests.push(
      world.time
        .sleep(second * 1000 + 500)
        .then(() => world.publish({ organizationId: 'victim', conversationId: `v${second}`, requestId: `v${second}` })),
    );
  }
  await world.time.until(Promise.all(requests), hour);
  await world.time.until(world.time.sleep(5_000), hour);
  return {
    ...victimLatency(world, 3, 290),
    concurrency: world.counts.busyMs / world.time.now(),
    ...perRequest(world, requests.length),
  };
}

/** 1,000 requests over 100 chats around an outage of 85 s. */
export async function outage(options: Omit<WorldOptions, 'outage'> & { chats?: number }) {
  const { chats = 100 } = options;
  const world = new World({ ...options, outage: [20_000, 105_000] });
  const requests = Array.from({ length: 1000 }, async (_, index) => {
    await world.time.sleep(15_000 + index * 60);
    await world.publish({ organizationId: 'o', conversationId: `chat ${index % chats}`, requestId: `r${index}` });
  });
  await untilIdle(world, Promise.all(requests));
  const last = Math.max(...world.liveChat.accepted.map(({ at }) => at));
  return {
    recovered: (last - 105_000) / 1000,
    dead: world.dead.length,
    ...perRequest(world, 1000),
  };
}

/** 200 requests a second over 1,000 organizations; a tenth is followed by another of its chat. */
export async function steady(options: WorldOptions & { perSecond?: number; seconds?: number }) {
  const { perSecond = 200, seconds = 60 } = options;
  const world = new World({ concurrency: 1000, ...options });
  const requests: Promise<void>[] = [];
  let at = 0;
  const publishAt = async (time: number, organizationId: string, chat: number) => {
    const requestId = `r${requests.length}`;
    await world.time.sleep(time);
    await world.publish({ organizationId, conversationId: `${organizationId} ${chat}`, requestId });
  };
  while (at < seconds * 1000) {
    at += -Math.log(1 - world.time.random()) * (1000 / perSecond) * 1.1;
    const organizationId = `o${Math.floor(world.time.random() * 1000)}`;
    const chat = Math.floor(world.time.random() * 50);
    requests.push(publishAt(at, organizationId, chat));
    if (world.time.random() < 0.1) requests.push(publishAt(at + 50, organizationId, chat));
  }
  await untilIdle(world, Promise.all(requests));
  return {
    requests: requests.length,
    ...perRequest(world, requests.length),
    writes: world.counts.writes / requests.length,
    reads: world.counts.reads / requests.length,
  };
}

/** Routing decisions, one every three seconds, beside 1,000 requests over 300 chats of the same organization. Times in s. */
export async function routingBesideBacklog(options: WorldOptions) {
  const world = new World(options);
  const { time } = world;
  const publishing = Array.from({ length: 1000 }, async (_, index) => {
    await time.sleep(index * 5);
    await world.publish({ organizationId: 'o', conversationId: `chat ${index % 300}`, requestId: `r${index}` });
  });
  const deciding = Array.from({ length: 30 }, async (_, index) => {
    await time.sleep(5_000 + index * 3_000);
    return world.route('o', `new chat ${index}`);
  });
  const decisions = await time.until(Promise.all(deciding), hour);
  await untilIdle(world, Promise.all(publishing));
  const latencies = decisions.filter((latency) => latency !== 'refused');
  const sentAt = world.liveChat.accepted.map(({ at }) => at).toSorted((a, b) => a - b);
  return {
    refused: decisions.length - latencies.length,
    /** The first decision claims routing's share. */
    first: Number(latencies[0]) / 1000,
    /** The longest time in which nothing was sent. */
    maxGap: Math.max(...sentAt.map((at, index) => at - (sentAt[index - 1] ?? at))) / 1000,
    seconds: (sentAt.at(-1) ?? 0) / 1000,
    /** Of the other decisions. */
    p50: percentile(latencies.slice(1), 0.5) / 1000,
    p99: percentile(latencies.slice(1), 0.99) / 1000,
    delivered: world.liveChat.accepted.length,
    ...perRequest(world, 1000),
  };
}

/**
 * 1,000 requests within 20 s over 50 chats, and 1,000 calls of a backfill of the same organization, which starts after
 * `backfillAt` ms. The ratios are the time needed to the ideal at the share of the rate.
 */
export async function drainBesideBackfill(options: WorldOptions & { backfillAt: number }) {
  const world = new World(options);
  const { time } = world;
  const publishing = Array.from({ length: 1000 }, async (_, index) => {
    await time.sleep(index * 20);
    await world.publish({ organizationId: 'o', conversationId: `chat ${index % 50}`, requestId: `r${index}` });
  });
  const backfilling = time.sleep(options.backfillAt).then(() => world.backfill('o', 1000));
  const backfillMs = await time.until(backfilling, hour);
  await untilIdle(world, Promise.all(publishing));
  const idealMs = (percent: number) => (1000 / ((options.callsPerSecond * percent) / 100)) * 1000;
  const last = Math.max(...world.liveChat.accepted.map(({ at }) => at));
  return {
    sendsRatio: last / idealMs(100 - shares.reconciliation),
    backfillRatio: backfillMs / idealMs(shares.reconciliation),
    delivered: world.liveChat.accepted.length,
    ...perRequest(world, 1000),
  };
}

/** Requests of one conversation while its organization is paused; then the first hundred are sent. */
export async function longGroup(options: WorldOptions & { requests: number }) {
  const { requests } = options;
  const world = new World(options);
  const { time, counts } = world;
  await world.stores.rateLimits.update('o', { when: [], set: { paused: 'yes' } });
  const operations = () => counts.reads + counts.writes;
  const key = { organizationId: 'o', conversationId: 'chat' };
  /** Reads and writes of the acceptance, the step and the wait of ten requests that nothing else runs beside. */
  const enterTen = async (from: number) => {
    const before = operations();
    for (let index = from; index < from + 10; index += 1) await world.publish({ ...key, requestId: `r${index}` });
    await time.sleep(3_000);
    return (operations() - before) / 10;
  };
  const first = await time.until(enterTen(0), hour);
  const others = Array.from({ length: requests - 20 }, async (_, index) => {
    await time.sleep(index * 5);
    await world.publish({ ...key, requestId: `r${index + 10}` });
  });
  await time.until(Promise.all(others), hour);
  await time.until(time.sleep(2_000), hour);
  const last = await time.until(enterTen(requests - 10), hour);
  const waiting = world.stores.entries(key).map(({ input }) => parseExecutionInput(JSON.parse(input))?.requestId ?? '');
  await world.stores.rateLimits.update('o', { when: [], set: { paused: 'no' } });
  const sent = async () => {
    while (world.liveChat.accepted.length < 100) await time.sleep(1_000);
  };
  await time.until(sent(), hour);
  const sentFirst = world.liveChat.accepted.slice(0, 100).map(({ id }) => id.replace(/\.0$/, ''));
  return { first, last, waiting, sentFirst, dead: world.dead.length };
}
