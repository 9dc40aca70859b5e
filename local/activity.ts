import type { ExecutionStatus } from './aws/executions.ts';

/** What happened in the engine, as it happens: for the output of the start and the console's stream. No contents, save an event's detail. */
export type Activity = EventActivity | ExecutionActivity | InvocationActivity | WebhookActivity;

/** A domain event was put on the bus. */
export type EventActivity = {
  readonly type: 'event';
  readonly at: string;
  readonly detailType: string;
  readonly source: string;
  readonly detail: unknown;
};

/** A function ran. */
export type InvocationActivity = {
  readonly type: 'run';
  readonly at: string;
  readonly function: string;
  readonly ok: boolean;
  readonly ms: number;
  /** The error's name. */
  readonly error?: string;
};

/** An execution of a state machine started, or ended. */
export type ExecutionActivity = {
  readonly type: 'execution';
  readonly at: string;
  readonly name: string;
  readonly arn: string;
  readonly status: ExecutionStatus;
  /** The error's name. */
  readonly error?: string;
};

/** A webhook was answered. */
export type WebhookActivity = {
  readonly type: 'webhook';
  readonly at: string;
  readonly method: string;
  readonly status: number;
  readonly ms: number;
  /** LiveChat's action, where it could be seen. */
  readonly action?: string;
};

export type Listener = (activity: Activity) => void;

/** Hands every activity to all who subscribed. */
export function createActivityStream() {
  const listeners = new Set<Listener>();

  return {
    publish(activity: Activity): void {
      for (const listener of listeners) listener(activity);
    },
    /** The function that ends the subscription. */
    subscribe(listener: Listener): () => void {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}
