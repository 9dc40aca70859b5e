import { maxCallMs } from '../channel/channel.ts';
import type { CreateRateLimiter } from '../channel/rate-limiter.ts';
import { readProjection } from '../conversations/conversations.ts';
import { type Cause, createEvent, type DomainEvent } from '../events/event.ts';
import { deriveId } from '../events/ids.ts';
import type { Publish } from '../events/publish.ts';
import type { EventMetadata, Participant } from '../events/schemas.ts';
import { listThreadMessages, type StoredMessage } from '../messages/queries.ts';
import { raiseCredentialsBlocked } from '../outbound/ports.ts';
import type { Clock } from '../platform/clock.ts';
import { withIdempotency } from '../platform/idempotency.ts';
import type { Log } from '../platform/logger.ts';
import { count } from '../platform/metrics.ts';
import { type ApplyResult, applyActions, type RoutedThread } from './apply.ts';
import { type CreateRoutingChannel, limitCalls } from './channel.ts';
import { listTests } from './conditions.ts';
import { factsAtStart, factValues, findFact, isRoutable, type RoutingFacts, withCustomer } from './facts.ts';
import { type Decision, type Evaluation, evaluateRules, type RuleSet, testsMessage } from './rules.ts';
import {
  type ActiveRules,
  type FirstMessage,
  findDecision,
  findRules,
  markDecided,
  recordAttempt,
  storeDecision,
  storeFirstMessage,
  type ThreadKey,
  threadKey,
  type VersionedRules,
  type WaitingThread,
  waitForMessage,
} from './store.ts';

export interface RoutingPorts {
  /** The active rules of an organization. */
  readonly rules: (organizationId: string) => Promise<ActiveRules>;
  readonly channel: CreateRoutingChannel;
  readonly createLimiter: CreateRateLimiter;
  readonly clock: Clock;
  readonly publish: Publish;
  /** When the function times out, ms since 1970. */
  readonly deadline: number;
  readonly log: Log;
}

/**
 * `decided`: the rules were evaluated, although none may have matched or its actions may have been skipped. `waiting`: they
 * wait for the customer's first message. `duplicate`: an earlier invocation made the decision. `not applicable`: there is
 * nothing to decide.
 */
export type RoutingOutcome = 'decided' | 'waiting' | 'duplicate' | 'not applicable';

/** A thread to decide, and the rules for it. */
interface RoutingRequest extends Pick<RoutedThread, keyof ThreadKey | 'phase' | 'assignees'> {
  readonly rules: VersionedRules;
  readonly facts: RoutingFacts;
  /** Index of the first rule to evaluate; earlier ones are decided. */
  readonly from: number;
  readonly metadata: EventMetadata;
  /** Whatever the age of the thread or message. */
  readonly isTooLate?: boolean | undefined;
}

/**
 * Measured from the start of the thread, or from the first message for rules that waited for it. Past this age (an outage or a
 * redrive), an agent has probably picked up the chat, so the decision is recorded and its actions are skipped. Uses LiveChat's
 * timestamps: a redelivered webhook has a fresh receive time.
 */
const maxDelayMs = 600_000;
/** Time to record a decision after its last call, so that no call outlasts the function. */
const marginMs = 5_000;

/**
 * Routes a thread at its start. If a rule needs the customer's first message, it and all later rules wait for
 * {@link routeFirstMessage}.
 */
export async function routeThread(
  { data, metadata }: DomainEvent<'chat.started'>,
  ports: RoutingPorts,
): Promise<RoutingOutcome> {
  const key = threadKey({ ...data, organizationId: metadata.organizationId });
  const rules = await ports.rules(key.organizationId);
  let outcome: RoutingOutcome = 'not applicable';
  if (rules.ruleSet.rules.length > 0 && isRoutable(data)) {
    const facts = factsAtStart(data);
    const assignees = { agents: visibleAgents(data.participants), groups: data.groups };
    const decided = await decide({ ...key, phase: 'start', rules, facts, from: 0, assignees, metadata }, ports);
    outcome = decided.outcome;
    if (decided.waitsFrom !== undefined) {
      const waiting = { facts, waitsFrom: decided.waitsFrom, rulesVersion: rules.version };
      const messageAt = await waitForMessage(key, waiting);
      const message = messageAt === undefined ? undefined : await readFirstMessage(key, messageAt);
      return message ? routeWaiting(key, waiting, message, metadata, ports) : outcome;
    }
  }
  // The message of a thread that does not wait may have arrived first, and been stored.
  if (mayWait(rules, ports.clock.now())) await markDecided(key);
  return outcome;
}

