import { Deferred } from '../../core/channel/deferred.ts';
import { NotFirst } from '../../core/outbound/errors.ts';
import { type ExecutionInput, parseExecutionInput } from '../../core/outbound/request.ts';
import { sendStateMachine } from '../../core/outbound/state-machine.ts';
import type { Counts, Mutation } from './faulty-ports.ts';
import { named } from './invocation.ts';
import type { VirtualTime } from './virtual-time.ts';

interface Execution {
  status: 'running' | 'ended';
  readonly input: ExecutionInput;
  stopped: boolean;
  stop: () => void;
}

const maxRetries = 3;

const noResources = { sendFunctionArn: '', waitForTurnFunctionArn: '', deadLetterQueueUrl: '' };
const { Retry: retriers } = sendStateMachine(noResources).States.Send;

/** The retriers of one entry into the state Send, as the state machine defines them. */
class Retrier {
  readonly #time: VirtualTime;
  readonly #retries = new Map(retriers.map((retrier) => [retrier, 0]));

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  /** Waits before the retry. Returns false if the error is not retried. */
  async retries(error: unknown): Promise<boolean> {
    const { name } = error instanceof Error ? error : named('Unknown');
    const retrier = retriers.find(({ ErrorEquals }) => ErrorEquals.some((one) => one === name));
    const retries = retrier && this.#retries.get(retrier);
    if (retrier === undefined || retries === undefined || retries >= retrier.MaxAttempts) return false;
    this.#retries.set(retrier, retries + 1);
    const maxSeconds = Math.min(retrier.MaxDelaySeconds, retrier.IntervalSeconds * retrier.BackoffRate ** retries);
    await this.#time.sleep(this.#time.random() * maxSeconds * 1_000);
    return true;
  }
}

export interface StepFunctionsOptions {
  readonly time: VirtualTime;
  readonly counts: Counts;
  readonly mutation?: Mutation | undefined;
  /** Receives errors of the model itself. */
  readonly failures: unknown[];
  /** The task of the state Send. */
  readonly send: (input: ExecutionInput, turn: string) => Promise<void>;
  /** The task of the state WaitForTurn. */
  readonly waitForTurn: (input: ExecutionInput, token: string, seconds: number) => Promise<void>;
  /** The state DeadLetter, and Step Functions' event for an execution that was stopped. */
  readonly handleDeadLetter: (input: ExecutionInput, error: string) => Promise<void>;
}

/** Step Functions with the send state machine, in virtual time. */
export class StepFunctions {
  readonly #options: StepFunctionsOptions;
  readonly #executions = new Map<string, Execution>();
  readonly #tokens = new Map<string, (output: string) => void>();
  #nextToken = 0;
  /** The number of executions that are running or whose dead letter is not handled yet. */
  live = 0;

  constructor(options: StepFunctionsOptions) {
    this.#options = options;
  }

  status(name: string): 'running' | 'ended' | 'missing' {
    return this.#executions.get(name)?.status ?? 'missing';
  }

  /** Completes the task that waits for a token. Undefined if it no longer waits. */
  waitingTask(token: string): ((output: string) => void) | undefined {
    return this.#tokens.get(token);
  }

  start(name: string, input: string): boolean {
    if (this.#executions.has(name)) return false;
    const request = parseExecutionInput(JSON.parse(input));
    if (!request) throw new TypeError('not the input of an execution');
    const stopped = Promise.withResolvers<never>();
    stopped.promise.catch(() => {});
    const execution: Execution = {
      status: 'running',
      input: request,
      stopped: false,
      stop: () => {
        execution.stopped = true;
        stopped.reject(named('ABORTED'));
      },
    };
    this.#executions.set(name, execution);
    this.live += 1;
    const run = async () => {
      await this.#options.time.sleep(this.#options.time.between(50, 300));
      try {
        await Promise.race([this.#runStateMachine(execution), stopped.promise]);
        execution.status = 'ended';
      } catch (error) {
        execution.status = 'ended';
        await this.#options.handleDeadLetter(request, error instanceof Error ? error.name : 'Unknown');
      }
      this.live -= 1;
    };
    run().catch((error: unknown) => this.#options.failures.push(error));
    return true;
  }

  /** Stops an execution, if it is running. The invoked function continues. */
  stop(requestId: string): void {
    for (const execution of this.#executions.values()) {
      if (execution.input.requestId === requestId && execution.status === 'running') execution.stop();
    }
  }

  async #runStateMachine(execution: Execution): Promise<void> {
    const { input } = execution;
    let turn = '';
    for (let retrier = new Retrier(this.#options.time); ; ) {
      if (execution.stopped) await new Promise<never>(() => {});
      this.#options.counts.transitions += 1;
      try {
        await this.#options.send(input, turn);
        return;
      } catch (error) {
        if (await retrier.retries(error)) continue;
        turn = await this.#leaveSend(input, error);
        retrier = new Retrier(this.#options.time);
      }
    }
  }

  /** The catchers of the state Send. Returns the turn with which it runs again. */
  async #leaveSend(input: ExecutionInput, error: unknown): Promise<string> {
    if (error instanceof Deferred) return this.#waitUntil(error.message);
    if (error instanceof NotFirst) return this.#waitForTurn(input, error.message);
    throw error;
  }

  /** ReadDeferral and WaitUntil. Step Functions waits in whole seconds. */
  async #waitUntil(message: string): Promise<string> {
    const { time } = this.#options;
    this.#options.counts.transitions += 2;
    await time.sleep(time.between(40, 120));
    const [, at = '', , slot] = message.split('|');
    const isRoundedDown = this.#options.mutation === 'floor instead of ceil' && slot === '0';
    const until = Math.floor(Date.parse(at) / 1000) * 1000 - (isRoundedDown ? 1000 : 0);
    if (until > time.now()) await time.sleep(until - time.now() + time.between(0, 300));
    return message;
  }

  /** ReadWait and WaitForTurn, then WaitUntil. */
  async #waitForTurn(input: ExecutionInput, message: string): Promise<string> {
    const { time } = this.#options;
    const seconds = Number(message.split('|')[2]);
    this.#options.counts.transitions += 2;
    await time.sleep(time.between(40, 120));
    for (let retry = 0; ; retry += 1) {
      const token = `token ${this.#nextToken}`;
      this.#nextToken += 1;
      const ended = Promise.withResolvers<string | undefined>();
      this.#tokens.set(token, (output) => ended.resolve(output));
      time.at(time.now() + seconds * 1000, () => ended.resolve(undefined));
      this.#options.counts.waitInvocations += 1;
      this.#options.waitForTurn(input, token, seconds).catch((error: unknown) => ended.reject(error));
      try {
        const output = await ended.promise;
        this.#tokens.delete(token);
        if (output === undefined) return message;
        const { until, slot } = JSON.parse(output);
        return await this.#waitUntil(`turn|${until}|1|${slot.at}|${slot.epoch}|${slot.missed}|`);
      } catch (error) {
        this.#tokens.delete(token);
        if (retry >= maxRetries) throw error;
        await time.sleep(time.random() * 1_000);
      }
    }
  }
}
