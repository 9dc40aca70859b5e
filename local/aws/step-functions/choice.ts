import { isRecord, type Json } from '../protocol.ts';
import { findValue, type Path, parsePath, readValue, runtimeError, type Scope } from './expressions.ts';

export type Condition = (scope: Scope) => boolean;

const timestampForm = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

/** Milliseconds since 1970, or undefined for a value that is not an RFC 3339 timestamp. */
export function parseTimestamp(value: Json | undefined): number | undefined {
  if (typeof value !== 'string' || !timestampForm.test(value)) return undefined;
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? undefined : ms;
}

/** Compares two values. Values of another type never match. */
const comparisons: Readonly<Record<string, (order: number) => boolean>> = {
  Equals: (order) => order === 0,
  LessThan: (order) => order < 0,
  GreaterThan: (order) => order > 0,
  LessThanEquals: (order) => order <= 0,
  GreaterThanEquals: (order) => order >= 0,
};

/** The order of two values of an operator's type, or NaN if one has another type. */
const orders: Readonly<Record<string, (a: Json, b: Json) => number>> = {
  String: (a, b) => (typeof a === 'string' && typeof b === 'string' ? compare(a, b) : Number.NaN),
  Numeric: (a, b) => (typeof a === 'number' && typeof b === 'number' ? compare(a, b) : Number.NaN),
  Boolean: (a, b) => (typeof a === 'boolean' && a === b ? 0 : Number.NaN),
  Timestamp: (a, b) => compare(parseTimestamp(a) ?? Number.NaN, parseTimestamp(b) ?? Number.NaN),
};

const typeTests: Readonly<Record<string, (value: Json | undefined) => boolean>> = {
  IsPresent: (value) => value !== undefined,
  IsNull: (value) => value === null,
  IsNumeric: (value) => typeof value === 'number',
  IsString: (value) => typeof value === 'string',
  IsBoolean: (value) => typeof value === 'boolean',
  IsTimestamp: (value) => parseTimestamp(value) !== undefined,
};

function compare<T extends string | number>(a: T, b: T): number {
  if (a < b) return -1;
  if (a > b) return 1;
  return a === b ? 0 : Number.NaN;
}

/** Compiles a rule of a Choice state, which the validator has accepted. */
export function compileCondition(rule: Readonly<Record<string, unknown>>): Condition {
  const { And, Or, Not, Variable } = rule;
  if (Array.isArray(And)) {
    const conditions = And.filter(isRecord).map(compileCondition);
    return (scope) => conditions.every((condition) => condition(scope));
  }
  if (Array.isArray(Or)) {
    const conditions = Or.filter(isRecord).map(compileCondition);
    return (scope) => conditions.some((condition) => condition(scope));
  }
  if (isRecord(Not)) {
    const condition = compileCondition(Not);
    return (scope) => !condition(scope);
  }
  const variable = parsePath(String(Variable));
  const operator = Object.keys(rule).find((key) => !['Variable', 'Next', 'Comment', 'Assign'].includes(key)) ?? '';
  return compileTest(operator, rule[operator], variable);
}

function compileTest(operator: string, operand: unknown, variable: Path): Condition {
  const typeTest = typeTests[operator];
  if (typeTest) {
    const read = operator === 'IsPresent' ? findValue : readVariable;
    return (scope) => typeTest(read(variable, scope)) === operand;
  }
  if (operator === 'StringMatches') {
    const pattern = wildcardPattern(String(operand));
    return (scope) => {
      const value = readVariable(variable, scope);
      return typeof value === 'string' && pattern.test(value);
    };
  }
  const [, type = '', comparison = '', path] = /^(String|Numeric|Boolean|Timestamp)(\w+?)(Path)?$/.exec(operator) ?? [];
  const order = orders[type];
  const matches = comparisons[comparison];
  if (!order || !matches) throw runtimeError(`The operator ${operator} does not exist`);
  const other = path ? parsePath(String(operand)) : undefined;
  const constant = toConstant(operand);
  return (scope) => matches(order(readVariable(variable, scope), other ? readValue(other, scope) : constant));
}

function readVariable(path: Path, scope: Scope): Json {
  const value = findValue(path, scope);
  if (value === undefined) {
    throw runtimeError(`Invalid path '${path.text}': The choice state's condition path references an invalid value.`);
  }
  return value;
}

function toConstant(operand: unknown): Json {
  return typeof operand === 'string' || typeof operand === 'number' || typeof operand === 'boolean' ? operand : null;
}

/** `*` matches any text. A backslash before it matches an asterisk. */
function wildcardPattern(text: string): RegExp {
  const source = text.replace(/\\(.)|\*|[.+?^${}()|[\]]/g, (match, escaped: string | undefined) => {
    if (match === '*') return '.*';
    return `\\${escaped ?? match}`;
  });
  return new RegExp(`^${source}$`, 's');
}
