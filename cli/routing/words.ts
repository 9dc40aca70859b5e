import type { RuleResult } from '../../core/routing/evaluate.ts';
import type { DryRun, PlannedAction } from '../../core/routing/plan.ts';
import { type Condition, isTest, partAt, type RuleSet, type Target } from '../../core/routing/rules.ts';

/** Rules and what becomes of them, in words for a terminal. */

const targetInWords = (target: Target): string => {
  if ('agent' in target) return target.agent;
  return `group ${target.group}${target.queue ? ' or its queue' : ''}`;
};

const longest = 40;
const shortened = (text: string): string => (text.length > longest ? `${text.slice(0, longest - 1).trimEnd()}…` : text);

export const stepInWords = (step: PlannedAction): string => {
  switch (step.action) {
    case 'tag':
      return `tag ${step.tag}`;
    case 'priority':
      return `priority ${step.priority}`;
    case 'transfer':
      return `transfer to ${step.targets.map(targetInWords).join(', else ')}`;
    default:
      return `${step.action} “${shortened(step.text)}”`;
  }
};

export const formatDryRun = ({ matched, actions, waitsFor }: DryRun): string => {
  const done = matched.length === 0 ? [] : [`${matched.join(', ')}: ${actions.map(stepInWords).join('; ')}`];
  const waits = waitsFor === undefined ? [] : [`${waitsFor} waits for the first message`];
  return [...done, ...waits].join('; ') || 'no rule matches';
};

export const conditionInWords = (condition: Condition | undefined): string => {
  if (condition === undefined) return 'always';
  if (isTest(condition)) {
    const { fact, ...operation } = condition;
    return Object.entries(operation)
      .map(([operator, operand]) => `${fact} ${operator} ${JSON.stringify(operand)}`)
      .join(' ');
  }
  if ('not' in condition) return `not (${conditionInWords(condition.not)})`;
  const [parts, word] = 'all' in condition ? [condition.all, ' and '] : [condition.any, ' or '];
  const [only, another] = parts;
  if (only && !another) return conditionInWords(only);
  return parts.map((part) => (isTest(part) ? conditionInWords(part) : `(${conditionInWords(part)})`)).join(word);
};

const how = { true: 'holds', false: 'does not hold', unknown: 'is not known yet' } as const;
const howUnderNot = {
  true: 'holds, and should not',
  false: 'does not hold, as it should be',
  unknown: how.unknown,
} as const;
const isUnderNot = (path: string): boolean => path.split('.').filter((step) => step === 'not').length % 2 === 1;

/** Why a rule matched or did not, by the tests that decided it. */
export const triedInWords = ({ rule: name, result, reasons }: RuleResult, { rules }: RuleSet): readonly string[] => {
  const when = rules.find((rule) => rule.name === name)?.when;
  const lines = reasons.map(({ path, fact, operator, result: truth }) => {
    const test = when && partAt(when, path);
    return `  ${test ? conditionInWords(test) : `${fact} ${operator}`}: ${(isUnderNot(path) ? howUnderNot : how)[`${truth}`]}`;
  });
  return [`${name}: ${result}`, ...lines];
};
