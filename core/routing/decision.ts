import type { Ended } from './act.ts';
import type { Evaluation } from './evaluate.ts';
import { type RoutingFacts, split, valuesOf } from './facts.ts';
import type { ActionResult, Decision } from './plan.ts';
import { type RuleSet, testsIn } from './rules.ts';

/** Facts whose values say nothing of who the customer is: those alone are told in a decision. */
const tellable: ReadonlySet<string> = new Set(['country', 'language', 'group', 'returning', 'hours']);

/** Which facts the rules that were evaluated looked at. */
export function factsLookedAt(
  { rules, hours }: RuleSet,
  { evaluated }: Evaluation,
  facts: RoutingFacts,
): Decision['facts'] {
  const names = new Set(evaluated.map(({ rule }) => rule));
  const looked = rules.filter(({ name }) => names.has(name)).flatMap(({ when }) => testsIn(when));
  return [...new Set(looked.map(({ fact }) => fact))].sort().map((fact) => {
    const values = valuesOf(fact, facts, hours);
    if (values === 'not yet') return { fact, known: values };
    const known = values.length > 0 ? 'yes' : 'no';
    return tellable.has(split(fact)[0]) && known === 'yes' ? { fact, known, values: [...values] } : { fact, known };
  });
}

interface Done {
  readonly actions: readonly ActionResult[];
  readonly assignedTo: Decision['assignedTo'];
  readonly ended: Ended | undefined;
}

/** Why a chat is left to the carrier's own routing; undefined where it is not. */
export function findUnassignedReason(
  { matched }: Evaluation,
  { actions, assignedTo, ended }: Done,
): Decision['unassignedReason'] {
  if (assignedTo) return undefined;
  if (matched.length === 0) return 'no rule matched';
  if (ended) return ended;
  return actions.some(({ action }) => action === 'transfer') ? 'no target accepted' : 'no transfer action';
}
