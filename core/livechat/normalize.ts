import * as z from 'zod/mini';
import type { FormAnswer, NormalizedMessage, Participant } from '../events/schemas.ts';
import { messageDirection, toUtcMicroseconds } from '../events/schemas.ts';
import { authorFromId, userType, userTypeFromId } from './conventions.ts';
import type { LiveChatEvent, LiveChatUser } from './schemas.ts';

type Content = Pick<NormalizedMessage, 'type' | 'content' | 'metadata'>;
type ReadContent = (event: LiveChatEvent) => Content;

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const json = (value: unknown): string => JSON.stringify(value ?? null);
/** Removes undefined, null and empty fields. */
const present = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== null && value !== ''),
  );

const readForm: ReadContent = (event) => ({
  type: 'form',
  content: json(event.fields),
  metadata: present({ formId: event.form_id, formType: event.form_type }),
});

const contentReaders: Readonly<Record<string, ReadContent>> = {
  message: (event) => ({ type: 'text', content: text(event.text), metadata: present({ postback: event.postback }) }),
  file: (event) => ({
    type: 'media',
    content: text(event.url),
    metadata: present({
      filename: event.name,
      contentType: event.content_type,
      size: event.size,
      thumbnailUrl: event.thumbnail_url,
    }),
  }),
  rich_message: (event) => ({
    type: 'interactive',
    content: json(event.elements),
    metadata: present({ templateId: event.template_id }),
  }),
  form: readForm,
  filled_form: (event) => {
    const form = readForm(event);
    const answers = formAnswers(event.fields);
    return answers.length > 0 ? { ...form, metadata: { ...form.metadata, answers } } : form;
  },
  system_message: (event) => ({
    type: 'system',
    content: text(event.text),
    metadata: present({
      systemMessageType: event.system_message_type,
      // A conversation's status depends on it, so consumers need not know LiveChat's name for it.
      idle: event.system_message_type === 'routing.idle' ? true : undefined,
    }),
  }),
  custom: (event) => ({ type: 'custom', content: event.content ?? null, metadata: {} }),
};

const readUnknown: ReadContent = (event) => ({
  type: 'unknown',
  content: json(event),
  metadata: present({ eventType: event.type }),
});

/**
 * Converts a LiveChat event to a normalized message. The author type is derived from the id format, because events have no
 * author type; the consumer that stores the message corrects it. An empty `custom_id` counts as missing.
 */
export function normalize(
  event: LiveChatEvent,
  place: { readonly organizationId: string; readonly conversationId: string; readonly threadId: string },
): NormalizedMessage {
  const reader = Object.hasOwn(contentReaders, event.type) ? contentReaders[event.type] : undefined;
  const { type, content, metadata } = (reader ?? readUnknown)(event);
  const author = authorFromId(event.author_id);
  return {
    id: event.id,
    organizationId: place.organizationId,
    conversationId: place.conversationId,
    threadId: place.threadId,
    carrier: 'livechat',
    direction: messageDirection(author.type),
    type,
    content,
    timestamp: toUtcMicroseconds(event.created_at),
    author,
    // An unknown visibility must not become visible to the customer.
    visibility: event.visibility === undefined || event.visibility === 'all' ? 'all' : 'agents',
    metadata: event.custom_id ? { ...metadata, customId: event.custom_id } : metadata,
    rawPayload: event,
  };
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

export function toParticipant(user: LiveChatUser, declaredType?: string | null): Participant {
  const type = userType(user.id, user.type ?? declaredType);
  return {
    id: user.id,
    type,
    misleadingId: type === userTypeFromId(user.id) ? undefined : true,
    name: user.name ?? undefined,
    email: user.email ?? undefined,
    present: user.present,
    hidden: user.visibility ? user.visibility !== 'all' : undefined,
    fields: user.session_fields ? sessionFields(user.session_fields) : undefined,
    country: (user.visit ?? user.last_visit)?.geolocation?.country_code ?? undefined,
  };
}

/** Converts LiveChat's list of one-key objects. The last value of a name is used. */
export function sessionFields(list: readonly Readonly<Record<string, unknown>>[]): Record<string, string> {
  return Object.fromEntries(
    list
      .flatMap(Object.entries)
      .map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}
