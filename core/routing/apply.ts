import { deriveId } from '../events/ids.ts';
import { Deferred } from '../outbound/errors.ts';
import { type CallFailure, isCallFailure } from '../outbound/failure.ts';
import { endOfLine, type Gate } from '../outbound/gate/gate.ts';
import type { Passage, Slot } from '../outbound/gate/passage.ts';
import type { Clock } from '../platform/clock.ts';
import { ConfigurationError } from '../platform/configuration.ts';
import type { Decision, PlannedAction, Target } from './rules.ts';
import type { Phase, ThreadKey } from './store.ts';

/** A text with an id of ours, by which it can be found again. */
export interface RoutingMessage {
  readonly id: string;
  readonly text: string;
  /** `agents` for a note. */
  readonly visibility: 'all' | 'agents';
}

/** What routing needs of a carrier. Each method makes one call, and throws the carrier's classified errors (core/outbound/failure.ts). */
export interface RoutingCarrier {
  /** Transfers the chat. Fails if no agent of the target is free, unless the target allows the queue. */
  transfer(conversationId: string, target: Target): Promise<void>;
  /** Returns the chat to the carrier's own routing within its current groups. */
  handBack(conversationId: string): Promise<void>;
  tag(conversationId: string, threadId: string, tag: string): Promise<void>;
  sendText(conversationId: string, message: RoutingMessage): Promise<void>;
  /** Whether a text with this id exists in any thread since `since` (ms since 1970). */
  find(conversationId: string, id: string, since: number): Promise<boolean>;
  /** Adds our agent to the chat; with `agents`, invisibly to the customer. */
  join(conversationId: string, visibility: RoutingMessage['visibility']): Promise<void>;
  /** The same carrier in the region that an error names. */
  inRegion(region: string): RoutingCarrier;
  /** The same carrier with newly read credentials; undefined if they have not changed. */
  withFreshCredentials(): Promise<RoutingCarrier | undefined>;
}

/** The total time that one decision waits for slots. A later transfer is worse than the carrier's own routing. */
export const maxWaitMs = 10_000;
const defaultRetryAfterMs = 1_000;
/** A join takes effect after a moment. */
const joinTimeoutMs = 5_000;
const joinPollMs = 400;

/** There is no slot in time: too many calls wait, the breaker is open, or an operator has paused sending. */
export class NoSlot extends Error {
  override readonly name = 'NoSlot';
  constructor() {
    super(`the gate had no slot within ${maxWaitMs / 1000} s; see why at GET /api/gate`);
  }
}

export interface CallsOptions {
  /** Called before the first call. */
  readonly carrier: () => Promise<RoutingCarrier>;
  readonly passage: Passage;
  /** Reads the gate's current state. */
  readonly gate: () => Promise<Gate>;
  readonly clock: Clock;
  /** No call starts later than this, ms since 1970. */
  readonly latest: number;
  /** Called once, if the credentials have stopped working. */
  readonly onLocked: () => Promise<void>;
}

/** Makes calls to the carrier through the organization's gate, and reports each outcome to it. */
export class Calls {
  readonly #options: CallsOptions;
  #carrier: RoutingCarrier | undefined;
  #waitedMs = 0;
  readonly #repaired = new Set<'region' | 'credentials'>();

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  /** Makes one call. Throws {@link NoSlot}, or the carrier's error. */
  async make<T>(call: (carrier: RoutingCarrier) => Promise<T>): Promise<T> {
    const { passage } = this.#options;
    this.#carrier ??= await this.#options.carrier();
    const carrier = this.#carrier;
    const slot = await this.#acquireSlot();
    try {
      const result = await call(carrier);
      await passage.passed(slot);
      return result;
    } catch (error) {
      if (!isCallFailure(error)) {
        await passage.unused(slot);
        throw error;
      }
      await this.#repairOrThrow(error, slot, carrier);
    }
    return this.make(call);
  }

  async #acquireSlot(): Promise<Slot> {
    const { passage, clock, latest } = this.#options;
    await this.#checkGate();
    for (;;) {
      const startedAt = clock.now();
      try {
        return await passage.enter(Math.min(latest, startedAt + this.#remainingMs()));
      } catch (error) {
        if (!(error instanceof Deferred)) throw error;
        await this.#sleepUntil(error.until);
      } finally {
        this.#waitedMs += clock.now() - startedAt;
      }
    }
  }

  #remainingMs(): number {
    return maxWaitMs - this.#waitedMs;
  }

