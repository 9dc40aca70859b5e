import * as z from 'zod/mini';
import type { Activity } from './stream.ts';

const told = z.object({ detail: z.object({ data: z.object({ requestId: z.string() }) }) });
/** Requests that are remembered; of more than these the earliest are not measured. */
const most = 10_000;

/**
 * How long each part of a send request took, in ms: from the request on the bus until LiveChat had it, or what the activity
 * says itself. Answers nothing for whatever else happens.
 */
export function createSendTimes(): (activity: Activity) => number[] {
  const requestedAt = new Map<string, number>();

  // A request that is put on the bus again is the one that it was.
  const remember = (requestId: string, time: number) => {
    if (requestedAt.has(requestId)) return;
    requestedAt.set(requestId, time);
    const [oldest] = requestedAt.keys();
    if (requestedAt.size > most && oldest !== undefined) requestedAt.delete(oldest);
  };

  return (activity) => {
    const { detailType, at, ms } = activity;
    const isSent = detailType === 'message.sent';
    if (isSent && typeof ms === 'number') return [ms];
    if (!isSent && detailType !== 'message.send.requested') return [];
    const { data } = told.safeParse(activity);
    if (!data) return [];
    const { requestId } = data.detail.data;
    const time = Date.parse(at);
    if (!isSent) remember(requestId, time);
    const began = requestedAt.get(requestId);
    return isSent && began !== undefined ? [time - began] : [];
  };
}
