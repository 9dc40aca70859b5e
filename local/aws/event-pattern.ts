import {
  absent,
  compileAlternative,
  InvalidAlternativeError,
  isLeaf,
  type Leaf,
  type Test,
} from './event-pattern-operators.ts';
import { isRecord } from './protocol.ts';

/**
 * EventBridge's event patterns, with every operator. The results equal those of AWS's open-source matcher (event-ruler 2.1),
 * for valid and for invalid patterns.
 */
export type Matcher = (event: unknown) => boolean;

export class InvalidPatternError extends Error {
  override readonly name = 'InvalidPatternError';

  constructor(reason: string, path: string, options?: ErrorOptions) {
    super(`Event pattern is not valid. Reason: ${reason} (at ${path || 'the top'})`, options);
  }
}

/** The alternatives of one field. */
interface Condition {
  readonly tests: readonly Test[];
  /** Whether one of the alternatives is `{ "exists": false }`. */
  readonly orAbsent: boolean;
}

/** Conditions by path, all of which must hold. A pattern with `$or` compiles to several conjunctions. */
type Conjunction = ReadonlyMap<string, Condition>;

/** The index of the element that contains a value, for each list around the value. */
type Membership = ReadonlyMap<readonly unknown[], number>;

interface Field {
  readonly value: Leaf;
  readonly membership: Membership;
}

const noMembership: Membership = new Map();

/** @throws InvalidPatternError with the first part that EventBridge rejects. */
export function compilePattern(pattern: unknown): Matcher {
  if (!isRecord(pattern)) throw new InvalidPatternError('Filter is not an object', '');
  const conjunctions = compileWithOr(pattern);
  // The order of the paths decides to which list element `exists: false` applies, as in EventBridge.
  const sorted = conjunctions.map((conditions) => [...conditions].sort(([a], [b]) => (a < b ? -1 : 1)));
  const steps = new Set(sorted.flat().flatMap(([path]) => path.split('.')));
  return (event) => {
    const fields: Fields = new Map();
    addFields(fields, steps, event, '', noMembership);
    return sorted.some((conditions) => allHold(conditions, 0, fields, noMembership));
  };
}

/** The place of an object in a pattern. It determines the meaning of `$or` and of reserved names in the object. */
type Place = 'outside $or' | 'inside $or' | 'without $or';

/** Compiles `$or` as alternatives. If that fails, compiles it as a field with the name `$or`. */
function compileWithOr(pattern: Readonly<Record<string, unknown>>): readonly Conjunction[] {
  try {
    return compileObject([new Map()], pattern, '', 'outside $or');
  } catch (error) {
    try {
      return compileObject([new Map()], pattern, '', 'without $or');
    } catch {
      throw error;
    }
  }
}

/** Adds an object's conditions to each conjunction. Replaces an earlier condition on the same field. */
function compileObject(
  conjunctions: readonly Conjunction[],
  object: Readonly<Record<string, unknown>>,
  path: string,
  place: Place,
): readonly Conjunction[] {
  const entries = Object.entries(object);
  if (entries.length === 0) throw new InvalidPatternError('Empty objects are not allowed', path);
  return entries.reduce((found, [key, value]) => {
    if (key === '$or' && place !== 'without $or') return compileOr(found, value, path);
    if (place === 'inside $or' && reservedInOr.has(key)) {
      throw new InvalidPatternError(`${key} is a reserved field name, which cannot be used inside $or`, path);
    }
    const inner = path ? `${path}.${key}` : key;
    if (isRecord(value)) return compileObject(found, value, inner, place);
    if (!Array.isArray(value)) throw new InvalidPatternError(`"${key}" must be an object or an array`, inner);
    const condition = compileCondition(value, inner);
    return found.map((conjunction) => new Map(conjunction).set(inner, condition));
  }, conjunctions);
}

/** EventBridge's limit on the combinations of the alternatives of all `$or`. */
const maxConjunctions = 1_000;

