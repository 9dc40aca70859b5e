import { canonicalJson } from '../events/ids.ts';
import { evaluate, type Tried } from './evaluate.ts';
import type { RoutingFacts } from './facts.ts';
import { planOf, type Step } from './plan.ts';
import type { RuleSet } from './rules.ts';

/** What rules would do with a thread. */
export interface Foreseen {
  readonly matched: readonly string[];
  readonly tried: readonly Tried[];
  /** In the order in which they would be done. */
  readonly actions: readonly Step[];
  /** The rule that waits for what the customer writes first, where nothing has been written. */
  readonly waitsFor?: string;
}

export function foresee(rules: RuleSet, facts: RoutingFacts): Foreseen {
  const { tried, matched, waitsAt } = evaluate(rules, facts);
  const waiting = waitsAt === undefined ? undefined : rules.rules[waitsAt]?.name;
  return {
    matched: matched.map(({ name }) => name),
    tried,
    actions: planOf(matched),
    ...(waiting !== undefined && { waitsFor: waiting }),
  };
}

/** Whether two rule sets would treat a thread differently: what is done counts, not the names of the rules. */
export function isDifferent(one: Foreseen, another: Foreseen): boolean {
  const done = ({ actions, waitsFor }: Foreseen) =>
    canonicalJson([actions.map(({ rule: _, ...action }) => action), waitsFor !== undefined]);
  return done(one) !== done(another);
}
