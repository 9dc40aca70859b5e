import * as z from 'zod/mini';
import {
  type FactKind,
  factKind,
  factNames,
  factValues,
  type NamedHours,
  type RoutingFacts,
  splitFactName,
} from './facts.ts';

/** Conditions of rules: their types, their schema and their evaluation. docs/reference/routing-rules.md describes each operator. */
export type Condition =
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition }
  | Test;

/** One fact and exactly one operator. A list of operands matches if any of them does. */
export interface Test {
  /** Such as `country`, `session.plan` or `hours.office`. */
  readonly fact: string;
  readonly is?: Operand | undefined;
  readonly startsWith?: Operand | undefined;
  readonly endsWith?: Operand | undefined;
  readonly contains?: Operand | undefined;
  readonly words?: Operand | undefined;
  readonly atLeast?: number | undefined;
  readonly below?: number | undefined;
  readonly exists?: boolean | undefined;
}

type Value = string | number | boolean;
export type Operand = Value | readonly (string | number)[];
export type OperatorName = Exclude<keyof Test, 'fact'>;

interface Operator {
  /** The kinds of facts that it applies to. */
  readonly kinds: readonly FactKind[];
  /** The operand's kind; undefined if it is that of the fact. */
  readonly operand: FactKind | undefined;
  readonly matches: (value: Value, operand: Value) => boolean;
}

const onText = (compare: (value: string, operand: string) => boolean): Operator => ({
  kinds: ['text'],
  operand: 'text',
  matches: (value, operand) => typeof value === 'string' && typeof operand === 'string' && compare(value, operand),
});

const onNumber = (compare: (value: number, operand: number) => boolean): Operator => ({
  kinds: ['text'],
  operand: 'number',
  matches: (value, operand) => {
    const number = typeof value === 'string' ? parseNumber(value) : undefined;
    return number !== undefined && typeof operand === 'number' && compare(number, operand);
  },
});

/** Regular expressions are left out: their run time on a customer's text is unbounded. */
const operators: Readonly<Record<OperatorName, Operator>> = {
  is: {
    kinds: ['text', 'number', 'boolean'],
    operand: undefined,
    matches: (value, operand) => normalize(value) === normalize(operand),
  },
  startsWith: onText((value, operand) => normalizeText(value).startsWith(normalizeText(operand))),
  endsWith: onText((value, operand) => normalizeText(value).endsWith(normalizeText(operand))),
  contains: onText((value, operand) => normalizeText(value).includes(normalizeText(operand))),
  words: onText((value, operand) => normalizeWords(value).includes(normalizeWords(operand))),
  atLeast: onNumber((value, operand) => value >= operand),
  below: onNumber((value, operand) => value < operand),
  exists: { kinds: ['text', 'number', 'boolean'], operand: 'boolean', matches: () => false },
};

function isOperator(name: string): name is OperatorName {
  return Object.hasOwn(operators, name);
}

/** Whether any value matches any operand. `exists` only tests whether there is a value. */
export function matches(name: OperatorName, values: readonly Value[], operand: Operand): boolean {
  if (name === 'exists') return values.length > 0 === operand;
  const operands: readonly Value[] = isList(operand) ? operand : [operand];
  return values.some((value) => operands.some((one) => operators[name].matches(value, one)));
}

function isList(operand: Operand): operand is readonly (string | number)[] {
  return Array.isArray(operand);
}

function normalize(value: Value): Value {
  return typeof value === 'string' ? normalizeText(value) : value;
}

/** Ignores case and full or half width. */
function normalizeText(text: string): string {
  return text.normalize('NFKC').toLowerCase();
}

/** The words with one space before, between and after them, so that only whole words and phrases match. */
function normalizeWords(text: string): string {
  return ` ${normalizeText(text)
    .split(/[^\p{L}\p{M}\p{N}]+/u)
    .filter(Boolean)
    .join(' ')} `;
}

/** Parses a text such as `129.00`. */
function parseNumber(text: string): number | undefined {
  return /^-?\d{1,15}(\.\d{1,15})?$/.test(text.trim()) ? Number(text) : undefined;
}

