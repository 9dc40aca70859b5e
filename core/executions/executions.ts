import type { ExecutionListItem } from '@aws-sdk/client-sfn';
import pLimit from 'p-limit';
import * as z from 'zod/mini';
import type { ConversationKey } from '../channel/channel.ts';
import { mergeSorted } from '../conversations/merge.ts';
import { compare } from '../conversations/projection.ts';
import {
  type ConversationSummary,
  findConversations,
  getConversations,
  organizations,
} from '../conversations/queries.ts';
import { partTitle } from '../livechat/compose.ts';
import { findMessages, getMessages, type StoredMessage } from '../messages/queries.ts';
import {
  type DeadLetterSummary,
  deadLetterStatuses,
  deriveDeadLetterId,
  findDeadLetter,
  listDeadLetters,
} from '../outbound/dead-letter.ts';
import { type Delivery, getDeliveries, listDeliveries, wasSent } from '../outbound/delivery.ts';
import { comparePlaces, type ExecutionInput, executionName, parseExecutionInput } from '../outbound/request.ts';
import { parseJson } from '../platform/json.ts';
import { describeExecution, executionArn, listExecutionPage } from '../platform/step-functions.ts';

export const executionStatuses = ['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'] as const;
export type ExecutionStatus = (typeof executionStatuses)[number];

/** An execution of the send state machine, with what is stored of its request. */
export interface ExecutionView
  extends ExecutionSummary,
    Pick<ExecutionInput, 'requestId' | 'redrive'>,
    ConversationKey {
  /** Name, e-mail or id; left out while no customer of the conversation is stored. */
  readonly customer?: string;
  /** The first words of the first message; left out if it is no longer stored. */
  readonly text?: string;
  /** The number of messages that the request sends. */
  readonly parts: number;
  /** The attempts of the part with the most. */
  readonly attempts: number;
  /** The name of the error that ended it or, while it runs, of the last failed attempt. */
  readonly error?: string;
  readonly deadLetterId?: string;
}

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

export function matchesExecution(execution: ExecutionView, filter: ExecutionFilter): boolean {
  const { status = execution.status, error = execution.error, since = '', until = '~' } = filter;
  const { startDate } = execution;
  return execution.status === status && execution.error === error && startDate >= since && startDate <= until;
}

export interface ExecutionPage {
  /** Latest start first. */
  readonly executions: readonly ExecutionView[];
  readonly next?: string | undefined;
}

export type ExecutionSummary = ReturnType<typeof summarizeExecution>;

/** `id` is the ARN; times are ISO 8601. */
export function summarizeExecution(execution: Partial<ExecutionListItem>) {
  const { executionArn: id = '', name = '', status = '', startDate, stopDate } = execution;
  return {
    id,
    name,
    status: executionStatuses.find((one) => one === status) ?? 'RUNNING',
    startDate: startDate?.toISOString() ?? '',
    ...(stopDate && { stopDate: stopDate.toISOString() }),
  };
}

/**
 * Lists executions, latest start first; those of an error, latest failure first. Step Functions keeps an execution for 90 days, a
 * failed one is listed by its error as long as its dead letter.
 */
