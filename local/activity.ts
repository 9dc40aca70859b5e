import type { ExecutionStatus } from './aws/step-functions/executions.ts';
import type { InvocationOutcome } from './lambda/runtime.ts';

/** An event of the engine, for the terminal output and the console's stream. Only a bus event's detail holds message contents. */
export type Activity = EventActivity | ExecutionActivity | InvocationActivity | WebhookActivity;

/** A domain event was published on the bus. */
export type EventActivity = {
  readonly type: 'event';
  readonly at: string;
  readonly detailType: string;
  readonly source: string;
  readonly detail: unknown;
};

/** A function invocation ended. */
export type InvocationActivity = InvocationOutcome & { readonly type: 'invocation'; readonly at: string };

/** An execution of a state machine started or ended. */
export type ExecutionActivity = {
  readonly type: 'execution';
  readonly at: string;
  readonly name: string;
  readonly arn: string;
  readonly status: ExecutionStatus;
  /** The error's name. */
  readonly error?: string;
};

/** A webhook request received its response. */
export type WebhookActivity = {
  readonly type: 'webhook';
  readonly at: string;
  readonly method: string;
  readonly path: string;
  readonly function: string;
  readonly status: number;
  readonly ms: number;
  /** LiveChat's action, if the body has one. */
  readonly action?: string;
  /** Why it was refused: the error of the response. */
  readonly reason?: string;
};

export type Listener = (activity: Activity) => void;

/** Forwards every activity to all subscribers. */
export function createActivityStream() {
  const listeners = new Set<Listener>();

  return {
    publish(activity: Activity): void {
      for (const listener of listeners) listener(activity);
    },
    /** Returns a function that ends the subscription. */
    subscribe(listener: Listener): () => void {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}
