import { readProjection } from '../conversations/conversations.ts';
import { type Cause, createEvent, type DomainEvent } from '../events/event.ts';
import { deriveId } from '../events/ids.ts';
import type { Publish } from '../events/publish.ts';
import type { EventMetadata, Participant } from '../events/schemas.ts';
import { raiseAlert } from '../outbound/announce.ts';
import { Passage } from '../outbound/gate/passage.ts';
import type { GateStore } from '../outbound/gate/store.ts';
import type { Clock } from '../platform/clock.ts';
import { withIdempotency } from '../platform/idempotency.ts';
import type { Log } from '../platform/logger.ts';
import { count } from '../platform/metrics.ts';
import {
  type ActionTarget,
  type ApplyResult,
  type Assigned,
  applyActions,
  Calls,
  type RoutingCarrier,
} from './apply.ts';
import { listTests } from './conditions.ts';
import { factsAtStart, factValues, isRoutable, type RoutingFacts, splitFactName, withCustomer } from './facts.ts';
import { type Decision, type Evaluation, evaluateRules, planActions, type RuleSet, testsMessage } from './rules.ts';
import {
  type FirstMessage,
  findDecision,
  findRules,
  markAttempted,
  markDecided,
  type RulesInForce,
  storeDecision,
  storeFirstMessage,
  type ThreadKey,
  threadKey,
  type VersionedRules,
  type WaitingThread,
  waitForMessage,
} from './store.ts';

export interface RoutingPorts {
  /** The rules in force for an organization. */
  readonly rules: (organizationId: string) => Promise<RulesInForce>;
  readonly carrier: (organizationId: string) => Promise<RoutingCarrier>;
  readonly gate: GateStore;
  readonly clock: Clock;
  readonly publish: Publish;
  /** When the function times out, ms since 1970. */
  readonly deadline: number;
  readonly log: Log;
}

/** A thread to decide, and the rules for it. */
interface RoutingRequest extends Pick<ActionTarget, keyof ThreadKey | 'phase' | 'assigned'> {
  readonly ruleSet: VersionedRules;
  readonly facts: RoutingFacts;
  /** Index of the first rule to evaluate; earlier ones are decided. */
  readonly from: number;
  readonly metadata: EventMetadata;
}

interface RoutingOutcome {
  /** Index of the rule that waits for the customer's first message, if any. */
  readonly waitsAt: number | undefined;
  /** False if an earlier invocation has decided. */
  readonly isNew: boolean;
}

/** After this delay since the webhook, because of an outage or a redrive, somebody probably has the chat: only record the decision. */
const maxDelayMs = 600_000;
/** Upper bound of a call. One that could outlast the function is not started. */
const maxCallMs = 20_000;
const marginMs = 5_000;

/**
 * Routes a thread at its start. If a rule needs the customer's first message, it and all later rules wait for
 * {@link routeFirstMessage}. Returns false if the thread is already routed.
 */
export async function routeThread(
  { data, metadata }: DomainEvent<'chat.started'>,
  ports: RoutingPorts,
): Promise<boolean> {
  const key = threadKey({ ...data, organizationId: metadata.organizationId });
  const ruleSet = await ports.rules(key.organizationId);
  if (ruleSet.rules.rules.length === 0) return true;
  if (!isRoutable(data)) {
    await endWait(key, ruleSet, ports.clock.now());
    return true;
  }
  const facts = factsAtStart(data);
  const assigned = { agents: visibleAgents(data.participants), groups: data.groups };
  const { waitsAt, isNew } = await decide(
    { ...key, phase: 'start', ruleSet, facts, from: 0, assigned, metadata },
    ports,
  );
  if (waitsAt === undefined) {
    await endWait(key, ruleSet, ports.clock.now());
    return isNew;
  }
  const waiting = { facts, from: waitsAt, rulesVersion: ruleSet.version };
  const message = await waitForMessage(key, waiting);
  return message ? routeWaiting(key, waiting, message, metadata, ports) : isNew;
}

