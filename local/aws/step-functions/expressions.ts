import { createHash, randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { isRecord, type Json } from '../protocol.ts';

/** What an expression reads: a state's input (`$`) and the context object (`$$`). */
export interface Scope {
  readonly input: Json;
  readonly context: Json;
}

export type Evaluate = (scope: Scope) => Json;

/** An error of a state. Retry and Catch match its name; its message is the cause. */
export class StateError extends Error {
  override readonly name: string;
  /** A timeout because no heartbeat arrived. Step Functions reports it as `States.Timeout`. */
  readonly isHeartbeatTimeout: boolean;

  constructor(name: string, cause = '', { isHeartbeatTimeout = false } = {}) {
    super(cause);
    this.name = name;
    this.isHeartbeatTimeout = isHeartbeatTimeout;
  }
}

/** An error of the definition or of its data. Neither Retry nor Catch handles it. */
export function runtimeError(cause: string): StateError {
  return new StateError('States.Runtime', cause);
}

export class UnsupportedExpressionError extends Error {
  override readonly name = 'UnsupportedExpressionError';
}

export interface Path {
  readonly text: string;
  readonly source: keyof Scope;
  readonly segments: readonly (string | number)[];
}

const segmentForm = /\.([\p{L}\p{N}_-]+)|\[(\d+)\]|\['([^'\\]*)'\]|\["([^"\\]*)"\]/uy;

/** @throws UnsupportedExpressionError for wildcards, filters, slices and anything else that can select several values. */
export function parsePath(text: string): Path {
  const source = text.startsWith('$$') ? 'context' : 'input';
  const segments: (string | number)[] = [];
  segmentForm.lastIndex = source === 'context' ? 2 : 1;
  if (!text.startsWith('$')) throw new UnsupportedExpressionError(`The path ${text}`);
  while (segmentForm.lastIndex < text.length) {
    const match = segmentForm.exec(text);
    if (!match) throw new UnsupportedExpressionError(`The path ${text}`);
    const [, name, index, single, double] = match;
    segments.push(index === undefined ? (name ?? single ?? double ?? '') : Number(index));
  }
  return { text, source, segments };
}

/** Undefined if there is no value. */
export function findValue({ source, segments }: Path, scope: Scope): Json | undefined {
  let value: Json | undefined = scope[source];
  for (const segment of segments) {
    if (typeof segment === 'number') value = Array.isArray(value) ? value[segment] : undefined;
    else value = isObject(value) && Object.hasOwn(value, segment) ? value[segment] : undefined;
  }
  return value;
}

/** @throws StateError States.Runtime if there is no value. */
export function readValue(path: Path, scope: Scope): Json {
  const value = findValue(path, scope);
  if (value === undefined) throw runtimeError(`The JSONPath '${path.text}' could not be found in the input`);
  return value;
}

/** Compiles a payload template: in fields whose name ends in `.$`, paths and intrinsic functions. */
export function compileTemplate(template: unknown): Evaluate {
  if (Array.isArray(template)) {
    const items = template.map(compileTemplate);
    return (scope) => items.map((item) => item(scope));
  }
  if (isRecord(template)) {
    const fields = Object.entries(template).map(([key, value]): [string, Evaluate] =>
      key.endsWith('.$') ? [key.slice(0, -2), compileExpression(String(value))] : [key, compileTemplate(value)],
    );
    return (scope) => Object.fromEntries(fields.map(([key, evaluate]) => [key, evaluate(scope)]));
  }
  return () => toScalar(template);
}

function toScalar(value: unknown): Json {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return null;
}

/** Compiles a path or an intrinsic function. */
export function compileExpression(text: string): Evaluate {
  if (text.startsWith('$')) {
    const path = parsePath(text);
    return (scope) => readValue(path, scope);
  }
  const parser = createParser(text);
  const evaluate = parser.argument();
  parser.end();
  return evaluate;
}

