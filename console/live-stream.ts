import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { organizations } from '../core/conversations/queries.ts';
import { viewOf } from '../core/outbound/gate/hand.ts';
import { gateStore } from '../core/outbound/gate/store.ts';
import { wholeNumber } from '../core/platform/configuration.ts';
import { createFlow, type Flow, type Station } from './flow.ts';

const tickMs = 1_000;
const gateTicks = 5;
/** After the last activity a gate may still recover its pace. */
const gateInterestMs = 120_000;

/**
 * Counts all that happens for as long as the process lives, and tells those who look on what passes and, each second, the
 * sums. Gates are read only while something happens, or somebody looks.
 */
export function watch(
  subscribe: Subscribe,
  unseen: readonly Station[] = [],
): { readonly subscribe: Subscribe; flow(): Flow } {
  const flow = createFlow(unseen);
  const gates = gateStore(wholeNumber('LIVECHAT_CALLS_PER_SECOND', 10, 1));
  const listeners = new Set<(activity: Activity) => void>();
  let latest = 0;
  let ticks = 0;

  subscribe((activity) => {
    latest = Date.now();
    flow.count(activity, latest);
    for (const listener of listeners) listener(activity);
  });

  const readGates = async () => {
    const ids = await organizations();
    const views = await Promise.all(ids.map(async (id) => viewOf(id, await gates.read(id), Date.now())));
    flow.noteGates(views, Date.now());
  };

  const tick = () => {
    ticks += 1;
    const now = Date.now();
    const interesting = listeners.size > 0 || now - latest < gateInterestMs;
    // The page says itself when it cannot reach the tables; a gap in the plot is all that is missing here.
    if (interesting && ticks % gateTicks === 0) readGates().catch(() => {});
    if (listeners.size === 0) return;
    const sums = { type: 'flow', at: new Date(now).toISOString(), ...flow.view(now) };
    for (const listener of listeners) listener(sums);
  };
  setInterval(tick, tickMs).unref();

  return {
    subscribe(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    flow: () => flow.view(Date.now()),
  };
}

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
