import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import { type Activity, createFlow, type Station, type Subscribe } from './flow.ts';
import { listRateLimits } from './operations.ts';

const tickMs = 1_000;
/** Less than a slice of the flow, so that each slice has a reading. */
const rateLimitTicks = 4;
/** How long after the last activity a rate may still recover. */
const rateRecoveryMs = 120_000;
const heartbeatMs = 15_000;
/** Maximum number of characters that are buffered for a slow client, such as a suspended browser tab. */
const maxBufferedCharacters = 10_000_000;

/**
 * Counts all activity for the lifetime of the process and streams it to the pages that are open. Rate limits are read only while
 * there is activity or a page is open.
 *
 * @param notMeasured the stations that `subscribe` does not report
 */
export function createLiveStream(subscribe: Subscribe, notMeasured: readonly Station[] = []) {
  const flow = createFlow(notMeasured);
  const listeners = new Set<(activity: Activity) => void>();
  let lastActivityAt = 0;
  let ticks = 0;

  const publish = (activity: Activity) => {
    for (const listener of listeners) listener(activity);
  };
  subscribe((activity) => {
    if (activity.type === 'polled') return flow.measure(Date.now());
    lastActivityAt = Date.now();
    flow.count(activity, lastActivityAt);
    publish(activity);
  });

  const readRateLimits = async () => {
    const { rateLimits } = await listRateLimits();
    flow.recordRateLimits(rateLimits, Date.now());
  };

  const tick = () => {
    ticks += 1;
    const now = Date.now();
    // The console polls a stage, and a poll can fail.
    if (notMeasured.length === 0) flow.measure(now);
    const isActive = listeners.size > 0 || now - lastActivityAt < rateRecoveryMs;
    // A failed read only leaves a gap in the plot; the page reports unreachable tables itself.
    if (isActive && ticks % rateLimitTicks === 0) readRateLimits().catch(() => {});
    if (listeners.size > 0) publish({ type: 'flow', at: new Date(now).toISOString(), ...flow.view(now) });
  };
  setInterval(tick, tickMs).unref();

  return {
    /** The current counts. */
    flow: () => flow.view(Date.now()),
    /**
     * Streams server-sent events: one for each activity, named by its type, and `flow` with the counts, immediately and then every
     * second. Closes the stream if the client falls too far behind. Browsers reconnect, and the page reloads its data.
     */
    respond: (context: Context) =>
      streamSSE(context, async (events) => {
        const ended = Promise.withResolvers<void>();
        events.onAbort(ended.resolve);
        let waiting = 0;
        const listener = (activity: Activity) => {
          if (waiting > maxBufferedCharacters) return ended.resolve();
          const data = JSON.stringify(activity);
          waiting += data.length;
          void events.writeSSE({ event: activity.type, data }).finally(() => {
            waiting -= data.length;
          });
        };
        listeners.add(listener);
        await events.writeSSE({ event: 'flow', data: JSON.stringify(flow.view(Date.now())) });
        // Comments keep proxies from closing an idle connection.
        const heartbeat = setInterval(() => void events.write(': heartbeat\n\n'), heartbeatMs);
        await ended.promise;
        clearInterval(heartbeat);
        listeners.delete(listener);
      }),
  };
}
