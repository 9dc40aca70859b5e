import type { Condition } from '../../../core/routing/conditions.ts';
import type { Actions, PlannedAction, Target } from '../../../core/routing/rules.ts';

/** Routing rules as sentences. */

export function conditionWords(condition: Condition | undefined): string {
  if (condition === undefined) return 'any chat begins';
  if ('all' in condition) return condition.all.map(inner).join(' and ') || 'any chat begins';
  if ('any' in condition) return condition.any.map(inner).join(' or ') || 'never';
  if ('not' in condition) return `not (${conditionWords(condition.not)})`;
  const { fact, ...operators } = condition;
  const [name = '', operand] = Object.entries(operators).find(([, value]) => value !== undefined) ?? [];
  return `${fact} ${operatorWords[name] ?? name} ${Array.isArray(operand) ? operand.join(' or ') : String(operand)}`;
}

function inner(condition: Condition): string {
  const words = conditionWords(condition);
  return 'all' in condition || 'any' in condition ? `(${words})` : words;
}

const operatorWords: Readonly<Record<string, string>> = {
  startsWith: 'starts with',
  endsWith: 'ends with',
  words: 'has the word',
  atLeast: 'is at least',
  below: 'is below',
  exists: 'is there:',
};

function targetWords(target: Target): string {
  if ('agent' in target) return target.agent;
  return `group ${target.group}${target.queue ? ', or its queue' : ''}`;
}

export function doWords({ transfer, tag, priority, note, answer }: Actions): string[] {
  return [
    ...(transfer ? [`give it to ${transfer.map(targetWords).join(', else ')}`] : []),
    ...(tag ? [`tag ${tag.join(', ')}`] : []),
    ...(priority ? [`priority ${priority}`] : []),
    ...(note ? [`note “${note}”`] : []),
    ...(answer ? [`answer “${answer}”`] : []),
  ];
}

export function actionWords(step: PlannedAction): string {
  const { rule: _, action, ...rest } = step;
  const [what] = Object.values(rest);
  return `${action} ${typeof what === 'object' ? wordsOfObject(what) : (what ?? '')}`.trim();
}

function wordsOfObject(value: object): string {
  return Object.values(value)
    .map((one) => (typeof one === 'object' && one !== null ? wordsOfObject(one) : String(one)))
    .join(', ');
}
