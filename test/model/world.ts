import { ChannelError } from '../../core/channel/channel.ts';
import { Deferred } from '../../core/channel/deferred.ts';
import { type CreateRateLimiter, createRateLimiters, type RateLimiterPorts } from '../../core/channel/rate-limiter.ts';
import { acceptRequest, redriveRequest } from '../../core/outbound/accept.ts';
import { NotFirst } from '../../core/outbound/errors.ts';
import { type Executions, MessageGroup } from '../../core/outbound/message-group.ts';
import {
  type ExecutionInput,
  executionName,
  parseExecutionInput,
  type SendRequest,
} from '../../core/outbound/request.ts';
import { sendRequest } from '../../core/outbound/send.ts';
import { retriedErrors, sendStateMachine } from '../../core/outbound/state-machine.ts';
import { limitCalls, maxWaitMs, NoSlot } from '../../core/routing/channel.ts';
import { Invocation, named } from './invocation.ts';
import { ModelLiveChat, type ModelOptions } from './livechat.ts';
import { type MemoryStores, memoryStores } from './stores.ts';
import { VirtualTime } from './virtual-time.ts';

/**
 * The send path in virtual time: the real acceptance, step and wait, over tables, Lambda, Step Functions and a LiveChat of the
 * model. Every operation can be slow, fail before or after its effect, or be the last one of its function.
 */
export interface WorldOptions extends ModelOptions {
  readonly seed: number;
  /** The probability of an operation to be the last of its function, and to fail. */
  readonly crash?: number;
  readonly storeFaults?: number;
  /** How many times as long each operation takes. */
  readonly slowness?: number;
  /** Concurrent invocations of functions/send. */
  readonly concurrency?: number;
  /** The probability of a wake-up to be lost. */
  readonly lostWakeUps?: number;
  /** The rate that is configured, if it is not the one of LiveChat. */
  readonly configuredRate?: number;
  /** Disables one rule of the protocol, to show that the model needs it. */
  readonly mutation?: Mutation | undefined;
}

export type Mutation =
  | 'no probe'
  | 'no claim'
  | 'no order'
  | 'no settle time'
  | 'no wake-up'
  | 'no lock'
  | 'floor instead of ceil';

export interface ModelRequest {
  readonly organizationId: string;
  readonly conversationId: string;
  readonly requestId: string;
  readonly parts?: number;
  readonly sentAt?: number;
  readonly expiresInMs?: number;
}

interface Execution {
  status: 'running' | 'ended';
  readonly input: ExecutionInput;
  stopped: boolean;
  stop: () => void;
}

export interface Counts {
  transitions: number;
  sendInvocations: number;
  waitInvocations: number;
  throttled: number;
  describes: number;
  opened: number;
  writes: number;
  reads: number;
  busyMs: number;
}

const throttle = 'Lambda.TooManyRequestsException';
const maxRetries = 3;

const noResources = { sendFunctionArn: '', waitForTurnFunctionArn: '', deadLetterQueueUrl: '' };
const { Retry: retriers } = sendStateMachine(noResources).States.Send;

/** The retriers of one visit of the state Send, as the state machine defines them. */
class Retrier {
  readonly #time: VirtualTime;
  readonly #retries = new Map(retriers.map((retrier) => [retrier, 0]));

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  /** Waits before the retry. Returns false if the error is not retried. */
  async retries(error: unknown): Promise<boolean> {
    const { name } = error instanceof Error ? error : named('Unknown');
    const retrier = retriers.find(({ ErrorEquals }) => ErrorEquals.some((one) => one === name));
    const retries = retrier && this.#retries.get(retrier);
    if (retrier === undefined || retries === undefined || retries >= retrier.MaxAttempts) return false;
    this.#retries.set(retrier, retries + 1);
    const maxSeconds = Math.min(retrier.MaxDelaySeconds, retrier.IntervalSeconds * retrier.BackoffRate ** retries);
    await this.#time.sleep(this.#time.random() * maxSeconds * 1_000);
    return true;
  }
}

