import type { Carrier, OutboundRequest } from '../../core/outbound/carrier.ts';
import { Deferred } from '../../core/outbound/errors.ts';
import { type SendPorts, sendRequest } from '../../core/outbound/send.ts';
import { Invocation, named } from './invocation.ts';
import { ModelLiveChat, type ModelOptions } from './livechat.ts';
import { type MemoryStores, memoryStores } from './stores.ts';
import { VirtualTime } from './virtual-time.ts';

export interface Scenario extends ModelOptions {
  readonly seed: number;
  readonly requests: number;
  readonly chats: number;
  readonly partsAtMost: number;
  /** Chance that a function dies at any one step. */
  readonly crash: number;
  /** Share of requests that start a second run. */
  readonly duplicates: number;
  /** Share of runs that an operator stops. */
  readonly stopped: number;
  readonly concurrency: number;
  /** How many times as long the tables take as they usually do. */
  readonly slowness?: number;
  /** Takes one of the three safeguards out. */
  readonly without?: 'probe' | 'claim' | 'queue';
}

export interface Outcome {
  readonly seconds: number;
  readonly tooMany: number;
  readonly twice: number;
  readonly lost: number;
  readonly inverted: number;
  readonly dead: number;
  readonly accepted: number;
}

type Request = OutboundRequest<string>;

interface DeadLetter {
  readonly request: Request;
  readonly run: string;
}

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
/** What the state machine itself tries again. */
const triedAgain = [
  'LiveChatServerError',
  'LiveChatNetworkError',
  'Runtime.ExitError',
  'Sandbox.Timedout',
  'IdempotencyPersistenceLayerError',
  'FileUnavailable',
];
const expectedEnds = [...triedAgain, 'LiveChatClientError', 'RequestExpired'];

/** State machine, function, tables and LiveChat in virtual time: everything that can go wrong does, by a seed. */
export async function simulate(scenario: Scenario): Promise<Outcome> {
  const world = new World(scenario);
  return world.time.until(world.live(), 40 * 3_600_000);
}

interface Retries {
  readonly typed: number;
  readonly throttled: number;
}

const noRetries: Retries = { typed: 0, throttled: 0 };

/** The retries once this one is counted; undefined when the state machine tries no more. */
function retried(name: string, { typed, throttled }: Retries): Retries | undefined {
  if (name === 'Lambda.TooManyRequestsException') return { typed, throttled: throttled + 1 };
  return triedAgain.includes(name) && typed < 3 ? { typed: typed + 1, throttled } : undefined;
}

/** The longest wait before this retry, as the state machine is defined. */
function pauseMs(name: string, { typed, throttled }: Retries): number {
  if (name === 'Lambda.TooManyRequestsException') return Math.min(10_000, 2_000 * 2 ** (throttled - 1));
  return Math.min(30_000, 1_000 * 2 ** (typed - 1));
}

