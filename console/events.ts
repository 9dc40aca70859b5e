import { Hono } from 'hono';
import * as z from 'zod/mini';
import { organizations } from '../core/conversations/queries.ts';
import { catalogue } from '../core/events/catalogue.ts';
import { payloads } from '../core/livechat/schemas.ts';
import { findDeadLetter, listDeadLettersOfEveryStatus } from '../core/outbound/dead-letter.ts';
import { type EventDetails, type EventEntry, type EventSource, eventStatuses } from './event-source.ts';
import { invalid, parseLimit, parseOneOf, parsePeriod, type ReadRequest } from './http.ts';

const types = ['webhook', 'event', ...Object.keys(payloads), ...Object.keys(catalogue)];

/** The GET requests of webhooks and events. */
export const eventReads = (source: EventSource) => ({
  '/events': async ({ query }: ReadRequest) => {
    const { type, status, since, until, limit, after, organizationId, conversationId } = query;
    return source.list({
      type: type === undefined ? undefined : parseOneOf(types, type, 'type'),
      status: status === undefined ? undefined : parseOneOf(eventStatuses, status, 'status'),
      ...parsePeriod({ since, until }),
      organizationId,
      conversationId,
      limit: parseLimit(limit, 100),
      after,
    });
  },
  '/event-filters': async () => ({ types, organizations: await organizations() }),
  '/events/:id': async ({ id }: ReadRequest) => {
    const { replay, ...details } = await findEvent(source, id);
    return {
      ...details,
      deadLetterIds: await findDeadLetters(details.entry),
      /** Why it cannot be replayed; undefined if it can. */
      replayObstacle: replay.obstacle,
      /** What a replay from the archive of a stage covers. */
      replayPeriod: replay.obstacle === undefined ? replay.period : undefined,
    };
  },
  '/replays/:id': async ({ id }: ReadRequest) => {
    const status = await source.findReplay?.(id);
    if (!status) throw invalid(404, 'id', 'the name of an existing replay');
    return status;
  },
});

/** POST of a replay: publishes an event, or the events of a webhook, again with the same ids. */
export function replays(source: EventSource): Hono {
  const app = new Hono();
  app.post('/:id/replay', async (context) => {
    const { replay } = await findEvent(source, context.req.param('id'));
    if (replay.obstacle !== undefined) throw invalid(409, 'id', `an event that can be replayed; ${replay.obstacle}`);
    return context.json(await replay.start());
  });
  return app;
}

async function findEvent(source: EventSource, id: string): Promise<EventDetails> {
  const details = await source.find(id);
  if (!details) throw invalid(404, 'id', 'the id of a stored webhook or event');
  return details;
}

const archived = z.object({
  id: z.string(),
  detail: z.looseObject({ metadata: z.optional(z.looseObject({ id: z.string() })) }),
});
const maxDeadLetters = 20;

/** The dead letters of an event: one for each function that failed on the event, or the dead letter of a send request. */
async function findDeadLetters({ kind, at, eventId, organizationId, conversationId }: EventEntry): Promise<string[]> {
  if (kind !== 'event' || eventId === undefined || (!organizationId && !conversationId)) return [];
  const latest = await listDeadLettersOfEveryStatus({
    limit: maxDeadLetters,
    since: at,
    filter: { organization: organizationId, conversation: conversationId },
  });
  const found = await Promise.all(latest.map(async ({ id }) => findDeadLetter(id)));
  return found.flatMap((one) => {
    if (!one) return [];
    const { deadLetter, summary } = one;
    if (deadLetter.kind === 'send') return deadLetter.request.causationId === eventId ? [summary.id] : [];
    const event = archived.safeParse('event' in deadLetter ? deadLetter.event : undefined).data;
    return event?.id === eventId || event?.detail.metadata?.id === eventId ? [summary.id] : [];
  });
}
