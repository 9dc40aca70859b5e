import * as z from 'zod/mini';
import type { Author, EventDraft } from '../chats.ts';
import { fileContent } from '../files.ts';
import type { EventContent } from '../shapes.ts';
import { richMessageFields } from './rich-message.ts';
import type { Uploads } from './uploads.ts';

const messageBytes = 16 * 1024;

const word = z.string().check(z.minLength(1));
const anything = z.record(z.string(), z.unknown());
const properties = z.record(
  z.string(),
  z.record(z.string(), z.union([z.string(), z.number(), z.boolean()], 'must be a text, a number or a boolean')),
);

const text = word.check(z.refine((value) => Buffer.byteLength(value) <= messageBytes, 'must be at most 16 KB'));

const common = {
  visibility: z._default(z.enum(['all', 'agents'], 'must be one of all, agents'), 'all'),
  custom_id: z.optional(z.string()),
  properties: z.optional(properties),
};

const postback = z.object({
  id: word,
  thread_id: word,
  event_id: word,
  type: z.optional(z.string()),
  value: z.optional(z.string()),
});

/** An event as an application sends it. */
export const eventRequest = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('message'), ...common, text, postback: z.optional(postback) }),
    z.object({ type: z.literal('file'), ...common, url: word, alternative_text: z.optional(z.string()) }),
    z.object({ type: z.literal('rich_message'), ...common, ...richMessageFields }),
    z.object({
      type: z.literal('system_message'),
      ...common,
      system_message_type: word,
      text: word,
      text_vars: z._default(z.record(z.string(), z.string()), {}),
    }),
    z.object({ type: z.literal('custom'), ...common, content: anything }),
  ],
  'must be one of message, file, rich_message, system_message, custom',
);

export type EventRequest = z.infer<typeof eventRequest>;

/** Where the event will stand. */
export interface Place {
  readonly threadId: string;
  readonly position: number;
}

const contentOf = (event: EventRequest, uploads: Uploads, place: Place): EventContent => {
  switch (event.type) {
    case 'message':
      return { type: 'message', text: event.text, ...(event.postback && { postback: event.postback }) };
    case 'file': {
      const file = { ...uploads.take(event.url), alternativeText: event.alternative_text };
      return fileContent(file, place.threadId, place.position);
    }
    case 'rich_message':
      return { type: 'rich_message', template_id: event.template_id, elements: event.elements };
    case 'system_message': {
      const { type, text: told, system_message_type, text_vars } = event;
      return { type, text: told, system_message_type, text_vars };
    }
    case 'custom':
      return { type: 'custom', content: event.content };
  }
};

/** A system message has no author, whoever sends it. */
export const draftOf = (event: EventRequest, author: Author, uploads: Uploads, place: Place): EventDraft => ({
  content: contentOf(event, uploads, place),
  visibility: event.visibility,
  ...(event.type !== 'system_message' && { author }),
  ...(event.custom_id !== undefined && { customId: event.custom_id }),
  ...(event.properties && { properties: event.properties }),
});
