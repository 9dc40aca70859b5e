import pLimit from 'p-limit';
import * as z from 'zod/mini';
import type { ConversationKey } from '../channel/channel.ts';
import { mergeSorted } from '../conversations/merge.ts';
import { compare } from '../conversations/projection.ts';
import { findConversations, organizations } from '../conversations/queries.ts';
import { findMessages, type StoredMessage } from '../messages/queries.ts';
import { deadLetterStatuses, findDeadLetter, iterateDeadLetters } from '../outbound/dead-letter.ts';
import { getDeliveries, listDeliveries } from '../outbound/delivery.ts';
import { type ExecutionInput, executionName, parseExecutionInput } from '../outbound/request.ts';
import { parseJson } from '../platform/json.ts';
import { describeExecution, executionArn, listExecutionPage } from '../platform/step-functions.ts';
import {
  addStored,
  type ExecutionStatus,
  type ExecutionView,
  executionStatuses,
  recordedExecutions,
  type StoredExecution,
  summarizeExecution,
} from './view.ts';

export interface ExecutionFilter {
  readonly status?: ExecutionStatus | undefined;
  /** The name of the error of a failed execution. */
  readonly error?: string | undefined;
  /** Started between these times (ISO 8601). */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

export interface ExecutionQuery extends ExecutionFilter {
  readonly limit: number;
  /** The `next` of the previous page. */
  readonly after?: ExecutionCursor | undefined;
}

function matchesExecution(execution: ExecutionView, filter: ExecutionFilter): boolean {
  const { status = execution.status, error = execution.error, since = '', until = '~' } = filter;
  const { startDate } = execution;
  return execution.status === status && execution.error === error && startDate >= since && startDate <= until;
}

export interface ExecutionPage {
  /** Latest start first. */
  readonly executions: readonly ExecutionView[];
  readonly next?: string | undefined;
}

/**
 * Lists executions, latest start first. With `error`, lists failed executions, latest failure first. Step Functions keeps an
 * execution for 90 days. The list of an error contains an execution until its dead letter expires.
 */
export async function listExecutions(query: ExecutionQuery): Promise<ExecutionPage> {
  const { status, error, since = '', until = '~', limit, after: cursor } = query;
  const source = error === undefined ? iterateStepFunctions(status, cursor?.token) : iterateFailed(error, since);
  const found: ListedExecution[] = [];
  for await (const one of cursor ? continueAfter(cursor, source) : source) {
    if (one.at < since || found.length > limit) break;
    if (one.at <= until && (status === undefined || one.status === status)) found.push(one);
  }
  const last = found.length > limit ? found[limit - 1] : undefined;
  const read = await Promise.all(found.slice(0, limit).map((one) => concurrently(one.read)));
  const executions = await addStored(read.flatMap((one) => one ?? []));
  return { executions, ...(last && { next: encodeCursor(last) }) };
}

/**
 * Finds the executions of a request, a chat or a message, or the one with this name or ARN, latest start first. A search by
 * chat or message also finds executions that Step Functions has deleted.
 */
export async function findExecutions(text: string, filter: ExecutionFilter = {}): Promise<ExecutionView[]> {
  const id = text.trim();
  const organizationIds = await organizations();
  const [requests, conversations, messages] = await Promise.all([
    findRequests(id, organizationIds),
    findConversations(id, organizationIds),
    findMessages(id),
  ]);
  const found = await Promise.all([
    ...requests.map((request) => findStored(request, request.requestId)),
    ...conversations.map((conversation) => findStored({ ...conversation, conversationId: conversation.id })),
    ...messages.map(findByMessage),
  ]);
  const unique = new Map(found.flatMap((list) => list ?? []).map((one) => [one.execution.id, one]));
  const views = await addStored(
    [...unique.values()].toSorted((a, b) => compare(b.execution.startDate, a.execution.startDate)),
  );
  const named = views.filter((view) => view.name === nameIn(id));
  return (named.length > 0 ? named : views).filter((view) => matchesExecution(view, filter));
}

/** Returns the name in an ARN. Returns other texts unchanged. */
const nameIn = (nameOrArn: string) => nameOrArn.split(':').at(-1) ?? '';

/** The inputs of the execution with this name or ARN, and of the first execution of each request with this id. */
export async function findRequests(id: string, organizationIds: readonly string[]): Promise<ExecutionInput[]> {
  const name = nameIn(id);
  const names = organizationIds.map((organizationId) => executionName({ organizationId, requestId: id, redrive: 0 }));
  const found = await Promise.all([...(/^[0-9a-f]{32}$/.test(name) ? [name] : []), ...names].map(readRequest));
  return found.flatMap((request) => request ?? []);
}

/** Reads an execution by its name or ARN. Undefined if it does not exist. */
export async function findExecution(nameOrArn: string) {
  const execution = await describeExecution(nameOrArn.startsWith('arn:') ? nameOrArn : executionArn(nameOrArn));
  if (!execution) return undefined;
  const request = parseExecutionInput(parseJson(execution.input));
  const summary = summarizeExecution(execution);
  const [view] = await addStored([{ execution: summary, request }]);
  const { error = view?.error, cause } = execution;
  return { execution: { ...summary, ...view, error, cause }, request };
}

/** An execution in a list. `at`: the time by which the list is sorted. */
interface ListedExecution {
  readonly at: string;
  readonly name: string;
  readonly status: ExecutionStatus;
  /** The `nextToken` with which Step Functions returns the page that contains it. */
  readonly token?: string | undefined;
  read(): Promise<StoredExecution | undefined>;
}

/** Skips the executions of the previous pages. New executions may have moved the last one of them to a later page. */
async function* continueAfter(
  cursor: ExecutionCursor,
  source: AsyncIterable<ListedExecution>,
): AsyncGenerator<ListedExecution> {
  let isSkipped = true;
  for await (const one of source) {
    if (!isSkipped || one.at < cursor.at) yield one;
    isSkipped &&= one.at >= cursor.at && one.name !== cursor.name;
  }
}

/** The Step Functions quota for these calls is 15 per second, with a burst of a few hundred. */
const concurrently = pLimit(10);

const listPageSize = 200;

async function* iterateStepFunctions(
  statusFilter: ExecutionStatus | undefined,
  from: string | undefined,
): AsyncGenerator<ListedExecution> {
  let token = from;
  do {
    const query = { maxResults: listPageSize, nextToken: token, ...(statusFilter && { statusFilter }) };
    const page: Awaited<ReturnType<typeof listExecutionPage>> = await listExecutionPage(query);
    for (const item of page.executions ?? []) {
      const execution = summarizeExecution(item);
      const { startDate: at, name, status } = execution;
      const read = async () => ({ execution, request: await readRequest(name) });
      yield { at, name, status, token, read };
    }
    token = page.nextToken;
  } while (token !== undefined);
}

/** Failed executions, from their dead letters. */
async function* iterateFailed(error: string, since: string): AsyncGenerator<ListedExecution> {
  const deadLetters = mergeSorted(
    deadLetterStatuses.map((status) =>
      iterateDeadLetters(status, { pageSize: listPageSize, since, filter: { kind: 'send', error } }),
    ),
    (a, b) => compare(b.createdAt, a.createdAt),
  );
  for await (const { id, createdAt: at, organizationId, requestId, redrives: redrive } of deadLetters) {
    const name = executionName({ organizationId, requestId, redrive });
    const status = executionStatuses.find((one) => one === error) ?? 'FAILED';
    const read = async () => {
      const deadLetter = (await findDeadLetter(id))?.deadLetter;
      if (deadLetter?.kind !== 'send') return undefined;
      const startDate = new Date(deadLetter.request.orderKey).toISOString();
      const execution = { id: executionArn(name), name, status, startDate, stopDate: at };
      return { execution, request: deadLetter.request };
    };
    yield { at, name, status, read };
  }
}

/** A cache of execution inputs. They are immutable and contain only ids. */
const cachedRequests = new Map<string, ExecutionInput>();
const maxCachedRequests = 5_000;

async function readRequest(name: string): Promise<ExecutionInput | undefined> {
  const known = cachedRequests.get(name);
  if (known) return known;
  const request = parseExecutionInput(parseJson((await describeExecution(executionArn(name)))?.input));
  if (request) cachedRequests.set(name, request);
  const [oldest] = cachedRequests.keys();
  if (cachedRequests.size > maxCachedRequests && oldest !== undefined) cachedRequests.delete(oldest);
  return request;
}

async function findByMessage(message: StoredMessage): Promise<StoredExecution[]> {
  const { customId } = message.metadata;
  if (typeof customId !== 'string') return [];
  const requestId = (await getDeliveries([{ ...message, id: customId }])).get(customId)?.requestId;
  return requestId === undefined ? [] : findStored(message, requestId);
}

/** Returns the executions of a conversation's requests, or of one request, from the stored deliveries. */
async function findStored(conversation: ConversationKey, requestId?: string): Promise<StoredExecution[]> {
  const deliveries = [...(await listDeliveries(conversation)).values()];
  const byRequest = Map.groupBy(deliveries, (delivery) => delivery.requestId);
  return [...byRequest.values()].flatMap((stored) =>
    requestId === undefined || stored[0]?.requestId === requestId ? recordedExecutions(stored) : [],
  );
}

const cursorSchema = z.object({ at: z.string(), name: z.string(), token: z.optional(z.string()) });

export type ExecutionCursor = z.infer<typeof cursorSchema>;

function encodeCursor({ at, name, token }: ListedExecution): string {
  return Buffer.from(JSON.stringify({ at, name, token })).toString('base64url');
}

/** Parses the `next` of a page. Undefined if it is invalid. */
export function parseExecutionCursor(text: string): ExecutionCursor | undefined {
  return cursorSchema.safeParse(parseJson(Buffer.from(text, 'base64url').toString())).data;
}
