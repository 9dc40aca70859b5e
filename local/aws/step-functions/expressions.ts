import { isRecord, type Json } from '../protocol.ts';

/** What an expression reads: a state's input (`$`) and the token of a waiting task (`$$.Task.Token`). */
export interface Scope {
  readonly input: Json;
  readonly token?: string | undefined;
}

export type Evaluate = (scope: Scope) => Json;

/** An error of a state. Retry and Catch match its name; its message is the cause. */
export class StateError extends Error {
  override readonly name: string;
  /** A timeout because no heartbeat arrived. Step Functions reports it as `States.Timeout`. */
  readonly isHeartbeatTimeout: boolean;

  constructor(name: string, cause = '', isHeartbeatTimeout = false) {
    super(cause);
    this.name = name;
    this.isHeartbeatTimeout = isHeartbeatTimeout;
  }
}

/** An error of the definition or of its data. Neither Retry nor Catch handles it. */
export function runtimeError(cause: string): StateError {
  return new StateError('States.Runtime', cause);
}

export class UnsupportedStateMachineError extends Error {
  override readonly name = 'UnsupportedStateMachineError';

  constructor(what: string) {
    super(`${what} is not supported by the local engine's state machines`);
  }
}

/** @throws UnsupportedStateMachineError for anything but field names, and for the context object except a task's token. */
export function compilePath(text: string): Evaluate {
  const missing = (): StateError => runtimeError(`The JSONPath '${text}' could not be found in the input`);
  if (text === '$$.Task.Token') {
    return ({ token }) => {
      if (token === undefined) throw missing();
      return token;
    };
  }
  if (!/^\$(\.[\w-]+)*$/.test(text)) throw new UnsupportedStateMachineError(`The path ${text}`);
  const fields = text.split('.').slice(1);
  return ({ input }) => {
    let value = input;
    for (const field of fields) {
      const found = isObject(value) && Object.hasOwn(value, field) ? value[field] : undefined;
      if (found === undefined) throw missing();
      value = found;
    }
    return value;
  };
}

/** Compiles a payload template: in fields whose name ends in `.$`, paths and intrinsic functions. */
export function compileTemplate(template: Json): Evaluate {
  if (Array.isArray(template)) {
    const items = template.map(compileTemplate);
    return (scope) => items.map((item) => item(scope));
  }
  if (isObject(template)) {
    const fields = Object.entries(template).map(([key, value]): [string, Evaluate] =>
      key.endsWith('.$') ? [key.slice(0, -2), compileExpression(String(value))] : [key, compileTemplate(value)],
    );
    return (scope) => Object.fromEntries(fields.map(([key, evaluate]) => [key, evaluate(scope)]));
  }
  return () => template;
}

/** The next argument of an expression: the start of a call, a text, a whole number or a path. */
const argumentForm = /^\s*(?:(States\.\w+)\(|'([^'\\]*)'|(-?\d+)|(\$[^,()\s]*))\s*/;

/**
 * Compiles a path or nested calls of intrinsic functions.
 *
 * @throws UnsupportedStateMachineError
 */
function compileExpression(text: string): Evaluate {
  let rest = text;

  function take(form: RegExp): RegExpExecArray | null {
    const match = form.exec(rest);
    if (match) rest = rest.slice(match[0].length);
    return match;
  }

  function compileCall(name: string): Evaluate {
    const run = intrinsics[name];
    if (!run) throw new UnsupportedStateMachineError(`The intrinsic function ${name}`);
    const parameters = [compileArgument()];
    while (take(/^,/)) parameters.push(compileArgument());
    if (!take(/^\)\s*/)) throw new UnsupportedStateMachineError(`The expression ${text}`);
    return (scope) => {
      const result = run(parameters.map((parameter) => parameter(scope)));
      if (result === undefined) throw new StateError('States.IntrinsicFailure', `The function '${text}' failed`);
      return result;
    };
  }

  function compileArgument(): Evaluate {
    const [match, name, quoted, number, path] = take(argumentForm) ?? [];
    if (match === undefined) throw new UnsupportedStateMachineError(`The expression ${text}`);
    if (name !== undefined) return compileCall(name);
    if (path !== undefined) return compilePath(path);
    const value = quoted ?? Number(number);
    return () => value;
  }

  const evaluate = compileArgument();
  if (rest !== '') throw new UnsupportedStateMachineError(`The expression ${text}`);
  return evaluate;
}

/** The intrinsic functions that the app uses. They return undefined for invalid arguments. */
const intrinsics: Readonly<Record<string, (parameters: readonly Json[]) => Json | undefined>> = {
  'States.StringToJson': ([text]) => (typeof text === 'string' ? parseText(text) : undefined),
  'States.StringSplit': ([text, separators]) =>
    typeof text === 'string' && typeof separators === 'string' ? split(text, separators) : undefined,
  'States.ArrayGetItem': ([items, index]) =>
    Array.isArray(items) && typeof index === 'number' ? items[index] : undefined,
};

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

export function isObject(value: Json): value is { [key: string]: Json } {
  return isRecord(value);
}
