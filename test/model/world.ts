import { ChannelError } from '../../core/channel/channel.ts';
import { Deferred } from '../../core/channel/deferred.ts';
import { acceptRequest, redriveRequest } from '../../core/outbound/accept.ts';
import { NotFirst } from '../../core/outbound/errors.ts';
import { MessageGroup } from '../../core/outbound/message-group.ts';
import {
  type ExecutionInput,
  executionName,
  parseExecutionInput,
  type SendRequest,
} from '../../core/outbound/request.ts';
import { sendRequest } from '../../core/outbound/send.ts';
import { retriedErrors } from '../../core/outbound/state-machine.ts';
import { limitCalls, maxWaitMs, NoSlot } from '../../core/routing/channel.ts';
import { type Counts, FaultyPorts, type Mutation, silent } from './faulty-ports.ts';
import { Invocation, named } from './invocation.ts';
import { ModelLiveChat, type ModelOptions } from './livechat.ts';
import { StepFunctions } from './step-functions.ts';
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

export interface ModelRequest {
  readonly organizationId: string;
  readonly conversationId: string;
  readonly requestId: string;
  readonly parts?: number;
  readonly sentAt?: number;
  readonly expiresInMs?: number;
}

const throttle = 'Lambda.TooManyRequestsException';
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
  readonly #executions: StepFunctions;
  readonly #ports: FaultyPorts;
  readonly failures: unknown[] = [];
  #publishing = 0;
  #busy = 0;
  peak = 0;
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
    this.#executions = new StepFunctions({
      time: this.time,
      counts: this.counts,
      failures: this.failures,
      mutation: options.mutation,
      send: (input, turn) => this.#send(input, turn),
      waitForTurn: (input, token, seconds) =>
        this.#invoke((invocation) =>
          new MessageGroup(input, this.#ports.ports(invocation)).waitForTurn(token, seconds * 1000),
        ),
      handleDeadLetter: (input, error) => this.#handleDeadLetter(input, error),
    });
    this.#ports = new FaultyPorts({
      ...options,
      callsPerSecond: options.configuredRate ?? options.callsPerSecond,
      time: this.time,
      stores: this.stores,
      counts: this.counts,
      executions: this.#executions,
      areFaultsDisabled: () => this.calm,
    });
  }

  /** The number of requests that are not accepted yet, and of executions that are running or whose dead letter is not handled yet. */
  get live(): number {
    return this.#publishing + this.#executions.live;
  }

  /** A service publishes a request: EventBridge invokes the function asynchronously, and Lambda retries it twice. */
  async publish(request: ModelRequest): Promise<void> {
    const { time } = this;
    this.#publishing += 1;
    await time.sleep(time.between(100, 250));
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.#invoke((invocation) =>
          acceptRequest(this.#accepted(request), {
            ...this.#ports.ports(invocation),
            deliveries: this.#ports.deliveries(invocation),
          }),
        );
        this.acceptedAt.set(request.requestId, this.acceptedAt.get(request.requestId) ?? time.now());
        this.#publishing -= 1;
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

  /** A routing decision: a transfer and a tag. Returns how long it took, ms, or `refused` without slots in time. */
  async route(organizationId: string, conversationId: string): Promise<number | 'refused'> {
    const { time } = this;
    const startedAt = time.now();
    try {
      await this.#invoke(async (invocation) => {
        const { clock } = this.#ports.ports(invocation);
        const latest = startedAt + maxWaitMs;
        const limiter = this.#ports.limiter(invocation)(organizationId, { share: 'routing', maxWaitMs });
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
    const limiter = this.#ports.createWarmLimiter()(organizationId, { share: 'reconciliation' });
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
        const ports = this.#ports.ports(invocation);
        await sendRequest(
          input,
          { held: { at: Number(at), epoch: Number(epoch), missed: Number(missed) }, deadline: invocation.deadline },
          {
            ...ports,
            deliveries: this.#ports.deliveries(invocation),
            limiter: this.#ports.limiter(invocation)(input.organizationId, { share: 'sends' }),
            channel: this.liveChat.channel(input.organizationId),
            onSent: (parts) =>
              invocation.step(
                async () => {
                  for (const { deliveryId } of parts)
                    this.sentAt.set(deliveryId, this.sentAt.get(deliveryId) ?? time.now());
                },
                [10, 30],
                this.calm ? 0 : (this.#options.storeFaults ?? 0),
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
          const deliveries = this.#ports.deliveries(invocation);
          const { organizationId, conversationId, redrive } = input;
          for (const { id } of input.deliveries) {
            const failure = { redrive, error, at: time.now(), deadLetterId: `dead ${executionName(input)}` };
            await deliveries.fail({ organizationId, conversationId, id }, failure);
          }
          return new MessageGroup(input, this.#ports.ports(invocation)).abandon({ wasStopped: error === 'ABORTED' });
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
          await this.#invoke((invocation) => new MessageGroup(input, this.#ports.ports(invocation)).wakeFirst());
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
      redriveRequest(deadLetter.input, {
        ...this.#ports.ports(invocation),
        deliveries: this.#ports.deliveries(invocation),
      }),
    );
    deadLetter.redriven = true;
  }

  /** Stops an execution, if it is running. The invoked function continues. */
  stop(requestId: string): void {
    this.#executions.stop(requestId);
  }

  hasExecution(input: ExecutionInput): boolean {
    return this.#executions.status(executionName(input)) !== 'missing';
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
