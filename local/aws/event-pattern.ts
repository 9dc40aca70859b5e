import { isRecord } from './protocol.ts';

/**
 * The part of EventBridge's event patterns that the rules use: exact values, `exists`, nested fields and `$or`. Everything
 * else is rejected, so that a rule matches the same events here and on AWS.
 */

export type Matcher = (event: unknown) => boolean;

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

/** Tests one field's value, undefined if it is absent, against one alternative of a pattern. */
function compileTest(alternative: unknown, path: string): (value: unknown) => boolean {
  if (alternative === null || ['string', 'number', 'boolean'].includes(typeof alternative)) {
    return (value) => value === alternative;
  }
  const { exists, ...others } = isRecord(alternative) ? alternative : {};
  if (typeof exists !== 'boolean' || Object.keys(others).length > 0)
    throw new UnsupportedPatternError(alternative, path);
  return (value) => (value !== undefined) === exists;
}