class World {
  readonly time: VirtualTime;
  readonly #scenario: Scenario;
  readonly #stores: MemoryStores;
  readonly #liveChat: ModelLiveChat;
  readonly #running = new Map<string, boolean>();
  readonly #dead: DeadLetter[] = [];
  #atWork = 0;
  #crash: number;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#crash = scenario.crash;
    this.time = new VirtualTime(scenario.seed);
    this.#stores = memoryStores(scenario.callsPerSecond);
    this.#liveChat = new ModelLiveChat(this.time, scenario);
  }

  async live(): Promise<Outcome> {
    const { requests, duplicates } = this.#scenario;
    const all = Array.from({ length: requests }, (_, index) => this.#request(index));
    const runs = all.flatMap((request) => {
      const starts = [this.#start(request, `run-${request.requestId}`, this.time.between(60, 400))];
      if (this.time.random() < duplicates)
        starts.push(this.#start(request, `again-${request.requestId}`, this.time.between(60, 30_000)));
      return starts;
    });
    await Promise.all(runs);
    const seconds = this.time.now() / 1000;
    const inOrder = this.#inversions(new Set(this.#dead.map(({ request }) => request.requestId)));
    const dead = [...new Map(this.#dead.map((letter) => [letter.request.requestId, letter])).values()];
    await this.#redrive(dead);
    return {
      seconds,
      inverted: inOrder,
      dead: dead.length,
      tooMany: this.#liveChat.tooMany,
      accepted: this.#liveChat.accepted.length,
      ...this.#counted(all),
    };
  }

  #request(index: number): Request {
    const { chats, partsAtMost, files = 0 } = this.#scenario;
    const requestId = `r${index}`;
    const key = { organizationId: 'organization', conversationId: `chat${index % chats}`, requestId };
    const parts = Array.from({ length: 1 + Math.floor(this.time.random() * partsAtMost) }, (_, part) => ({
      ...key,
      id: `${requestId}.${part}`,
      fingerprint: requestId,
      content: this.time.random() < files ? `file ${requestId}` : requestId,
    }));
    const options = { onInactive: 'fail', onAbsent: 'join' } as const;
    return {
      ...key,
      parts,
      options,
      requestedAt: 0,
      publishedAt: 0,
      expiresAt: 6 * 3_600_000,
      redrive: 0,
      correlationId: requestId,
      causationId: requestId,
    };
  }

  async #start(request: Request, run: string, afterMs: number): Promise<void> {
    await this.time.sleep(afterMs);
    const stoppedAt =
      this.time.random() < this.#scenario.stopped
        ? this.time.now() + this.time.random() * 60_000
        : Number.POSITIVE_INFINITY;
    this.#running.set(run, true);
    const end = await this.#execute(request, run, stoppedAt);
    this.#running.set(run, false);
    if (end === undefined) return;
    await this.time.sleep(200);
    await this.#bury(request, run, end);
    this.#dead.push({ request, run });
  }

  /** One execution of the state machine: undefined when it succeeds, else the error with which it ends. */
  async #execute(request: Request, run: string, stoppedAt: number): Promise<string | undefined> {
    let retries: Retries = noRetries;
    let returning = false;
    while (this.time.now() < stoppedAt) {
      const error = await this.#invoke(request, run, returning).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (error === undefined) return undefined;
      if (error instanceof Deferred) {
        await this.time.sleep(Math.max(0, error.until - this.time.now()) + 60);
        retries = noRetries;
        returning = true;
        continue;
      }
      const name = error instanceof Error ? error.name : '';
      const next = retried(name, retries);
      if (next) {
        retries = next;
        await this.time.sleep(this.time.random() * pauseMs(name, next));
      } else if (expectedEnds.includes(name)) return name;
      else throw error;
    }
    return 'Aborted';
  }

  async #invoke(request: Request, run: string, returning: boolean): Promise<void> {
    if (this.#atWork >= this.#scenario.concurrency) throw named('Lambda.TooManyRequestsException');
    this.#atWork += 1;
    try {
      await this.time.sleep(this.time.between(15, 60));
      const invocation = new Invocation(this.time, this.#crash, this.#scenario.slowness);
      const { deadline } = invocation;
      await invocation.run(() => sendRequest(request, { id: run, returning, deadline }, this.#ports(invocation)));
    } finally {
      this.#atWork -= 1;
    }
  }

  /** The step's ports, each a step that may be the invocation's last; with a safeguard taken out where the scenario says so. */
  #ports(invocation: Invocation): SendPorts<string> {
    const { gate, queue, deliveries } = this.#stores;
    const { without } = this.#scenario;
    const carrier = this.#liveChat.carrier();
    const time = this.time;
    return {
      clock: { now: () => time.now(), random: () => time.random(), sleep: (ms) => invocation.sleep(ms) },
      gate: {
        read: (id) => invocation.step(() => gate.read(id)),
        update: (id, update) => invocation.step(() => gate.update(id, update)),
      },
      queue: {
        enter: async (key, run) => {
          const waiting = await invocation.step(() => queue.enter(key, run));
          return without === 'queue' ? [run] : waiting;
        },
        read: (key) => invocation.step(() => queue.read(key)),
        leave: (key, run) => invocation.step(() => queue.leave(key, run)),
      },
      deliveries: {
        claim: async (key, claim) => {
          const claimed = await invocation.step(() => deliveries.claim(key, claim));
          if (without === 'probe' && claimed.claimed && claimed.before) return { ...claimed, before: undefined };
          if (without === 'claim' && !claimed.claimed && claimed.current.status === 'sending')
            return { claimed: true, before: undefined };
          return claimed;
        },
        release: (key, release, lease) => invocation.step(() => deliveries.release(key, release, lease)),
        sent: (key, sending, lease) => invocation.step(() => deliveries.sent(key, sending, lease)),
        giveUp: (key, given) => invocation.step(() => deliveries.giveUp(key, given)),
      },
      carrier: {
        ...carrier,
        withFile: (content, use) =>
          carrier.withFile(content, (fetched) => invocation.step(async () => fetched).then(use)),
        upload: (fetched) => invocation.step(() => carrier.upload(fetched), [0, 0]),
        send: (conversation, letter) => invocation.step(() => carrier.send(conversation, letter), [0, 0]),
        find: (conversation, id, since) => invocation.step(() => carrier.find(conversation, id, since), [0, 0]),
      } satisfies Carrier<string>,
      isRunning: (run) => invocation.step(async () => this.#running.get(run) ?? false),
      onSent: () => invocation.step(async () => {}),
      onLocked: async () => {},
      onUnblocked: () => {},
      log: quiet,
    };
  }

  /** What functions/dead-letter does with a run that has ended without sending everything. */
  async #bury(request: Request, run: string, error: string): Promise<void> {
    for (const part of request.parts) {
      const { fingerprint } = part;
      const given = {
        fingerprint,
        redrive: request.redrive,
        error,
        at: this.time.now(),
        deadLetterId: `letter-${run}`,
      };
      await this.#stores.deliveries.giveUp(part, given);
    }
    await this.#stores.queue.leave(request, run);
  }

  /** An operator brings the rest, when all is well again. */
  async #redrive(dead: readonly DeadLetter[]): Promise<void> {
    this.#liveChat.calm = true;
    this.#crash = 0;
    await this.time.sleep(120_000);
    for (const { request, run } of this.#dead) await this.#bury(request, run, 'again');
    await Promise.all(
      dead.map(({ request }) =>
        this.#execute({ ...request, redrive: 1 }, `redrive-${request.requestId}`, Number.POSITIVE_INFINITY),
      ),
    );
  }

  /** Messages of a chat that came before others whose run had joined earlier; dead ones come when they come. */
  #inversions(dead: ReadonlySet<string>): number {
    let inverted = 0;
    for (const [conversation, runs] of this.#stores.joined) {
      const joined = [...new Set(runs.map(requestOf))];
      let last = -1;
      for (const { id } of this.#liveChat.accepted.filter((one) => one.conversation === conversation)) {
        const request = id.split('.')[0] ?? '';
        if (dead.has(request)) continue;
        const place = joined.indexOf(request);
        if (place < last) inverted += 1;
        last = Math.max(last, place);
      }
    }
    return inverted;
  }

  #counted(all: readonly Request[]): { twice: number; lost: number } {
    const times = new Map<string, number>();
    for (const { id } of this.#liveChat.accepted) times.set(id, (times.get(id) ?? 0) + 1);
    const wanted = all.flatMap(({ parts }) => parts.map(({ id }) => id));
    return {
      twice: [...times.values()].filter((count) => count > 1).length,
      lost: wanted.filter((id) => !times.has(id)).length,
    };
  }
}

function requestOf(run: string): string {
  return run.slice(run.indexOf('-') + 1);
}
