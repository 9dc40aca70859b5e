import { Hono } from 'hono';
import * as z from 'zod/mini';
import { commandRateLimit, readRateLimit } from '../core/channel/rate-limit-store.ts';
import { normalizeOrganizationId } from '../core/channel/spec.ts';
import { organizations } from '../core/conversations/queries.ts';
import {
  type ExecutionPage,
  findExecution,
  findExecutions,
  listExecutions,
  parseExecutionCursor,
} from '../core/executions/executions.ts';
import { readExecutionHistory } from '../core/executions/history.ts';
import { executionStatuses } from '../core/executions/view.ts';
import {
  type DeadLetterSummary,
  deadLetterStatuses,
  findDeadLetter,
  listDeadLetters,
  orderKeyOf,
} from '../core/outbound/dead-letter.ts';
import {
  dismiss,
  dismissReason,
  redrive,
  redriveObstacle,
  redriveWarning,
} from '../core/outbound/dead-letter-handler.ts';
import { deadLetterCategory } from '../core/outbound/errors.ts';
import { outboundPorts } from '../core/outbound/ports.ts';
import { executionName } from '../core/outbound/request.ts';
import { wholeNumber } from '../core/platform/configuration.ts';
import { logger } from '../core/platform/logger.ts';
import { executionArn as toExecutionArn } from '../core/platform/step-functions.ts';
import { readReconciliation } from '../core/reconciliation/state.ts';
import { schedules } from '../stacks/topology.ts';
import {
  invalid,
  invalidCursor,
  parseBody,
  parseLimit,
  parseOneOf,
  parsePeriod,
  type ReadRequest,
  readAfter,
} from './http.ts';

export const rateLimitCommand = z.union([
  z.strictObject({ do: z.literal('pause') }),
  z.strictObject({ do: z.literal('resume') }),
  z.strictObject({ do: z.literal('set'), callsPerSecond: z.number().check(z.minimum(0.1), z.maximum(1000)) }),
]);

/** A dry run for a selection. Each dead letter is then redriven with its own call, so that the page can show progress. */
export const dryRunRequest = z.strictObject({
  ids: z.array(z.string()).check(z.minLength(1), z.maxLength(1_000)),
  dryRun: z.literal(true),
});

/** The GET requests of executions, dead letters, rate limits and reconciliation. */
export const reads = {
  '/executions': readExecutions,
  '/executions/:id': readExecution,
  '/dead-letters': readDeadLetters,
  '/dead-letters/:id': readDeadLetter,
  '/rate-limits': listRateLimits,
  '/reconciliation': listReconciliation,
};

/** With `search`, returns the executions of a request, chat or message, or the one with this name, in a single page. */
async function readExecutions({ query }: ReadRequest): Promise<ExecutionPage> {
  const { status, error, since, until, search, limit, after } = query;
  const filter = {
    status: status === undefined ? undefined : parseOneOf(executionStatuses, status, 'status'),
    error,
    ...parsePeriod({ since, until }),
  };
  const max = parseLimit(limit, 100);
  if (search?.trim()) {
    return { executions: (await findExecutions(search, filter)).slice(0, max) };
  }
  const cursor = after === undefined ? undefined : parseExecutionCursor(after);
  if (after !== undefined && !cursor) throw invalidCursor();
  return listExecutions({ ...filter, limit: max, after: cursor });
}

/** `history`: the last 1,000 events, oldest first. */
async function readExecution({ id }: ReadRequest) {
  const found = await findExecution(id);
  if (!found) throw invalid(404, 'id', 'the name or ARN of an execution of the last 90 days');
  return { ...found, ...(await readExecutionHistory(found.execution.id)) };
}

async function readDeadLetters({ query: { status = 'open', limit, after } }: ReadRequest) {
  const chosen = parseOneOf(deadLetterStatuses, status, 'status');
  const page = listDeadLetters(chosen, { limit: parseLimit(limit, 100), from: after ?? null });
  const { deadLetters, next } = await readAfter(after, page);
  return { deadLetters: deadLetters.map(withCategory), next };
}

