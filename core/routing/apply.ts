import { ChannelError } from '../channel/channel.ts';
import { Deferred } from '../channel/deferred.ts';
import type { RateLimiter } from '../channel/rate-limiter.ts';
import { deriveId } from '../events/ids.ts';
import type { Clock } from '../platform/clock.ts';
import { ConfigurationError } from '../platform/configuration.ts';
import type { Decision, PlannedAction, Target } from './rules.ts';
import type { Attempt, Phase, ThreadKey } from './store.ts';

/** `agents`: customers do not see it. */
type Visibility = 'all' | 'agents';

/** A text with an id of ours, by which it can be found again. */
export interface RoutingMessage {
  readonly id: string;
  readonly text: string;
  readonly visibility: Visibility;
}

/** What routing needs of a carrier. Each method makes one call, and throws the carrier's classified errors (core/channel/channel.ts). */
export interface RoutingCarrier {
  /** Our agent, which sends the messages; undefined if none is configured. */
  readonly agentId: string | undefined;
  /** Transfers the chat. Fails if no agent of the target is free, unless the target allows the queue. */
  transfer(conversationId: string, target: Target): Promise<void>;
  /** Returns the chat to the carrier's own routing within its current groups. */
  handBack(conversationId: string): Promise<void>;
  tag(conversationId: string, threadId: string, tag: string): Promise<void>;
  sendText(conversationId: string, message: RoutingMessage): Promise<void>;
  /** Whether a text with this id exists in any thread since `since` (ms since 1970). */
  find(conversationId: string, id: string, since: number): Promise<boolean>;
  /** Adds our agent to the chat; with `agents`, invisibly to the customer. */
  join(conversationId: string, visibility: Visibility): Promise<void>;
  /** The same carrier in the region that an error names. */
  inRegion(region: string): RoutingCarrier;
  /** The same carrier with newly read credentials; undefined if they have not changed. */
  withFreshCredentials(): Promise<RoutingCarrier | undefined>;
}

/** Creates the carrier of an organization. `onQuotaExhausted`: no call is left before `resetMs` have passed. */
export type CreateRoutingCarrier = (
  organizationId: string,
  onQuotaExhausted: (resetMs: number) => void,
) => Promise<RoutingCarrier>;

/** The total time that one decision waits for slots. A later transfer is worse than the carrier's own routing. */
export const maxWaitMs = 10_000;
/** A join takes effect after a moment. */
const joinTimeoutMs = 5_000;
const joinPollMs = 400;

/** There is no slot in time: too many calls wait, the breaker is open, an operator has paused sending, or the function is nearly over. */
export class NoSlot extends Error {
  override readonly name = 'NoSlot';
}

export interface RateLimitOptions {
  /** Called before the first call. */
  readonly carrier: () => Promise<RoutingCarrier>;
  readonly limiter: RateLimiter;
  readonly clock: Clock;
  /** No call starts later than this, ms since 1970. */
  readonly latest: number;
  /** Called once, if the credentials have stopped working. */
  readonly onCredentialsBlocked: () => Promise<void>;
}

/** Makes one call within the organization's rate limit. Throws {@link NoSlot}, or the carrier's error. */
export type CallCarrier = <T>(request: (carrier: RoutingCarrier) => Promise<T>) => Promise<T>;

