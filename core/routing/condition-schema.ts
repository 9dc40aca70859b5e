import * as z from 'zod/mini';
import { type FactKind, factNames, kindOf } from './facts.ts';
import { isOperator, operandKind, operators, words } from './operators.ts';
import type { Condition, Test } from './rules.ts';

const mostParts = 100;
const deepest = 10;

/** How every issue of a rule set reads. */
export const expected = (what: string) => ({ error: `expected ${what}` });

const aText = 'a text of 1 to 500 characters';
export const text = z.string(expected(aText)).check(z.minLength(1, expected(aText)), z.maxLength(500, expected(aText)));

const aName = 'a name of 1 to 100 characters';
/** Of rules, opening hours and facts; a decision names them all and must stay within a table's item. */
export const nameText = z
  .string(expected(aName))
  .check(z.minLength(1, expected(aName)), z.maxLength(100, expected(aName)));

interface Reads<T> {
  safeParse(value: unknown): z.core.util.SafeParseResult<T>;
}

/** Reads a value by the schema that `pick` finds for it, so that an issue is about what was meant; a text is the issue itself. */
export function picked<T>(pick: (value: unknown) => Reads<T> | string): z.ZodMiniType<T> {
  return z.pipe(
    z.unknown(),
    z.transform((value, context): T => {
      const schema = pick(value);
      if (typeof schema === 'string') {
        context.issues.push({ code: 'custom', message: schema, input: value });
        return z.NEVER;
      }
      const parsed = schema.safeParse(value);
      if (parsed.success) return parsed.data;
      for (const { path, message } of parsed.error.issues) {
        context.issues.push({ code: 'custom', path: [...path], message, input: value });
      }
      return z.NEVER;
    }),
  );
}

export function keysOf(value: unknown): readonly string[] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
}

/** The depth is known at each step, so that no nesting, however deep, is followed to its end. */
export const condition = (depth = 1): z.ZodMiniType<Condition> =>
  picked((value): Reads<Condition> | string => {
    if (depth > deepest) return `expected conditions nested at most ${deepest} deep`;
    const keys = keysOf(value);
    if (keys.includes('fact')) return test;
    const parts = z
      .array(condition(depth + 1), expected('a list of conditions'))
      .check(z.maxLength(mostParts, expected(`at most ${mostParts} conditions`)));
    if (keys.includes('all')) return z.strictObject({ all: parts });
    if (keys.includes('any')) return z.strictObject({ any: parts });
    if (keys.includes('not')) return z.strictObject({ not: condition(depth + 1) });
    return 'expected one of all, any, not, or a fact with an operator';
  });

const scalars = {
  text,
  number: z.number(expected('a number')),
  boolean: z.boolean(expected('true or false')),
} as const satisfies Record<FactKind, z.ZodMiniType>;
const values = z
  .array(z.union([z.string(), z.number()], expected('texts or numbers')))
  .check(
    z.minLength(1, expected('at least one value')),
    z.maxLength(mostParts, expected(`at most ${mostParts} values`)),
  );
const operand = z.optional(
  picked((value): Reads<string | number | boolean | (string | number)[]> => {
    if (Array.isArray(value)) return values;
    return z.union([z.string(), z.number(), z.boolean()], expected('a text, a number, true or false, or a list'));
  }),
);

const test: z.ZodMiniType<Test> = z
  .strictObject({
    fact: nameText,
    is: operand,
    startsWith: operand,
    endsWith: operand,
    contains: operand,
    words: operand,
    atLeast: z.optional(scalars.number),
    below: z.optional(scalars.number),
    exists: z.optional(scalars.boolean),
  })
  .check(({ value, issues }) => {
    for (const { path, message } of misfits(value))
      issues.push({ code: 'custom', path: [path], message, input: value });
  });

/** What of a test does not fit its fact. */
function misfits(given: Test): { path: string; message: string }[] {
  const { fact, ...operations } = given;
  const kind = kindOf(fact);
  if (kind === undefined) return [{ path: 'fact', message: `expected one of ${factNames.join(', ')}` }];
  const fitting = operatorsFor(fact, kind);
  const entries = Object.entries(operations).filter(([, operand]) => operand !== undefined);
  const [operation, another] = entries;
  if (!operation || another || !fitting.includes(operation[0])) {
    return [{ path: 'fact', message: `expected ${fact} with exactly one of ${fitting.join(', ')}` }];
  }
  const [name, operand] = operation;
  const list: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
  const schema = operandSchema(name, kind);
  return list.flatMap((one, index) => {
    const parsed = schema.safeParse(one);
    const path = Array.isArray(operand) ? `${name}.${index}` : name;
    return parsed.success ? [] : parsed.error.issues.map(({ message }) => ({ path, message }));
  });
}

/** A rule on the first message waits for it, so that it cannot ask whether there is one. */
function operatorsFor(fact: string, kind: FactKind): string[] {
  return Object.entries(operators).flatMap(([name, { kinds }]) =>
    kinds.includes(kind) && !(fact === 'message' && name === 'exists') ? [name] : [],
  );
}

const aWord = text.check(z.refine((value) => words(value).trim() !== '', expected('a word')));

function operandSchema(name: string, kind: FactKind): z.ZodMiniType {
  if (name === 'words') return aWord;
  return isOperator(name) ? scalars[operandKind(name, kind)] : z.never();
}