function compileOr(conjunctions: readonly Conjunction[], alternatives: unknown, path: string): readonly Conjunction[] {
  if (!Array.isArray(alternatives)) throw new InvalidPatternError('It must be an Array followed with $or.', path);
  if (alternatives.length < 2) {
    throw new InvalidPatternError('There must have at least 2 Objects in $or relationship.', path);
  }
  const found = alternatives.flatMap((alternative: unknown) => {
    if (!isRecord(alternative)) {
      throw new InvalidPatternError('Only JSON object is allowed in array of $or relationship.', path);
    }
    return compileObject(conjunctions, alternative, path, 'inside $or');
  });
  if (found.length > maxConjunctions) {
    throw new InvalidPatternError(`$or has more than ${maxConjunctions} combinations`, path);
  }
  return found;
}

/** The names of operators, including names that EventBridge reserves for future ones. */
const reservedInOr: ReadonlySet<string> = new Set([
  'exactly',
  'equals-ignore-case',
  'prefix',
  'suffix',
  'anything-but',
  'exists',
  'wildcard',
  'numeric',
  'cidr',
  '=',
  '<',
  '<=',
  '>',
  '>=',
  'regex',
  'not-wildcard',
  'not-equals-ignore-case',
  'date-after',
  'date-on-or-after',
  'date-before',
  'date-on-or-before',
  'in-date-range',
  'ip-address-in-range',
  'ip-address-not-in-range',
]);

function compileCondition(alternatives: readonly unknown[], path: string): Condition {
  if (alternatives.length === 0) throw new InvalidPatternError('Empty arrays are not allowed', path);
  try {
    const compiled = alternatives.map(compileAlternative);
    return { tests: compiled.filter((test) => test !== absent), orAbsent: compiled.includes(absent) };
  } catch (error) {
    if (error instanceof InvalidAlternativeError) throw new InvalidPatternError(error.message, path, { cause: error });
    throw error;
  }
}

/** Whether all conditions from `index` on match values from the same element of each list. */
function allHold(
  conditions: readonly (readonly [path: string, condition: Condition])[],
  index: number,
  fields: ReadonlyMap<string, readonly Field[]>,
  membership: Membership,
): boolean {
  const found = conditions[index];
  if (!found) return true;
  const [path, { tests, orAbsent }] = found;
  const candidates = (fields.get(path) ?? []).filter((field) => areConsistent(membership, field.membership));
  if (orAbsent && candidates.length === 0 && allHold(conditions, index + 1, fields, membership)) return true;
  return candidates.some(
    (field) =>
      tests.some((test) => test(field.value)) &&
      allHold(conditions, index + 1, fields, merge(membership, field.membership)),
  );
}

function merge(membership: Membership, other: Membership): Membership {
  return other.size === 0 ? membership : new Map([...membership, ...other]);
}

function areConsistent(membership: Membership, other: Membership): boolean {
  return other.size === 0 || [...other].every(([list, index]) => (membership.get(list) ?? index) === index);
}

type Fields = Map<string, Field[]>;

/**
 * Adds the values of the fields that the pattern names. A value in a list has the path of the list. An empty list adds no
 * value.
 */
function addFields(fields: Fields, steps: ReadonlySet<string>, value: unknown, path: string, at: Membership): void {
  if (isRecord(value)) {
    for (const key of Object.keys(value)) {
      if (!isNamed(steps, key)) continue;
      addFields(fields, steps, value[key], path ? `${path}.${key}` : key, at);
    }
  } else if (Array.isArray(value)) {
    addElements(fields, steps, value, path, at);
  } else if (isLeaf(value)) {
    const found = fields.get(path);
    if (found) found.push({ value, membership: at });
    else fields.set(path, [{ value, membership: at }]);
  }
}

function addElements(
  fields: Fields,
  steps: ReadonlySet<string>,
  list: readonly unknown[],
  path: string,
  at: Membership,
): void {
  for (const [index, element] of list.entries()) {
    // Direct values of a list have no element index, so they match together with a field of any element.
    addFields(fields, steps, element, path, isLeaf(element) ? at : new Map([...at, [list, index]]));
  }
}

/** A dot in a field name separates path segments. */
function isNamed(steps: ReadonlySet<string>, key: string): boolean {
  return steps.has(key) || (key.includes('.') && key.split('.').every((step) => steps.has(step)));
}
