import type { HistoryEvent as StepFunctionsEvent } from '@aws-sdk/client-sfn';
import * as z from 'zod/mini';
import { readHistory } from '../platform/step-functions.ts';

const maxEvents = 1_000;

/** The last 1,000 events of an execution, oldest first. */
export async function readExecutionHistory(arn: string) {
  const { events = [], nextToken } = await readHistory(arn, maxEvents);
  return { history: events.map(toHistoryEvent).toReversed(), hasEarlierEvents: nextToken !== undefined };
}

const text = z.optional(z.string());
const details = z.object({ name: text, error: text, cause: text, input: text, output: text });

export type HistoryEvent = ReturnType<typeof toHistoryEvent>;

/** An event with the common fields of all event types. The API has a separate details field for each event type. */
function toHistoryEvent(event: StepFunctionsEvent) {
  const { id = 0, type = '', timestamp } = event;
  const found = Object.entries(event).find(([field]) => field.endsWith('EventDetails'))?.[1];
  return { id, type, timestamp: timestamp?.toISOString() ?? '', ...details.safeParse(found).data };
}