  /** Fails before it takes a place, because an abandoned place delays every later caller. */
  async #checkGate(): Promise<void> {
    const { clock, latest } = this.#options;
    const gate = await this.#options.gate();
    const now = clock.now();
    const earliest = gate.breaker === 'open' ? gate.openUntil : endOfLine(gate, now);
    if (gate.paused === 'yes' || earliest > Math.min(latest, now + this.#remainingMs())) throw new NoSlot();
  }

  async #sleepUntil(until: number): Promise<void> {
    const { clock, latest } = this.#options;
    const now = clock.now();
    if (until <= now || until > latest || until - now > this.#remainingMs()) throw new NoSlot();
    await clock.sleep(until - now);
  }

  /** Returns if the call should be retried; throws the error otherwise. */
  async #repairOrThrow(error: CallFailure, slot: Slot, carrier: RoutingCarrier): Promise<void> {
    const { passage, clock } = this.#options;
    switch (error.category) {
      case 'RateLimit': {
        const startedAt = clock.now();
        await this.#sleepUntil(await passage.limited(slot, error.retryAfterMs ?? defaultRetryAfterMs));
        this.#waitedMs += clock.now() - startedAt;
        return;
      }
      case 'Server':
      case 'Network':
        await passage.failed(slot);
        throw error;
      case 'Authentication':
        await passage.unused(slot);
        return this.#refreshCredentials(error, carrier);
      default:
        // The carrier rejected the request, so it is available.
        await passage.passed(slot);
        if (error.repair !== 'region' || !error.region || this.#repaired.has('region')) throw error;
        this.#repaired.add('region');
        this.#carrier = carrier.inRegion(error.region);
    }
  }

  async #refreshCredentials(error: CallFailure, carrier: RoutingCarrier): Promise<void> {
    const { passage, onLocked } = this.#options;
    const fresh = this.#repaired.has('credentials') ? undefined : await carrier.withFreshCredentials();
    this.#repaired.add('credentials');
    if (fresh) {
      this.#carrier = fresh;
      return;
    }
    // `authorization` concerns one chat or group only. Any other type means that the credentials do not work at all.
    if (error.type !== 'authorization' && (await passage.locked())) await onLocked();
    throw error;
  }
}

/** Agents and bots that the customer sees in the chat, and the chat's groups. */
export interface Assigned {
  readonly agents: readonly string[];
  readonly groups: readonly number[];
}

/** The thread to which actions apply. */
export interface ActionTarget extends ThreadKey {
  readonly phase: Phase;
  readonly assigned: Assigned;
  /** To whom an earlier phase assigned the chat. */
  readonly assignedTo?: Decision['assignedTo'];
  /** When an earlier invocation, which died, may have sent a text; ms since 1970. */
  readonly attemptedAt?: number | undefined;
  /** Skips every action. */
  readonly tooLate?: boolean;
}

export type ActionResult = Decision['actions'][number];
/** Why the remaining actions are skipped. */
export type StopReason = 'no slot' | 'chat closed' | 'too late';

export interface ApplyResult {
  readonly actions: readonly ActionResult[];
  /** To whom routing assigned the chat. */
  readonly assignedTo: Decision['assignedTo'];
  readonly stopped: StopReason | undefined;
}

/** Executes the actions in order; a failed action does not stop the next. Throws only errors that retrying the event may cure. */
export function applyActions(
  actions: readonly PlannedAction[],
  target: ActionTarget,
  calls: Calls,
  clock: Clock,
): Promise<ApplyResult> {
  return new Application(target, calls, clock).run(actions);
}

class Application {
  readonly #target: ActionTarget;
  readonly #calls: Calls;
  readonly #clock: Clock;
  readonly #results: ActionResult[] = [];
  /** How our agent joined the chat, if it had to. */
  #joined: RoutingMessage['visibility'] | undefined;
  #stopped: StopReason | undefined;
  #assignedTo: Decision['assignedTo'];

  constructor(target: ActionTarget, calls: Calls, clock: Clock) {
    this.#target = target;
    this.#calls = calls;
    this.#clock = clock;
    this.#assignedTo = target.assignedTo;
    this.#stopped = target.tooLate ? 'too late' : undefined;
  }

