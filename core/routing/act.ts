import { deriveId } from '../events/ids.ts';
import { type CallFailure, isCallFailure } from '../outbound/failure.ts';
import type { Clock } from '../platform/clock.ts';
import { ConfigurationError } from '../platform/configuration.ts';
import type { Assigned } from './assigned.ts';
import { type Calls, NoSlot } from './calls.ts';
import type { RoutingMessage, ThreadKey } from './carrier.ts';
import type { ActionResult, Decision, PlannedAction } from './plan.ts';
import type { Target } from './rules.ts';

/** A join takes a moment to be in effect. */
const joinTakesMs = 5_000;
const joinPollMs = 400;

/** The thread in which a plan is carried out. */
export interface Scene extends ThreadKey {
  readonly phase: 'start' | 'message';
  /** Who has the chat now. */
  readonly assigned: Assigned;
  /** To whom an earlier phase has given it. */
  readonly assignedTo?: Decision['assignedTo'];
  /** Since when an earlier run, which died, may have said something; ms since 1970. */
  readonly begun?: number | undefined;
  /** Whether it comes so late that nothing is to be done any more. */
  readonly tooLate?: boolean;
}

/** What has made the rest of a plan moot. */
export type Ended = 'no slot' | 'chat closed' | 'too late';

/** Carries out a plan, step by step. A step that fails does not stop the next one. */
export class PlanRun {
  readonly #calls: Calls;
  readonly #clock: Clock;
  readonly #scene: Scene;
  readonly #acted: ActionResult[] = [];
  /** How we came into the chat, where we had to. */
  #joined: RoutingMessage['visibility'] | undefined;
  ended: Ended | undefined;
  /** Who has the chat by our doing. */
  assignedTo: Decision['assignedTo'];

  constructor(calls: Calls, clock: Clock, scene: Scene) {
    this.#calls = calls;
    this.#clock = clock;
    this.#scene = scene;
    this.assignedTo = scene.assignedTo;
    if (scene.tooLate) this.ended = 'too late';
  }

  async run(steps: readonly PlannedAction[]): Promise<readonly ActionResult[]> {
    for (const step of steps) await this.#perform(step);
    if (this.#joined === 'all' && !this.assignedTo && this.ended !== 'chat closed') await this.#handBack(steps);
    return this.#acted;
  }

  async #perform(step: PlannedAction): Promise<void> {
    const { rule, action } = step;
    switch (action) {
      case 'tag':
        return this.#try({ rule, action, tag: step.tag }, () => this.#tag(step.tag));
      case 'priority':
        return this.#try({ rule, action, priority: step.priority }, async () => {});
      case 'transfer':
        for (const target of step.targets) await this.#transfer(rule, target);
        return;
      default:
        return this.#try({ rule, action }, () => this.#say(step));
    }
  }

  /** Notes how it went. Only what is nobody's fault here is thrown: a table that fails, say. */
  async #try(what: Omit<ActionResult, 'outcome'>, effect: () => Promise<void>): Promise<void> {
    if (this.ended !== undefined) {
      this.#acted.push({ ...what, outcome: 'skipped' });
      return;
    }
    try {
      await effect();
      this.#acted.push({ ...what, outcome: 'done' });
    } catch (error) {
      if (!isExpected(error)) throw error;
      if (error instanceof NoSlot) this.ended = 'no slot';
      else if (isCallFailure(error) && error.repair === 'resume') this.ended = 'chat closed';
      this.#acted.push({ ...what, outcome: 'failed', error: { name: error.name, message: error.message } });
    }
  }

  #tag(tag: string): Promise<void> {
    const { conversationId, threadId } = this.#scene;
    return this.#calls.make((carrier) => carrier.tag(conversationId, threadId, tag));
  }

  async #transfer(rule: string, target: Target): Promise<void> {
    const who = 'agent' in target ? { agent: target.agent } : { group: target.group };
    const what = { rule, action: 'transfer', ...who } as const;
    if (this.ended === undefined && (this.assignedTo || this.#isWith(target))) {
      this.#acted.push({ ...what, outcome: this.assignedTo ? 'skipped' : 'not needed' });
      this.assignedTo ??= who;
      return;
    }
    const { conversationId } = this.#scene;
    await this.#try(what, async () => {
      await this.#calls.make((carrier) => carrier.transfer(conversationId, target));
      this.assignedTo = who;
    });
  }

  /** Where we have come in, only a transfer takes us out again. */
  #isWith(target: Target): boolean {
    const { agents, groups } = this.#scene.assigned;
    if (this.#joined === 'all') return false;
    return 'agent' in target ? agents.includes(target.agent) : groups.length === 1 && groups[0] === target.group;
  }

  async #say({ rule, action, text }: Extract<PlannedAction, { action: 'answer' | 'note' }>): Promise<void> {
    const { organizationId, conversationId, threadId, phase, begun } = this.#scene;
    const id = `out-${deriveId('route', organizationId, conversationId, threadId, phase, rule, action)}`;
    const said = { id, text, visibility: action === 'note' ? 'agents' : 'all' } as const;
    const there = begun !== undefined && (await this.#calls.make((one) => one.find(conversationId, id, begun)));
    if (there) return;
    try {
      await this.#calls.make((carrier) => carrier.say(conversationId, said));
    } catch (error) {
      if (!isCallFailure(error) || error.repair !== 'join' || this.#joined === said.visibility) throw error;
      await this.#joinAndSay(said);
    }
  }

  async #joinAndSay(said: RoutingMessage): Promise<void> {
    const { conversationId } = this.#scene;
    await this.#calls.make((carrier) => carrier.join(conversationId, said.visibility));
    this.#joined = said.visibility;
    const giveUpAt = this.#clock.now() + joinTakesMs;
    for (;;) {
      try {
        return await this.#calls.make((carrier) => carrier.say(conversationId, said));
      } catch (error) {
        if (!isCallFailure(error) || error.repair !== 'join' || this.#clock.now() > giveUpAt) throw error;
        await this.#clock.sleep(joinPollMs);
      }
    }
  }

  /** We have come in to answer and nobody has taken the chat: it must not stay with us. */
  #handBack(steps: readonly PlannedAction[]): Promise<void> {
    const rule = steps.find(({ action }) => action === 'answer')?.rule ?? '';
    const { conversationId } = this.#scene;
    this.ended = undefined;
    return this.#try({ rule, action: 'hand back' }, () =>
      this.#calls.make((carrier) => carrier.handBack(conversationId)),
    );
  }
}

function isExpected(error: unknown): error is CallFailure | NoSlot | ConfigurationError {
  return isCallFailure(error) || error instanceof NoSlot || error instanceof ConfigurationError;
}
