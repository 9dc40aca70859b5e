import { type RoutingFacts, valuesOf } from './facts.ts';
import { holds, isOperator, type OperatorName } from './operators.ts';
import { type Condition, isTest, type Rule, type RuleSet, type Test } from './rules.ts';

/** `unknown` as long as the customer has not written what a condition asks about. */
export type Truth = boolean | 'unknown';

/** A test that decided a condition. Where it stands is told by its path in the rule, such as `when.all.1`; values are not. */
export interface Reason {
  readonly path: string;
  readonly fact: string;
  readonly operator: string;
  readonly result: Truth;
}

export interface Verdict {
  readonly truth: Truth;
  readonly reasons: readonly Reason[];
}

/** What a rule came to, and the tests that decided it. */
export interface RuleResult {
  readonly rule: string;
  readonly result: 'matched' | 'not matched' | 'waits';
  readonly reasons: readonly Reason[];
}

export interface Evaluation {
  /** In order; rules after the last one were not looked at. */
  readonly evaluated: readonly RuleResult[];
  readonly matched: readonly Rule[];
  /** Index of the first rule that cannot be decided before the customer writes: it and all after it wait. */
  readonly waitsAt?: number | undefined;
}

/** Beyond this many tests a reader learns nothing more. */
const mostReasons = 5;
const results = { true: 'matched', false: 'not matched', unknown: 'waits' } as const;

/**
 * Which rules match, from rule `from` on. Rules are decided in their order: where one must wait for the customer's first
 * message, so do all after it, so that a message now or later leads to the same rules. Pure, and never throws.
 */
export function evaluate(ruleSet: RuleSet, facts: RoutingFacts, from = 0): Evaluation {
  const evaluated: RuleResult[] = [];
  const matched: Rule[] = [];
  for (const [index, rule] of ruleSet.rules.entries()) {
    if (index < from) continue;
    const { truth, reasons } = judge(rule.when ?? { all: [] }, facts, ruleSet.hours);
    evaluated.push({ rule: rule.name, result: results[`${truth}`], reasons: reasons.slice(0, mostReasons) });
    if (truth === 'unknown') return { evaluated, matched, waitsAt: index };
    if (truth) matched.push(rule);
    if (truth && ruleSet.match === 'first') break;
  }
  return { evaluated, matched };
}

/** Whether a condition holds, and by which tests. */
export function judge(condition: Condition, facts: RoutingFacts, hours: RuleSet['hours'], path = 'when'): Verdict {
  if (isTest(condition)) return tested(condition, facts, hours, path);
  if ('not' in condition) {
    const { truth, reasons } = judge(condition.not, facts, hours, `${path}.not`);
    return { truth: truth === 'unknown' ? truth : !truth, reasons };
  }
  const [parts, name, decisive] =
    'all' in condition ? ([condition.all, 'all', false] as const) : ([condition.any, 'any', true] as const);
  return combined(
    parts.map((part, index) => judge(part, facts, hours, `${path}.${name}.${index}`)),
    decisive,
  );
}

/** One decisive part decides; without one, it is unknown as long as one part is. */
function combined(parts: readonly Verdict[], decisive: boolean): Verdict {
  const has = (wanted: Truth) => parts.some(({ truth }) => truth === wanted);
  const truth = has(decisive) ? decisive : has('unknown') ? 'unknown' : !decisive;
  return { truth, reasons: parts.filter((part) => part.truth === truth).flatMap(({ reasons }) => reasons) };
}

function tested(test: Test, facts: RoutingFacts, hours: RuleSet['hours'], path: string): Verdict {
  const { operator, operand } = operationOf(test);
  const values = valuesOf(test.fact, facts, hours);
  const result = values === 'not yet' ? 'unknown' : holds(operator, values, operand);
  return { truth: result, reasons: [{ path, fact: test.fact, operator, result }] };
}

/** A test that has gone through the schema has exactly one operator; one that has none asks whether the fact exists. */
export function operationOf(test: Test): { operator: OperatorName; operand: NonNullable<Test[OperatorName]> } {
  for (const [name, operand] of Object.entries(test)) {
    if (isOperator(name) && operand !== undefined) return { operator: name, operand };
  }
  return { operator: 'exists', operand: true };
}
