import type { ExecutionListItem, HistoryEvent as StepFunctionsEvent } from '@aws-sdk/client-sfn';
import * as z from 'zod/mini';
import type { ExecutionSummary, HistoryEvent } from './answers.ts';

type Described = Pick<Partial<ExecutionListItem>, 'executionArn' | 'name' | 'status' | 'startDate' | 'stopDate'>;

/** An execution as Step Functions lists or describes it, in the console's words. */
export function summaryOf({ executionArn, name, status, startDate, stopDate }: Described): ExecutionSummary {
  return {
    id: executionArn ?? '',
    name: name ?? '',
    status: status ?? '',
    startDate: startDate?.toISOString() ?? '',
    ...(stopDate && { stopDate: stopDate.toISOString() }),
  };
}

const some = z.optional(z.string());
const details = z.object({ name: some, error: some, cause: some, input: some });

/** Each kind of event keeps its details under a name of its own; which of them say what is the same for all. */
export function historyEvent(event: StepFunctionsEvent): HistoryEvent {
  const { id = 0, type = '', timestamp } = event;
  const found = Object.entries(event).find(([field]) => field.endsWith('EventDetails'))?.[1];
  const { name, error, cause, input } = details.safeParse(found).data ?? {};
  return {
    id,
    type,
    timestamp: timestamp?.toISOString() ?? '',
    ...(name !== undefined && { name }),
    ...(error !== undefined && { error }),
    ...(cause !== undefined && { cause }),
    ...(input !== undefined && { input }),
  };
}
