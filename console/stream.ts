import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';

/** Something that happened: a webhook, a domain event, a function's run. */
export interface Activity {
  readonly type: string;
  /** ISO 8601. */
  readonly at: string;
  readonly [key: string]: unknown;
}

/** Calls back for whatever happens, until the returned function is called. */
export type Subscribe = (listener: (activity: Activity) => void) => () => void;

const heartbeatMs = 15_000;

/** Server-sent events: each activity by its type, and a comment now and then, so that proxies keep the line open. */
export function stream(context: Context, subscribe: Subscribe): Response {
  return streamSSE(context, async (events) => {
    const unsubscribe = subscribe((activity) => {
      void events.writeSSE({ event: activity.type, data: JSON.stringify(activity) });
    });
    await events.write(': connected\n\n');
    const heartbeat = setInterval(() => void events.write(': still here\n\n'), heartbeatMs);
    await new Promise<void>((resolve) => events.onAbort(resolve));
    clearInterval(heartbeat);
    unsubscribe();
  });
}
