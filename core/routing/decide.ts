import { deriveId } from '../events/ids.ts';
import { type Cause, ownEvent } from '../events/own-event.ts';
import type { Publish } from '../events/publish.ts';
import { raiseAlert } from '../outbound/announce.ts';
import { Passage } from '../outbound/gate/passage.ts';
import type { GateStore } from '../outbound/gate/store.ts';
import type { Clock } from '../platform/clock.ts';
import { once } from '../platform/idempotency.ts';
import type { Log } from '../platform/logger.ts';
import { count } from '../platform/metrics.ts';
import { PlanRun, type Scene } from './act.ts';
import { storedNow } from './assigned.ts';
import { Calls } from './calls.ts';
import type { RoutingCarrier } from './carrier.ts';
import { factsLookedAt, findUnassignedReason } from './decision.ts';
import { findDecision, keepDecision } from './decision-store.ts';
import { type Evaluation, evaluate } from './evaluate.ts';
import type { RoutingFacts } from './facts.ts';
import { type Decision, type PlannedAction, planActions } from './plan.ts';
import type { VersionedRules } from './rule-store.ts';
import { markBegun } from './thread-store.ts';

export interface DecidingPorts {
  readonly carrier: (organizationId: string) => Promise<RoutingCarrier>;
  readonly gate: GateStore;
  readonly clock: Clock;
  readonly publish: Publish;
  /** When the function ends, ms since 1970. */
  readonly deadline: number;
  readonly log: Log;
}

/** A thread, and by which rules it is to be decided. */
export interface Question extends Omit<Scene, 'begun' | 'assignedTo' | 'tooLate'> {
  readonly ruleSet: VersionedRules;
  readonly facts: RoutingFacts;
  /** The rules before this one are decided already. */
  readonly from: number;
  /** When the webhook came that it is about; ISO 8601. */
  readonly receivedAt: string;
  readonly cause: Cause;
}

export interface Outcome {
  /** The rule that must wait for the customer's first message, if one must. */
  readonly waitsAt: number | undefined;
  /** False where it was decided before. */
  readonly news: boolean;
}

/** What comes later than this after its webhook, by an outage or a redrive, would take a chat from whoever has it by now. */
const longestDelayMs = 600_000;
/** A call takes this long at the most; one that would outlive the function is not begun. */
const longestCallMs = 20_000;
const spareMs = 5_000;

/** Decides and acts, once for each thread and phase, keeps the decision and tells the bus of it. */
export async function decide(question: Question, ports: DecidingPorts): Promise<Outcome> {
  const { organizationId, conversationId, threadId, phase, ruleSet, facts, from, cause } = question;
  const evaluation = evaluate(ruleSet.rules, facts, from);
  const { matched, waitsAt } = evaluation;
  if (matched.length === 0 && waitsAt !== undefined) return { waitsAt, news: true };
  let made: Decision | undefined;
  const id = deriveId('route', organizationId, conversationId, threadId, phase);
  const decideOnce = once('route', async (run) => {
    made = await carryOut(question, evaluation, run, ports);
    return { phase };
  });
  await decideOnce(id, () => ports.deadline - ports.clock.now());
  // Whoever comes again tells it again: the one before may have died before it could.
  const decision = made ?? (await findDecision(question, phase));
  const identity = [conversationId, threadId, phase];
  if (decision) await ports.publish([ownEvent('conversation.routed', decision, cause, identity, ports.clock.now())]);
  return { waitsAt, news: made !== undefined };
}

async function carryOut(
  question: Question,
  evaluation: Evaluation,
  run: string,
  ports: DecidingPorts,
): Promise<Decision> {
  const { organizationId, conversationId, threadId, phase, ruleSet, facts } = question;
  const { clock, log } = ports;
  const steps = planActions(evaluation.matched);
  const before = phase === 'message' ? await findDecision(question, 'start') : undefined;
  const tooLate = clock.now() - Date.parse(question.receivedAt) > longestDelayMs;
  const scene = await sceneOf(question, steps, clock.now());
  const calls = callsOf(question, run, ports);
  const planRun = new PlanRun(calls, clock, { ...scene, assignedTo: before?.assignedTo, tooLate });
  const actions = [...(await planRun.run(steps))];
  const { assignedTo, ended } = planRun;
  const unassignedReason = findUnassignedReason(evaluation, { actions, assignedTo, ended });
  const decision: Decision = {
    conversationId,
    threadId,
    phase,
    decidedAt: new Date(clock.now()).toISOString(),
    rulesVersion: ruleSet.version,
    facts: factsLookedAt(ruleSet.rules, evaluation, facts),
    evaluated: evaluation.evaluated.map((one) => ({ ...one, reasons: [...one.reasons] })),
    actions,
    assignedTo,
    unassignedReason,
    priority: steps.find((step) => step.action === 'priority')?.priority,
  };
  await keepDecision(question, decision);
  count('ChatsRouted', { outcome: unassignedReason ?? 'assigned', organizationId });
  const rules = evaluation.matched.map(({ name }) => name);
  log.info('routed', { threadId, phase, rulesVersion: ruleSet.version, rules, assignedTo, unassignedReason });
  return decision;
}

/** Where an earlier run has come as far and died, it may have moved the chat: who has it is asked again. */
async function sceneOf(question: Question, steps: readonly PlannedAction[], now: number): Promise<Scene> {
  const acts = steps.some(({ action }) => action !== 'priority');
  const begun = acts ? await markBegun(question, question.phase, now) : undefined;
  if (begun === undefined) return question;
  const { assigned } = await storedNow(question);
  return { ...question, begun, assigned };
}

function callsOf({ organizationId, conversationId, cause }: Question, run: string, ports: DecidingPorts): Calls {
  const { gate, clock, carrier, deadline } = ports;
  return new Calls({
    carrier: () => carrier(organizationId),
    gate: () => gate.read(organizationId),
    passage: new Passage({ store: gate, clock, organizationId, run, returning: false }),
    clock,
    latest: deadline - longestCallMs - spareMs,
    onLocked: () => {
      const title = 'LiveChat refuses the credentials; nothing is sent until they work again';
      const data = { severity: 'critical', title, ids: { organizationId, conversationId } } as const;
      return raiseAlert(data, cause, ['credentials', conversationId, String(clock.now())]);
    },
  });
}
