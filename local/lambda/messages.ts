import type { Context } from 'aws-lambda';

/** What a function is and how long it may run: the part of the topology that the runtime needs. */
export interface LambdaFunction {
  /** File and export without the extension, as Lambda names it: `functions/webhook.handler`. */
  readonly handler: string;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  /** How many run at once at most; without it there is no limit. */
  readonly concurrency?: number;
}

/** Lambda's context without the callbacks, which Node 24's runtime no longer has. */
export type LambdaContext = Omit<Context, 'done' | 'fail' | 'succeed'>;

/** What the worker is started with. */
export interface WorkerSettings {
  readonly root: string;
  readonly functions: Readonly<Record<string, LambdaFunction>>;
}

/** A thrown error as Lambda reports it. */
export interface FunctionFailure {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace: readonly string[];
}

export type ToWorker =
  | {
      readonly kind: 'invoke';
      readonly requestId: string;
      readonly name: string;
      /** JSON, since Lambda hands events over as JSON. */
      readonly payload: string;
      readonly deadline: number;
    }
  | { readonly kind: 'ping' };

export type FromWorker =
  | { readonly kind: 'ready'; readonly broken: readonly string[] }
  | { readonly kind: 'pong' }
  | { readonly kind: 'result'; readonly requestId: string; readonly payload: string }
  | { readonly kind: 'failure'; readonly requestId: string; readonly failure: FunctionFailure };
