import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import * as z from 'zod/mini';
import type { State } from '../../state.ts';
import { timerMs } from '../../timers.ts';
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
interface OpenToken {
  complete(outcome: Outcome): void;
  /** Restarts the time in which the next heartbeat must arrive. */
  heartbeat(): void;
}

/** The call that completed or failed a task. */
type Outcome = { readonly output: Json } | { readonly error: string; readonly cause?: string | undefined };

/** The changes by calls with an open token. */
interface TokenRecord {
  readonly outcome?: Outcome;
  /** In milliseconds since 1970. */
  readonly heartbeatAt?: number;
}

/**
 * The tokens of waiting tasks. A token is signed: the signature distinguishes a closed token from an unknown one without a list
 * of all tokens. A call with a token is stored before its response.
 */
export function createTaskTokens(state: State) {
  const records = state.collection<TokenRecord>('task tokens');
  const key = signingKey(state);
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

  function complete(token: string, outcome: Outcome): void {
    const found = find(token);
    records.put(token, { outcome });
    open.delete(token);
    found.complete(outcome);
  }

  const operations: Operations = {
    SendTaskSuccess(input) {
      const { taskToken, output } = parseInput(successSchema, input);
      const value = parseStateJson('output', output, new AwsError('InvalidOutput', 'Invalid Output: it is not JSON'));
      complete(taskToken, { output: value });
      return {};
    },
    SendTaskFailure(input) {
      const { taskToken, error, cause } = parseInput(failureSchema, input);
      complete(taskToken, { error: error ?? '', cause });
      return {};
    },
    SendTaskHeartbeat(input) {
      const { taskToken } = parseInput(heartbeatSchema, input);
      const found = find(taskToken);
      records.put(taskToken, { heartbeatAt: Date.now() });
      found.heartbeat();
      return {};
    },
  };

  return {
    operations,

    create(): string {
      const content = randomBytes(randomPartBytes);
      return Buffer.concat([content, sign(content)]).toString('base64');
    },

    /** Whether a call has completed or failed the task of this token. */
    isCompleted: (token: string): boolean => records.get(token)?.outcome !== undefined,

    /**
     * Opens a token until a call completes or fails the task, or the signal aborts. Resolves with the output of the call, even
     * if the call was before a restart.
     *
     * @param openedAt when the token was first opened, in milliseconds since 1970
     * @throws StateError of the call that fails the task, or States.Timeout without a heartbeat for this time.
     */
    open(token: string, { heartbeatMs, openedAt }: TokenOptions, signal: AbortSignal): Promise<Json> {
      const { promise, resolve, reject } = Promise.withResolvers<Json>();
      const { outcome, heartbeatAt = openedAt } = records.get(token) ?? {};
      const fail = () => reject(new StateError('States.Timeout', '', true));
      let timer = setTimeout(fail, timerMs(heartbeatAt + heartbeatMs - Date.now()));
      const opened: OpenToken = {
        complete(given) {
          if ('output' in given) resolve(given.output);
          else reject(new StateError(given.error, given.cause));
        },
        heartbeat() {
          clearTimeout(timer);
          timer = setTimeout(fail, timerMs(heartbeatMs));
        },
      };
      if (outcome) opened.complete(outcome);
      else open.set(token, opened);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        open.delete(token);
      });
      return promise;
    },

    /** Deletes the stored record of a token. Call it after the result of the task is stored. */
    forget: (token: string): void => records.delete(token),
  };
}

export interface TokenOptions {
  readonly heartbeatMs: number;
  readonly openedAt: number;
}

/** Returns the key of an earlier run, so that the tokens of that run remain valid. */
function signingKey(state: State): Buffer {
  const keys = state.collection<string>('signing keys');
  const key = keys.get('task tokens') ?? randomBytes(32).toString('hex');
  keys.put('task tokens', key);
  return Buffer.from(key, 'hex');
}
