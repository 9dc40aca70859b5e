import * as z from 'zod/mini';
import { isRecord } from './protocol.ts';

/**
 * A subset of EventBridge's event patterns: exact values, `prefix`, `suffix`, `anything-but` (values or a prefix), `exists`,
 * `numeric`, nested fields and `$or`. Everything else is rejected, so that a rule matches the same events here and on AWS.
 */

export type Matcher = (event: unknown) => boolean;

/** Tests one field's value, undefined if it is absent, against one alternative of a pattern. */
type Test = (value: unknown) => boolean;

export class UnsupportedPatternError extends Error {
  override readonly name = 'UnsupportedPatternError';

  constructor(what: unknown, path: string) {
    super(`${JSON.stringify(what)} at ${path || 'the top'} of an event pattern is not supported by the local engine`);
  }
}

/** @throws UnsupportedPatternError with the first part that is not supported. */
export function compilePattern(pattern: unknown, path = ''): Matcher {
  if (!isRecord(pattern)) throw new UnsupportedPatternError(pattern, path);
  const fields = Object.entries(pattern).map(([key, value]) =>
    key === '$or' ? compileOr(value, path) : compileField(key, value, path ? `${path}.${key}` : key),
  );
  return (event) => fields.every((matches) => matches(event));
}

function compileOr(alternatives: unknown, path: string): Matcher {
  if (!Array.isArray(alternatives)) throw new UnsupportedPatternError({ $or: alternatives }, path);
  const matchers = alternatives.map((alternative) => compilePattern(alternative, path));
  return (event) => matchers.some((matches) => matches(event));
}

function compileField(key: string, value: unknown, path: string): Matcher {
  const field = (event: unknown): unknown => (isRecord(event) && Object.hasOwn(event, key) ? event[key] : undefined);
  if (!Array.isArray(value)) {
    const nested = compilePattern(value, path);
    return (event) => elements(field(event)).some(nested);
  }
  if (value.length === 0) throw new UnsupportedPatternError(value, path);
  const tests = value.map((alternative) => compileTest(alternative, path));
  return (event) => {
    const values = elements(field(event));
    // Patterns match leaves: a field with an object or an empty list counts as absent.
    const leaves = values.filter((leaf) => leaf !== undefined && !isRecord(leaf));
    return tests.some((test) => (leaves.length > 0 ? leaves.some(test) : test(undefined)));
  };
}

/** A list in an event matches if one of its elements matches. */
function elements(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function compileTest(alternative: unknown, path: string): Test {
  if (isScalar(alternative)) return (value) => value === alternative;
  const [[operator = '', operand] = [], ...others] = Object.entries(isRecord(alternative) ? alternative : {});
  const test = others.length === 0 ? compileOperator(operator, operand) : undefined;
  if (!test) throw new UnsupportedPatternError(alternative, path);
  return test;
}

/** Returns undefined for an unsupported operator or operand. */
function compileOperator(operator: string, operand: unknown): Test | undefined {
  switch (operator) {
    case 'prefix':
      if (typeof operand !== 'string') return undefined;
      return (value) => typeof value === 'string' && value.startsWith(operand);
    case 'suffix':
      if (typeof operand !== 'string') return undefined;
      return (value) => typeof value === 'string' && value.endsWith(operand);
    case 'exists':
      return typeof operand === 'boolean' ? (value) => (value !== undefined) === operand : undefined;
    case 'anything-but':
      return compileAnythingBut(operand);
    case 'numeric':
      return compileNumeric(operand);
    default:
      return undefined;
  }
}

/** Excludes a value, a list of values, or `{ prefix }`. An absent field never matches. */
function compileAnythingBut(operand: unknown): Test | undefined {
  if (isRecord(operand)) {
    const [operator, ...others] = Object.keys(operand);
    const excluded = operator === 'prefix' && others.length === 0 && compileOperator(operator, operand.prefix);
    return excluded ? (value) => value !== undefined && !excluded(value) : undefined;
  }
  const excluded: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
  return excluded.every(isScalar)
    ? (value) => value !== undefined && !excluded.some((one) => one === value)
    : undefined;
}

const comparisons = {
  '=': (value: number, bound: number) => value === bound,
  '<': (value: number, bound: number) => value < bound,
  '<=': (value: number, bound: number) => value <= bound,
  '>': (value: number, bound: number) => value > bound,
  '>=': (value: number, bound: number) => value >= bound,
};

const comparison = z.enum(['=', '<', '<=', '>', '>=']);
/** One or two pairs of a comparison and its bound. */
const numericSchema = z.union([
  z.tuple([comparison, z.number()]),
  z.tuple([comparison, z.number(), comparison, z.number()]),
]);

function compileNumeric(operand: unknown): Test | undefined {
  const { data } = numericSchema.safeParse(operand);
  if (!data) return undefined;
  const [first, bound, second = first, otherBound = bound] = data;
  return (value) =>
    typeof value === 'number' && comparisons[first](value, bound) && comparisons[second](value, otherBound);
}

function isScalar(value: unknown): value is string | number | boolean | null {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}