export function limitCalls(options: RateLimitOptions): CallCarrier {
  const { limiter, clock, latest, onCredentialsBlocked } = options;
  const repaired = new Set<'region' | 'credentials'>();
  let carrier: RoutingCarrier | undefined;
  let waitedMs = 0;

  async function call<T>(request: (carrier: RoutingCarrier) => Promise<T>): Promise<T> {
    carrier ??= await options.carrier();
    const called = carrier;
    try {
      return await run(() => request(called));
    } catch (error) {
      if (!(error instanceof ChannelError)) throw error;
      carrier = await repair(error, called);
    }
    return call(request);
  }

  /** Waits for a slot, and for another after a 429, within the decision's wait budget. */
  async function run<T>(request: () => Promise<T>): Promise<T> {
    for (;;) {
      const startedAt = clock.now();
      try {
        return await limiter.run(() => {
          waitedMs += clock.now() - startedAt;
          requireTime();
          return request();
        });
      } catch (error) {
        if (!(error instanceof Deferred)) throw error;
        const waitMs = error.until - clock.now();
        requireTime(waitMs);
        waitedMs += waitMs;
        await clock.sleep(waitMs);
      }
    }
  }

  /** Throws {@link NoSlot} if no call may start after another wait. */
  function requireTime(waitMs = 0): void {
    if (waitedMs + waitMs > maxWaitMs)
      throw new NoSlot(`the rate limiter had no slot within ${maxWaitMs / 1000} s; see why at GET /api/rate-limits`);
    if (clock.now() + waitMs > latest) throw new NoSlot('the function has too little time left for another call');
  }

  /** The carrier to retry the call with: in another region or with new credentials, once each. Throws the error otherwise. */
  async function repair(error: ChannelError, called: RoutingCarrier): Promise<RoutingCarrier> {
    if (error.category === 'Authentication') {
      const fresh = repaired.has('credentials') ? undefined : await called.withFreshCredentials();
      repaired.add('credentials');
      if (fresh) return fresh;
      // `authorization` concerns one chat or group only. Any other type means that the credentials do not work at all.
      if (error.type !== 'authorization' && (await limiter.blockCredentials())) await onCredentialsBlocked();
      throw error;
    }
    if (error.repair !== 'region' || !error.region || repaired.has('region')) throw error;
    repaired.add('region');
    return called.inRegion(error.region);
  }

  return call;
}

/** Who has the chat: agents and bots that the customer sees, and groups. */
export interface Assignees {
  readonly agents: readonly string[];
  readonly groups: readonly number[];
}

/** The thread the actions apply to, as it was before they ran. */
export interface RoutedThread extends ThreadKey {
  readonly phase: Phase;
  readonly assignees: Assignees;
  /** An earlier phase assigned the chat. */
  readonly isAssigned?: boolean;
  /** Of an earlier invocation that crashed. It may already have joined and sent messages. */
  readonly previousAttempt?: Attempt | undefined;
  /** Skips every action. */
  readonly isTooLate?: boolean;
}

type ActionResult = Decision['actions'][number];
/** Why the remaining actions are skipped. */
export type StopReason = 'no slot' | 'chat closed' | 'too late';

export interface ApplyResult {
  readonly actions: ActionResult[];
  readonly assignedTo?: Decision['assignedTo'];
  readonly stopReason?: StopReason | undefined;
  /** How our agent joined the chat, if it had to. */
  readonly joinedAs?: Visibility | undefined;
}

type Action = PlannedAction | { readonly rule: string; readonly action: 'hand back' };
type ExpectedError = ChannelError | NoSlot | ConfigurationError;

/** What an action did, and what it changes in the result. */
interface Effect extends Partial<Pick<ApplyResult, 'assignedTo' | 'joinedAs'>> {
  readonly outcome: ActionResult['outcome'];
  readonly error?: ExpectedError;
}

interface Context {
  readonly thread: RoutedThread;
  readonly call: CallCarrier;
  readonly clock: Clock;
}

/** Executes the actions in order; a failed action does not stop the next. Throws only errors that a retry may resolve. */
export async function applyActions(planned: readonly PlannedAction[], context: Context): Promise<ApplyResult> {
  let result: ApplyResult = { actions: [], stopReason: context.thread.isTooLate ? 'too late' : undefined };
  const record = (action: Action, { outcome, error, ...changes }: Effect) => {
    const described = error && { error: { name: error.name, message: error.message } };
    const actions = [...result.actions, { ...describeAction(action), outcome, ...described }];
    result = { ...result, stopReason: result.stopReason ?? stopReasonFor(error), ...changes, actions };
  };
  for (const action of planned) {
    record(action, result.stopReason ? { outcome: 'skipped' } : await execute(action, result, context));
  }
  if (result.joinedAs === 'all' && !result.assignedTo && result.stopReason !== 'chat closed') {
    // Our agent joined to answer and no transfer followed: the chat must not stay with it.
    const rule = planned.find(({ action }) => action === 'answer')?.rule ?? '';
    const handBack = { rule, action: 'hand back' } as const;
    record(handBack, await execute(handBack, result, context));
  }
  return result;
}

