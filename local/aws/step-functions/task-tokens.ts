import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import * as z from 'zod/mini';
import { AwsError, type Json, type Operations, parseInput } from '../protocol.ts';
import { parseStateJson } from './data-flow.ts';
import { StateError } from './expressions.ts';

export type TaskTokens = ReturnType<typeof createTaskTokens>;

const signatureBytes = 32;
/** Makes a token about as long as those of AWS, which is what an item that stores it has to hold. */
const randomPartBytes = 480;

const taskToken = z.string().check(z.minLength(1), z.maxLength(2_048));
const successSchema = z.object({ taskToken, output: z.string() });
const failureSchema = z.object({
  taskToken,
  error: z.optional(z.string().check(z.maxLength(256))),
  cause: z.optional(z.string().check(z.maxLength(32_768))),
});
const heartbeatSchema = z.object({ taskToken });

/** Completes or fails the task of a token. */
interface OpenToken extends Pick<PromiseWithResolvers<Json>, 'resolve' | 'reject'> {
  /** Fails the task unless a heartbeat restarts it in time. */
  readonly timer: NodeJS.Timeout;
}

/**
 * The tokens of waiting tasks. A token is signed, so that a closed token differs from an unknown one without a list of
 * all tokens.
 */
export function createTaskTokens() {
  const key = randomBytes(32);
  const open = new Map<string, OpenToken>();
  const sign = (content: Buffer): Buffer => createHmac('sha256', key).update(content).digest();

  /** @throws AwsError InvalidToken, TaskDoesNotExist for a token of another engine, TaskTimedOut for a closed one. */
  function find(token: string): OpenToken {
    const found = open.get(token);
    if (found) return found;
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

  function take(token: string): OpenToken {
    const found = find(token);
    open.delete(token);
    return found;
  }

  const operations: Operations = {
    SendTaskSuccess(input) {
      const { taskToken, output } = parseInput(successSchema, input);
      const value = parseStateJson('output', output, new AwsError('InvalidOutput', 'Invalid Output: it is not JSON'));
      take(taskToken).resolve(value);
      return {};
    },
    SendTaskFailure(input) {
      const { taskToken, error, cause } = parseInput(failureSchema, input);
      take(taskToken).reject(new StateError(error ?? '', cause));
      return {};
    },
    SendTaskHeartbeat(input) {
      find(parseInput(heartbeatSchema, input).taskToken).timer.refresh();
      return {};
    },
  };

  return {
    operations,

    create(): string {
      const content = randomBytes(randomPartBytes);
      return Buffer.concat([content, sign(content)]).toString('base64');
    },

    /**
     * Opens a token until it is used or the signal aborts. Resolves with the output of the call that completes the task.
     *
     * @throws StateError of the call that fails the task, or States.Timeout without a heartbeat for this time.
     */
    open(token: string, heartbeatMs: number, signal: AbortSignal): Promise<Json> {
      const { promise, resolve, reject } = Promise.withResolvers<Json>();
      const timer = setTimeout(() => reject(new StateError('States.Timeout', '', true)), heartbeatMs);
      open.set(token, { resolve, reject, timer });
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        open.delete(token);
      });
      return promise;
    },
  };
}
