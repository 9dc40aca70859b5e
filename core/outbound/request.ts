import * as z from 'zod/mini';
import { defaultCarrier } from '../channel/carrier.ts';
import type { Compose, Part } from '../channel/channel.ts';
import type { Ports } from '../channel/ports.ts';
import { normalizeOrganizationId } from '../channel/spec.ts';
import { catalogue, type EventData } from '../events/catalogue.ts';
import { contentHash, deriveId } from '../events/ids.ts';
import { describeIssues, issueText } from '../events/issues.ts';
import { carrier as carrierName, ifValid, isRfc3339, maxIdLength, requestMetadata } from '../events/schemas.ts';
import { RequestInvalid } from './errors.ts';

export const sendRequestedType = 'message.send.requested';
export type SendRequestData = EventData<typeof sendRequestedType>;

const isShort = (field: 'requestId' | 'organizationId' | 'conversationId') =>
  z.refine<Readonly<Record<typeof field, string>>>((data) => data[field].length <= maxIdLength, {
    path: [field],
    error: `expected at most ${maxIdLength} characters`,
  });

/** EventBridge's event. */
const sendRequested = z.looseObject({
  id: z.string(),
  time: z.string().check(z.refine(isRfc3339, 'expected an RFC 3339 time')),
  detail: z.object({
    metadata: z.optional(requestMetadata),
    data: catalogue[sendRequestedType].check(
      isShort('requestId'),
      isShort('organizationId'),
      isShort('conversationId'),
    ),
  }),
});

/** Which message of its request a part belongs to, and which part of it. */
export type PartPlace = Pick<Part<unknown>, 'messageIndex' | 'splitIndex'>;

/** A valid request, with the parts to send. Its other fields become the input of its execution. */
export interface SendRequest<Content>
  extends Omit<ExecutionInput, 'version' | 'deliveries' | 'orderKey' | 'expiresAt' | 'redrive' | 'redrivenAt'> {
  /** The sender's own time, ms since 1970. */
  readonly sentAt: number | undefined;
  /** A hash of the whole request. */
  readonly hash: string;
  readonly parts: readonly (Part<Content> & { readonly id: string })[];
}

const defaultExpirySeconds = 900;
/** An EventBridge entry may have 256 KB in every region. */
const maxBytes = 200_000;
/** Marks ids of this bridge, so that the translation of LiveChat's webhooks recognizes its own messages. */
const idPrefix = 'out-';

function partId(organizationId: string, requestId: string, { messageIndex, splitIndex }: PartPlace): string {
  return `${idPrefix}${deriveId('delivery', organizationId, requestId)}-${messageIndex}.${splitIndex}`;
}

/** The place of a delivery in its request. Undefined if the id is not one of this bridge. */
export function parsePartPlace(id: string): PartPlace | undefined {
  const [, messageIndex, splitIndex] = /-(\d+)\.(\d+)$/.exec(id) ?? [];
  return messageIndex && splitIndex
    ? { messageIndex: Number(messageIndex), splitIndex: Number(splitIndex) }
    : undefined;
}

/** Compares the places of two deliveries of one request. */
export function comparePlaces(oneId: string, otherId: string): number {
  const [one, other] = [parsePartPlace(oneId), parsePartPlace(otherId)];
  return one && other ? one.messageIndex - other.messageIndex || one.splitIndex - other.splitIndex : 0;
}

// Checked first: with an unknown carrier, the check of the organization id would also fail.
const namedCarrier = z.object({
  detail: z.object({ data: z.object({ carrier: z.optional(carrierName) }) }),
});

/**
 * Parses an event `message.send.requested`, with the `composers` of the carriers. Throws {@link RequestInvalid}, which names
 * every invalid field.
 */
export function parseSendRequested<Content>(event: unknown, composers: Ports<Compose<Content>>): SendRequest<Content> {
  const carrier = namedCarrier.safeParse(event).data?.detail.data.carrier ?? defaultCarrier;
  const compose = composers.get(carrier);
  if (!compose) throw new RequestInvalid(`detail.data.carrier: expected one of ${quoted(composers.keys())}`);
  const { data: parsed, error } = sendRequested.safeParse(event);
  if (error) throw invalid(error);
  const { id, time, detail } = parsed;
  if (jsonBytes(detail) > maxBytes) {
    throw new RequestInvalid(`detail: expected at most ${maxBytes} bytes`);
  }
  const { requestId, conversationId, messages, options = {}, sentAt } = detail.data;
  const organizationId = normalizeOrganizationId(detail.data.organizationId);
  return {
    organizationId,
    conversationId,
    requestId,
    options: { onInactive: options.onInactive ?? 'resume', onAbsent: options.onAbsent ?? 'join' },
    requestedAt: Date.parse(time),
    expiresInMs: (options.expiresInSeconds ?? defaultExpirySeconds) * 1000,
    // An empty id would make the events that follow invalid.
    correlationId: detail.metadata?.correlationId || id,
    causationId: detail.metadata?.id || id,
    sentAt,
    hash: contentHash({ conversationId, messages, options }),
    parts: compose(messages).map((part) => ({ ...part, id: partId(organizationId, requestId, part) })),
  };
}