async function execute(action: Action, { assignedTo, joinedAs }: ApplyResult, context: Context): Promise<Effect> {
  const { conversationId, threadId, assignees, isAssigned } = context.thread;
  const call = (request: (carrier: RoutingCarrier) => Promise<void>) => attempt(() => context.call(request));
  switch (action.action) {
    case 'priority':
      return { outcome: 'done' };
    case 'tag':
      return call((carrier) => carrier.tag(conversationId, threadId, action.tag));
    case 'hand back':
      return call((carrier) => carrier.handBack(conversationId));
    case 'transfer': {
      if (isAssigned || assignedTo) return { outcome: 'skipped' };
      const { target } = action;
      // If our agent has joined visibly, only a transfer removes it.
      const isNeeded = joinedAs === 'all' || !hasChat(assignees, target);
      const made: Effect = isNeeded
        ? await call((carrier) => carrier.transfer(conversationId, target))
        : { outcome: 'not needed' };
      return made.error ? made : { ...made, assignedTo: describeTarget(target) };
    }
    default:
      return sendMessage(action, joinedAs, context);
  }
}

/** An action as decisions record it, without texts. */
function describeAction(planned: Action): Omit<ActionResult, 'outcome'> {
  const { rule, action } = planned;
  if (action === 'transfer') return { rule, action, ...describeTarget(planned.target) };
  return action === 'tag' || action === 'priority' ? planned : { rule, action };
}

function describeTarget(target: Target): NonNullable<Decision['assignedTo']> {
  return 'agent' in target ? { agent: target.agent } : { group: target.group };
}

function hasChat({ agents, groups }: Assignees, target: Target): boolean {
  return 'agent' in target ? agents.includes(target.agent) : groups.length === 1 && groups[0] === target.group;
}

/** Rethrows unexpected errors, such as a DynamoDB error. */
async function attempt(effect: () => Promise<void>): Promise<Effect> {
  try {
    await effect();
    return { outcome: 'done' };
  } catch (error) {
    if (error instanceof ChannelError || error instanceof NoSlot || error instanceof ConfigurationError) {
      return { outcome: 'failed', error };
    }
    throw error;
  }
}

function stopReasonFor(error: ExpectedError | undefined): StopReason | undefined {
  if (error instanceof NoSlot) return 'no slot';
  return error instanceof ChannelError && error.repair === 'resume' ? 'chat closed' : undefined;
}

/** Sends a message once; if our agent is not in the chat, joins first. Returns how our agent joined, even if the message failed. */
async function sendMessage(
  { rule, action, text }: Extract<PlannedAction, { action: 'answer' | 'note' }>,
  alreadyJoinedAs: Visibility | undefined,
  { thread, call, clock }: Context,
): Promise<Effect> {
  const { organizationId, conversationId, threadId, phase, assignees, previousAttempt } = thread;
  const id = `out-${deriveId('route', organizationId, conversationId, threadId, phase, rule, action)}`;
  const visibility = action === 'note' ? 'agents' : 'all';
  const send = () => attempt(() => call((carrier) => carrier.sendText(conversationId, { id, text, visibility })));
  let isSent = false;
  let joinedAs = alreadyJoinedAs;
  if (previousAttempt) {
    const found = await attempt(async () => {
      isSent = await call((carrier) => {
        const isOurs = (agent: string) => agent === carrier.agentId;
        if (assignees.agents.some(isOurs) && !previousAttempt.agents.some(isOurs)) joinedAs = 'all';
        return carrier.find(conversationId, id, previousAttempt.at);
      });
    });
    if (found.error || isSent) return { ...found, joinedAs };
  }
  const sent = await send();
  if (!isNotInChat(sent.error) || joinedAs) return { ...sent, joinedAs };
  const joined = await attempt(() => call((carrier) => carrier.join(conversationId, visibility)));
  if (joined.error) return joined;
  const deadline = clock.now() + joinTimeoutMs;
  for (;;) {
    const again = await send();
    if (!isNotInChat(again.error) || clock.now() > deadline) return { ...again, joinedAs: visibility };
    await clock.sleep(joinPollMs);
  }
}

/** The call failed because our agent is not in the chat. */
function isNotInChat(error: ExpectedError | undefined): boolean {
  return error instanceof ChannelError && error.repair === 'join';
}
