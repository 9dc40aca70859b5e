import * as z from 'zod/mini';
import type { EventData, EventType } from '../events/catalogue.ts';
import { describeIssues } from '../events/issues.ts';
import type { FormAnswer, NormalizedMessage } from '../events/schemas.ts';
import { maxIdLength, messageDirection, toUtcMicroseconds } from '../events/schemas.ts';
import { hasExactNumber } from '../platform/json.ts';
import { authorFromId } from './conventions.ts';
import type { Action, LiveChatEvent, Payload } from './schemas.ts';

/** Translates the webhook actions about messages. */

/**
 * A domain event without metadata. LiveChat's `ids` identify it. Without ids it is identified by the payload of the
 * webhook, the interval in which that was received, and `part`, which distinguishes the events of one webhook.
 */
export type EventDraft = {
  [T in EventType]: {
    readonly type: T;
    readonly data: EventData<T>;
    readonly ids?: readonly string[];
    readonly part?: string;
    /** Default: the time of receipt. */
    readonly occurredAt?: string;
  };
}[EventType];

/** The bridge's own LiveChat ids, to recognize chats that it started. */
export interface BridgeIdentity {
  readonly clientId?: string | undefined;
  readonly agentId?: string | undefined;
}

export type Translators = {
  readonly [A in Action]: (
    payload: Payload<A>,
    context: { readonly organizationId: string; readonly identity: BridgeIdentity },
  ) => EventDraft[];
};

/** An authentic body, or a part of one, that does not match its schema: kept whole, with the issues by path. */
export function rejectedDraft(action: Action, path: string, body: unknown, error: z.core.$ZodError): EventDraft {
  const issues = describeIssues(error).map((issue) => ({
    path: issue.path === '(root)' ? path : `${path}.${issue.path}`,
    message: issue.message,
  }));
  return { type: 'webhook.rejected', data: { action, issues, body }, part: path };
}

export const messageTranslators = {
  incoming_event: (payload, { organizationId }) => translateEvent(payload.event, threadKey(payload), organizationId),

  event_updated: (payload, { organizationId }) => {
    const key = threadKey(payload);
    if (payload.event.deleted) return [deletedDraft(payload.event.id, key)];
    const message = normalize(payload.event, key, organizationId);
    return [{ type: message.visibility === 'agents' ? 'note.updated' : 'message.updated', data: message }];
  },

  event_deleted: (payload) => [deletedDraft(payload.event_id, threadKey(payload))],
} satisfies Partial<Translators>;

type ThreadKey = ReturnType<typeof threadKey>;

export function threadKey(payload: { chat_id: string; thread_id: string }) {
  return { conversationId: payload.chat_id, threadId: payload.thread_id };
}

/** Translates an event from `incoming_event` or from the thread in `incoming_chat`, with the same event id for both. */
export function translateEvent(event: LiveChatEvent, key: ThreadKey, organizationId: string): EventDraft[] {
  const message = normalize(event, key, organizationId);
  if (event.deleted) {
    const { direction, type, timestamp, author, visibility } = message;
    return [deletedDraft(event.id, key, { direction, type, timestamp, author, visibility })];
  }
  const isNote = message.visibility === 'agents';
  const common = { ids: messageIds(event.id, key), occurredAt: message.timestamp };
  const received: EventDraft = { ...common, type: isNote ? 'note.received' : 'message.received', data: message };
  const deliveryId = ownDeliveryId(event, message);
  if (deliveryId === undefined) return [received];
  // A message of the bridge returns as the receipt of its delivery. The receipt contains the message in case no delivery is
  // recorded. It never contains a note, because only subscribers of notes may read one; a note is received as well.
  const receipt = { ...key, messageId: event.id, deliveryId, ...(isNote ? {} : { message }) };
  const delivered: EventDraft = { ...common, type: 'message.delivered', data: receipt };
  return isNote ? [received, delivered] : [delivered];
}

/** The `custom_id` if the bridge sent the message. A customer cannot forge a receipt by choosing such an id. */
function ownDeliveryId({ custom_id }: LiveChatEvent, { author }: NormalizedMessage): string | undefined {
  if (!custom_id?.startsWith('out-') || custom_id.length > maxIdLength) return undefined;
  return author.type === 'customer' ? undefined : custom_id;
}

function deletedDraft(messageId: string, key: ThreadKey, header?: EventData<'message.deleted'>['header']): EventDraft {
  return { type: 'message.deleted', data: { ...key, messageId, header }, ids: messageIds(messageId, key) };
}

function messageIds(messageId: string, { conversationId, threadId }: ThreadKey): string[] {
  return [conversationId, threadId, messageId];
}

