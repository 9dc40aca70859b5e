import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import * as z from 'zod/mini';
import { AwsError, type Json, parseInput } from '../protocol.ts';
import { parseStateJson } from './data-flow.ts';

export type TaskTokens = ReturnType<typeof createTaskTokens>;

const signatureBytes = 32;
/** Makes a token about as long as those of AWS, which is what an item that stores it has to hold. */
const randomPartBytes = 480;

const successSchema = z.object({
  taskToken: z.string().check(z.minLength(1), z.maxLength(2_048)),
  output: z.string(),
});

/**
 * The tokens of waiting tasks. A token is signed, so that a closed token differs from an unknown one without a list of
 * all tokens.
 */
export function createTaskTokens() {
  const key = randomBytes(32);
  /** Completes the task of each open token with its output. */
  const open = new Map<string, (output: Json) => void>();
  const sign = (content: Buffer): Buffer => createHmac('sha256', key).update(content).digest();

  /** @throws AwsError InvalidToken, TaskDoesNotExist for a token of another engine, TaskTimedOut for a closed one. */
  function find(token: string): (output: Json) => void {
    const complete = open.get(token);
    if (complete) return complete;
    const bytes = Buffer.from(token, 'base64');
    if (bytes.length !== randomPartBytes + signatureBytes || bytes.toString('base64') !== token) {
      throw new AwsError('InvalidToken', "Invalid Token: 'Invalid token'");
    }
    const content = bytes.subarray(0, randomPartBytes);
    if (!timingSafeEqual(sign(content), bytes.subarray(randomPartBytes))) {
      throw new AwsError('TaskDoesNotExist', 'Task does not exist');
    }
    throw new AwsError('TaskTimedOut', "Task Timed Out: 'Provided task does not exist anymore'");
  }

  return {
    SendTaskSuccess(input: unknown) {
      const { taskToken, output } = parseInput(successSchema, input);
      const value = parseStateJson('output', output, new AwsError('InvalidOutput', 'Invalid Output: it is not JSON'));
      find(taskToken)(value);
      open.delete(taskToken);
      return {};
    },

    create(): string {
      const content = randomBytes(randomPartBytes);
      return Buffer.concat([content, sign(content)]).toString('base64');
    },

    /** Opens a token until it is used or the signal aborts. Resolves with the output of the call that uses it. */
    open(token: string, signal: AbortSignal): Promise<Json> {
      const { promise, resolve } = Promise.withResolvers<Json>();
      open.set(token, resolve);
      signal.addEventListener('abort', () => open.delete(token));
      return promise;
    },
  };
}
