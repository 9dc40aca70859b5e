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
import { command, type GateView, viewOf } from '../core/outbound/gate/hand.ts';
import { gateStore } from '../core/outbound/gate/store.ts';
import { required, wholeNumber } from '../core/platform/configuration.ts';
import { invalid, parseBody, parseLimit, parseOneOf, type ReadRequest } from './http.ts';

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

const stepFunctions = new SFNClient({});

/** The GET requests of executions and dead letters. */
export const reads = {
  '/executions': listExecutions,
  '/executions/:id': readExecution,
  '/dead-letters': listDeadLetters,
  '/dead-letters/:id': readDeadLetter,
};

async function listExecutions({ query: { status, limit, after } }: ReadRequest) {
  const page = await stepFunctions.send(
    new ListExecutionsCommand({
      stateMachineArn: required('SEND_MACHINE_ARN', 'the ARN of the send state machine'),
      maxResults: Math.min(1000, parseLimit(limit, 100)),
      ...(status !== undefined && { statusFilter: parseOneOf(executionStatuses, status, 'status') }),
      ...(after !== undefined && { nextToken: after }),
    }),
  );
  return { executions: (page.executions ?? []).map(summarizeExecution), next: page.nextToken };
}

async function readExecution({ id: executionArn }: ReadRequest) {
  try {
    const [execution, history] = await Promise.all([
      stepFunctions.send(new DescribeExecutionCommand({ executionArn })),
      stepFunctions.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 })),
    ]);
    const { error, cause, input, output } = execution;
    return {
      execution: { ...summarizeExecution(execution), error, cause, input, output },
      history: (history.events ?? []).map(toHistoryEvent),
    };
  } catch (error) {
    if (error instanceof ExecutionDoesNotExist) throw invalid(404, 'id', 'the ARN of an execution');
    throw error;
  }
}

async function listDeadLetters({ query: { status = 'open', limit, after } }: ReadRequest) {
  const chosen = parseOneOf(deadLetterStatuses, status, 'status');
  const { letters, next } = await list(chosen, { limit: parseLimit(limit, 100), from: after ?? null });
  return { deadLetters: letters.map(withCategory), next };
}

/** `content` is the archived request or event, and its error. */
async function readDeadLetter({ id }: ReadRequest) {
  const found = await find(id);
  if (!found) throw invalid(404, 'id', 'the id of a dead letter');
  return { deadLetter: withCategory(found.archived), content: found.letter };
}

export interface RedriveDryRun {
  readonly deadLetters: readonly {
    readonly id: string;
    /** Why it cannot be redriven; left out if it can. */
    readonly reason: string | undefined;
  }[];
}

export interface GateResponse {
  readonly gates: readonly GateView[];
}

/** Redrives of dead letters, and gates. */
export function operations(): Hono {
  const app = new Hono();
  const gates = gateStore(wholeNumber('LIVECHAT_CALLS_PER_SECOND', 10, 1));

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

export type DeadLetter = ReturnType<typeof withCategory>;

/** Adds the error category, a heading in docs/how-to/respond-to-alarms.md. */
function withCategory(deadLetter: Archived) {
  const { kind, errorName: name, errorMessage: message } = deadLetter;
  return { ...deadLetter, category: categoryOf({ kind, error: { name, message } }) };
}

function notRedrivableReason(deadLetter: Archived | undefined): string | undefined {
  if (!deadLetter) return 'the dead letter does not exist';
  if (deadLetter.kind === 'unread') return 'its content is not readable';
  return deadLetter.status === 'open' ? undefined : `its status is ${deadLetter.status}`;
}

export interface ExecutionSummary {
  /** The ARN. */
  readonly id: string;
  readonly name: string;
  readonly status: string;
  /** ISO 8601. */
  readonly startDate: string;
  readonly stopDate?: string;
}

export function summarizeExecution(execution: Partial<ExecutionListItem>): ExecutionSummary {
  const { executionArn = '', name = '', status = '', startDate, stopDate } = execution;
  return {
    id: executionArn,
    name,
    status,
    startDate: startDate?.toISOString() ?? '',
    ...(stopDate && { stopDate: stopDate.toISOString() }),
  };
}

const text = z.optional(z.string());
const details = z.object({ name: text, error: text, cause: text, input: text });

/** An event of GetExecutionHistory, with the details that all types share. */
export interface HistoryEvent extends z.infer<typeof details> {
  readonly id: number;
  readonly type: string;
  /** ISO 8601. */
  readonly timestamp: string;
}

/** Each event type has a details field of its own name. */
function toHistoryEvent(event: StepFunctionsEvent): HistoryEvent {
  const { id = 0, type = '', timestamp } = event;
  const found = Object.entries(event).find(([field]) => field.endsWith('EventDetails'))?.[1];
  return { id, type, timestamp: timestamp?.toISOString() ?? '', ...details.safeParse(found).data };
}