/** Reads the content of one event type. Undefined, null and empty fields of `metadata` are removed later. */
type ReadContent = (event: LiveChatEvent) => Pick<NormalizedMessage, 'type' | 'content' | 'metadata'>;

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const json = (value: unknown): string => JSON.stringify(value ?? null);

const readForm: ReadContent = ({ fields, form_id, form_type }) => ({
  type: 'form',
  content: json(fields),
  metadata: { formId: form_id, formType: form_type },
});

const contentReaders: Readonly<Record<string, ReadContent>> = {
  message: (event) => ({
    type: 'text',
    content: text(event.text),
    metadata: { postback: event.postback, ...readProperties(event.properties) },
  }),
  file: ({ url, name, content_type, size, thumbnail_url }) => {
    const metadata = { filename: name, contentType: content_type, size, thumbnailUrl: thumbnail_url };
    return { type: 'media', content: text(url), metadata };
  },
  rich_message: (event) => ({
    type: 'interactive',
    content: json(event.elements),
    metadata: { templateId: event.template_id },
  }),
  form: readForm,
  filled_form: (event) => {
    const { metadata, ...form } = readForm(event);
    const answers = formAnswers(event.fields);
    return { ...form, metadata: { ...metadata, answers: answers.length > 0 ? answers : undefined } };
  },
  system_message: ({ text: content, system_message_type: systemMessageType }) => {
    // A conversation's status depends on `idle`, so consumers need not know LiveChat's name for it.
    const idle = systemMessageType === 'routing.idle' ? true : undefined;
    return { type: 'system', content: text(content), metadata: { systemMessageType, idle } };
  },
  custom: (event) => ({ type: 'custom', content: event.content ?? null, metadata: {} }),
};

const readUnknown: ReadContent = (event) => ({
  type: 'unknown',
  content: json(event),
  metadata: { eventType: event.type },
});

/**
 * Converts a LiveChat event to a normalized message. The author type is derived from the id format, because events have no
 * author type; the consumer that stores the message corrects it. An empty `custom_id` counts as missing.
 */
export function normalize(event: LiveChatEvent, key: ThreadKey, organizationId: string): NormalizedMessage {
  const reader = Object.hasOwn(contentReaders, event.type) ? contentReaders[event.type] : undefined;
  const { type, content, metadata } = (reader ?? readUnknown)(event);
  const author = authorFromId(event.author_id);
  return {
    id: event.id,
    organizationId,
    ...key,
    carrier: 'livechat',
    direction: messageDirection(author.type),
    type,
    content,
    timestamp: toUtcMicroseconds(event.created_at),
    author,
    visibility: isVisible(event) ? 'all' : 'agents',
    metadata: nonEmptyFields({ ...metadata, customId: event.custom_id }),
    rawPayload: event,
    ...(hasExactNumber(event) && { exact: { content: JSON.stringify(content), rawPayload: JSON.stringify(event) } }),
  };
}

/** Whether the customer sees the event. An unknown visibility must not become visible. */
export function isVisible({ visibility = 'all' }: LiveChatEvent): boolean {
  return visibility === 'all';
}

const withWelcome = z.looseObject({ lc2: z.looseObject({ welcome_message: z.literal(true) }) });

/** Every message has the property `source`, the id of the application that wrote it. */
function readProperties(given: unknown): { properties: object | undefined; welcome: true | undefined } {
  const { source: _, ...properties } = z.looseObject({}).safeParse(given).data ?? {};
  return {
    properties: Object.keys(properties).length > 0 ? properties : undefined,
    // Routing depends on it, and need not know LiveChat's name for it.
    welcome: withWelcome.safeParse(properties).success || undefined,
  };
}

function nonEmptyFields(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => (value ?? '') !== ''));
}

/** An answer is text or an option; the label of an option is used. */
const answer = z.union([
  z.string(),
  z.pipe(
    z.looseObject({ label: z.string() }),
    z.transform(({ label }) => label),
  ),
]);
/** A choice of several options has `answers` in place of `answer`. */
const formField = z.looseObject({
  id: z.string(),
  label: z.string(),
  answer: z.optional(answer),
  answers: z.optional(z.array(answer)),
});

/** The answers in the fields of a `filled_form` event. Fields without an answer are left out. */
export function formAnswers(fields: unknown): FormAnswer[] {
  if (!Array.isArray(fields)) return [];
  return fields.flatMap((field): FormAnswer[] => {
    const parsed = formField.safeParse(field);
    if (!parsed.success) return [];
    const { id, label, answer, answers = [] } = parsed.data;
    const values = [...(answer === undefined ? [] : [answer]), ...answers].filter((value) => value !== '');
    return values.length > 0 ? [{ id, label, values }] : [];
  });
}
