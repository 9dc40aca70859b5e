import { isRecord } from './protocol.ts';

/**
 * A subset of EventBridge's event patterns: exact values, `prefix`, `suffix`, `anything-but` (values or prefix), `exists`,
 * `numeric`, nested fields and `$or`. Everything else is rejected by name, so that a rule matches the same events here and
 * on AWS.
 */

export type Matcher = (event: unknown) => boolean;

/** Tests one field's value against one alternative of a pattern. An absent field is `undefined`. */
type Test = (value: unknown) => boolean;

export class UnsupportedPatternError extends Error {
  override readonly name = 'UnsupportedPatternError';

  constructor(what: string, path: string) {
    super(`${what} at ${path || 'the top'} of an event pattern is not supported by the local engine`);
  }
}

/** @throws UnsupportedPatternError which names the first operator that is not supported. */
export function compilePattern(pattern: unknown, path = ''): Matcher {
  if (!isRecord(pattern)) throw new UnsupportedPatternError('A value outside a list', path);
  const fields = Object.entries(pattern).map(([key, value]) =>
    key === '$or' ? compileOr(value, path) : compileField(key, value, path ? `${path}.${key}` : key),
  );
  return (event) => fields.every((matches) => matches(event));
}

function compileOr(alternatives: unknown, path: string): Matcher {
  if (!Array.isArray(alternatives)) throw new UnsupportedPatternError('"$or" without a list', path);
  const matchers = alternatives.map((alternative) => compilePattern(alternative, path));
  return (event) => matchers.some((matches) => matches(event));
}

function compileField(key: string, value: unknown, path: string): Matcher {
  const field = (event: unknown): unknown => (isRecord(event) && Object.hasOwn(event, key) ? event[key] : undefined);
  if (!Array.isArray(value)) {
    const nested = compilePattern(value, path);
    return (event) => elements(field(event)).some(nested);
  }
  if (value.length === 0) throw new UnsupportedPatternError('An empty list', path);
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
  if (!isRecord(alternative)) throw new UnsupportedPatternError('A list inside a list', path);
  const [entry, ...others] = Object.entries(alternative);
  if (!entry || others.length > 0)
    throw new UnsupportedPatternError('An alternative without exactly one operator', path);
  const [operator, operand] = entry;
  const compile = operators[operator];
  if (!compile) throw new UnsupportedPatternError(`The operator "${operator}"`, path);
  return compile(operand, path);
}

const operators: Readonly<Record<string, (operand: unknown, path: string) => Test>> = {
  prefix: (operand, path) => {
    const prefix = requireText(operand, 'prefix', path);
    return (value) => typeof value === 'string' && value.startsWith(prefix);
  },
  suffix: (operand, path) => {
    const suffix = requireText(operand, 'suffix', path);
    return (value) => typeof value === 'string' && value.endsWith(suffix);
  },
  exists: (operand, path) => {
    if (typeof operand !== 'boolean') throw new UnsupportedPatternError('"exists" without true or false', path);
    return (value) => (value !== undefined) === operand;
  },
  'anything-but': compileAnythingBut,
  numeric: compileNumeric,
};

function compileAnythingBut(operand: unknown, path: string): Test {
  if (isRecord(operand)) {
    const { prefix, ...others } = operand;
    const [unknown] = Object.keys(others);
    if (unknown) throw new UnsupportedPatternError(`The operator "${unknown}" in "anything-but"`, path);
    const excluded = requireText(prefix, 'anything-but prefix', path);
    return (value) => value !== undefined && !(typeof value === 'string' && value.startsWith(excluded));
  }
  const excluded: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
  if (!excluded.every(isScalar)) throw new UnsupportedPatternError('An operator in the list of "anything-but"', path);
  return (value) => value !== undefined && !excluded.some((one) => one === value);
}

const comparisons: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  '=': (value, bound) => value === bound,
  '<': (value, bound) => value < bound,
  '<=': (value, bound) => value <= bound,
  '>': (value, bound) => value > bound,
  '>=': (value, bound) => value >= bound,
};

function compileNumeric(operand: unknown, path: string): Test {
  if (!Array.isArray(operand) || operand.length === 0 || operand.length % 2 !== 0) {
    throw new UnsupportedPatternError('"numeric" without pairs of comparison and number', path);
  }
  const bounds: ((value: number) => boolean)[] = [];
  for (let index = 0; index < operand.length; index += 2) {
    const [comparison, bound]: unknown[] = operand.slice(index, index + 2);
    const compare = typeof comparison === 'string' ? comparisons[comparison] : undefined;
    if (!compare || typeof bound !== 'number') {
      throw new UnsupportedPatternError(`The comparison "${String(comparison)} ${String(bound)}" in "numeric"`, path);
    }
    bounds.push((value) => compare(value, bound));
  }
  return (value) => typeof value === 'number' && bounds.every((holds) => holds(value));
}

function isScalar(value: unknown): value is string | number | boolean | null {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

function requireText(operand: unknown, operator: string, path: string): string {
  if (typeof operand !== 'string') throw new UnsupportedPatternError(`"${operator}" requires a string`, path);
  return operand;
}
