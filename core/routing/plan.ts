import type { EventData } from '../events/catalogue.ts';
import { canonicalJson } from '../events/ids.ts';
import { priorities } from '../events/schemas.ts';
import { evaluate, type RuleResult } from './evaluate.ts';
import type { RoutingFacts } from './facts.ts';
import type { Rule, RuleSet, Target } from './rules.ts';

export type Decision = EventData<'conversation.routed'>;
export type ActionResult = Decision['actions'][number];

/** What is to be done for a rule. */
export type PlannedAction = { readonly rule: string } & (
  | { readonly action: 'tag'; readonly tag: string }
  | { readonly action: 'priority'; readonly priority: (typeof priorities)[number] }
  | { readonly action: 'answer' | 'note'; readonly text: string }
  | { readonly action: 'transfer'; readonly targets: readonly Target[] }
);

/**
 * What the matching rules ask for, in the order in which it is done: the transfer comes last, since who answers a
 * customer must be in the chat, and a transfer takes them out of it. The targets of several rules are tried one after the other; of
 * several priorities the highest.
 */
export function planActions(matched: readonly Rule[]): PlannedAction[] {
  const tags = new Set<string>();
  const tagging = matched.flatMap(({ name: rule, do: { tag = [] } }) =>
    tag.flatMap((one): PlannedAction[] => {
      if (tags.has(one)) return [];
      tags.add(one);
      return [{ rule, action: 'tag', tag: one }];
    }),
  );
  const speaking = (action: 'answer' | 'note') =>
    matched.flatMap(({ name: rule, do: actions }): PlannedAction[] => {
      const text = actions[action];
      return text === undefined ? [] : [{ rule, action, text }];
    });
  return [...tagging, ...urgency(matched), ...speaking('answer'), ...speaking('note'), ...handover(matched)];
}

function urgency(matched: readonly Rule[]): PlannedAction[] {
  const steps = matched.flatMap(({ name: rule, do: { priority } }) =>
    priority === undefined ? [] : [{ rule, action: 'priority', priority } as const],
  );
  const highest = Math.max(...steps.map(({ priority }) => priorities.indexOf(priority)));
  return steps.filter(({ priority }) => priorities.indexOf(priority) === highest).slice(0, 1);
}

function handover(matched: readonly Rule[]): PlannedAction[] {
  return matched.flatMap(({ name: rule, do: { transfer } }): PlannedAction[] =>
    transfer === undefined ? [] : [{ rule, action: 'transfer', targets: transfer }],
  );
}

/** What rules would do with a thread. */
export interface DryRun {
  readonly matched: readonly string[];
  readonly evaluated: readonly RuleResult[];
  /** In the order in which they would be done. */
  readonly actions: readonly PlannedAction[];
  /** The rule that waits for what the customer writes first, where nothing has been written. */
  readonly waitsFor?: string;
}

export function dryRun(rules: RuleSet, facts: RoutingFacts): DryRun {
  const { evaluated, matched, waitsAt } = evaluate(rules, facts);
  const waiting = waitsAt === undefined ? undefined : rules.rules[waitsAt]?.name;
  return {
    matched: matched.map(({ name }) => name),
    evaluated,
    actions: planActions(matched),
    ...(waiting !== undefined && { waitsFor: waiting }),
  };
}

/** Whether two rule sets would treat a thread differently: what is done counts, not the names of the rules. */
export function isDifferent(one: DryRun, another: DryRun): boolean {
  const done = ({ actions, waitsFor }: DryRun) =>
    canonicalJson([actions.map(({ rule: _, ...action }) => action), waitsFor !== undefined]);
  return done(one) !== done(another);
}