export const shares = { routing: 10, reconciliation: 20 };

const silent = { debug() {}, info() {}, warn() {}, error() {} };

export class World {
  readonly time: VirtualTime;
  readonly liveChat: ModelLiveChat;
  readonly stores: MemoryStores;
  readonly counts: Counts = {
    transitions: 0,
    sendInvocations: 0,
    waitInvocations: 0,
    throttled: 0,
    describes: 0,
    opened: 0,
    writes: 0,
    reads: 0,
    busyMs: 0,
  };
  /** Requests in the order in which they entered their conversation. */
  readonly entered = new Map<string, Set<string>>();
  /** Executions that became dead letters. */
  readonly dead: { readonly input: ExecutionInput; redriven: boolean }[] = [];
  readonly sentAt = new Map<string, number>();
  readonly acceptedAt = new Map<string, number>();
  readonly #options: WorldOptions;
  readonly #executions = new Map<string, Execution>();
  readonly #tokens = new Map<string, (output: string) => void>();
  #busy = 0;
  peak = 0;
  /** Accepted requests whose execution, or whose dead letter, is not done. */
  live = 0;
  calm = false;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.time = new VirtualTime(options.seed);
    this.liveChat = new ModelLiveChat(this.time, options);
    this.stores = memoryStores(options.configuredRate ?? options.callsPerSecond, ({ conversationId }, { input }) => {
      const request = parseExecutionInput(JSON.parse(input));
      const known = this.entered.get(conversationId) ?? new Set();
      this.entered.set(conversationId, known.add(request ? `${request.requestId}#${request.redrive}` : ''));
    });
  }

  #limiterPorts(): Omit<RateLimiterPorts, 'store'> {
    const { callsPerSecond, configuredRate = callsPerSecond } = this.#options;
    return {
      clock: this.time,
      shares,
      callsPerSecond: configuredRate,
      metrics: {
        count: (name) => {
          if (name === 'BreakerOpened') this.counts.opened += 1;
        },
      },
      log: silent,
    };
  }

  /** A service publishes a request: EventBridge invokes the function asynchronously, and Lambda retries it twice. */
  async publish(request: ModelRequest): Promise<void> {
    const { time } = this;
    this.live += 1;
    await time.sleep(time.between(100, 250));
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.#invoke((invocation) =>
          acceptRequest(this.#accepted(request), {
            ...this.#ports(invocation),
            deliveries: this.#deliveries(invocation),
          }),
        );
        this.acceptedAt.set(request.requestId, this.acceptedAt.get(request.requestId) ?? time.now());
        this.live -= 1;
        return;
      } catch (error) {
        if (error instanceof Error && error.name === 'RequestConflict') throw error;
        // The model's Lambda retries until it succeeds, so that no request is lost before it was accepted.
        await time.sleep(attempt % 3 === 0 ? 60_000 : 120_000);
      }
    }
  }

  #accepted({
    organizationId,
    conversationId,
    requestId,
    parts = 1,
    sentAt,
    expiresInMs = 6 * 3_600_000,
  }: ModelRequest): SendRequest<string> {
    return {
      organizationId,
      conversationId,
      requestId,
      options: { onInactive: 'resume', onAbsent: 'join' },
      requestedAt: Math.floor(this.time.now() / 1000) * 1000,
      expiresInMs,
      correlationId: requestId,
      causationId: requestId,
      sentAt,
      hash: `hash of ${requestId}`,
      parts: Array.from({ length: parts }, (_, splitIndex) => {
        const isFile = this.time.random() < (this.#options.files ?? 0);
        const content = `${isFile ? 'file' : 'text'} ${requestId}`;
        return { id: `${requestId}.${splitIndex}`, messageIndex: 0, splitIndex, content, hasFile: isFile };
      }),
    };
  }

  #step(invocation: Invocation) {
    const write = <T>(effect: () => Promise<T>) => {
      this.counts.writes += 1;
      return invocation.step(effect, [4, 15], this.#storeFaults);
    };
    const read = <T>(effect: () => Promise<T>) => {
      this.counts.reads += 1;
      return invocation.step(effect, [3, 8], this.#storeFaults);
    };
    return { write, read, call: <T>(effect: () => Promise<T>) => invocation.step(effect, [20, 60], this.#storeFaults) };
  }

  get #storeFaults(): number {
    return this.calm ? 0 : (this.#options.storeFaults ?? 0);
  }

  #deliveries(invocation: Invocation) {
    const { write, read } = this.#step(invocation);
    const { deliveries: store } = this.stores;
    const { mutation } = this.#options;
    return {
      read: (key) => read(() => store.read(key)),
      create: (delivery) => write(() => store.create(delivery)),
      async claim(key, claim) {
        const result = await write(() => store.claim(key, claim));
        if (mutation === 'no claim' && !result.claimed && result.current?.status === 'sending') {
          return { claimed: true, before: { ...result.current, status: 'queued', unknown: 'no' } };
        }
        if (!result.claimed) return result;
        const { before } = result;
        if (mutation === 'no probe')
          return { claimed: true, before: { ...before, status: 'queued', unknown: 'no', redrive: claim.redrive } };
        if (mutation === 'no settle time') return { claimed: true, before: { ...before, settledAt: 0, leaseUntil: 0 } };
        return result;
      },
      release: (key, state, lease) => write(() => store.release(key, state, lease)),
      recordSent: (key, sent, lease) => write(() => store.recordSent(key, sent, lease)),
      fail: (key, failure) => write(() => store.fail(key, failure)),
    } satisfies MemoryStores['deliveries'];
  }

  #ports(invocation: Invocation) {
    const { write, read, call } = this.#step(invocation);
    const { groups: store } = this.stores;
    const { mutation } = this.#options;
    return {
      clock: {
        now: () => this.time.now(),
        random: () => this.time.random(),
        sleep: (ms: number) => invocation.sleep(ms),
      },
      onUnblocked: () => {},
      groups: {
        put: (key, entry) => write(() => store.put(key, entry)),
        head: async (key) => {
          const found = await read(() => store.head(key));
          return mutation === 'no order' ? {} : mutation === 'no lock' ? { first: found.first } : found;
        },
        extend: (key, entry, until) => write(() => store.extend(key, entry, until)),
        remove: (key, position) => write(() => store.remove(key, position)),
        lock: async (key, lock, now) =>
          (await write(() => store.lock(key, lock, now))) || mutation === 'no order' || mutation === 'no lock',
        unlock: (key, execution) => write(() => store.unlock(key, execution)),
      } satisfies MemoryStores['groups'],
      executions: {
        start: (name, input) => call(async () => this.#start(name, input)),
        status: (name) => {
          this.counts.describes += 1;
          return call(async () => this.#executions.get(name)?.status ?? 'missing');
        },
        completeTask: (token, output) =>
          call(async () => {
            const isLost = !this.calm && this.time.random() < (this.#options.lostWakeUps ?? 0);
            const complete = this.#tokens.get(token);
            if (!isLost && mutation !== 'no wake-up') complete?.(output);
            return complete !== undefined;
          }),
      } satisfies Executions,
    };
  }

  #start(name: string, input: string): boolean {
    if (this.#executions.has(name)) return false;
    const request = parseExecutionInput(JSON.parse(input));
    if (!request) throw new TypeError('not the input of an execution');
    const stopped = Promise.withResolvers<never>();
    stopped.promise.catch(() => {});
    const execution: Execution = {
      status: 'running',
      input: request,
      stopped: false,
      stop: () => {
        execution.stopped = true;
        stopped.reject(named('ABORTED'));
      },
    };
    this.#executions.set(name, execution);
    this.live += 1;
    const run = async () => {
      await this.time.sleep(this.time.between(50, 300));
      try {
        await Promise.race([this.#runStateMachine(execution), stopped.promise]);
        execution.status = 'ended';
      } catch (error) {
        execution.status = 'ended';
        await this.#handleDeadLetter(request, error instanceof Error ? error.name : 'Unknown');
      }
      this.live -= 1;
    };
    run().catch((error: unknown) => this.failures.push(error));
    return true;
  }

  readonly failures: unknown[] = [];

  /** Stops an execution, if it is running. Its function goes on. */
  stop(requestId: string): void {
    for (const execution of this.#executions.values()) {
      if (execution.input.requestId === requestId && execution.status === 'running') execution.stop();
    }
  }

  async #runStateMachine(execution: Execution): Promise<void> {
    const { input } = execution;
    let turn = '';
    for (let retrier = new Retrier(this.time); ; ) {
      if (execution.stopped) await new Promise<never>(() => {});
      this.counts.transitions += 1;
      try {
        await this.#send(input, turn);
        return;
      } catch (error) {
        if (await retrier.retries(error)) continue;
        turn = await this.#leaveSend(input, error);
        retrier = new Retrier(this.time);
      }
    }
  }

  /** What the state Send catches. Returns the turn with which it runs again. */
  async #leaveSend(input: ExecutionInput, error: unknown): Promise<string> {
    if (error instanceof Deferred) return this.#waitUntil(error.message);
    if (error instanceof NotFirst) return this.#waitForTurn(input, error.message);
    throw error;
  }

  /** ReadDeferral and WaitUntil. Step Functions waits in whole seconds. */
  async #waitUntil(message: string): Promise<string> {
    const { time } = this;
    this.counts.transitions += 2;
    await time.sleep(time.between(40, 120));
    const [, at = '', , slot] = message.split('|');
    const isRoundedDown = this.#options.mutation === 'floor instead of ceil' && slot === '0';
    const until = Math.floor(Date.parse(at) / 1000) * 1000 - (isRoundedDown ? 1000 : 0);
    if (until > time.now()) await time.sleep(until - time.now() + time.between(0, 300));
    return message;
  }

  /** ReadWait and WaitForTurn, then WaitUntil. */
  async #waitForTurn(input: ExecutionInput, message: string): Promise<string> {
    const { time } = this;
    const seconds = Number(message.split('|')[2]);
    this.counts.transitions += 2;
    await time.sleep(time.between(40, 120));
    for (let retry = 0; ; retry += 1) {
      const token = `token ${this.#nextToken}`;
      this.#nextToken += 1;
      const ended = Promise.withResolvers<string | undefined>();
      this.#tokens.set(token, (output) => ended.resolve(output));
      time.at(time.now() + seconds * 1000, () => ended.resolve(undefined));
      this.counts.waitInvocations += 1;
      const invoked = this.#invoke((invocation) =>
        new MessageGroup(input, this.#ports(invocation)).waitForTurn(token, seconds * 1000),
      );
      invoked.catch((error: unknown) => ended.reject(error));
      try {
        const output = await ended.promise;
        this.#tokens.delete(token);
        if (output === undefined) return message;
        const { until, slot } = JSON.parse(output);
        return await this.#waitUntil(`turn|${until}|1|${slot.at}|${slot.epoch}|${slot.missed}|`);
      } catch (error) {
        this.#tokens.delete(token);
        if (retry >= maxRetries) throw error;
        await time.sleep(time.random() * 1_000);
      }
    }
  }

  #nextToken = 0;

  /** A routing decision: a transfer and a tag. Returns how long it took, ms, or `refused` without slots in time. */
  async route(organizationId: string, conversationId: string): Promise<number | 'refused'> {
    const { time } = this;
    const startedAt = time.now();
    try {
      await this.#invoke(async (invocation) => {
        const { clock } = this.#ports(invocation);
        const latest = startedAt + maxWaitMs;
        const limiter = this.#limiterOf(invocation)(organizationId, { share: 'routing', maxWaitMs });
        const call = limitCalls({
          channel: async () => this.liveChat.routing(organizationId),
          ...{ limiter, clock, latest },
          onCredentialsBlocked: async () => {},
        });
        await call((channel) => channel.transfer(conversationId, { group: 1 }));
        await call((channel) => channel.tag(conversationId, 'thread', 'routed'));
      });
    } catch (error) {
      if (error instanceof NoSlot) return 'refused';
      throw error;
    }
    return time.now() - startedAt;
  }

  /** The sequential calls of a backfill, which is a process of its own. Returns how long they took, ms. */
  async backfill(organizationId: string, calls: number): Promise<number> {
    const { time, liveChat } = this;
    const startedAt = time.now();
    const limiter = this.#createWarmLimiter()(organizationId, { share: 'reconciliation' });
    for (let made = 0; made < calls; ) {
      try {
        await limiter.run(() => liveChat.answer(organizationId, 'get_chat'));
        made += 1;
      } catch (error) {
        if (!(error instanceof Deferred)) throw error;
        await time.sleep(error.until - time.now());
      }
    }
    return time.now() - startedAt;
  }

  async #send(input: ExecutionInput, turn: string): Promise<void> {
    const { time, counts } = this;
    const { concurrency = 200 } = this.#options;
    if (this.#busy >= concurrency) {
      counts.throttled += 1;
      await time.sleep(20);
      throw named(throttle);
    }
    this.#busy += 1;
    this.peak = Math.max(this.peak, this.#busy);
    counts.sendInvocations += 1;
    const startedAt = time.now();
    const [, , , at = '0', epoch = '0', missed = '0'] = turn.split('|');
    try {
      await this.#invoke(async (invocation) => {
        const ports = this.#ports(invocation);
        await sendRequest(
          input,
          { held: { at: Number(at), epoch: Number(epoch), missed: Number(missed) }, deadline: invocation.deadline },
          {
            ...ports,
            deliveries: this.#deliveries(invocation),
            limiter: this.#limiterOf(invocation)(input.organizationId, { share: 'sends' }),
            channel: this.liveChat.channel(input.organizationId),
            onSent: (parts) =>
              invocation.step(
                async () => {
                  for (const { deliveryId } of parts)
                    this.sentAt.set(deliveryId, this.sentAt.get(deliveryId) ?? time.now());
                },
                [10, 30],
                this.#storeFaults,
              ),
            onCredentialsBlocked: async () => {},
            log: silent,
          },
        );
      });
    } catch (error) {
      const isKnown =
        error instanceof Deferred ||
        error instanceof NotFirst ||
        error instanceof ChannelError ||
        (error instanceof Error &&
          [...retriedErrors, 'RequestExpired', 'DeliveryMissing', 'FileRefused'].includes(error.name));
      throw isKnown ? error : named('StepFailed');
    } finally {
      this.#busy -= 1;
      counts.busyMs += time.now() - startedAt;
    }
  }

  /** The limiter of a container: its memory is the world's, its table calls are the invocation's. */
  #limiterOf(invocation: Invocation): CreateRateLimiter {
    const { write, read } = this.#step(invocation);
    if (!this.#options.crash && !this.#options.storeFaults) {
      this.#warm ??= this.#createWarmLimiter();
      return this.#warm;
    }
    return createRateLimiters({
      ...this.#limiterPorts(),
      clock: this.#ports(invocation).clock,
      store: {
        read: (id) => read(() => this.stores.rateLimits.read(id)),
        update: (id, update) => write(() => this.stores.rateLimits.update(id, update)),
      },
    });
  }

  /** The limiter of a warm container, without faults. */
  #createWarmLimiter(): CreateRateLimiter {
    const delayed = async <T>(effect: () => Promise<T>, [min, max]: readonly [number, number]): Promise<T> => {
      const half = ((this.#options.slowness ?? 1) * this.time.between(min, max)) / 2;
      await this.time.sleep(half);
      const result = await effect();
      await this.time.sleep(half);
      return result;
    };
    return createRateLimiters({
      ...this.#limiterPorts(),
      store: {
        read: (id) => delayed(() => this.stores.rateLimits.read(id), [3, 8]),
        update: (id, update) => delayed(() => this.stores.rateLimits.update(id, update), [4, 15]),
      },
    });
  }

  #warm: CreateRateLimiter | undefined;

  async #invoke<T>(work: (invocation: Invocation) => Promise<T>): Promise<T> {
    const { crash = 0, slowness = 1 } = this.#options;
    await this.time.sleep(this.time.between(10, 40));
    const invocation = new Invocation(this.time, this.calm ? 0 : crash, slowness);
    return invocation.run(() => work(invocation));
  }

  /** The state DeadLetter, the queue, and functions/dead-letter, which SQS invokes until it succeeds. */
  async #handleDeadLetter(input: ExecutionInput, error: string): Promise<void> {
    const { time } = this;
    await time.sleep(time.between(200, 1_500));
    for (;;) {
      try {
        const lockedUntil = await this.#invoke(async (invocation) => {
          const deliveries = this.#deliveries(invocation);
          const { organizationId, conversationId, redrive } = input;
          for (const { id } of input.deliveries) {
            const failure = { redrive, error, at: time.now(), deadLetterId: `dead ${executionName(input)}` };
            await deliveries.fail({ organizationId, conversationId, id }, failure);
          }
          return new MessageGroup(input, this.#ports(invocation)).abandon({ wasStopped: error === 'ABORTED' });
        });
        if (lockedUntil !== undefined) this.#wakeLater(input, lockedUntil);
        this.dead.push({ input, redriven: false });
        return;
      } catch {
        await time.sleep(5_000);
      }
    }
  }

  #wakeLater(input: ExecutionInput, at: number): void {
    const wake = async () => {
      await this.time.sleep(at - this.time.now() + 1_000);
      for (;;) {
        try {
          await this.#invoke((invocation) => new MessageGroup(input, this.#ports(invocation)).wakeFirst());
          return;
        } catch {
          await this.time.sleep(5_000);
        }
      }
    };
    wake().catch((error: unknown) => this.failures.push(error));
  }

  /** An operator redrives a dead letter. */
  async redrive(deadLetter: { readonly input: ExecutionInput; redriven: boolean }): Promise<void> {
    await this.#invoke((invocation) =>
      redriveRequest(deadLetter.input, { ...this.#ports(invocation), deliveries: this.#deliveries(invocation) }),
    );
    deadLetter.redriven = true;
  }

  hasExecution(input: ExecutionInput): boolean {
    return this.#executions.has(executionName(input));
  }
}