/**
 * Continues a thread that waits for the customer's first message; any text of a customer may be the first. Returns false
 * if the thread is already routed. Accesses no table unless rules in force, now or recently, test the message.
 */
export async function routeFirstMessage(
  { data, metadata }: DomainEvent<'message.received'>,
  ports: RoutingPorts,
): Promise<boolean> {
  const { type, content, author, id: messageId, timestamp: at } = data;
  if (type !== 'text' || typeof content !== 'string' || author.type !== 'customer') return true;
  const key = threadKey({ ...data, organizationId: metadata.organizationId });
  if (!mayWait(await ports.rules(key.organizationId), ports.clock.now())) return true;
  const message = { messageId, at, text: content };
  const waiting = await storeFirstMessage(key, message);
  return waiting ? routeWaiting(key, waiting, message, metadata, ports) : true;
}

/** Applies the rule version under which the thread started to wait. */
async function routeWaiting(
  key: ThreadKey,
  { facts: factsAtStart, from, rulesVersion }: WaitingThread,
  { at, text: message }: FirstMessage,
  metadata: EventMetadata,
  ports: RoutingPorts,
): Promise<boolean> {
  const ruleSet = await findRules(key.organizationId, rulesVersion);
  if (!ruleSet) return true;
  const { participants, assigned } = await currentAssignment(key);
  const facts = { ...withCustomer(factsAtStart, participants), at, message };
  const { isNew } = await decide({ ...key, phase: 'message', ruleSet, facts, from, assigned, metadata }, ports);
  await markDecided(key);
  return isNew;
}

/** Deletes any stored message of a thread that does not wait. */
async function endWait(key: ThreadKey, rules: RulesInForce, now: number): Promise<void> {
  if (mayWait(rules, now)) await markDecided(key);
}

/** Whether a thread may wait for a message, under the rules in force or recent ones. */
function mayWait({ rules, waitingUntil }: RulesInForce, now: number): boolean {
  return testsMessage(rules) || now < waitingUntil;
}

function visibleAgents(participants: readonly Participant[]): string[] {
  return participants.flatMap(({ id, type, present, hidden }) =>
    present && !hidden && (type === 'agent' || type === 'bot') ? [id] : [],
  );
}

/** As stored: webhooks about our own calls arrive a moment after them. */
async function currentAssignment(
  key: ThreadKey,
): Promise<{ participants: readonly Participant[]; assigned: Assigned }> {
  const { participants, assigned } = await readProjection(key);
  return { participants, assigned: { agents: visibleAgents(participants), groups: assigned.groups } };
}

/** Decides and acts once per thread and phase, stores the decision and publishes it. */
async function decide(request: RoutingRequest, ports: RoutingPorts): Promise<RoutingOutcome> {
  const { organizationId, conversationId, threadId, phase, ruleSet, facts, from, metadata } = request;
  const evaluation = evaluateRules(ruleSet.rules, facts, from);
  const { matched, waitsAt } = evaluation;
  if (matched.length === 0 && waitsAt !== undefined) return { waitsAt, isNew: true };
  let made: Decision | undefined;
  const decideOnce = withIdempotency('route', async (claimant) => {
    made = await execute(request, evaluation, claimant, ports);
    return { phase };
  });
  const id = deriveId('route', organizationId, conversationId, threadId, phase);
  await decideOnce(id, () => ports.deadline - ports.clock.now());
  // Published again after a duplicate delivery: the first invocation may have died before it could.
  const decision = made ?? (await findDecision(request, phase));
  const identity = [conversationId, threadId, phase];
  if (decision) {
    await ports.publish([createEvent('conversation.routed', decision, cause(metadata), identity, ports.clock.now())]);
  }
  return { waitsAt, isNew: made !== undefined };
}

