import { AwsError, type Json } from '../protocol.ts';
import type { TaskState } from './definition.ts';
import { findValue, isObject, type Path, readValue, runtimeError, type Scope, StateError } from './expressions.ts';

/** Step Functions' limit on the input and output of a state, an execution and a task with a token. */
const maxStateBytes = 262_144;

/** Step Functions' limit on a number of seconds: about three years. */
export const maxSeconds = 99_999_999;

export function readSeconds(field: string, path: Path, scope: Scope, min: number): number {
  const value = findValue(path, scope);
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= maxSeconds) return value;
  throw runtimeError(`The ${field} '${path.text}' must reference an integer from ${min} to ${maxSeconds}`);
}

/** Undefined selects everything, null nothing. */
export function selectInput(path: Path | null | undefined, scope: Scope): Scope {
  return path === undefined ? scope : { ...scope, input: path ? readValue(path, scope) : {} };
}

export function selectOutput(path: Path | null | undefined, scope: Scope): Json {
  return selectInput(path, scope).input;
}

/** Without a path the result replaces the input; with null it is discarded. */
export function mergeResult(path: Path | null | undefined, input: Json, result: Json): Json {
  if (path === undefined) return result;
  return path ? placeResult(path, input, result) : input;
}

type ResultState = Pick<TaskState, 'ResultPath' | 'OutputPath'>;

export function finishOutput({ ResultPath, OutputPath }: ResultState, scope: Scope, result: Json, state: string): Json {
  const merged = mergeResult(ResultPath, scope.input, result);
  return assertSize(selectOutput(OutputPath, { ...scope, input: merged }), state);
}

export function assertSize(value: Json, state: string): Json {
  if (Buffer.byteLength(JSON.stringify(value)) <= maxStateBytes) return value;
  throw new StateError(
    'States.DataLimitExceeded',
    `The input or result of the state/task '${state}' is above the maximum of ${maxStateBytes} bytes.`,
  );
}

/**
 * Parses the JSON text in a field of a call.
 *
 * @throws AwsError ValidationException if it is too large, `invalid` if it is not JSON
 */
export function parseStateJson(field: string, text: string, invalid: AwsError): Json {
  if (Buffer.byteLength(text) > maxStateBytes) {
    throw new AwsError(
      'ValidationException',
      `1 validation error detected: Value at '${field}' failed to satisfy constraint: Member must have length less than or equal to ${maxStateBytes}`,
    );
  }
  try {
    return JSON.parse(text);
  } catch {
    throw invalid;
  }
}

/**
 * Returns a copy of the input with the result at the path.
 *
 * @throws StateError States.ResultPathMatchFailure
 */
function placeResult(path: Path, input: Json, result: Json): Json {
  const place = (target: Json | undefined, [segment, ...rest]: Path['segments']): Json => {
    if (segment === undefined) return result;
    if (typeof segment === 'number') {
      if (!Array.isArray(target) || segment >= target.length) throw mismatch(path);
      return target.with(segment, place(target[segment], rest));
    }
    if (target !== undefined && !isObject(target)) throw mismatch(path);
    return { ...target, [segment]: place(target?.[segment], rest) };
  };
  return place(input, path.segments);
}

function mismatch({ text }: Path): StateError {
  return new StateError('States.ResultPathMatchFailure', `The result path '${text}' does not fit the state's input`);
}