/** `unknown` until the customer has written what a condition tests. */
export type Truth = boolean | 'unknown';

/** A test that decided a condition, by its path in the rule, such as `when.all.1`. Holds no values. */
export interface Reason {
  readonly path: string;
  readonly fact: string;
  readonly operator: string;
  readonly result: Truth;
}

export interface ConditionResult {
  readonly truth: Truth;
  /** The tests that decided it. */
  readonly reasons: readonly Reason[];
}

/** Evaluates a condition in three-valued logic. Pure; never throws. */
export function evaluateCondition(
  condition: Condition,
  facts: RoutingFacts,
  hours: NamedHours | undefined,
  path = 'when',
): ConditionResult {
  if (isTest(condition)) return evaluateTest(condition, facts, hours, path);
  if ('not' in condition) {
    const { truth, reasons } = evaluateCondition(condition.not, facts, hours, `${path}.not`);
    return { truth: truth === 'unknown' ? truth : !truth, reasons };
  }
  const [parts, name, decisive] =
    'all' in condition ? ([condition.all, 'all', false] as const) : ([condition.any, 'any', true] as const);
  return combine(
    parts.map((part, index) => evaluateCondition(part, facts, hours, `${path}.${name}.${index}`)),
    decisive,
  );
}

/** One decisive part decides. Otherwise the result is unknown while any part is. */
function combine(parts: readonly ConditionResult[], decisive: boolean): ConditionResult {
  const has = (wanted: Truth) => parts.some(({ truth }) => truth === wanted);
  const truth = has(decisive) ? decisive : has('unknown') ? 'unknown' : !decisive;
  return { truth, reasons: parts.filter((part) => part.truth === truth).flatMap(({ reasons }) => reasons) };
}

function evaluateTest(test: Test, facts: RoutingFacts, hours: NamedHours | undefined, path: string): ConditionResult {
  const { operator, operand } = operation(test);
  const values = factValues(test.fact, facts, hours);
  const result = values === 'not yet' ? 'unknown' : matches(operator, values, operand);
  return { truth: result, reasons: [{ path, fact: test.fact, operator, result }] };
}

/** The schema guarantees exactly one operator; a test without one tests whether the fact exists. */
function operation(test: Test): { operator: OperatorName; operand: NonNullable<Test[OperatorName]> } {
  for (const [name, operand] of Object.entries(test)) {
    if (isOperator(name) && operand !== undefined) return { operator: name, operand };
  }
  return { operator: 'exists', operand: true };
}

export function isTest(condition: Condition): condition is Test {
  return 'fact' in condition;
}

/** The part of a condition at a path such as `when.all.1.not`, where `when` is the condition itself. */
export function findPart(condition: Condition, path: string): Condition | undefined {
  const steps = path.split('.').slice(1);
  const part = steps.reduce<unknown>((value, step) => new Map(Object.entries(value ?? {})).get(step), condition);
  return isCondition(part) ? part : undefined;
}

function isCondition(part: unknown): part is Condition {
  return typeof part === 'object' && part !== null && ['all', 'any', 'not', 'fact'].some((key) => key in part);
}

/** Every test of a condition, at any depth. */
export function listTests(condition: Condition | undefined): Test[] {
  if (condition === undefined) return [];
  if (isTest(condition)) return [condition];
  if ('not' in condition) return listTests(condition.not);
  return ('all' in condition ? condition.all : condition.any).flatMap(listTests);
}

/** Names of opening hours that a condition uses. */
export function hoursUsed(condition: Condition | undefined): string[] {
  return listTests(condition).flatMap(({ fact }) => {
    const [family, name] = splitFactName(fact);
    return family === 'hours' ? [name] : [];
  });
}

const maxParts = 100;
const maxDepth = 10;

/** The wording of every issue in a rule set. */
export const expected = (what: string) => ({ error: `expected ${what}` });

/** A text of 1 to `maxLength` characters. */
const boundedText = (what: string, maxLength: number) =>
  z.string(expected(what)).check(z.minLength(1, expected(what)), z.maxLength(maxLength, expected(what)));