/** Applies what the rules ask for, and stores the decision. */
async function execute(
  request: RoutingRequest,
  evaluation: Evaluation,
  claimant: string,
  ports: RoutingPorts,
): Promise<Decision> {
  const { organizationId, conversationId, threadId, phase, ruleSet, facts, metadata } = request;
  const { clock, log } = ports;
  const planned = planActions(evaluation.matched);
  const earlier = phase === 'message' ? await findDecision(request, 'start') : undefined;
  const tooLate = clock.now() - Date.parse(metadata.receivedAt) > maxDelayMs;
  const callsCarrier = planned.some(({ action }) => action !== 'priority');
  const attemptedAt = callsCarrier ? await markAttempted(request, phase, clock.now()) : undefined;
  // An earlier invocation that died may have moved the chat.
  const assigned = attemptedAt === undefined ? request.assigned : (await currentAssignment(request)).assigned;
  const target = { organizationId, conversationId, threadId, phase, attemptedAt, assigned, tooLate };
  const calls = gatedCalls(request, claimant, ports);
  const applied = await applyActions(planned, { ...target, assignedTo: earlier?.assignedTo }, calls, clock);
  const { assignedTo } = applied;
  const unassignedReason = findUnassignedReason(evaluation, applied);
  const decision: Decision = {
    conversationId,
    threadId,
    phase,
    decidedAt: new Date(clock.now()).toISOString(),
    rulesVersion: ruleSet.version,
    facts: factsTested(ruleSet.rules, evaluation, facts),
    evaluated: evaluation.evaluated.map((one) => ({ ...one, reasons: [...one.reasons] })),
    actions: [...applied.actions],
    assignedTo,
    unassignedReason,
    priority: planned.find((one) => one.action === 'priority')?.priority,
  };
  await storeDecision(request, decision);
  count('ChatsRouted', { outcome: unassignedReason ?? 'assigned', organizationId });
  const rules = evaluation.matched.map(({ name }) => name);
  log.info('routed', { threadId, phase, rulesVersion: ruleSet.version, rules, assignedTo, unassignedReason });
  return decision;
}

function gatedCalls(
  { organizationId, conversationId, metadata }: RoutingRequest,
  run: string,
  ports: RoutingPorts,
): Calls {
  const { gate, clock, carrier, deadline } = ports;
  return new Calls({
    carrier: () => carrier(organizationId),
    gate: () => gate.read(organizationId),
    passage: new Passage({ store: gate, clock, organizationId, run, returning: false }),
    clock,
    latest: deadline - maxCallMs - marginMs,
    onLocked: () => {
      const title = 'LiveChat refuses the credentials; nothing is sent until they work again';
      const data = { severity: 'critical', title, ids: { organizationId, conversationId } } as const;
      return raiseAlert(data, cause(metadata), ['credentials', conversationId, String(clock.now())]);
    },
  });
}

function cause({ organizationId, correlationId, id }: EventMetadata): Cause {
  return { organizationId, correlationId, causationId: id };
}

/** Facts whose values do not identify the customer. A decision includes values of these only. */
const anonymousFacts: ReadonlySet<string> = new Set(['country', 'language', 'group', 'returning', 'hours']);

/** The facts that the evaluated rules test. */
function factsTested({ rules, hours }: RuleSet, { evaluated }: Evaluation, facts: RoutingFacts): Decision['facts'] {
  const names = new Set(evaluated.map(({ rule }) => rule));
  const tests = rules.filter(({ name }) => names.has(name)).flatMap(({ when }) => listTests(when));
  return [...new Set(tests.map(({ fact }) => fact))].sort().map((fact) => {
    const values = factValues(fact, facts, hours);
    if (values === 'not yet') return { fact, known: values };
    const known = values.length > 0 ? 'yes' : 'no';
    const isIncluded = anonymousFacts.has(splitFactName(fact)[0]) && known === 'yes';
    return isIncluded ? { fact, known, values: [...values] } : { fact, known };
  });
}

/** Why the chat stays with the carrier's own routing; undefined if a rule assigned it. */
function findUnassignedReason(
  { matched }: Evaluation,
  { actions, assignedTo, stopped }: ApplyResult,
): Decision['unassignedReason'] {
  if (assignedTo) return undefined;
  if (matched.length === 0) return 'no rule matched';
  if (stopped) return stopped;
  return actions.some(({ action }) => action === 'transfer') ? 'no target accepted' : 'no transfer action';
}
