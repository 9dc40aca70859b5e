import { BlockList, isIP, isIPv4 } from 'node:net';
import { isRecord } from './protocol.ts';

/** A value of an event that is neither an object nor a list. */
export type Leaf = string | number | boolean | null;

/** Tests a field's value against one alternative of a pattern. */
export type Test = (value: Leaf) => boolean;

/** The alternative `{ "exists": false }`, which tests the event instead of a value. */
export const absent = Symbol('absent');

/** An alternative that EventBridge rejects. The message is the reason that EventBridge's own error gives. */
export class InvalidAlternativeError extends Error {
  override readonly name = 'InvalidAlternativeError';
}

/** @throws InvalidAlternativeError */
export function compileAlternative(alternative: unknown): Test | typeof absent {
  if (typeof alternative === 'string') return compileText(alternative);
  if (isLeaf(alternative)) return (value) => value === alternative;
  if (!isRecord(alternative)) {
    throw new InvalidAlternativeError('Match value must be String, number, true, false, or null');
  }
  const { operator, operand } = onlyEntry(alternative, 'Match expression name not found');
  const compile = Object.hasOwn(operators, operator) ? operators[operator] : undefined;
  if (!compile) throw new InvalidAlternativeError(`Unrecognized match type ${operator}`);
  return compile(operand);
}

export function isLeaf(value: unknown): value is Leaf {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

/** An IP address matches every notation of the same address. */
function compileText(text: string): Test {
  const address = parseAddress(text);
  if (!address) return (value) => value === text;
  const list = new BlockList();
  list.addAddress(address.text, address.family);
  return (value) => isInList(list, value);
}

type TextTest = (text: string) => boolean;

/** The operators that can be nested in `anything-but`. */
const textOperators: Readonly<Record<string, (operand: string) => TextTest>> = {
  prefix: (operand) => (text) => text.startsWith(operand),
  suffix: (operand) => (text) => text.endsWith(operand),
  'equals-ignore-case': (operand) => ignoreCase('^', operand, '$'),
  wildcard: compileWildcard,
};

const operators: Readonly<Record<string, (operand: unknown) => Test | typeof absent>> = {
  exactly: (operand) => testText('exactly', operand, (wanted) => (text) => text === wanted),
  prefix: (operand) =>
    isRecord(operand)
      ? testText('prefix', caseInsensitive('prefix', operand), (wanted) => ignoreCase('^', wanted, ''))
      : testText('prefix', operand, (wanted) => (text) => text.startsWith(wanted)),
  suffix: (operand) =>
    isRecord(operand)
      ? testText('suffix', caseInsensitive('suffix', operand), (wanted) => ignoreCase('', wanted, '$'))
      : testText('suffix', operand, (wanted) => (text) => text.endsWith(wanted)),
  'equals-ignore-case': (operand) => testText('equals-ignore-case', operand, (wanted) => ignoreCase('^', wanted, '$')),
  wildcard: (operand) => testText('wildcard', operand, compileWildcard),
  cidr: compileCidr,
  numeric: compileNumeric,
  exists(operand) {
    if (typeof operand !== 'boolean') {
      throw new InvalidAlternativeError('exists match pattern must be either true or false.');
    }
    return operand ? () => true : absent;
  },
  'anything-but': compileAnythingBut,
};

function onlyEntry(record: Readonly<Record<string, unknown>>, emptyReason: string) {
  const [entry, ...others] = Object.entries(record);
  if (!entry) throw new InvalidAlternativeError(emptyReason);
  if (others.length > 0) throw new InvalidAlternativeError('Only one key allowed in match expression');
  const [operator, operand] = entry;
  return { operator, operand };
}

/** String operators match only strings. */
function testText(operator: string, operand: unknown, compile: (operand: string) => TextTest): Test {
  if (typeof operand !== 'string') {
    throw new InvalidAlternativeError(`${operator} match pattern must be a string`);
  }
  const matches = compile(operand);
  return (value) => typeof value === 'string' && matches(value);
}

/** The operand of `prefix` or `suffix` with `equals-ignore-case`. */
function caseInsensitive(outer: string, operand: Readonly<Record<string, unknown>>): unknown {
  const { operator, operand: text } = onlyEntry(operand, `${outer} expression name not found`);
  if (operator !== 'equals-ignore-case') throw new InvalidAlternativeError(`Unsupported ${outer} pattern: ${operator}`);
  return text;
}

/** Compares character by character, like EventBridge: each character matches its lower and its upper case. */
function ignoreCase(start: string, operand: string, end: string): TextTest {
  const characters = operand.split('').map((character) => {
    const cases = new Set([character.toLowerCase(), character.toUpperCase()]);
    return `(?:${[...cases].map(RegExp.escape).join('|')})`;
  });
  const expression = new RegExp(`${start}${characters.join('')}${end}`);
  return (text) => expression.test(text);
}

/** `*` matches any text; a backslash escapes `*` and itself. */
function compileWildcard(operand: string): TextTest {
  const invalid = /^(?:[^*\\]|\*(?!\*)|\\[*\\])*/.exec(operand)?.[0].length ?? 0;
  if (invalid < operand.length) {
    const reason = operand[invalid] === '*' ? 'Consecutive wildcard characters' : 'Invalid escape character';
    throw new InvalidAlternativeError(`${reason} at pos ${invalid}`);
  }
  const parts = [''];
  for (const [token] of operand.matchAll(/\\.|[^\\]/gs)) {
    if (token === '*') parts.push('');
    else parts.push(`${parts.pop()}${token.at(-1)}`);
  }
  const [first = '', ...rest] = parts;
  const last = rest.pop();
  if (last === undefined) return (text) => text === first;
  return (text) => {
    if (!text.startsWith(first)) return false;
    let position = first.length;
    for (const part of rest) {
      const found = text.indexOf(part, position);
      if (found === -1) return false;
      position = found + part.length;
    }
    return text.length - last.length >= position && text.endsWith(last);
  };
}

/** Leading zeros in an IPv4 address do not make a part octal. The notation determines the address family. */
function parseAddress(text: string) {
  const address = /^[\d.]+$/.test(text) ? text.replaceAll(/\b0+(?=\d)/g, '') : text;
  // IPv6 notation with a dotted IPv4 part is not supported.
  if (isIP(address) === 0 || !/^[\d.]+$|^[\da-f:]+$/i.test(address)) return undefined;
  return { text: address, family: isIPv4(address) ? ('ipv4' as const) : ('ipv6' as const) };
}

function isInList(list: BlockList, value: Leaf): boolean {
  const address = typeof value === 'string' ? parseAddress(value) : undefined;
  return address !== undefined && list.check(address.text, address.family);
}

function compileCidr(operand: unknown): Test {
  if (typeof operand !== 'string') throw new InvalidAlternativeError('cidr match pattern must be a string');
  const [network = '', bits = '', ...others] = operand.split('/');
  if (bits === '' || others.length > 0) throw new InvalidAlternativeError("Malformed CIDR, one '/' required");
  if (!/^[+-]?\d+$/.test(bits)) throw new InvalidAlternativeError('Malformed CIDR, mask bits must be an integer');
  const mask = Number(bits);
  if (mask < 0) throw new InvalidAlternativeError('Malformed CIDR, mask bits must not be negative');
  const address = parseAddress(network);
  if (!address) throw new InvalidAlternativeError('Nonstandard IP address');
  const limit = address.family === 'ipv4' ? 32 : 128;
  if (mask >= limit) {
    throw new InvalidAlternativeError(`${limit === 32 ? 'IPv4' : 'IPv6'} mask bits must be < ${limit}`);
  }
  const list = new BlockList();
  list.addSubnet(address.text, mask, address.family);
  return (value) => isInList(list, value);
}

const comparisons: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  '=': (value, bound) => value === bound,
  '<': (value, bound) => value < bound,
  '<=': (value, bound) => value <= bound,
  '>': (value, bound) => value > bound,
  '>=': (value, bound) => value >= bound,
};

