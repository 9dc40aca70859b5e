import * as z from 'zod/mini';
import { type Author, appendEvent, type EventDraft, reopenChat } from '../chats.ts';
import { LiveChatError } from '../errors.ts';
import { fileContent, type Uploads } from '../events.ts';
import type { EventContent } from '../objects.ts';
import { type ApiState, getRequester, recordEvents, requireActive, requireSender, requireUserId } from './method.ts';

const messageBytes = 16 * 1024;

const nonEmpty = z.string().check(z.minLength(1));
const anything = z.record(z.string(), z.unknown());
const properties = z.record(
  z.string(),
  z.record(z.string(), z.union([z.string(), z.number(), z.boolean()], 'must be a text, a number or a boolean')),
);

const text = nonEmpty.check(z.refine((value) => Buffer.byteLength(value) <= messageBytes, 'must be at most 16 KB'));

const common = {
  visibility: z._default(z.enum(['all', 'agents'], 'must be one of all, agents'), 'all'),
  custom_id: z.optional(z.string()),
  properties: z.optional(properties),
};

const postback = z.object({
  id: nonEmpty,
  thread_id: nonEmpty,
  event_id: nonEmpty,
  type: z.optional(z.string()),
  value: z.optional(z.string()),
});

/** LiveChat's limits on a rich message. */
const maxElements = 10;
const maxButtons = 13;

const button = z
  .object({
    text: nonEmpty,
    type: z.enum(['message', 'url', 'webview', 'phone'], 'must be one of message, url, webview, phone'),
    value: z.string(),
    postback_id: nonEmpty,
    user_ids: z.array(z.string()),
    webview_height: z.optional(z.enum(['compact', 'tall', 'full'], 'must be one of compact, tall, full')),
    target: z.optional(z.enum(['new', 'current'], 'must be one of new, current')),
  })
  .check(
    z.refine(({ type, webview_height }) => type !== 'webview' || webview_height !== undefined, {
      path: ['webview_height'],
    }),
  );

const element = z.object({
  title: z.optional(z.string()),
  subtitle: z.optional(z.string()),
  image: z.optional(z.looseObject({ url: nonEmpty })),
  buttons: z.optional(z.array(button).check(z.maxLength(maxButtons, `must have at most ${maxButtons} buttons`))),
  ecommerce: z.optional(z.record(z.string(), z.unknown())),
});

const templates = ['cards', 'quick_replies', 'sticker', 'ecommerce'];

const richMessageFields = {
  template_id: z.enum(templates, `must be one of ${templates.join(', ')}`),
  elements: z
    .array(element)
    .check(
      z.minLength(1, 'must have at least 1 element'),
      z.maxLength(maxElements, `must have at most ${maxElements} elements`),
    ),
};

/** The body of an event in a request. */
const eventRequest = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('message'), ...common, text, postback: z.optional(postback) }),
    z.object({ type: z.literal('file'), ...common, url: nonEmpty, alternative_text: z.optional(z.string()) }),
    z.object({ type: z.literal('rich_message'), ...common, ...richMessageFields }),
    z.object({
      type: z.literal('system_message'),
      ...common,
      system_message_type: nonEmpty,
      text: nonEmpty,
      text_vars: z._default(z.record(z.string(), z.string()), {}),
    }),
    z.object({ type: z.literal('custom'), ...common, content: anything }),
  ],
  'must be one of message, file, rich_message, system_message, custom',
);

type EventRequest = z.infer<typeof eventRequest>;

export const sendEventRequest = z.object({ chat_id: nonEmpty, event: eventRequest });

export const uploadFileRequest = z.object({ file: z.instanceof(File) });

export const resumeChatRequest = z.object({
  chat: z.object({
    id: nonEmpty,
    users: z._default(
      z.array(z.object({ id: nonEmpty, type: z.enum(['agent', 'customer'], 'must be one of agent, customer') })),
      [],
    ),
    thread: z.optional(z.object({ events: z._default(z.array(eventRequest), []) })),
  }),
  active: z._default(z.boolean(), true),
});

/** The position of a new event. */
export interface Place {
  readonly threadId: string;
  readonly position: number;
}

const toEventContent = (event: EventRequest, uploads: Uploads, place: Place): EventContent => {
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
      const { type, text, system_message_type, text_vars } = event;
      return { type, text, system_message_type, text_vars };
    }
    case 'custom':
      return { type: 'custom', content: event.content };
  }
};

/** A system message has no author. */
export const toEventDraft = (event: EventRequest, author: Author, uploads: Uploads, place: Place): EventDraft => ({
  content: toEventContent(event, uploads, place),
  visibility: event.visibility,
  ...(event.type !== 'system_message' && { author }),
  ...(event.custom_id !== undefined && { customId: event.custom_id }),
  ...(event.properties && { properties: event.properties }),
});

/** Like LiveChat, this does not deduplicate by `custom_id`. */
export const sendEvent = ({ chat_id, event }: z.infer<typeof sendEventRequest>, state: ApiState) => {
  const { chat, eventId: event_id } = state.simulator.change(chat_id, (before) => {
    requireActive(before, state);
    requireSender(before, event.visibility, state);
    const place = { threadId: before.thread.id, position: before.thread.events.length + 1 };
    return appendEvent(before, toEventDraft(event, getRequester(state), state.uploads, place), state.source.now());
  });
  recordEvents(state, 'send_event', chat, 1);
  return { event_id };
};

/** The events are part of `incoming_chat`. With `active: false` the new thread is closed. */
export const resumeChat = ({ chat: asked, active }: z.infer<typeof resumeChatRequest>, state: ApiState) => {
  const requester = getRequester(state);
  const requests = asked.thread?.events ?? [];
  const threadId = state.source.nextId();
  const { chat } = state.simulator.change(asked.id, (before) => {
    if (before.thread.active) throw new LiveChatError('validation', { message: 'Chat is already active' });
    const events = requests.map((event, index) =>
      toEventDraft(event, requester, state.uploads, { threadId, position: index + 1 }),
    );
    for (const user of asked.users) requireUserId(before, user);
    const userIds = [requester.id, ...asked.users.map(({ id }) => id)];
    return reopenChat(before, { threadId, userIds, events, by: requester, active }, state.source.now());
  });
  recordEvents(state, 'resume_chat', chat, requests.length);
  const event_ids = chat.thread.events.map(({ id }) => id);
  return { thread_id: threadId, ...(event_ids.length > 0 && { event_ids }) };
};

export const uploadFile = ({ file }: z.infer<typeof uploadFileRequest>, { uploads, cdn }: ApiState) => {
  const url = uploads.add(file);
  cdn.keep(url, file);
  return { url };
};
