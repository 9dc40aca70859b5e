import { setTimeout as sleep } from 'node:timers/promises';
import {
  CloudWatchLogsClient,
  GetQueryResultsCommand,
  paginateDescribeLogGroups,
  type ResultField,
  StartQueryCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import * as z from 'zod/mini';
import { readTimeline } from '../../core/conversations/conversations.ts';
import { loadConversation } from '../../core/conversations/queries.ts';
import { deriveId } from '../../core/events/ids.ts';
import { eventSource } from '../../core/events/version.ts';
import { listMessages } from '../../core/messages/queries.ts';
import { listDeadLettersOfEveryStatus } from '../../core/outbound/dead-letter.ts';
import { listDeliveries } from '../../core/outbound/delivery.ts';
import { required } from '../../core/platform/configuration.ts';
import { parseJson } from '../../core/platform/json.ts';
import { listDecisions } from '../../core/routing/store.ts';
import {
  describeStatus,
  type EventEntry,
  type EventFilter,
  type EventSource,
  EventsUnavailable,
  type FunctionRun,
  matchesFilter,
  type RecordedEntry,
} from '../event-source.ts';
import { invalidCursor } from '../http.ts';
import { createStageReplays } from './replay.ts';

/** A line of core/platform/invocations.ts. */
const line = z.object({
  webhook: z.optional(z.string()),
  event: z.optional(z.string()),
  status: z.optional(z.union([z.number(), z.enum(['handled', 'failed'])])),
  reason: z.optional(z.string()),
  ms: z.optional(z.number()),
  published: z.optional(z.array(z.string())),
  eventId: z.optional(z.string()),
  correlationId: z.optional(z.string()),
  causationId: z.optional(z.string()),
  organizationId: z.optional(z.string()),
  conversationId: z.optional(z.string()),
});

interface Row extends z.infer<typeof line> {
  /** ms since 1970 */
  readonly at: number;
  readonly function: string;
}

const hourMs = 3_600_000;
const defaultPeriodMs = 24 * hourMs;
/** Maximum time between the log lines of one causation chain. */
const chainMs = 2 * hourMs;
const maxRows = 1_000;
const pollMs = 400;
const maxPolls = 75;
/** CloudWatch Logs queries at most this many groups at once. */
const maxLogGroups = 50;

/**
 * The webhooks and events of a deployed stage, from the lines that its functions log. The contents of messages are in the tables
 * only.
 */
export function stageEvents(now: () => number = Date.now): EventSource {
  const client = new CloudWatchLogsClient({});
  const replays = createStageReplays(now);
  let groups: Promise<string[]> | undefined;

  const query: typeof runQuery = (...query) => runQuery(...query).catch(explain);

  async function runQuery(text: string, from: number, to: number, limit: number): Promise<Row[]> {
    groups ??= listLogGroups(client).catch((error: unknown) => {
      groups = undefined;
      throw error;
    });
    const logGroupNames = await groups;
    if (logGroupNames.length === 0) return [];
    const { queryId } = await client.send(
      new StartQueryCommand({
        logGroupNames,
        startTime: Math.floor(from / 1_000),
        endTime: Math.ceil(to / 1_000),
        limit,
        queryString: `fields @timestamp, @log, @message | filter ${isRecord} and ${text} | sort @timestamp desc`,
      }),
    );
    for (let poll = 0; poll < maxPolls; poll += 1) {
      const { status, results = [] } = await client.send(new GetQueryResultsCommand({ queryId }));
      if (status === 'Complete') return results.flatMap(toRow);
      if (status !== 'Scheduled' && status !== 'Running')
        throw new EventsUnavailable(`The query of the logs ended with the status ${status}. Try again.`);
      await sleep(pollMs);
    }
    throw new EventsUnavailable('The query of the logs did not complete within 30 s. Choose a shorter period.');
  }

  return {
    async list({ limit, after, ...filter }) {
      if (after !== undefined && !/^\d{1,15}$/.test(after)) throw invalidCursor();
      const from = filter.since === undefined ? now() - defaultPeriodMs : Date.parse(filter.since);
      const before = Math.min(filter.until === undefined ? now() : Date.parse(filter.until), Number(after ?? Infinity));
      const conditions = toConditions(filter);
      const limits = [
        filter.since === undefined
          ? 'Source: logs of the last 24 hours. To choose another period, use the filter.'
          : 'Source: logs of the functions.',
      ];
      if (!conditions) return { entries: [], limits };
      const text = [...conditions, `toMillis(@timestamp) < ${before}`].join(' and ');
      const rows = await query(text, from, before, limit);
      const { complete, next } = toPage(rows, limit);
      const entries = groupRows(complete).map(({ entry }) => entry);
      return {
        entries: entries.filter((entry) => matchesFilter(entry, { ...filter, until: undefined })),
        next,
        limits,
      };
    },

    async find(id) {
      const key = parseEntryId(id);
      if (!key) return undefined;
      const { at, correlationId } = key;
      const condition = correlationId ? `correlationId = "${correlationId}"` : `toMillis(@timestamp) = ${at}`;
      const found = groupRows(await query(condition, at - chainMs, at + chainMs, maxRows));
      const isSame = ({ entry }: RecordedEntry) => (key.eventId ? entry.eventId === key.eventId : entry.id === id);
      const details = found.find(isSame);
      if (!details) return undefined;
      // Without a correlation id, the query matches all lines of that millisecond.
      const related = correlationId ? found.filter((other) => other !== details).toReversed() : [];
      const [payload, replay] = await Promise.all([readPayload(details.entry), replays.plan(details, related)]);
      return { ...details, payload, related: related.map(({ entry }) => entry), replay };
    },

    findReplay: replays.find,
  };
}

/** A full page can end within a millisecond. The next page reads its rows again. */
function toPage(rows: readonly Row[], limit: number) {
  const last = rows.length === limit ? rows.at(-1)?.at : undefined;
  if (last === undefined) return { complete: rows, next: undefined };
  const complete = rows.filter(({ at }) => at > last);
  return complete.length === 0 ? { complete: rows, next: String(last) } : { complete, next: String(last + 1) };
}

const permissions =
  'The page requires the permissions logs:DescribeLogGroups, logs:StartQuery and logs:GetQueryResults.';

function explain(cause: unknown): never {
  if (!(cause instanceof Error && '$metadata' in cause)) throw cause;
  const { name, message } = cause;
  const reason = name === 'AccessDeniedException' ? permissions : message;
  throw new EventsUnavailable(`The logs of the functions cannot be read (${name}). ${reason}`, { cause });
}

async function listLogGroups(client: CloudWatchLogsClient): Promise<string[]> {
  const found: string[] = [];
  const logGroupNamePrefix = required('FUNCTION_LOG_PREFIX');
  for await (const { logGroups = [] } of paginateDescribeLogGroups({ client }, { logGroupNamePrefix })) {
    found.push(...logGroups.flatMap(({ logGroupName }) => logGroupName ?? []));
  }
  return found.slice(0, maxLogGroups);
}

function toRow(fields: readonly ResultField[]): Row[] {
  const values = new Map(fields.map(({ field, value }) => [field, value ?? '']));
  const parsed = line.safeParse(parseJson(values.get('@message') ?? '')).data;
  // Such as `2026-11-27 17:21:40.116`, in UTC.
  const at = Date.parse(`${values.get('@timestamp')?.replace(' ', 'T')}Z`);
  if (!parsed || Number.isNaN(at)) return [];
  // `<account>:/aws/lambda/<name>`.
  const name = values.get('@log')?.split(required('FUNCTION_LOG_PREFIX'))[1] ?? '';
  return [{ ...parsed, at, function: name }];
}

/** Query conditions that match the log lines of core/platform/invocations.ts. */
const hasPublished = '@message like /"published":/';
const isRecord = `(ispresent(ms) or ${hasPublished})`;

const idPattern = /^[\w@.-]{1,128}$/;

/** The conditions of a query; undefined if no line matches them. */
function toConditions({ type, status, organizationId, conversationId }: EventFilter): string[] | undefined {
  const ids = { organizationId, conversationId };
  // A quote would end the text of the query.
  if ([type, ...Object.values(ids)].some((id) => id && !idPattern.test(id))) return undefined;
  return [
    ...(type === 'webhook' ? ['ispresent(webhook)'] : []),
    ...(type === 'event' ? [`(ispresent(event) or ${hasPublished})`] : []),
    ...(type && type !== 'webhook' && type !== 'event'
      ? [`(webhook = "${type}" or event = "${type}" or ${publishes(type)})`]
      : []),
    ...(status === 'accepted' ? ['ispresent(webhook) and status < 400'] : []),
    ...(status === 'refused' ? ['ispresent(webhook) and status >= 400'] : []),
    ...(status === 'published' ? [hasPublished] : []),
    ...(status === 'handled' || status === 'failed' ? [`ispresent(event)`] : []),
    ...Object.entries(ids).flatMap(([name, id]) => (id ? [`${name} = "${id}"`] : [])),
  ];
}

const publishes = (type: string) => `@message like /"${type.replaceAll('.', '\\.')} /`;

/**
 * Webhooks, and events with all their invocations, newest first. The time of an event is that of its first invocation, or if no
 * function handles it, the end of the invocation that published it.
 */
function groupRows(rows: readonly Row[]): RecordedEntry[] {
  const invocations = rows.filter(({ status }) => status !== undefined);
  const groups = Map.groupBy(invocations, (row) => (row.event === undefined ? row : `${row.eventId}`));
  const recorded = [...groups.values()].map((group) => {
    // Newest first.
    const first = group.at(-1);
    if (!first) throw new Error('a group has a row');
    const functions = group.map(toRun).toReversed();
    return { entry: toEntry(first, functions), functions };
  });
  // A retried function publishes its events again. Rows are newest first, so the last entry of the map is the first publication.
  const published = new Map(rows.flatMap(toPublished).map((entry) => [entry.eventId, { entry, functions: [] }]));
  return [...recorded, ...published.values()].toSorted((a, b) => b.entry.at.localeCompare(a.entry.at));
}

function toPublished(row: Row): EventEntry[] {
  return (row.published ?? []).map((text) => {
    const [type = '', eventId = ''] = text.split(' ');
    const ids = commonFields({ ...row, eventId });
    return { ...ids, kind: 'event', type, status: 'published', eventId, causationId: row.eventId, source: eventSource };
  });
}

function toRun({ function: name, at, status, ms, reason }: Row): FunctionRun {
  const ok = typeof status === 'number' ? status < 400 : status === 'handled';
  return { function: name, at: new Date(at).toISOString(), ok, ms, error: reason };
}

function commonFields({ at, correlationId, eventId, organizationId, conversationId }: Row) {
  return {
    id: [at, correlationId ?? '', eventId ?? ''].join('.'),
    at: new Date(at).toISOString(),
    organizationId,
    conversationId,
    correlationId,
  };
}

function toEntry(row: Row, functions: readonly FunctionRun[]): EventEntry {
  const { webhook, event, status, reason, ms, eventId, causationId } = row;
  const common = commonFields(row);
  if (typeof status === 'number') {
    return {
      ...common,
      kind: 'webhook',
      type: webhook === undefined || webhook === 'unknown' ? '' : webhook,
      status: status < 400 ? 'accepted' : 'refused',
      response: { status, reason, ms },
    };
  }
  return { ...common, kind: 'event', type: event ?? '', status: describeStatus(functions), eventId, causationId };
}

const entryId = /^(\d{1,15})\.([\w-]{0,128})\.([\w-]{0,128})$/;

function parseEntryId(id: string) {
  const [, at, correlationId = '', eventId = ''] = entryId.exec(id) ?? [];
  return at === undefined ? undefined : { at: Number(at), correlationId, eventId };
}

const maxMessages = 2_000;
const maxDeadLetters = 100;
const messageEvents: ReadonlySet<string> = new Set(['message.received', 'note.received', 'message.delivered']);

/**
 * The data that the tables store for an event: the message, delivery, dead letter, decision or change of the conversation from
 * which the event's id is derived. In a long chat, searches only the first {@link maxMessages} messages.
 */
async function readPayload({ type, eventId, organizationId, conversationId }: EventEntry): Promise<unknown> {
  if (!eventId || !organizationId || !conversationId) return undefined;
  const key = { organizationId, conversationId };
  const hasEventId = (...identity: readonly string[]) => deriveId(type, organizationId, ...identity) === eventId;
  if (messageEvents.has(type)) {
    const conversation = await loadConversation(key);
    const { messages } = conversation ? await listMessages(conversation, { limit: maxMessages }) : { messages: [] };
    return messages.find(({ threadId, id }) => hasEventId(conversationId, threadId, id));
  }
  if (type === 'message.sent') {
    const deliveries = await listDeliveries(key);
    return [...deliveries.values()].find(({ id }) => hasEventId(id));
  }
  if (type === 'message.failed') {
    const filter = { organization: organizationId, conversation: conversationId };
    const latest = await listDeadLettersOfEveryStatus({ limit: maxDeadLetters, filter });
    return latest.find(({ id }) => hasEventId(id));
  }
  if (type === 'conversation.routed') {
    const decisions = await listDecisions(key);
    return decisions.find(({ threadId, phase }) => hasEventId(conversationId, threadId, phase));
  }
  const { events } = await readTimeline(key);
  return events.find(({ metadata }) => metadata.id === eventId);
}
