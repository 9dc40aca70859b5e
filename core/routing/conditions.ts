import * as z from 'zod/mini';
import type { EventData } from '../events/catalogue.ts';
import {
  type FactKind,
  factNames,
  factValues,
  findFact,
  type NamedHours,
  type RoutingFacts,
  type Value,
} from './facts.ts';

/** Conditions of rules: their operators, schema and evaluation. docs/reference/routing-rules.md describes each operator. */
export type Condition =
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition }
  | Test;

/** One fact, such as `country`, `session.plan` or `hours.office`, and exactly one operator. */
export type Test = { readonly fact: string } & { readonly [Name in OperatorName]?: Operand | undefined };

/** A list matches if any of its values does. */
export type Operand = Value | readonly Value[];
export type OperatorName = keyof typeof operators;

/** Limit of a list of conditions or operands. */
const maxListLength = 100;
const maxDepth = 10;

/** The wording of every issue in a rule set. */
export const expected = (what: string) => ({ error: `expected ${what}` });

/** A text of 1 to `maxLength` characters. */
const boundedText = (what: string, maxLength: number) =>
  z.string(expected(what)).check(z.minLength(1, expected(what)), z.maxLength(maxLength, expected(what)));

export const textSchema = boundedText('a text of 1 to 500 characters', 500);
/** For rules, opening hours and facts. A decision stores these names, and must fit into a DynamoDB item. */
export const nameSchema = boundedText('a name of 1 to 100 characters', 100);
const numberSchema = z.number(expected('a number'));
const booleanSchema = z.boolean(expected('true or false'));

/** Validates with the schema that `select` returns, so that issues concern that variant only. */
export function variant<T>(select: (value: unknown) => z.ZodMiniType<T>): z.ZodMiniType<T> {
  return z.pipe(
    z.unknown(),
    z.transform((value, context): T => {
      const parsed = select(value).safeParse(value);
      if (parsed.success) return parsed.data;
      for (const { path, message } of parsed.error.issues) {
        context.issues.push({ code: 'custom', path: [...path], message, input: value });
      }
      return z.NEVER;
    }),
  );
}

/** The variant of a value that matches none. */
export const noVariant = (what: string) => z.never(expected(what));

/** The fields of a value; none if it is not an object. */
export function objectFields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' ? { ...value } : {};
}

function oneOrMore<T extends Value>(schema: z.ZodMiniType<T>): z.ZodMiniType<Operand> {
  const list = z
    .array(schema)
    .check(
      z.minLength(1, expected('at least one value')),
      z.maxLength(maxListLength, expected(`at most ${maxListLength} values`)),
    );
  return variant<Operand>((value) => (Array.isArray(value) ? list : schema));
}

const texts = oneOrMore(textSchema);
const words = oneOrMore(textSchema.check(z.refine((value) => normalizeWords(value) !== '  ', expected('a word'))));

interface Operator {
  /** The schema of the operand by the kind of fact. The operator does not apply to other kinds. */
  readonly operands: { readonly [Kind in FactKind]?: z.ZodMiniType<Operand> };
  readonly matches: (values: readonly Value[], operand: Operand) => boolean;
}

/** Matches if any value matches any operand. */
const matchesAny =
  (matches: (value: Value, operand: Value) => boolean): Operator['matches'] =>
  (values, operand) =>
    values.some((value) => [operand].flat().some((one) => matches(value, one)));

const onText = (matches: (value: string, operand: string) => boolean, normalize = normalizeText): Operator => ({
  operands: { text: texts },
  matches: matchesAny(
    (value, operand) =>
      typeof value === 'string' && typeof operand === 'string' && matches(normalize(value), normalize(operand)),
  ),
});

const onNumber = (matches: (value: number, operand: number) => boolean): Operator => ({
  operands: { text: numberSchema },
  matches: matchesAny((value, operand) => matches(parseNumber(value), Number(operand))),
});

/** Regular expressions are left out: their run time on a customer's text is unbounded. */
export const operators = {
  is: {
    operands: { text: texts, number: oneOrMore(numberSchema), boolean: booleanSchema },
    matches: matchesAny((value, operand) => normalize(value) === normalize(operand)),
  },
  startsWith: onText((value, operand) => value.startsWith(operand)),
  endsWith: onText((value, operand) => value.endsWith(operand)),
  contains: onText((value, operand) => value.includes(operand)),
  words: { ...onText((value, operand) => value.includes(operand), normalizeWords), operands: { text: words } },
  atLeast: onNumber((value, operand) => value >= operand),
  below: onNumber((value, operand) => value < operand),
  exists: {
    operands: { text: booleanSchema, number: booleanSchema, boolean: booleanSchema },
    matches: (values, operand) => values.length > 0 === operand,
  },
} satisfies Readonly<Record<string, Operator>>;

const operatorNames = Object.keys(operators).filter((name): name is OperatorName => name in operators);

function normalize(value: Value): Value {
  return typeof value === 'string' ? normalizeText(value) : value;
}

/** Ignores case and full or half width. */
function normalizeText(text: string): string {
  return text.normalize('NFKC').toLowerCase();
}