export const textSchema = boundedText('a text of 1 to 500 characters', 500);
/** For rules, opening hours and facts. A decision stores these names, and must fit into a DynamoDB item. */
export const nameSchema = boundedText('a name of 1 to 100 characters', 100);

interface Schema<T> {
  safeParse(value: unknown): z.core.util.SafeParseResult<T>;
}

/** Validates with the schema that `select` returns, so that issues concern that variant only. A returned string is the issue. */
export function variant<T>(select: (value: unknown) => Schema<T> | string): z.ZodMiniType<T> {
  return z.pipe(
    z.unknown(),
    z.transform((value, context): T => {
      const schema = select(value);
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

export function objectKeys(value: unknown): readonly string[] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
}

/** Checks the depth at each level, so that validation stops at the limit. */
export const conditionSchema = (depth = 1): z.ZodMiniType<Condition> =>
  variant((value): Schema<Condition> | string => {
    if (depth > maxDepth) return `expected conditions nested at most ${maxDepth} deep`;
    const keys = objectKeys(value);
    if (keys.includes('fact')) return testSchema;
    const parts = z
      .array(conditionSchema(depth + 1), expected('a list of conditions'))
      .check(z.maxLength(maxParts, expected(`at most ${maxParts} conditions`)));
    if (keys.includes('all')) return z.strictObject({ all: parts });
    if (keys.includes('any')) return z.strictObject({ any: parts });
    if (keys.includes('not')) return z.strictObject({ not: conditionSchema(depth + 1) });
    return 'expected one of all, any, not, or a fact with an operator';
  });

const scalars = {
  text: textSchema,
  number: z.number(expected('a number')),
  boolean: z.boolean(expected('true or false')),
} as const satisfies Record<FactKind, z.ZodMiniType>;
const operandList = z
  .array(z.union([z.string(), z.number()], expected('texts or numbers')))
  .check(z.minLength(1, expected('at least one value')), z.maxLength(maxParts, expected(`at most ${maxParts} values`)));
const operand = z.optional(
  variant((value): Schema<Value | (string | number)[]> => {
    if (Array.isArray(value)) return operandList;
    return z.union([z.string(), z.number(), z.boolean()], expected('a text, a number, true or false, or a list'));
  }),
);

const testSchema: z.ZodMiniType<Test> = z
  .strictObject({
    fact: nameSchema,
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
    for (const { path, message } of testIssues(value)) {
      issues.push({ code: 'custom', path: [path], message, input: value });
    }
  });

/** Where a test's operator or operand does not fit its fact. */
function testIssues({ fact, ...operations }: Test): { path: string; message: string }[] {
  const kind = factKind(fact);
  if (kind === undefined) return [{ path: 'fact', message: `expected one of ${factNames.join(', ')}` }];
  const allowed = allowedOperators(fact, kind);
  const [first, second] = Object.entries(operations).filter(([, operand]) => operand !== undefined);
  if (!first || second || !allowed.includes(first[0])) {
    return [{ path: 'fact', message: `expected ${fact} with exactly one of ${allowed.join(', ')}` }];
  }
  const [name, operand] = first;
  const list: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
  const schema = operandSchema(name, kind);
  return list.flatMap((one, index) => {
    const parsed = schema.safeParse(one);
    const path = Array.isArray(operand) ? `${name}.${index}` : name;
    return parsed.success ? [] : parsed.error.issues.map(({ message }) => ({ path, message }));
  });
}

/** A rule on the first message waits for it, so `exists` would always hold. */
function allowedOperators(fact: string, kind: FactKind): string[] {
  return Object.entries(operators).flatMap(([name, { kinds }]) =>
    kinds.includes(kind) && !(fact === 'message' && name === 'exists') ? [name] : [],
  );
}

const wordSchema = textSchema.check(z.refine((value) => normalizeWords(value).trim() !== '', expected('a word')));

function operandSchema(name: string, kind: FactKind): z.ZodMiniType {
  if (name === 'words') return wordSchema;
  return isOperator(name) ? scalars[operators[name].operand ?? kind] : z.never();
}
