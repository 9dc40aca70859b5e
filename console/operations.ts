import {
  DescribeExecutionCommand,
  ExecutionDoesNotExist,
  type ExecutionListItem,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  SFNClient,
  type HistoryEvent as StepFunctionsEvent,
} from '@aws-sdk/client-sfn';
import { Hono } from 'hono';
import * as z from 'zod/mini';
import { organizations } from '../core/conversations/queries.ts';
import { categoryOf } from '../core/outbound/dead-letters/category.ts';
import { NotRedriven, redrive } from '../core/outbound/dead-letters/redrive.ts';
import { type Archived, find, list } from '../core/outbound/dead-letters/store.ts';
import { command, viewOf } from '../core/outbound/gate/hand.ts';
import { gateStore } from '../core/outbound/gate/store.ts';
import { required, wholeNumber } from '../core/platform/configuration.ts';
import { invalid, parseBody, parseLimit, parseOneOf } from './http.ts';
import type {
  DeadLetter,
  DeadLetterPage,
  DeadLetterResponse,
  ExecutionPage,
  ExecutionResponse,
  ExecutionSummary,
  GateResponse,
  HistoryEvent,
  RedriveDryRun,
} from './responses.ts';

const deadLetterStatuses = ['open', 'redriven', 'settled'] as const;
const executionStatuses = ['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'] as const;
const gateCommand = z.union([
  z.strictObject({ do: z.enum(['pause', 'resume']) }),
  z.strictObject({ do: z.literal('set'), callsPerSecond: z.number().check(z.minimum(0.1), z.maximum(1000)) }),
]);

/** A dry run for a selection. Each dead letter is then redriven with its own call, so that the page can show progress. */
const dryRunRequest = z.strictObject({
  ids: z.array(z.string()).check(z.minLength(1), z.maxLength(500)),
  dryRun: z.literal(true),
});

/** Executions of the send state machine, dead letters and gates. */
export function operations(): Hono {
  const app = new Hono();
  const stepFunctions = new SFNClient({});
  const gates = gateStore(wholeNumber('LIVECHAT_CALLS_PER_SECOND', 10, 1));

  app.get('/executions', async (context) => {
    const { status, limit, after } = context.req.query();
    const page = await stepFunctions.send(
      new ListExecutionsCommand({
        stateMachineArn: required('SEND_MACHINE_ARN', 'the ARN of the send state machine'),
        maxResults: Math.min(1000, parseLimit(limit, 100)),
        ...(status !== undefined && { statusFilter: parseOneOf(executionStatuses, status, 'status') }),
        ...(after !== undefined && { nextToken: after }),
      }),
    );
    const executions = (page.executions ?? []).map(summarizeExecution);
    return context.json({ executions, next: page.nextToken } satisfies ExecutionPage);
  });

  app.get('/executions/:id', async (context) => {
    const executionArn = context.req.param('id');
    try {
      const [execution, history] = await Promise.all([
        stepFunctions.send(new DescribeExecutionCommand({ executionArn })),
        stepFunctions.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 })),
      ]);
      const { error, cause, input, output } = execution;
      return context.json({
        execution: { ...summarizeExecution(execution), error, cause, input, output },
        history: (history.events ?? []).map(toHistoryEvent),
      } satisfies ExecutionResponse);
    } catch (error) {
      if (error instanceof ExecutionDoesNotExist) throw invalid(404, 'id', 'the ARN of an execution');
      throw error;
    }
  });

  app.get('/dead-letters', async (context) => {
    const { status, limit, after } = context.req.query();
    const chosenStatus = parseOneOf(deadLetterStatuses, status ?? 'open', 'status');
    const { letters, next } = await list(chosenStatus, { limit: parseLimit(limit, 100), from: after ?? null });
    return context.json({ deadLetters: letters.map(withCategory), next } satisfies DeadLetterPage);
  });

  app.get('/dead-letters/:id', async (context) => {
    const found = await find(context.req.param('id'));
    if (!found) throw invalid(404, 'id', 'the id of a dead letter');
    return context.json({
      deadLetter: withCategory(found.archived),
      content: found.letter,
    } satisfies DeadLetterResponse);
  });

  app.post('/dead-letters/redrive', async (context) => {
    const expected = '{"ids":["…"],"dryRun":true}, 1 to 500 ids of dead letters';
    const { ids } = await parseBody(context, dryRunRequest, 'ids', expected);
    const deadLetters = await Promise.all(
      ids.map(async (id) => ({ id, reason: notRedrivableReason((await find(id))?.archived) })),
    );
    return context.json({ deadLetters } satisfies RedriveDryRun);
  });

  app.post('/dead-letters/:id/redrive', async (context) => {
    try {
      return context.json({ redriven: await redrive(context.req.param('id'), Date.now()) });
    } catch (error) {
      if (error instanceof NotRedriven) throw invalid(409, 'id', `an open dead letter; ${error.message}`);
      throw error;
    }
  });

  app.get('/gate', async (context) => {
    const { organizationId } = context.req.query();
    const ids = organizationId === undefined ? await organizations() : [organizationId];
    const now = Date.now();
    const views = await Promise.all(ids.map(async (id) => viewOf(id, await gates.read(id), now)));
    return context.json({ gates: views } satisfies GateResponse);
  });

  app.post('/gate/:organizationId', async (context) => {
    const expected = '{"do":"pause"}, {"do":"resume"} or {"do":"set","callsPerSecond":0.1 to 1000}';
    const change = await parseBody(context, gateCommand, 'do', expected);
    return context.json({ gate: await command(gates, context.req.param('organizationId'), change, Date.now()) });
  });

  return app;
}

function withCategory(deadLetter: Archived): DeadLetter {
  const category = categoryOf({
    kind: deadLetter.kind,
    error: { name: deadLetter.errorName, message: deadLetter.errorMessage },
  });
  return { ...deadLetter, category };
}

function notRedrivableReason(deadLetter: Archived | undefined): string | undefined {
  if (!deadLetter) return 'the dead letter does not exist';
  if (deadLetter.kind === 'unread') return 'its content is not readable';
  return deadLetter.status === 'open' ? undefined : `its status is ${deadLetter.status}`;
}

type StepFunctionsExecution = Pick<
  Partial<ExecutionListItem>,
  'executionArn' | 'name' | 'status' | 'startDate' | 'stopDate'
>;

export function summarizeExecution({
  executionArn,
  name,
  status,
  startDate,
  stopDate,
}: StepFunctionsExecution): ExecutionSummary {
  return {
    id: executionArn ?? '',
    name: name ?? '',
    status: status ?? '',
    startDate: startDate?.toISOString() ?? '',
    ...(stopDate && { stopDate: stopDate.toISOString() }),
  };
}

const text = z.optional(z.string());
const details = z.object({ name: text, error: text, cause: text, input: text });

/** Each event type has a details field of its own name. */
function toHistoryEvent(event: StepFunctionsEvent): HistoryEvent {
  const { id = 0, type = '', timestamp } = event;
  const found = Object.entries(event).find(([field]) => field.endsWith('EventDetails'))?.[1];
  return { id, type, timestamp: timestamp?.toISOString() ?? '', ...details.safeParse(found).data };
}
