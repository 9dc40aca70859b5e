import { AwsError, type Json } from '../protocol.ts';
import { isObject, StateError } from './expressions.ts';

/** Step Functions' limit on the input and output of a state, an execution and a task with a token. */
const maxStateBytes = 262_144;

/**
 * Adds a result to the input of its state: in the field of `ResultPath`, or instead of the input without one. Null
 * discards the result.
 *
 * @throws StateError States.ResultPathMatchFailure, or States.DataLimitExceeded if the output of `state` is too large.
 */
export function mergeResult(field: string | null | undefined, input: Json, result: Json, state: string): Json {
  if (field === undefined) return assertSize(result, state);
  if (field === null) return input;
  if (isObject(input)) return assertSize({ ...input, [field]: result }, state);
  throw new StateError('States.ResultPathMatchFailure', `The result path '$.${field}' does not fit the state's input`);
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
