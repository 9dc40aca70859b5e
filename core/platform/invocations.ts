import { AsyncLocalStorage } from 'node:async_hooks';
import { logger } from './logger.ts';

/** The ids of the event or webhook that a function handled. They contain no message contents. */
export interface InvocationIds {
  /** The action of a webhook, or `unknown`. */
  readonly webhook?: string | undefined;
  /** The detail-type of an event. */
  readonly event?: string | undefined;
  readonly eventId?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly causationId?: string | undefined;
  readonly organizationId?: string | undefined;
  readonly conversationId?: string | undefined;
}

export interface InvocationRecord extends InvocationIds {
  /** The HTTP status of a webhook's response. */
  readonly status: number | 'handled' | 'failed';
  /** The error's name, or the error of a webhook's response. */
  readonly reason?: string | undefined;
  readonly ms: number;
}

/** The events that an invocation published, each as its type, a space and its id. */
interface PublishedEvents {
  published?: string[];
}

export type RecordInvocation = (record: InvocationRecord) => void;

const recordedLevels: ReadonlySet<string> = new Set(['TRACE', 'DEBUG', 'INFO']);

const current = new AsyncLocalStorage<PublishedEvents>();

/**
 * Adds a published event to the line of the current invocation. Call it for the events that no function handles: for the
 * others, the handling function logs a line. Outside {@link withRecord}, the event is logged on a separate line.
 */
export function recordPublished(type: string, id: string, ids: InvocationIds): void {
  const event = `${type} ${id}`;
  const invocation = current.getStore();
  if (invocation) invocation.published = [...(invocation.published ?? []), event];
  else writeLine({ ...ids, published: [event] });
}

/**
 * Logs one line per invocation. The console of a stage lists webhooks and events from these lines. CloudWatch Logs bills each
 * byte, so the line has no further keys: CloudWatch Logs adds the time and the function's log group.
 */
export const recordInvocation: RecordInvocation = writeLine;

function writeLine(record: object): void {
  if (recordedLevels.has(logger.getLevelName())) process.stdout.write(`${JSON.stringify(record)}\n`);
}

/** Runs a function for an event, and records its outcome. */
export async function withRecord<T>(ids: InvocationIds, run: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const events: PublishedEvents = {};
  const record = (outcome: Pick<InvocationRecord, 'status' | 'reason'>) =>
    writeLine({ ...ids, ...outcome, ms: Math.round(performance.now() - started), ...events });
  try {
    const result = await current.run(events, run);
    record({ status: 'handled' });
    return result;
  } catch (error) {
    record({ status: 'failed', reason: error instanceof Error ? error.name : typeof error });
    throw error;
  }
}
