import type { Mutation } from './faulty-ports.ts';
import { findInversions, World } from './world.ts';

const requests = 60;
const hour = 3_600_000;

export interface FaultsResult {
  /** Parts that LiveChat never received, or received twice. */
  readonly lost: number;
  readonly twice: number;
  readonly inversions: number;
  /** Parts of one request in the wrong order, or with another request in between. */
  readonly interleaved: number;
  /** Executions that did not end. */
  readonly stuck: number;
  /** Entries that are left in message groups. */
  readonly left: number;
  readonly dead: number;
  /** Transitions of the state machine per request. */
  readonly transitions: number;
  /** Dead letters marked as redriven without their execution. */
  readonly withoutExecution: number;
  readonly failures: number;
}

/**
 * One simulation: two organizations with three chats each, 60 requests of up to three, some of up to ten, parts with files, faults of LiveChat, of tables
 * and of functions, lost wake-ups, duplicates, stopped executions, short expiries, an outage in every fourth simulation; then every dead letter
 * is redriven, until every request is sent.
 */
export async function runFaults(seed: number, mutation?: Mutation): Promise<FaultsResult> {
  const world = new World({
    seed,
    mutation,
    callsPerSecond: 10,
    faults: 0.08,
    crash: 0.01,
    storeFaults: 0.01,
    lostWakeUps: 0.02,
    files: 0.1,
    concurrency: 12,
    outage: seed % 4 === 0 ? [10_000, 10_000 + (seed % 3) * 30_000] : undefined,
  });
  const { time } = world;
  const partsOf = new Map<string, number>();
  const publishing = Array.from({ length: requests }, async (_, index) => {
    const requestId = `r${index}`;
    const maxParts = time.random() < 0.05 ? 10 : 3;
    const parts = 1 + Math.floor(time.random() * maxParts);
    partsOf.set(requestId, parts);
    const request = {
      organizationId: `o${index % 2}`,
      conversationId: `chat ${index % 6}`,
      requestId,
      parts,
      ...(time.random() < 0.2 && { expiresInMs: Math.floor(time.between(5_000, 200_000)) }),
    };
    const at = time.between(0, 20_000);
    const skew = time.random() < 0.3 ? time.between(-6_000, 1_000) : undefined;
    const isStopped = time.random() < 0.06;
    const isDuplicate = time.random() < 0.06;
    await time.sleep(at);
    if (isStopped) time.at(time.now() + time.between(100, 40_000), () => world.stop(requestId));
    if (isDuplicate) time.at(time.now() + time.between(0, 30_000), () => void world.publish(request).catch(() => {}));
    await world.publish(skew === undefined ? request : { ...request, sentAt: Math.max(0, Math.floor(at + skew)) });
  });
  let stuck = 0;
  const settle = async () => {
    const idle = async () => {
      while (world.live > 0) await time.sleep(1_000);
    };
    await time.until(idle(), time.now() + 8 * hour);
  };
  try {
    await time.until(Promise.all(publishing), 8 * hour);
    await settle();
  } catch {
    stuck += 1;
  }
  const inversions = findInversions(world);
  const interleaved = findInterleaved(world);
  // An operator redrives the dead letters once everything works.
  world.calm = true;
  world.liveChat.calm = true;
  const dead = world.dead.length;
  try {
    await time.until(time.sleep(120_000), time.now() + hour);
    const open = () => world.dead.filter(({ redriven }) => !redriven);
    while (open().length > 0) {
      for (const deadLetter of open()) await time.until(world.redrive(deadLetter), time.now() + hour);
      await settle();
    }
  } catch {
    stuck += 1;
  }
  const received = new Map<string, number>();
  for (const { id } of world.liveChat.accepted) received.set(id, (received.get(id) ?? 0) + 1);
  const parts = [...partsOf].flatMap(([requestId, count]) =>
    Array.from({ length: count }, (_, index) => `${requestId}.${index}`),
  );
  return {
    lost: parts.filter((part) => !received.has(part)).length,
    twice: [...received.values()].filter((times) => times > 1).length,
    inversions,
    interleaved,
    stuck,
    left: [...Array(6).keys()].reduce(
      (sum, chat) =>
        sum + world.stores.entries({ organizationId: `o${chat % 2}`, conversationId: `chat ${chat}` }).length,
      0,
    ),
    dead,
    transitions: world.counts.transitions / requests,
    withoutExecution: world.dead.filter(
      ({ input, redriven }) => redriven && !world.hasExecution({ ...input, redrive: input.redrive + 1 }),
    ).length,
    failures: world.failures.length,
  };
}

function findInterleaved(world: World): number {
  const dead = new Set(world.dead.map(({ input }) => input.requestId));
  const last = new Map<string, { requestId: string; part: number }>();
  const finished = new Set<string>();
  let found = 0;
  for (const { conversation, id } of world.liveChat.accepted) {
    const [requestId = '', part = ''] = id.split('.');
    if (dead.has(requestId)) continue;
    const before = last.get(conversation);
    if (before?.requestId === requestId && Number(part) <= before.part) found += 1;
    if (before && before.requestId !== requestId) finished.add(before.requestId);
    if (finished.has(requestId)) found += 1;
    last.set(conversation, { requestId, part: Number(part) });
  }
  return found;
}