/**
 * Pairs of requests of a conversation that LiveChat received in another order than they were accepted in, although the first
 * had entered its conversation before the second. Requests that became dead letters are left out.
 */
export function findInversions(world: World): number {
  const dead = new Set(world.dead.map(({ input }) => input.requestId));
  const received = new Map<string, string[]>();
  for (const { conversation, id } of world.liveChat.accepted) {
    const requestId = id.slice(0, id.lastIndexOf('.'));
    const known = received.get(conversation) ?? [];
    if (!dead.has(requestId) && known.at(-1) !== requestId) received.set(conversation, [...known, requestId]);
  }
  let inversions = 0;
  for (const [conversation, requests] of received) {
    const entered = [...(world.entered.get(conversation) ?? [])];
    const enteredAs = new Map(entered.map((id, index) => [id.replace(/#0$/, ''), index]));
    const key = (requestId: string) => world.stores.delivery(`${requestId}.0`)?.orderKey ?? 0;
    requests.forEach((later, index) => {
      for (const earlier of requests.slice(Math.max(0, index - 60), index)) {
        const isInverted = (enteredAs.get(later) ?? 0) < (enteredAs.get(earlier) ?? 0) && key(later) < key(earlier);
        if (isInverted) inversions += 1;
      }
    });
  }
  return inversions;
}
