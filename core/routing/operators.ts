import type { FactKind } from './facts.ts';
import type { Operand, Test } from './rules.ts';

type Value = string | number | boolean;

export interface Operator {
  /** For which facts it is there. */
  readonly kinds: readonly FactKind[];
  /** What its operand must be; a list of these too, where the operator takes lists. */
  readonly takes: FactKind;
  readonly lists: boolean;
  /** Whether one of a fact's values fits one of the operands. */
  readonly fits: (value: Value, operand: Value) => boolean;
}

export type OperatorName = Exclude<keyof Test, 'fact'>;

const onText = (compare: (value: string, operand: string) => boolean): Operator => ({
  kinds: ['text'],
  takes: 'text',
  lists: true,
  fits: (value, operand) => typeof value === 'string' && typeof operand === 'string' && compare(value, operand),
});

const onNumber = (compare: (value: number, operand: number) => boolean): Operator => ({
  kinds: ['text'],
  takes: 'number',
  lists: false,
  fits: (value, operand) => {
    const number = typeof value === 'string' ? numberOf(value) : undefined;
    return number !== undefined && typeof operand === 'number' && compare(number, operand);
  },
});

/** There are no regular expressions among them: one could be written that takes for ever on some message. */
export const operators: Readonly<Record<OperatorName, Operator>> = {
  is: { kinds: ['text', 'number', 'boolean'], takes: 'text', lists: true, fits: same },
  startsWith: onText((value, operand) => folded(value).startsWith(folded(operand))),
  endsWith: onText((value, operand) => folded(value).endsWith(folded(operand))),
  contains: onText((value, operand) => folded(value).includes(folded(operand))),
  words: onText((value, operand) => words(value).includes(words(operand))),
  atLeast: onNumber((value, operand) => value >= operand),
  below: onNumber((value, operand) => value < operand),
  exists: { kinds: ['text', 'number', 'boolean'], takes: 'boolean', lists: false, fits: () => false },
};

/** What `is` compares with: the same kind as the fact's own values. */
export function operandKind(name: OperatorName, fact: FactKind): FactKind {
  return name === 'is' ? fact : operators[name].takes;
}

export function isOperator(name: string): name is OperatorName {
  return Object.hasOwn(operators, name);
}

/** Whether any value fits any operand; `exists` looks only at whether there is a value. */
export function holds(name: OperatorName, values: readonly Value[], operand: Operand): boolean {
  if (name === 'exists') return values.length > 0 === operand;
  const wanted: readonly Value[] = isList(operand) ? operand : [operand];
  return values.some((value) => wanted.some((one) => operators[name].fits(value, one)));
}

function isList(operand: Operand): operand is readonly (string | number)[] {
  return Array.isArray(operand);
}

function same(value: Value, operand: Value): boolean {
  return typeof value === 'string' && typeof operand === 'string'
    ? folded(value) === folded(operand)
    : value === operand;
}

/** Upper and lower case, full and half width are one. */
function folded(text: string): string {
  return text.normalize('NFKC').toLowerCase();
}

/** Words with one space before, between and after them, so that a word or phrase is found whole. */
export function words(text: string): string {
  return ` ${folded(text)
    .split(/[^\p{L}\p{M}\p{N}]+/u)
    .filter(Boolean)
    .join(' ')} `;
}

/** Of a text such as `129.00`. */
function numberOf(text: string): number | undefined {
  return /^-?\d{1,15}(\.\d{1,15})?$/.test(text.trim()) ? Number(text) : undefined;
}