/** One comparison, or a range from a lower to an upper bound. */
function compileNumeric(operand: unknown): Test {
  if (!Array.isArray(operand)) throw new InvalidAlternativeError('Value of numeric must be an array.');
  const [operator, bound, upperOperator, upperBound, ...others]: readonly unknown[] = operand;
  const lower = compileComparison(operator, bound);
  if (operand.length === 2) return (value) => typeof value === 'number' && lower.holds(value);
  if (operator !== '>' && operator !== '>=') {
    throw new InvalidAlternativeError('Too many elements in numeric expression');
  }
  if (upperOperator !== '<' && upperOperator !== '<=') {
    throw new InvalidAlternativeError(`Bad numeric range operator: ${JSON.stringify(upperOperator)}`);
  }
  const upper = compileComparison(upperOperator, upperBound);
  if (others.length > 0) throw new InvalidAlternativeError('Too many terms in numeric range expression');
  if (lower.bound >= upper.bound) throw new InvalidAlternativeError('Bottom must be less than top');
  return (value) => typeof value === 'number' && lower.holds(value) && upper.holds(value);
}

function compileComparison(operator: unknown, bound: unknown) {
  const compare = typeof operator === 'string' && Object.hasOwn(comparisons, operator) && comparisons[operator];
  if (!compare) {
    throw new InvalidAlternativeError(`Unrecognized numeric range operator: ${JSON.stringify(operator)}`);
  }
  if (typeof bound !== 'number' || !Number.isFinite(bound)) {
    throw new InvalidAlternativeError(`Value of ${operator} must be numeric`);
  }
  return { bound, holds: (value: number) => compare(value, bound) };
}

/** Excludes strings, numbers, or the matches of a nested string operator. */
function compileAnythingBut(operand: unknown): Test {
  if (isRecord(operand)) return excludeByOperator(operand);
  const excluded: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
  const types = new Set(excluded.map((value) => typeof value));
  if (types.size !== 1 || !(types.has('string') || types.has('number'))) {
    throw new InvalidAlternativeError(
      'Inside anything but list, either all values are number or string, mixed type is not supported',
    );
  }
  return (value) => !excluded.includes(value);
}

function excludeByOperator(operand: Readonly<Record<string, unknown>>): Test {
  const { operator, operand: inner } = onlyEntry(operand, 'Anything-But expression name not found');
  const compile = Object.hasOwn(textOperators, operator) ? textOperators[operator] : undefined;
  if (!compile) throw new InvalidAlternativeError(`Unsupported anything-but pattern: ${operator}`);
  const matchesEmpty = operator === 'prefix' || operator === 'suffix';
  const texts: readonly unknown[] = Array.isArray(inner) ? inner : [inner];
  if (texts.length === 0) throw new InvalidAlternativeError('Empty arrays are not allowed');
  const excluded = texts.map((text) => {
    if (typeof text !== 'string') throw new InvalidAlternativeError(`${operator} match pattern must be a string`);
    if (matchesEmpty && text === '') throw new InvalidAlternativeError('Null prefix/suffix not allowed');
    return compile(text);
  });
  return (value) => typeof value !== 'string' || !excluded.some((matches) => matches(value));
}