/** `content` is the archived request or event, and its error; `execution` the ARN of the execution that failed. */
async function readDeadLetter({ id }: ReadRequest) {
  const found = await findDeadLetter(id);
  if (!found) throw invalid(404, 'id', 'the id of a dead letter');
  const { summary, deadLetter: content } = found;
  const execution = content.kind === 'send' ? toExecutionArn(executionName(content.request)) : undefined;
  return { deadLetter: withCategory(summary), content, execution };
}

/** Lists the rate limit of one organization, or of all. `organizations`: the ids of all. */
export async function listRateLimits({ query: { organizationId } }: Pick<ReadRequest, 'query'> = { query: {} }) {
  const known = await organizations();
  const ids = organizationId === undefined ? known : [organizationId];
  return { organizations: known, rateLimits: await Promise.all(ids.map((id) => readRateLimit(id, Date.now()))) };
}

/** `everyMinutes`: the interval of the scheduled runs; 0 if the schedule is off. */
async function listReconciliation({ query: { organizationId } }: ReadRequest) {
  const ids = organizationId === undefined ? await organizations() : [organizationId];
  return {
    organizations: await Promise.all(ids.map((id) => readReconciliation(id))),
    everyMinutes: wholeNumber(schedules.reconciliation.setting, schedules.reconciliation.defaultMinutes),
  };
}

export type RedriveDryRun = Awaited<ReturnType<typeof dryRunRedrive>>;

/**
 * Returns the results in the order of the requests, in which they must be redriven. `reason`: why a dead letter cannot be
 * redriven. `warning`: why a redrive would probably fail again; it requires `force`.
 */
async function dryRunRedrive(ids: readonly string[]) {
  const deadLetters = await Promise.all(
    ids.map(async (id) => {
      const { summary, deadLetter } = (await findDeadLetter(id)) ?? {};
      const reason = summary ? redriveObstacle(summary) : 'the dead letter does not exist';
      return { orderKey: orderKeyOf(deadLetter), result: { id, reason, warning: summary && redriveWarning(summary) } };
    }),
  );
  deadLetters.sort((one, other) => one.orderKey - other.orderKey);
  return { deadLetters: deadLetters.map(({ result }) => result) };
}

export const redriveRequest = z.strictObject({ force: z.optional(z.boolean()) });

export const dismissRequest = z.strictObject({ reason: dismissReason });

/** Redrives and dismisses dead letters, and changes rate limits. */
export function operations(): Hono {
  const app = new Hono();
  const ports = outboundPorts(logger);

  app.post('/dead-letters/redrive', async (context) => {
    const expected = '{"ids":["…"],"dryRun":true}, 1 to 1000 ids of dead letters';
    const { ids } = await parseBody(context, dryRunRequest, 'ids', expected);
    return context.json(await dryRunRedrive(ids));
  });

  app.post('/dead-letters/:id/redrive', async (context) => {
    const { force = false } = await parseBody(context, redriveRequest, 'force', 'no body, or {"force":true}');
    const { redriven, refused } = await redrive(context.req.param('id'), ports, { force });
    if (refused !== undefined) throw invalid(409, 'id', `an open dead letter; ${refused}`);
    return context.json({ redriven });
  });

  app.post('/dead-letters/:id/dismiss', async (context) => {
    const expected = '{"reason":"…"}, 1 to 500 characters';
    const { reason } = await parseBody(context, dismissRequest, 'reason', expected);
    const { dismissed, refused } = await dismiss(context.req.param('id'), reason, Date.now());
    if (refused !== undefined) throw invalid(409, 'id', `an open dead letter; ${refused}`);
    return context.json({ dismissed });
  });

  app.post('/rate-limits/:organizationId', async (context) => {
    const expected = '{"do":"pause"}, {"do":"resume"} or {"do":"set","callsPerSecond":0.1 to 1000}';
    const command = await parseBody(context, rateLimitCommand, 'do', expected);
    const organizationId = normalizeOrganizationId(context.req.param('organizationId'));
    const rateLimit = await commandRateLimit(organizationId, command, Date.now());
    return context.json({ rateLimit });
  });

  return app;
}

export type DeadLetter = ReturnType<typeof withCategory>;

/** Adds the error category, a heading in docs/how-to/respond-to-alarms.md. */
function withCategory(deadLetter: DeadLetterSummary) {
  return { ...deadLetter, category: deadLetterCategory(deadLetter.kind, deadLetter.errorName) };
}