  async run(actions: readonly PlannedAction[]): Promise<ApplyResult> {
    for (const action of actions) await this.#apply(action);
    const stopped = this.#stopped;
    if (this.#joined === 'all' && !this.#assignedTo && stopped !== 'chat closed') await this.#handBack(actions);
    return { actions: this.#results, assignedTo: this.#assignedTo, stopped: stopped ?? this.#stopped };
  }

  async #apply(planned: PlannedAction): Promise<void> {
    const { rule, action } = planned;
    switch (action) {
      case 'tag':
        return this.#record({ rule, action, tag: planned.tag }, () => this.#tag(planned.tag));
      case 'priority':
        return this.#record({ rule, action, priority: planned.priority }, async () => {});
      case 'transfer':
        for (const target of planned.targets) await this.#transfer(rule, target);
        return;
      default:
        return this.#record({ rule, action }, () => this.#sendText(planned));
    }
  }

  /** Records the outcome of an effect. Rethrows unexpected errors, such as a DynamoDB error. */
  async #record(action: Omit<ActionResult, 'outcome'>, effect: () => Promise<void>): Promise<void> {
    if (this.#stopped !== undefined) {
      this.#results.push({ ...action, outcome: 'skipped' });
      return;
    }
    try {
      await effect();
      this.#results.push({ ...action, outcome: 'done' });
    } catch (error) {
      if (!isExpected(error)) throw error;
      if (error instanceof NoSlot) this.#stopped = 'no slot';
      else if (isCallFailure(error) && error.repair === 'resume') this.#stopped = 'chat closed';
      this.#results.push({ ...action, outcome: 'failed', error: { name: error.name, message: error.message } });
    }
  }

  #tag(tag: string): Promise<void> {
    const { conversationId, threadId } = this.#target;
    return this.#calls.make((carrier) => carrier.tag(conversationId, threadId, tag));
  }

  async #transfer(rule: string, target: Target): Promise<void> {
    const assignee = 'agent' in target ? { agent: target.agent } : { group: target.group };
    const action = { rule, action: 'transfer', ...assignee } as const;
    if (this.#stopped === undefined && (this.#assignedTo || this.#isAssignedTo(target))) {
      this.#results.push({ ...action, outcome: this.#assignedTo ? 'skipped' : 'not needed' });
      this.#assignedTo ??= assignee;
      return;
    }
    const { conversationId } = this.#target;
    await this.#record(action, async () => {
      await this.#calls.make((carrier) => carrier.transfer(conversationId, target));
      this.#assignedTo = assignee;
    });
  }

  /** False if our agent has joined visibly, since only a transfer removes it. */
  #isAssignedTo(target: Target): boolean {
    const { agents, groups } = this.#target.assigned;
    if (this.#joined === 'all') return false;
    return 'agent' in target ? agents.includes(target.agent) : groups.length === 1 && groups[0] === target.group;
  }

  async #sendText({ rule, action, text }: Extract<PlannedAction, { action: 'answer' | 'note' }>): Promise<void> {
    const { organizationId, conversationId, threadId, phase, attemptedAt } = this.#target;
    const id = `out-${deriveId('route', organizationId, conversationId, threadId, phase, rule, action)}`;
    const message = { id, text, visibility: action === 'note' ? 'agents' : 'all' } as const;
    const isSent =
      attemptedAt !== undefined && (await this.#calls.make((carrier) => carrier.find(conversationId, id, attemptedAt)));
    if (isSent) return;
    try {
      await this.#calls.make((carrier) => carrier.sendText(conversationId, message));
    } catch (error) {
      if (!isAbsence(error) || this.#joined === message.visibility) throw error;
      await this.#joinAndSend(message);
    }
  }

  async #joinAndSend(message: RoutingMessage): Promise<void> {
    const { conversationId } = this.#target;
    await this.#calls.make((carrier) => carrier.join(conversationId, message.visibility));
    this.#joined = message.visibility;
    const deadline = this.#clock.now() + joinTimeoutMs;
    for (;;) {
      try {
        return await this.#calls.make((carrier) => carrier.sendText(conversationId, message));
      } catch (error) {
        if (!isAbsence(error) || this.#clock.now() > deadline) throw error;
        await this.#clock.sleep(joinPollMs);
      }
    }
  }

  /** Our agent joined to answer and no transfer succeeded: the chat must not stay with it. */
  #handBack(actions: readonly PlannedAction[]): Promise<void> {
    const rule = actions.find(({ action }) => action === 'answer')?.rule ?? '';
    const { conversationId } = this.#target;
    // Later actions are skipped once routing has stopped, but handing back must still happen.
    this.#stopped = undefined;
    return this.#record({ rule, action: 'hand back' }, () =>
      this.#calls.make((carrier) => carrier.handBack(conversationId)),
    );
  }
}

/** The call failed because our agent is not in the chat. */
function isAbsence(error: unknown): boolean {
  return isCallFailure(error) && error.repair === 'join';
}

function isExpected(error: unknown): error is CallFailure | NoSlot | ConfigurationError {
  return isCallFailure(error) || error instanceof NoSlot || error instanceof ConfigurationError;
}