export async function listExecutions(query: ExecutionQuery): Promise<ExecutionPage> {
  const { status, error, since = '', until = '~', limit, after: cursor } = query;
  const source = error === undefined ? iterateStepFunctions(status, cursor?.token) : iterateFailed(error, since);
  const found: Found[] = [];
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
 * Finds the executions of a request, a chat or a message, or the one with this name or ARN, latest start first. Those that Step
 * Functions no longer has are found as well by their chat or message.
 */
export async function findExecutions(text: string): Promise<ExecutionView[]> {
  const id = text.trim();
  const organizationIds = await organizations();
  const names = organizationIds.map((organizationId) => executionName({ organizationId, requestId: id, redrive: 0 }));
  const name = id.split(':').at(-1) ?? '';
  const [requests, conversations, messages] = await Promise.all([
    Promise.all([...(/^[0-9a-f]{32}$/.test(name) ? [name] : []), ...names].map(readRequest)),
    findConversations(id, organizationIds),
    findMessages(id),
  ]);
  const found = await Promise.all([
    ...requests.map((request) => request && findStored(request, request.requestId)),
    ...conversations.map((conversation) => findStored({ ...conversation, conversationId: conversation.id })),
    ...messages.map(findByMessage),
  ]);
  const unique = new Map(found.flatMap((list) => list ?? []).map((one) => [one.execution.id, one]));
  const views = await addStored(
    [...unique.values()].toSorted((a, b) => compare(b.execution.startDate, a.execution.startDate)),
  );
  const named = views.filter((view) => view.name === name);
  return named.length > 0 ? named : views;
}

/** Reads an execution by its name or ARN. Undefined if Step Functions does not have it. */
export async function findExecution(nameOrArn: string) {
  const execution = await describeExecution(nameOrArn.startsWith('arn:') ? nameOrArn : executionArn(nameOrArn));
  if (!execution) return undefined;
  const request = parseExecutionInput(parseJson(execution.input));
  const summary = summarizeExecution(execution);
  const [view] = request ? await addStored([{ execution: summary, request }]) : [];
  const { error = view?.error, cause } = execution;
  return { execution: { ...summary, ...view, error, cause }, request };
}

type RequestIds = Pick<ExecutionInput, 'requestId' | 'redrive'> & ConversationKey;

/** An execution with its request, and its deliveries if they have been read. */
interface StoredExecution {
  readonly execution: ExecutionSummary;
  readonly request: RequestIds & { readonly deliveries: readonly { readonly id: string }[] };
  readonly stored?: readonly Delivery[];
}

/** An execution in a list. `at`: the time by which the list is sorted. */
interface Found {
  readonly at: string;
  readonly name: string;
  readonly status: ExecutionStatus;
  /** The page of Step Functions that it is on. */
  readonly token?: string | undefined;
  read(): Promise<StoredExecution | undefined>;
}

/** New executions may have moved the last one of the previous page. */
async function* continueAfter(cursor: ExecutionCursor, source: AsyncIterable<Found>): AsyncGenerator<Found> {
  let isSkipped = true;
  for await (const one of source) {
    if (!isSkipped || one.at < cursor.at) yield one;
    isSkipped &&= one.at >= cursor.at && one.name !== cursor.name;
  }
}

/** Step Functions allows fifteen such calls a second, and some hundred at once. */
const concurrently = pLimit(10);

const listPageSize = 200;

async function* iterateStepFunctions(
  statusFilter: ExecutionStatus | undefined,
  from: string | undefined,
): AsyncGenerator<Found> {
  let token = from;
  do {
    const query = { maxResults: listPageSize, nextToken: token, ...(statusFilter && { statusFilter }) };
    const page: Awaited<ReturnType<typeof listExecutionPage>> = await listExecutionPage(query);
    for (const item of page.executions ?? []) {
      const execution = summarizeExecution(item);
      const { startDate: at, name, status } = execution;
      const read = async () => {
        const request = await readRequest(name);
        return request && { execution, request };
      };
      yield { at, name, status, token, read };
    }
    token = page.nextToken;
  } while (token !== undefined);
}

/** Failed executions, from their dead letters. */
async function* iterateFailed(error: string, since: string): AsyncGenerator<Found> {
  const deadLetters = mergeSorted(
    deadLetterStatuses.map((status) => iterateDeadLetters(status, error, since)),
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

async function* iterateDeadLetters(
  status: DeadLetterSummary['status'],
  error: string,
  since: string,
): AsyncGenerator<DeadLetterSummary> {
  let from: string | null = null;
  do {
    const query = { limit: listPageSize, from, since, filter: { kind: 'send' as const, error } };
    const page: Awaited<ReturnType<typeof listDeadLetters>> = await listDeadLetters(status, query);
    yield* page.deadLetters;
    from = page.next ?? null;
  } while (from !== null);
}

/** Inputs of executions, which never change. They hold ids only. */
const knownRequests = new Map<string, ExecutionInput>();
const maxKnownRequests = 5_000;

async function readRequest(name: string): Promise<ExecutionInput | undefined> {
  const known = knownRequests.get(name);
  if (known) return known;
  const request = parseExecutionInput(parseJson((await describeExecution(executionArn(name)))?.input));
  if (request) knownRequests.set(name, request);
  const [oldest] = knownRequests.keys();
  if (knownRequests.size > maxKnownRequests && oldest !== undefined) knownRequests.delete(oldest);
  return request;
}

async function findByMessage(message: StoredMessage): Promise<StoredExecution[]> {
  const { customId } = message.metadata;
  if (typeof customId !== 'string') return [];
  const requestId = (await getDeliveries([{ ...message, id: customId }])).get(customId)?.requestId;
  return requestId === undefined ? [] : findStored(message, requestId);
}

/** The executions of a conversation's requests, or of one of them, as its deliveries record them. */
async function findStored(conversation: ConversationKey, requestId?: string): Promise<StoredExecution[]> {
  const deliveries = [...(await listDeliveries(conversation)).values()];
  const byRequest = Map.groupBy(deliveries, (delivery) => delivery.requestId);
  return [...byRequest.values()].flatMap((stored) =>
    requestId === undefined || stored[0]?.requestId === requestId ? recordedExecutions(stored) : [],
  );
}

/** The executions of a request: the first one, and one for each redrive. */
function recordedExecutions(stored: readonly Delivery[]): StoredExecution[] {
  const [first] = stored;
  const latest = Math.max(0, ...stored.map(({ redrive }) => redrive));
  if (!first) return [];
  return Array.from({ length: latest + 1 }, (_, redrive) => {
    const { organizationId, conversationId, requestId } = first;
    const name = executionName({ organizationId, requestId, redrive });
    const attempts = stored.flatMap((one) => attemptsIn(one, redrive));
    const startedAt = redrive === 0 ? first.acceptedAt : (attempts[0]?.redrivenAt ?? first.redrivenAt);
    const { status, endedAt } = redrive < latest ? { status: 'FAILED' as const, endedAt: undefined } : outcome(stored);
    const stoppedAt = endedAt ?? Math.max(0, ...attempts.map(({ endedAt: end = 0 }) => end));
    const execution = {
      id: executionArn(name),
      name,
      status,
      startDate: new Date(startedAt ?? first.acceptedAt).toISOString(),
      ...(status !== 'RUNNING' && stoppedAt > 0 && { stopDate: new Date(stoppedAt).toISOString() }),
    };
    return { execution, request: { organizationId, conversationId, requestId, redrive, deliveries: stored }, stored };
  });
}

function outcome(stored: readonly Delivery[]): { status: ExecutionStatus; endedAt: number | undefined } {
  const failed = stored.find(({ status }) => status === 'failed');
  if (failed) {
    const status = executionStatuses.find((one) => one === failed.lastError) ?? 'FAILED';
    return { status, endedAt: failed.failedAt };
  }
  if (!stored.every(wasSent)) return { status: 'RUNNING', endedAt: undefined };
  const ends = stored.map(({ sentAt, deliveredAt }) => sentAt ?? deliveredAt ?? 0);
  return { status: 'SUCCEEDED', endedAt: Math.max(...ends) };
}

const attemptsIn = ({ attempts }: Delivery, redrive: number) =>
  attempts.filter((attempt) => (attempt.redrive ?? 0) === redrive);

/** Adds what is stored of the requests, their conversations and messages, in one batch for each. */
async function addStored(executions: readonly StoredExecution[]): Promise<ExecutionView[]> {
  const missing = executions.flatMap(({ request, stored }) =>
    stored ? [] : request.deliveries.map(({ id }) => ({ ...request, id })),
  );
  const deliveries = await getDeliveries(missing);
  const withParts = executions.map(({ execution, request, stored }) => {
    const parts = stored ?? request.deliveries.flatMap(({ id }) => deliveries.get(id) ?? []);
    return { execution, request, parts: parts.toSorted((a, b) => comparePlaces(a.id, b.id)) };
  });
  const delivered = withParts.flatMap(({ parts: [first] }) =>
    first && first.content === undefined && first.messageId ? [{ ...first, id: first.messageId }] : [],
  );
  const [conversations, messages] = await Promise.all([
    getConversations(executions.map(({ request }) => request)),
    getMessages(delivered),
  ]);
  const customers = new Map(
    conversations.map((one) => [conversationId(one.organizationId, one.id), customerName(one)]),
  );
  const texts = new Map(messages.map((one) => [messageId(one), messageTitle(one)]));
  return withParts.map(({ execution, request, parts }) => {
    const { organizationId, conversationId: chat, requestId, redrive } = request;
    const [first] = parts;
    const customer = customers.get(conversationId(organizationId, chat));
    const title =
      first &&
      (first.content === undefined
        ? texts.get(messageId({ ...first, id: first.messageId }))
        : partTitle(parseJson(first.content)));
    return {
      ...execution,
      organizationId,
      conversationId: chat,
      requestId,
      redrive,
      ...(customer && { customer }),
      ...(title && { text: firstWords(title) }),
      parts: request.deliveries.length,
      attempts: Math.max(0, ...parts.map((part) => attemptsIn(part, redrive).length)),
      ...describeError(execution, redrive, parts),
    };
  });
}

/** A later redrive has replaced the last error of the delivery, but not those of its attempts. */
function describeError({ name, status }: ExecutionSummary, redrive: number, parts: readonly Delivery[]) {
  if (status === 'SUCCEEDED') return {};
  const ends = parts.map((part) =>
    part.redrive === redrive && part.lastError ? part.lastError : attemptsIn(part, redrive).at(-1)?.error,
  );
  const error = ends.find(Boolean);
  const isDead = parts.some((part) => part.redrive > redrive || (part.redrive === redrive && part.status === 'failed'));
  return {
    ...(error && { error }),
    ...(status !== 'RUNNING' && isDead && { deadLetterId: deriveDeadLetterId('send', name) }),
  };
}

const conversationId = (...ids: [organizationId: string, id: string]) => ids.join('/');

const messageId = (ids: ConversationKey & { readonly threadId: string; readonly id: string }) =>
  [ids.organizationId, ids.conversationId, ids.threadId, ids.id].join('/');

function customerName({ participants }: ConversationSummary): string | undefined {
  const { name, email, id } = participants.find(({ type }) => type === 'customer') ?? {};
  return name ?? email ?? id;
}

const cards = z.array(z.looseObject({ title: z.nullish(z.string()) }));

function messageTitle({ type, content, metadata, deleted }: StoredMessage): string | undefined {
  if (deleted) return undefined;
  if (type === 'media') return typeof metadata.filename === 'string' ? metadata.filename : undefined;
  if (type === 'interactive') {
    const elements = cards.safeParse(typeof content === 'string' ? parseJson(content) : content).data;
    return elements?.find(({ title }) => title)?.title ?? undefined;
  }
  return typeof content === 'string' ? content : undefined;
}

const maxWords = 100;

function firstWords(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > maxWords ? `${line.slice(0, maxWords)}…` : line;
}

const cursorSchema = z.object({ at: z.string(), name: z.string(), token: z.optional(z.string()) });

export type ExecutionCursor = z.infer<typeof cursorSchema>;

function encodeCursor({ at, name, token }: Found): string {
  return Buffer.from(JSON.stringify({ at, name, token })).toString('base64url');
}

/** Parses the `next` of a page. Undefined if it is not one. */
export function parseExecutionCursor(text: string): ExecutionCursor | undefined {
  return cursorSchema.safeParse(parseJson(Buffer.from(text, 'base64url').toString())).data;
}