const literalForm = /\s*(?:'((?:[^'\\]|\\.)*)'|(-?\d+(?:\.\d+)?|true|false|null)|(\$[^,()\s]*))\s*/y;
const callForm = /\s*(States\.\w+)\(\s*/y;

/** A recursive descent parser of intrinsic functions. */
function createParser(text: string) {
  let position = 0;

  function take(form: RegExp): RegExpExecArray | null {
    form.lastIndex = position;
    const match = form.exec(text);
    if (match) position = form.lastIndex;
    return match;
  }

  function call(name: string): Evaluate {
    const run = intrinsics[name];
    if (!run) throw new UnsupportedExpressionError(`The intrinsic function ${name}`);
    const parameters: Evaluate[] = [];
    while (!take(/\s*\)\s*/y)) {
      if (parameters.length > 0 && !take(/\s*,\s*/y)) throw new UnsupportedExpressionError(`The expression ${text}`);
      parameters.push(argument());
    }
    return (scope) => {
      const result = run(parameters.map((parameter) => parameter(scope)));
      if (result === undefined) throw new StateError('States.IntrinsicFailure', `The function '${text}' failed`);
      return result;
    };
  }

  function argument(): Evaluate {
    const name = take(callForm)?.[1];
    if (name !== undefined) return call(name);
    const literal = take(literalForm);
    if (!literal) throw new UnsupportedExpressionError(`The expression ${text}`);
    const [, quoted, scalar, path] = literal;
    if (path !== undefined) {
      const parsed = parsePath(path);
      return (scope) => readValue(parsed, scope);
    }
    const value: Json = quoted === undefined ? JSON.parse(scalar ?? 'null') : quoted.replace(/\\(['\\])/g, '$1');
    return () => value;
  }

  return {
    argument,
    end() {
      if (position < text.length) throw new UnsupportedExpressionError(`The expression ${text}`);
    },
  };
}

/** Returns undefined for invalid arguments. */
type Intrinsic = (parameters: readonly Json[]) => Json | undefined;

const intrinsics: Readonly<Record<string, Intrinsic>> = {
  'States.Format': ([template, ...values]) => (typeof template === 'string' ? format(template, values) : undefined),
  'States.StringToJson': ([text]) => (typeof text === 'string' ? parseText(text) : undefined),
  'States.JsonToString': ([value]) => JSON.stringify(value),
  'States.StringSplit': ([text, separators]) =>
    typeof text === 'string' && typeof separators === 'string' ? split(text, separators) : undefined,
  'States.Array': (items) => [...items],
  'States.ArrayGetItem': ([items, index]) =>
    Array.isArray(items) && typeof index === 'number' ? items[index] : undefined,
  'States.ArrayLength': ([items]) => (Array.isArray(items) ? items.length : undefined),
  'States.ArrayContains': ([items, value]) =>
    Array.isArray(items) ? items.some((item) => isDeepStrictEqual(item, value)) : undefined,
  'States.ArrayUnique': ([items]) =>
    Array.isArray(items)
      ? items.filter((item, index) => items.findIndex((other) => isDeepStrictEqual(other, item)) === index)
      : undefined,
  'States.Base64Encode': ([text]) => (typeof text === 'string' ? Buffer.from(text).toString('base64') : undefined),
  'States.Base64Decode': ([text]) => (typeof text === 'string' ? Buffer.from(text, 'base64').toString() : undefined),
  'States.Hash': ([value, algorithm]) => (typeof algorithm === 'string' ? hash(value ?? null, algorithm) : undefined),
  // Step Functions supports shallow merges only.
  'States.JsonMerge': ([first, second, deep]) =>
    isObject(first) && isObject(second) && deep === false ? { ...first, ...second } : undefined,
  'States.MathAdd': ([first, second]) =>
    typeof first === 'number' && typeof second === 'number' ? Math.round(first) + Math.round(second) : undefined,
  'States.UUID': () => randomUUID(),
};

function format(template: string, values: readonly Json[]): string | undefined {
  const left = [...values];
  let failed = false;
  const text = template.replace(/\\([{}])|\{\}/g, (_match, escaped: string | undefined) => {
    if (escaped !== undefined) return escaped;
    const value = left.shift();
    failed ||= value === undefined || (typeof value === 'object' && value !== null);
    return String(value);
  });
  return failed || left.length > 0 ? undefined : text;
}

function parseText(text: string): Json | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Each character of `separators` is a separator. Like Step Functions, omits empty parts. */
function split(text: string, separators: string): string[] {
  let parts = [text];
  for (const separator of separators) parts = parts.flatMap((part) => part.split(separator));
  return parts.filter((part) => part !== '');
}

function hash(value: Json, algorithm: string): string | undefined {
  if (!['MD5', 'SHA-1', 'SHA-256', 'SHA-384', 'SHA-512'].includes(algorithm)) return undefined;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return createHash(algorithm.replace('-', '').toLowerCase()).update(text).digest('hex');
}

export function isObject(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
