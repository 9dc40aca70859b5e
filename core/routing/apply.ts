import { ChannelError, joinPollMs, joinTimeoutMs } from '../channel/channel.ts';
import { deriveId } from '../events/ids.ts';
import type { Clock } from '../platform/clock.ts';
import { ConfigurationError } from '../platform/configuration.ts';
import { type CallChannel, NoSlot, type RoutingChannel, type Visibility } from './channel.ts';
import type { Decision, PlannedAction, Target } from './rules.ts';
import type { Attempt, Phase, ThreadKey } from './store.ts';

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
  /** Of an earlier invocation, which crashed: it may already have joined and sent messages. */
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
  readonly call: CallChannel;
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
  const call = (request: (channel: RoutingChannel) => Promise<void>) => attempt(() => context.call(request));
  switch (action.action) {
    case 'priority':
      return { outcome: 'done' };
    case 'tag':
      return call((channel) => channel.tag(conversationId, threadId, action.tag));
    case 'hand back':
      return call((channel) => channel.handBack(conversationId));
    case 'transfer': {
      if (isAssigned || assignedTo) return { outcome: 'skipped' };
      const { target } = action;
      // If our agent has joined visibly, only a transfer removes it.
      const isNeeded = joinedAs === 'all' || !hasChat(assignees, target);
      const made: Effect = isNeeded
        ? await call((channel) => channel.transfer(conversationId, target))
        : { outcome: 'not needed' };
      return made.error ? made : { ...made, assignedTo: describeTarget(target) };
    }
    default:
      return sendOnce(action, joinedAs, context);
  }
}

/** An action as decisions record it, without its message. */
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
  // The call would succeed only after the chat is reopened.
  return error instanceof ChannelError && error.repair === 'resume' ? 'chat closed' : undefined;
}

/**
 * Sends a message once; if our agent is not in the chat, joins first. Returns how our agent joined, even if the message
 * failed.
 */
async function sendOnce(
  { rule, action, text }: Extract<PlannedAction, { action: 'answer' | 'note' }>,
  alreadyJoinedAs: Visibility | undefined,
  { thread, call, clock }: Context,
): Promise<Effect> {
  const { organizationId, conversationId, threadId, phase, assignees, previousAttempt } = thread;
  const id = `out-${deriveId('route', organizationId, conversationId, threadId, phase, rule, action)}`;
  const visibility = action === 'note' ? 'agents' : 'all';
  const send = () => attempt(() => call((channel) => channel.sendMessage(conversationId, { id, text, visibility })));
  let isSent = false;
  let joinedAs = alreadyJoinedAs;
  if (previousAttempt) {
    const found = await attempt(async () => {
      isSent = await call((channel) => {
        // Our agent is in the chat and was not before the previous attempt, which has thus joined it.
        const isOurs = (agent: string) => agent === channel.agentId;
        if (assignees.agents.some(isOurs) && !previousAttempt.agents.some(isOurs)) joinedAs = 'all';
        return channel.find(conversationId, id, previousAttempt.at);
      });
    });
    if (found.error || isSent) return { ...found, joinedAs };
  }
  const sent = await send();
  if (!isNotInChat(sent.error) || joinedAs) return { ...sent, joinedAs };
  const joined = await attempt(() => call((channel) => channel.join(conversationId, visibility)));
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
