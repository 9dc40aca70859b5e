import type { ExecutionListItem } from '@aws-sdk/client-sfn';
import * as z from 'zod/mini';
import { carrierOf } from '../channel/carrier.ts';
import type { ConversationKey } from '../channel/channel.ts';
import { loadPorts } from '../channel/ports.ts';
import { partTitles } from '../channels.ts';
import { findCustomerName } from '../conversations/projection.ts';
import { getConversations } from '../conversations/queries.ts';
import { getMessages, type StoredMessage } from '../messages/queries.ts';
import { deriveDeadLetterId } from '../outbound/dead-letter.ts';
import { type Delivery, getDeliveries, wasSent } from '../outbound/delivery.ts';
import { comparePlaces, type ExecutionInput, executionName } from '../outbound/request.ts';
import { parseJson } from '../platform/json.ts';
import { executionArn } from '../platform/step-functions.ts';

const titles = await loadPorts(partTitles);

export const executionStatuses = ['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'] as const;
export type ExecutionStatus = (typeof executionStatuses)[number];

/**
 * An execution of the send state machine, with the stored data of its request. The ids are empty if its input is not a send
 * request.
 */
export interface ExecutionView
  extends ExecutionSummary,
    Pick<ExecutionInput, 'requestId' | 'redrive'>,
    ConversationKey {
  /** The customer's name, e-mail or id. Undefined while no customer of the conversation is stored. */
  readonly customer?: string;
  /** The first words of the first message. Undefined if the message is no longer stored. */
  readonly text?: string;
  /** The number of messages that the request sends. */
  readonly parts: number;
  /** The number of attempts of the part with the most attempts. */
  readonly attempts: number;
  /** The name of the error that ended the execution. While the execution runs, that of the last failed attempt. */
  readonly error?: string;
  readonly deadLetterId?: string;
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

type RequestIds = Pick<ExecutionInput, 'requestId' | 'redrive'> & ConversationKey;

/** An execution with its request and, if already read, its deliveries. */
export interface StoredExecution {
  readonly execution: ExecutionSummary;
  /** Undefined if the input is not a send request. */
  readonly request: (RequestIds & { readonly deliveries: readonly { readonly id: string }[] }) | undefined;
  readonly stored?: readonly Delivery[];
}

/** The executions of a request: the first one, and one for each redrive. */
export function recordedExecutions(stored: readonly Delivery[]): StoredExecution[] {
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

const unknownRequest = { organizationId: '', conversationId: '', requestId: '', redrive: 0, deliveries: [] };

/** Adds the stored data of the requests, their conversations and their messages, with one batch read for each. */
export async function addStored(executions: readonly StoredExecution[]): Promise<ExecutionView[]> {
  const missing = executions.flatMap(({ request, stored }) =>
    stored || !request ? [] : request.deliveries.map(({ id }) => ({ ...request, id })),
  );
  const deliveries = await getDeliveries(missing);
  const withParts = executions.map(({ execution, request, stored }) => {
    const parts = stored ?? (request?.deliveries ?? []).flatMap(({ id }) => deliveries.get(id) ?? []);
    return { execution, request, parts: parts.toSorted((a, b) => comparePlaces(a.id, b.id)) };
  });
  const delivered = withParts.flatMap(({ parts: [first] }) =>
    first && first.content === undefined && first.messageId ? [{ ...first, id: first.messageId }] : [],
  );
  const [conversations, messages] = await Promise.all([
    getConversations(executions.flatMap(({ request }) => request ?? [])),
    getMessages(delivered),
  ]);
  const customers = new Map(
    conversations.map((one) => [conversationId(one.organizationId, one.id), findCustomerName(one.participants)]),
  );
  const texts = new Map(messages.map((one) => [messageId(one), messageTitle(one)]));
  return withParts.map(({ execution, request, parts }) => {
    const { organizationId, conversationId: chat, requestId, redrive, deliveries: sent } = request ?? unknownRequest;
    const [first] = parts;
    const customer = customers.get(conversationId(organizationId, chat));
    const title =
      first &&
      (first.content === undefined
        ? texts.get(messageId({ ...first, id: first.messageId }))
        : titles.get(carrierOf(organizationId))?.(parseJson(first.content)));
    return {
      ...execution,
      organizationId,
      conversationId: chat,
      requestId,
      redrive,
      ...(customer && { customer }),
      ...(title && { text: firstWords(title) }),
      parts: sent.length,
      attempts: Math.max(0, ...parts.map((part) => attemptsIn(part, redrive).length)),
      ...describeError(execution, redrive, parts),
    };
  });
}

/** A later redrive replaces the last error of the delivery, but not the errors of its attempts. */
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