/** Validates a request before it is published. Throws {@link RequestInvalid}. */
export function validateRequest<Content>(
  data: SendRequestData,
  composers: Ports<Compose<Content>>,
  now: number,
  metadata?: z.infer<typeof requestMetadata>,
): SendRequest<Content> {
  const event = { id: data.requestId, time: new Date(now).toISOString(), detail: { metadata, data } };
  return parseSendRequested(event, composers);
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

const shortText = ifValid(z.string().check(z.maxLength(maxIdLength)));
const requestIdentity = {
  metadata: z.object({ id: shortText, correlationId: shortText }),
  data: z.object({
    requestId: shortText,
    carrier: shortText,
    organizationId: shortText,
    conversationId: shortText,
  }),
};
const eventIdentity = z.object({
  id: z.string(),
  source: z.string(),
  'detail-type': z.string(),
  time: z.string(),
  detail: z.object({
    metadata: ifValid(requestIdentity.metadata),
    data: ifValid(requestIdentity.data),
  }),
});

/** Returns the event to store in the dead letter of a rejected request: the whole event, or only its ids if it exceeds the item limit. */
export function rejectedEvent(event: unknown): unknown {
  return jsonBytes(event) > maxBytes ? eventIdentity.safeParse(event).data : event;
}

const time = z.number();

/**
 * The input of an execution. It holds ids and times (ms since 1970), never content: the history of an execution is kept for 90 days and
 * cannot be deleted.
 */
export const executionInput = z.object({
  version: z.literal(1),
  organizationId: z.string(),
  conversationId: z.string(),
  requestId: z.string(),
  deliveries: z.array(z.object({ id: z.string(), hasFile: z.optional(z.literal(true)) })),
  options: z.object({ onInactive: z.enum(['resume', 'append', 'fail']), onAbsent: z.enum(['join', 'transfer']) }),
  /** The order in the message group: when the request was accepted or redriven, ms since 1970. */
  orderKey: time,
  /** When the event was published, in whole seconds. */
  requestedAt: time,
  expiresAt: time,
  expiresInMs: time,
  /** 0 for the first execution, then the number of the redrive. */
  redrive: z.number(),
  redrivenAt: z.optional(time),
  correlationId: z.string(),
  causationId: z.string(),
});
export type ExecutionInput = z.infer<typeof executionInput>;
export type SendOptions = ExecutionInput['options'];

const heldSlot = z.object({ at: z.number(), epoch: z.number(), missed: z.optional(z.number()) });
const stepInput = z.object({
  request: executionInput,
  /** How a wait ended: with a slot or none, or with the error of its timeout. */
  turn: z.optional(z.looseObject({ slot: z.optional(heldSlot), Error: z.optional(z.string()) })),
});
export type StepInput = z.infer<typeof stepInput>;

/** Parses the input of the functions of the state machine. */
export function parseStepInput(raw: unknown): StepInput {
  const { data, error } = stepInput.safeParse(raw);
  if (error) throw invalid(error);
  return data;
}

/** Parses the input of an execution; undefined if it is not one. */
export function parseExecutionInput(raw: unknown): ExecutionInput | undefined {
  return stepInput.safeParse(raw).data?.request;
}

/** The name of the execution of a request. A name can be used once, so a duplicate event starts no second execution. */
export function executionName({
  organizationId,
  requestId,
  redrive,
}: Pick<ExecutionInput, 'organizationId' | 'requestId' | 'redrive'>): string {
  return deriveId('execution', organizationId, requestId, redrive);
}

function quoted(names: Iterable<string>): string {
  return [...names].map((name) => `"${name}"`).join(', ');
}

function invalid(error: z.core.$ZodError): RequestInvalid {
  return new RequestInvalid(issueText(describeIssues(error)));
}
