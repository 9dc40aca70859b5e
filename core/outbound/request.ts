import * as z from 'zod/mini';
import { catalogue, maxMessagesPerRequest } from '../events/catalogue.ts';
import { describeIssues } from '../events/event.ts';
import { contentHash, deriveId } from '../events/ids.ts';
import { isRfc3339 } from '../events/schemas.ts';
import type { OutboundRequest } from './carrier.ts';
import { InputUnsupported, RequestInvalid } from './errors.ts';

/** A piece of a message that a carrier sends by one call. */
export interface Piece<Content> {
  readonly messageIndex: number;
  /** Which piece of that message: a long text is several. */
  readonly splitIndex: number;
  readonly content: Content;
}

/** The state machine's input: EventBridge's event, and what the machine and a redrive have added to it. */
const state = z.looseObject({
  id: z.string(),
  time: z.string().check(z.refine(isRfc3339, 'expected an RFC 3339 time')),
  detail: z.object({
    metadata: z.optional(z.looseObject({ id: z.optional(z.string()), correlationId: z.optional(z.string()) })),
    data: catalogue['message.send.requested'],
  }),
  /** Set once it has waited. */
  deferral: z.optional(z.unknown()),
  redrive: z.optional(z.object({ number: z.number(), at: z.number() })),
});
export type SendState = z.infer<typeof state>;

export interface SendInput {
  /** The execution's id. */
  readonly execution: string;
  readonly state: SendState;
}

const version1 = z.object({ version: z.literal(1), execution: z.string(), input: z.unknown() });

/**
 * How each version of the input is read. A run may bring one along that waited over a deployment, for two days at the
 * most: a version stays here until then, and an input of it in test/fixtures/send-input as long.
 */
const readers: Readonly<Record<number, (raw: unknown) => SendInput>> = {
  1(raw) {
    const { data, error } = version1.safeParse(raw);
    if (error) throw invalid(error);
    return { execution: data.execution, state: parseSendState(data.input) };
  },
};
const versions = Object.keys(readers).map(Number);
const versioned = z.object({ version: z.int().check(z.gte(Math.min(...versions))) });

const defaultExpirySeconds = 900;
/** Step Functions' state may have 256 KB, and grows on its way. */
const mostBytes = 200_000;
/** A text is cut at 16 KB, at word ends: not into pieces of less than half of that. */
const mostPieces = Math.ceil(mostBytes / 8_000);
/** How this bridge names what it sends; LiveChat's translation knows its echo by it. */
const idPrefix = 'out-';

/**
 * Throws {@link RequestInvalid}, which names every field that does not fit and what was expected, and
 * {@link InputUnsupported} for a version that is newer than this code.
 */
export function parseSendInput(raw: unknown): SendInput {
  const { data, error } = versioned.safeParse(raw);
  if (error) throw invalid(error);
  const read = readers[data.version];
  if (!read) throw new InputUnsupported(data.version, versions);
  return read(raw);
}

export function parseSendState(raw: unknown): SendState {
  const inner = state.safeParse(raw);
  if (!inner.success) throw invalid(inner.error);
  if (Buffer.byteLength(JSON.stringify(inner.data.detail)) > mostBytes) {
    throw new RequestInvalid(`detail: expected at most ${mostBytes} bytes`);
  }
  return inner.data;
}

function invalid(error: z.core.$ZodError): RequestInvalid {
  return new RequestInvalid(
    describeIssues(error)
      .map(({ path, message }) => `${path}: ${message}`)
      .join('; '),
  );
}

/** Which message of a request a part is of, and which piece of it. */
export type PartPlace = Pick<Piece<unknown>, 'messageIndex' | 'splitIndex'>;

function partId(organizationId: string, requestId: string, { messageIndex, splitIndex }: PartPlace): string {
  return `${idPrefix}${deriveId('delivery', organizationId, requestId, messageIndex, splitIndex)}`;
}

/**
 * Where in its request the part of this id stands, among as many as a request may have and as many pieces as the longest
 * text it may hold; undefined where none has it.
 */
export function placeOf(id: string, organizationId: string, requestId: string): PartPlace | undefined {
  for (let messageIndex = 0; messageIndex < maxMessagesPerRequest; messageIndex += 1) {
    for (let splitIndex = 0; splitIndex < mostPieces; splitIndex += 1) {
      const place = { messageIndex, splitIndex };
      if (partId(organizationId, requestId, place) === id) return place;
    }
  }
  return undefined;
}

type Messages = SendState['detail']['data']['messages'];

/** The request with its parts, each under an id of its own that is the same at every try. */
export function requestOf<Content>(
  { id, time, detail, redrive }: SendState,
  compose: (messages: Messages) => readonly Piece<Content>[],
): OutboundRequest<Content> {
  const { requestId, organizationId, conversationId, messages, options = {} } = detail.data;
  const key = { organizationId, conversationId, requestId };
  const requestedAt = Date.parse(time);
  const publishedAt = redrive?.at ?? requestedAt;
  return {
    ...key,
    parts: compose(messages).map(({ messageIndex, splitIndex, content }) => ({
      ...key,
      id: partId(organizationId, requestId, { messageIndex, splitIndex }),
      fingerprint: contentHash({ conversationId, content }),
      content,
    })),
    options: { onInactive: options.onInactive ?? 'resume', onAbsent: options.onAbsent ?? 'join' },
    requestedAt,
    publishedAt,
    expiresAt: publishedAt + (options.expiresInSeconds ?? defaultExpirySeconds) * 1000,
    redrive: redrive?.number ?? 0,
    correlationId: detail.metadata?.correlationId ?? id,
    causationId: detail.metadata?.id ?? id,
  };
}