/** Continues a thread that waits for the customer's first message. Any text of a customer requests it. */
export async function routeFirstMessage(
  { data, metadata }: DomainEvent<'routing.requested'>,
  ports: RoutingPorts,
): Promise<RoutingOutcome> {
  const key = threadKey({ ...data, organizationId: metadata.organizationId });
  const found = await storeFirstMessage(key, (until = data.at) => readFirstMessage(key, until));
  return found ? routeWaiting(key, found.waiting, found.message, metadata, ports) : 'not applicable';
}

/**
 * Reads the first text of a customer up to the message that requests routing. It is too late to act if that text is restored
 * or deleted, or if an agent has written in the meantime: the customer is being helped.
 */
async function readFirstMessage(key: ThreadKey, requestedAt: string): Promise<FirstMessage | undefined> {
  const messages = (await listThreadMessages(key)).filter(({ timestamp }) => timestamp <= requestedAt);
  const first = messages.find(({ type, author }) => type === 'text' && author.type === 'customer');
  if (!first) return undefined;
  const { timestamp: at, content, recovered, deleted } = first;
  const isTooLate = recovered || deleted || messages.some(isWrittenByAgent);
  return { at, text: typeof content === 'string' ? content : '', ...(isTooLate && { isTooLate }) };
}

/** Welcome messages, and what this bridge sends, may precede the customer's first message. */
function isWrittenByAgent({ author, metadata: { welcome, customId } }: StoredMessage): boolean {
  return author.type === 'agent' && !welcome && !String(customId ?? '').startsWith('out-');
}

/** Applies the rule version under which the thread started to wait. */
async function routeWaiting(
  key: ThreadKey,
  waiting: WaitingThread,
  { at, text: message, isTooLate }: FirstMessage,
  metadata: EventMetadata,
  ports: RoutingPorts,
): Promise<RoutingOutcome> {
  const rules = await findRules(key.organizationId, waiting.rulesVersion);
  if (!rules) return 'not applicable';
  const { participants, assignees } = await readAssignees(key);
  const facts = { ...withCustomer(waiting.facts, participants), at, message };
  const from = waiting.waitsFrom;
  const request = { ...key, phase: 'message', rules, facts, from, assignees, metadata, isTooLate } as const;
  const { outcome } = await decide(request, ports);
  await markDecided(key);
  return outcome;
}

/** Whether a thread may wait for a message, under the active rules or recently active ones. */
function mayWait({ ruleSet, waitingUntil }: ActiveRules, now: number): boolean {
  return testsMessage(ruleSet) || now < waitingUntil;
}

function visibleAgents(participants: readonly Participant[]): string[] {
  return participants.flatMap(({ id, type, present, hidden }) =>
    present && !hidden && (type === 'agent' || type === 'bot') ? [id] : [],
  );
}

/** Read from the projection, which lags slightly behind our own calls. */
async function readAssignees(key: ThreadKey) {
  const { participants, assigned } = await readProjection(key);
  return { participants, assignees: { agents: visibleAgents(participants), groups: assigned.groups } };
}

/**
 * Makes the decision for a thread and phase once. Publishes it on every delivery, with the same event id. Returns the index of
 * the first rule that waits, if any.
 */
async function decide(
  request: RoutingRequest,
  ports: RoutingPorts,
): Promise<{ outcome: RoutingOutcome; waitsFrom: number | undefined }> {
  const { organizationId, conversationId, threadId, phase, metadata } = request;
  const { clock, deadline, publish } = ports;
  const evaluation = evaluateRules(request.rules.ruleSet, request.facts, request.from);
  const { matched, waitsFrom } = evaluation;
  if (matched.length === 0 && waitsFrom !== undefined) return { outcome: 'waiting', waitsFrom };
  const decisionId = deriveId('route', organizationId, conversationId, threadId, phase);
  let made: Decision | undefined;
  const makeOnce = withIdempotency({ keyPrefix: 'route' }, async () => {
    made = await executeDecision(request, evaluation, ports);
    return { phase };
  });
  await makeOnce(decisionId, () => deadline - clock.now());
  // Published again after a duplicate delivery: the first invocation may have crashed before it could.
  const decision = made ?? (await findDecision(request, phase));
  if (decision) {
    const identity = [conversationId, threadId, phase];
    await publish([createEvent('conversation.routed', decision, eventCause(metadata), identity, clock.now())]);
  }
  return { outcome: made ? 'decided' : 'duplicate', waitsFrom };
}

