import { directionOf } from '../events/direction.ts';
import type { NormalizedMessage } from '../events/schemas.ts';
import { inMicroseconds } from '../events/time.ts';
import { answersOf } from './forms.ts';
import type { LiveChatEvent } from './schemas.ts';
import { author } from './users.ts';

type Content = Pick<NormalizedMessage, 'type' | 'content' | 'metadata'>;
type Read = (event: LiveChatEvent) => Content;

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const json = (value: unknown): string => JSON.stringify(value ?? null);
/** Only what is there: an absent field is no field. */
const present = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== null && value !== ''),
  );

const form: Read = (event) => ({
  type: 'form',
  content: json(event.fields),
  metadata: present({ formId: event.form_id, formType: event.form_type }),
});

const contentOf: Readonly<Record<string, Read>> = {
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
  form,
  filled_form: (event) => {
    const filled = form(event);
    const answers = answersOf(event.fields);
    return { ...filled, metadata: answers.length > 0 ? { ...filled.metadata, answers } : filled.metadata };
  },
  system_message: (event) => ({
    type: 'system',
    content: text(event.text),
    metadata: present({
      systemMessageType: event.system_message_type,
      // What a conversation's status depends on, said so that nobody else needs to know LiveChat's name for it.
      idle: event.system_message_type === 'routing.idle' ? true : undefined,
    }),
  }),
  custom: (event) => ({ type: 'custom', content: event.content ?? null, metadata: {} }),
};

const unknown: Read = (event) => ({
  type: 'unknown',
  content: json(event),
  metadata: present({ eventType: event.type }),
});

/**
 * A LiveChat event in the bus's own terms. The author's type is read from the id's shape, since events do not name it;
 * who stores the message corrects it. An empty `custom_id` is none.
 */
export function normalize(
  event: LiveChatEvent,
  at: { organizationId: string; conversationId: string; threadId: string },
): NormalizedMessage {
  const { type, content, metadata } =
    (Object.hasOwn(contentOf, event.type) ? contentOf[event.type] : undefined)?.(event) ?? unknown(event);
  const by = author(event.author_id);
  return {
    id: event.id,
    organizationId: at.organizationId,
    conversationId: at.conversationId,
    threadId: at.threadId,
    carrier: 'livechat',
    direction: directionOf(by.type),
    type,
    content,
    timestamp: inMicroseconds(event.created_at),
    author: by,
    // A visibility that nobody knows is not for the customer's eyes.
    visibility: event.visibility === undefined || event.visibility === 'all' ? 'all' : 'agents',
    metadata: event.custom_id ? { ...metadata, customId: event.custom_id } : metadata,
    rawPayload: event,
  };
}
