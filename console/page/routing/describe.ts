import type { Condition } from '../../../core/routing/conditions.ts';
import type { Evaluation, PlannedAction, Rule, Target } from '../../../core/routing/rules.ts';

/** A rule as a sentence, such as `When country is US or CA: tag us`. */
export function describeRule({ when, do: { transfer, tag, priority, note, answer } }: Rule): string {
  const condition = describeCondition(when);
  const actions = [
    ...(transfer ? [`transfer to ${transfer.map(describeTarget).join(', else ')}`] : []),
    ...(tag ? [`tag ${tag.join(', ')}`] : []),
    ...(priority ? [`priority ${priority}`] : []),
    ...(note ? [`note “${note}”`] : []),
    ...(answer ? [`answer “${answer}”`] : []),
  ];
  return `${condition === 'never' ? 'Never matches' : `When ${condition}`}: ${actions.join('; ')}`;
}

/** What rules do with a thread. */
export function describeEvaluation({ actions, evaluated }: Evaluation): string {
  const planned = actions.map((action) => `${describeAction(action)} (${action.rule})`);
  const waiting = evaluated.flatMap(({ rule, result }) =>
    result === 'waits' ? [`“${rule}” waits for the customer's first message`] : [],
  );
  return [...planned, ...waiting].join('; ') || "assigned by the channel's own routing";
}

function describeCondition(condition: Condition | undefined): string {
  if (condition === undefined) return 'any chat starts';
  if ('all' in condition) return condition.all.map(describeNested).join(' and ') || 'any chat starts';
  if ('any' in condition) return condition.any.map(describeNested).join(' or ') || 'never';
  if ('not' in condition) return `not (${describeCondition(condition.not)})`;
  const { fact, ...operators } = condition;
  const [name = '', operand] = Object.entries(operators).find(([, value]) => value !== undefined) ?? [];
  return `${fact} ${operatorText[name] ?? name} ${Array.isArray(operand) ? operand.join(' or ') : String(operand)}`;
}

function describeNested(condition: Condition): string {
  const text = describeCondition(condition);
  return 'all' in condition || 'any' in condition ? `(${text})` : text;
}

const operatorText: Readonly<Record<string, string>> = {
  startsWith: 'starts with',
  endsWith: 'ends with',
  words: 'contains the words',
  atLeast: 'is at least',
  below: 'is below',
  exists: 'exists:',
};

function describeTarget(target: Target): string {
  if ('agent' in target) return target.agent;
  return `group ${target.group}${target.queue ? ', or its queue' : ''}`;
}

function describeAction(planned: PlannedAction): string {
  switch (planned.action) {
    case 'transfer':
      return `transfer to ${describeTarget(planned.target)}`;
    case 'tag':
      return `tag ${planned.tag}`;
    case 'priority':
      return `priority ${planned.priority}`;
    default:
      return `${planned.action} “${planned.text}”`;
  }
}