/** Executes the actions of the matched rules, and stores the decision. */
async function executeDecision(
  request: RoutingRequest,
  evaluation: Evaluation,
  ports: RoutingPorts,
): Promise<Decision> {
  const { organizationId, conversationId, threadId, phase, rules, metadata } = request;
  const { clock, createLimiter, deadline, log } = ports;
  const { evaluated, matched, actions } = evaluation;
  const callsChannel = actions.some(({ action }) => action !== 'priority');
  const { agents } = request.assignees;
  const previousAttempt = callsChannel ? await recordAttempt(request, phase, { at: clock.now(), agents }) : undefined;
  const isAssigned = phase === 'message' && (await findDecision(request, 'start'))?.assignedTo !== undefined;
  const thread: RoutedThread = {
    ...threadKey(request),
    phase,
    previousAttempt,
    // The previous attempt may have moved the chat.
    assignees: previousAttempt ? (await readAssignees(request)).assignees : request.assignees,
    isAssigned,
    isTooLate: request.isTooLate || clock.now() - Date.parse(request.facts.at) > maxDelayMs,
  };
  const limiter = createLimiter(organizationId, { share: 'routing' });
  const call = limitCalls({
    channel: () => ports.channel(organizationId, (resetMs) => limiter.holdFor(resetMs)),
    limiter,
    clock,
    latest: deadline - maxCallMs - marginMs,
    onCredentialsBlocked: () => raiseCredentialsBlocked(eventCause(metadata), { conversationId }),
  });
  const applied = await applyActions(actions, { thread, call, clock });
  const { assignedTo } = applied;
  const unassignedReason = isAssigned ? 'already assigned' : findUnassignedReason(evaluation, applied);
  const decision: Decision = {
    conversationId,
    threadId,
    phase,
    decidedAt: new Date(clock.now()).toISOString(),
    rulesVersion: rules.version,
    facts: factsTested(rules.ruleSet, evaluation, request.facts),
    evaluated,
    actions: applied.actions,
    assignedTo,
    unassignedReason,
    priority: applied.actions.find(({ action, outcome }) => action === 'priority' && outcome === 'done')?.priority,
  };
  await storeDecision(request, decision);
  count('ChatsRouted', { outcome: unassignedReason ?? 'assigned', organizationId });
  const { version: rulesVersion } = rules;
  log.info('routing decided', { threadId, phase, rulesVersion, rules: matched, assignedTo, unassignedReason });
  return decision;
}

function eventCause({ organizationId, correlationId, id }: EventMetadata): Cause {
  return { organizationId, correlationId, causationId: id };
}

/** The facts that the evaluated rules test. Values that identify the customer are left out. */
function factsTested({ rules, hours }: RuleSet, { evaluated }: Evaluation, facts: RoutingFacts): Decision['facts'] {
  const names = new Set(evaluated.map(({ rule }) => rule));
  const tests = rules.filter(({ name }) => names.has(name)).flatMap(({ when }) => listTests(when));
  return [...new Set(tests.map(({ test }) => test.fact))].sort().map((fact) => {
    const values = factValues(fact, facts, hours);
    if (values === 'not yet') return { fact, known: values };
    if (values.length === 0) return { fact, known: 'no' };
    return { fact, known: 'yes', ...(findFact(fact)?.isAnonymous && { values: [...values] }) };
  });
}

/** Why the chat stays with the channel's own routing; undefined if a rule assigned it. */
function findUnassignedReason(
  { matched }: Evaluation,
  { actions, assignedTo, stopReason }: ApplyResult,
): Decision['unassignedReason'] {
  if (assignedTo) return undefined;
  if (matched.length === 0) return 'no rule matched';
  if (stopReason) return stopReason;
  return actions.some(({ action }) => action === 'transfer') ? 'no target accepted' : 'no transfer action';
}
