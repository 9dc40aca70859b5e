import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import * as z from 'zod/mini';
import { AwsError, type Json, type Operations, parseInput } from '../protocol.ts';
import { parseStateJson } from './data-flow.ts';
import { StateError } from './expressions.ts';

export type TaskTokens = ReturnType<typeof createTaskTokens>;

/** How a task ends: one of the three calls with its token. */
export interface TokenHolder {
  succeed(output: Json): void;
  fail(error: StateError): void;
  heartbeat(): void;
}

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

/**
 * The tokens of waiting tasks. A token is signed, so that a closed token differs from an unknown one without a list of
 * all tokens.
 */
export function createTaskTokens() {
  const key = randomBytes(32);
  const open = new Map<string, TokenHolder>();
  const sign = (content: Buffer): Buffer => createHmac('sha256', key).update(content).digest();

  /** @throws AwsError InvalidToken, TaskDoesNotExist for a token of another engine, TaskTimedOut for a closed one. */
  function find(token: string): TokenHolder {
    const holder = open.get(token);
    if (holder) return holder;
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

  function take(token: string): TokenHolder {
    const holder = find(token);
    open.delete(token);
    return holder;
  }

  const operations: Operations = {
    SendTaskSuccess(input) {
      const { taskToken, output } = parseInput(successSchema, input);
      const value = parseStateJson('output', output, new AwsError('InvalidOutput', 'Invalid Output: it is not JSON'));
      take(taskToken).succeed(value);
      return {};
    },
    SendTaskFailure(input) {
      const { taskToken, error, cause } = parseInput(failureSchema, input);
      take(taskToken).fail(new StateError(error ?? '', cause));
      return {};
    },
    SendTaskHeartbeat(input) {
      find(parseInput(heartbeatSchema, input).taskToken).heartbeat();
      return {};
    },
  };

  return {
    operations,

    create(): string {
      const content = randomBytes(randomPartBytes);
      return Buffer.concat([content, sign(content)]).toString('base64');
    },

    /** Opens a token until it is used or the returned function closes it. */
    open(token: string, holder: TokenHolder): () => void {
      open.set(token, holder);
      return () => {
        open.delete(token);
      };
    },
  };
}
