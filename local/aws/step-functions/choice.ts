import type { Json } from '../protocol.ts';
import {
  compilePath,
  compileSearch,
  isObject,
  runtimeError,
  type Scope,
  UnsupportedStateMachineError,
} from './expressions.ts';

export type Condition = (scope: Scope) => boolean;

type Comparable = string | number | boolean;

/** Converts a value to an operator's type. Returns undefined for a value of another type, which never matches. */
const types: Readonly<Record<string, (value: Json) => Comparable | undefined>> = {
  String: (value) => (typeof value === 'string' ? value : undefined),
  Numeric: (value) => (typeof value === 'number' ? value : undefined),
  Boolean: (value) => (typeof value === 'boolean' ? value : undefined),
  Timestamp: parseTimestamp,
};

const comparisons: Readonly<Record<string, (a: Comparable, b: Comparable) => boolean>> = {
  Equals: (a, b) => a === b,
  LessThan: (a, b) => a < b,
  LessThanEquals: (a, b) => a <= b,
  GreaterThan: (a, b) => a > b,
  GreaterThanEquals: (a, b) => a >= b,
};

const timestampForm = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

/** Milliseconds since 1970, or undefined for a value that is not an RFC 3339 timestamp. */
export function parseTimestamp(value: Json): number | undefined {
  const ms = typeof value === 'string' && timestampForm.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

/**
 * Compiles a rule of a Choice state, which the validator has accepted.
 *
 * @throws UnsupportedStateMachineError for another field than `Next`, `Variable` and one operator.
 */
export function compileCondition({ Next, Variable, ...rule }: Readonly<Record<string, Json>>): Condition {
  const [[operator, operand] = ['', null], ...others] = Object.entries(rule);
  if (others.length > 0) throw new UnsupportedStateMachineError(`A choice with ${Object.keys(rule).join(' and ')}`);
  if (Variable !== undefined) return compileTest(operator, operand, String(Variable));
  const conditions = [operand].flat().filter(isObject).map(compileCondition);
  switch (operator) {
    case 'And':
      return (scope) => conditions.every((holds) => holds(scope));
    case 'Or':
      return (scope) => conditions.some((holds) => holds(scope));
    default:
      return (scope) => !conditions.some((holds) => holds(scope));
  }
}

function compileTest(operator: string, operand: Json, variable: string): Condition {
  const search = compileSearch(variable);
  const read = (scope: Scope): Json => {
    const value = search(scope);
    if (value !== undefined) return value;
    const problem = "The choice state's condition path references an invalid value.";
    throw runtimeError(`Invalid path '${variable}': ${problem}`);
  };
  if (operator === 'IsPresent') return (scope) => (search(scope) !== undefined) === operand;
  if (operator === 'IsNull') return (scope) => (read(scope) === null) === operand;
  if (operator === 'StringMatches') {
    const pattern = compileWildcards(String(operand));
    return (scope) => {
      const value = read(scope);
      return typeof value === 'string' && pattern.test(value);
    };
  }
  const [, is, type = '', name = '', path] =
    /^(Is)?(String|Numeric|Boolean|Timestamp)(\w*?)(Path)?$/.exec(operator) ?? [];
  const convert = types[type];
  const compare = comparisons[name];
  if (convert && is) return (scope) => (convert(read(scope)) !== undefined) === operand;
  if (!convert || !compare) throw new UnsupportedStateMachineError(`The operator ${operator}`);
  const other = path ? compilePath(String(operand)) : () => operand;
  return (scope) => {
    const [left, right] = [convert(read(scope)), convert(other(scope))];
    return left !== undefined && right !== undefined && compare(left, right);
  };
}

/** `*` matches any text. A backslash before it matches an asterisk. */
function compileWildcards(text: string): RegExp {
  const source = text.replace(/\\(.)|\*|[.+?^${}()|[\]]/g, (match, escaped: string | undefined) =>
    match === '*' ? '.*' : `\\${escaped ?? match}`,
  );
  return new RegExp(`^${source}$`, 's');
}
