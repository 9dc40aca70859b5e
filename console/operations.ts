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
import { limitOr, oneOf, problem } from './problem.ts';
import type {
  DeadLetter,
  DeadLetterAnswer,
  DeadLetterPage,
  ExecutionAnswer,
  ExecutionPage,
  ExecutionSummary,
  GateAnswer,
  HistoryEvent,
  RedrivePlan,
} from './responses.ts';

const letterStatuses = ['open', 'redriven', 'settled'] as const;
const runStatuses = ['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'] as const;
const gateCommand = z.union([
  z.strictObject({ do: z.enum(['pause', 'resume']) }),
  z.strictObject({ do: z.literal('set'), callsPerSecond: z.number().check(z.minimum(0.1), z.maximum(1000)) }),
]);

/** What would become of a selection; each letter is then redriven by a call of its own, so that progress shows. */
const selection = z.strictObject({
  ids: z.array(z.string()).check(z.minLength(1), z.maxLength(500)),
  dryRun: z.literal(true),
});

/** What an operator sees and does: runs of the send machine, dead letters, gates. */
export function operations(): Hono {
  const app = new Hono();
  const stepFunctions = new SFNClient({});
  const gates = gateStore(wholeNumber('LIVECHAT_CALLS_PER_SECOND', 10, 1));

  app.get('/executions', async (context) => {
    const { status, limit, after } = context.req.query();
    const answer = await stepFunctions.send(
      new ListExecutionsCommand({
        stateMachineArn: required('SEND_MACHINE_ARN', 'the ARN of the send state machine'),
        maxResults: Math.min(1000, limitOr(100, limit)),
        ...(status !== undefined && { statusFilter: oneOf(runStatuses, status, 'status') }),
        ...(after !== undefined && { nextToken: after }),
      }),
    );
    const executions = (answer.executions ?? []).map(summaryOf);
    return context.json({ executions, next: answer.nextToken } satisfies ExecutionPage);
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
        execution: { ...summaryOf(execution), error, cause, input, output },
        history: (history.events ?? []).map(historyEvent),
      } satisfies ExecutionAnswer);
    } catch (error) {
      if (error instanceof ExecutionDoesNotExist) throw problem(404, 'id', 'the ARN of an execution');
      throw error;
    }
  });

  app.get('/dead-letters', async (context) => {
    const { status, limit, after } = context.req.query();
    const wanted = oneOf(letterStatuses, status ?? 'open', 'status');
    const { letters, next } = await list(wanted, { limit: limitOr(100, limit), from: after ?? null });
    return context.json({ deadLetters: letters.map(withCategory), next } satisfies DeadLetterPage);
  });

  app.get('/dead-letters/:id', async (context) => {
    const found = await find(context.req.param('id'));
    if (!found) throw problem(404, 'id', 'the id of a dead letter');
    return context.json({
      deadLetter: withCategory(found.archived),
      letter: found.letter,
    } satisfies DeadLetterAnswer);
  });

  app.post('/dead-letters/redrive', async (context) => {
    const given = selection.safeParse(await context.req.json().catch(() => undefined));
    if (!given.success) throw problem(400, 'ids', '{"ids":["…"],"dryRun":true}, 1 to 500 ids of dead letters');
    const letters = await Promise.all(
      given.data.ids.map(async (id) => ({ id, refused: unfit((await find(id))?.archived) })),
    );
    return context.json({ letters } satisfies RedrivePlan);
  });

  app.post('/dead-letters/:id/redrive', async (context) => {
    try {
      return context.json({ redriven: await redrive(context.req.param('id'), Date.now()) });
    } catch (error) {
      if (error instanceof NotRedriven) throw problem(409, 'id', `an open dead letter; ${error.message}`);
      throw error;
    }
  });

  app.get('/gate', async (context) => {
    const { organizationId } = context.req.query();
    const ids = organizationId === undefined ? await organizations() : [organizationId];
    const now = Date.now();
    const views = await Promise.all(ids.map(async (id) => viewOf(id, await gates.read(id), now)));
    return context.json({ gates: views } satisfies GateAnswer);
  });

  app.post('/gate/:organizationId', async (context) => {
    const given = gateCommand.safeParse(await context.req.json().catch(() => undefined));
    if (!given.success)
      throw problem(400, 'do', '{"do":"pause"}, {"do":"resume"} or {"do":"set","callsPerSecond":0.1 to 1000}');
    return context.json({ gate: await command(gates, context.req.param('organizationId'), given.data, Date.now()) });
  });

  return app;
}

function withCategory(letter: Archived): DeadLetter {
  const category = categoryOf({ kind: letter.kind, error: { name: letter.errorName, message: letter.errorMessage } });
  return { ...letter, category };
}

function unfit(letter: Archived | undefined): string | undefined {
  if (!letter) return 'there is no such dead letter';
  if (letter.kind === 'unread') return 'it cannot be read, so there is nothing to redrive';
  return letter.status === 'open' ? undefined : `it is ${letter.status} already`;
}

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