/** The words with one space before, between and after them, so that only whole words and phrases match. */
function normalizeWords(text: string): string {
  return ` ${(normalizeText(text).match(/[\p{L}\p{M}\p{N}]+/gu) ?? []).join(' ')} `;
}

/** Parses a text such as `129.00`. Returns NaN, which matches nothing, for any other value. */
function parseNumber(value: Value): number {
  const isNumber = typeof value === 'string' && /^-?\d{1,15}(\.\d{1,15})?$/.test(value.trim());
  return isNumber ? Number(value) : Number.NaN;
}

/** Checks the depth at each level, so that validation stops at the limit. */
export const conditionSchema = (depth = 1): z.ZodMiniType<Condition> =>
  variant((value): z.ZodMiniType<Condition> => {
    if (depth > maxDepth) return noVariant(`conditions nested at most ${maxDepth} deep`);
    const fields = objectFields(value);
    if ('fact' in fields) return testSchema(fields);
    const parts = z
      .array(conditionSchema(depth + 1), expected('a list of conditions'))
      .check(z.maxLength(maxListLength, expected(`at most ${maxListLength} conditions`)));
    if ('all' in fields) return z.strictObject({ all: parts });
    if ('any' in fields) return z.strictObject({ any: parts });
    if ('not' in fields) return z.strictObject({ not: conditionSchema(depth + 1) });
    return noVariant('one of all, any, not, or a fact with an operator');
  });

/** The schemas of tests by operator and kind of fact. */
const testSchemas: ReadonlyMap<string, z.ZodMiniType<Test>> = new Map(
  Object.entries<Operator>(operators).flatMap(([name, { operands }]) =>
    Object.entries(operands).map(([kind, operand]) => {
      const schema = z.strictObject({ fact: nameSchema, [name]: operand });
      const toTest = z.transform((test: z.infer<typeof schema>): Test => ({ ...test, fact: String(test.fact) }));
      return [`${name} ${kind}`, z.pipe(schema, toTest)];
    }),
  ),
);

/** The schema of a test by its fact and operator, so that the issues concern these only. */
function testSchema({ fact, ...operations }: Readonly<Record<string, unknown>>): z.ZodMiniType<Test> {
  const kind = typeof fact === 'string' ? findFact(fact)?.kind : undefined;
  if (!kind) return z.object({ fact: noVariant(`one of ${factNames.join(', ')}`) });
  // A rule on the first message waits for it, so `exists` would always hold.
  const allowed = operatorNames.filter(
    (name) => testSchemas.has(`${name} ${kind}`) && !(fact === 'message' && name === 'exists'),
  );
  const [name, another] = Object.keys(operations);
  const schema = allowed.some((one) => one === name) ? testSchemas.get(`${name} ${kind}`) : undefined;
  if (schema && another === undefined) return schema;
  return z.object({ fact: noVariant(`${fact} with exactly one of ${allowed.join(', ')}`) });
}

/** A test that decided a condition, by its path in the rule, such as `when.all.1`. Holds no values. */
type Reason = EventData<'conversation.routed'>['evaluated'][number]['reasons'][number];

/** `unknown` until the customer has written what a condition tests. */
export type Truth = Reason['result'];

export interface ConditionResult {
  readonly truth: Truth;
  /** The tests that decided it. */
  readonly reasons: Reason[];
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
  const [name, parts] = listParts(condition);
  const results = parts.map((part, index) => evaluateCondition(part, facts, hours, `${path}.${name}.${index}`));
  const has = (wanted: Truth) => results.some(({ truth }) => truth === wanted);
  // One false part decides `all`, one true part `any`. Otherwise the result is unknown while that of any part is.
  const decisive = name === 'any';
  const truth = has(decisive) ? decisive : has('unknown') ? 'unknown' : !decisive;
  return { truth, reasons: results.filter((one) => one.truth === truth).flatMap(({ reasons }) => reasons) };
}

function listParts(condition: Exclude<Condition, Test | { readonly not: Condition }>) {
  return 'all' in condition ? (['all', condition.all] as const) : (['any', condition.any] as const);
}

function evaluateTest(test: Test, facts: RoutingFacts, hours: NamedHours | undefined, path: string): ConditionResult {
  const operator = operatorNames.find((name) => test[name] !== undefined) ?? 'exists';
  const values = factValues(test.fact, facts, hours);
  const result = values === 'not yet' ? 'unknown' : operators[operator].matches(values, test[operator] ?? true);
  return { truth: result, reasons: [{ path, fact: test.fact, operator, result }] };
}

export function isTest(condition: Condition): condition is Test {
  return 'fact' in condition;
}

/** Every test of a condition, at any depth, by its path in the rule. */
export function listTests(condition: Condition | undefined, path = 'when'): { path: string; test: Test }[] {
  if (condition === undefined) return [];
  if (isTest(condition)) return [{ path, test: condition }];
  if ('not' in condition) return listTests(condition.not, `${path}.not`);
  const [name, parts] = listParts(condition);
  return parts.flatMap((part, index) => listTests(part, `${path}.${name}.${index}`));
}
