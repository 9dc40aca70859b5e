import * as z from 'zod/mini';
import { type Author, appendEvent, type EventDraft, nextEventId, reopenChat } from '../chats.ts';
import { validationError } from '../errors.ts';
import { type Cdn, fileContent, StoredFile } from '../events.ts';
import { buttonFields, elementFields, elements, messageText, nonEmpty, oneOf } from '../objects.ts';
import { type ApiState, getRequester, method, requireSender, writeChats } from './method.ts';

const id = nonEmpty();

const common = {
  visibility: z._default(oneOf(['all', 'agents']), 'all'),
  custom_id: z.optional(z.string()),
};

const button = z.object(buttonFields).check(
  z.refine(({ type, webview_height }) => type !== 'webview' || webview_height !== undefined, {
    path: ['webview_height'],
  }),
);

/** The body of an event in a request. */
const eventRequest = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('message'), ...common, text: messageText }),
    z.object({ type: z.literal('file'), ...common, url: nonEmpty(), alternative_text: z.optional(z.string()) }),
    z.object({
      type: z.literal('rich_message'),
      ...common,
      template_id: oneOf(['cards', 'quick_replies', 'sticker']),
      elements: elements(z.object(elementFields(button))),
    }),
    z.object({
      type: z.literal('system_message'),
      ...common,
      system_message_type: nonEmpty(),
      text: nonEmpty(),
      text_vars: z._default(z.record(z.string(), z.string()), {}),
    }),
    z.object({ type: z.literal('custom'), ...common, content: z.record(z.string(), z.unknown()) }),
  ],
  'one of message, file, rich_message, system_message, custom',
);

type EventRequest = z.infer<typeof eventRequest>;

const resumeRequest = z.object({
  chat: z.object({
    id,
    thread: z.optional(z.object({ events: z._default(z.array(eventRequest), []) })),
  }),
  active: z._default(z.boolean(), true),
});

/** A system message has no author. */
const toEventDraft = (event: EventRequest, author: Author, cdn: Cdn, eventId: string): EventDraft => {
  const { visibility, custom_id, ...content } = event;
  return {
    content:
      content.type === 'file'
        ? fileContent({ ...cdn.takeUpload(content.url), alternativeText: content.alternative_text }, eventId)
        : content,
    visibility,
    author: event.type === 'system_message' ? undefined : author,
    customId: custom_id,
  };
};

/** The events are part of `incoming_chat`. With `active: false` the new thread is closed. */
const resumeChat = ({ chat: { id, thread }, active }: z.infer<typeof resumeRequest>, state: ApiState) => {
  const { simulator, source, cdn, calls } = state;
  const requester = getRequester(state);
  const requests = thread?.events ?? [];
  const threadId = source.nextId();
  const { chat } = simulator.change(id, (before) => {
    if (before.thread.active) throw validationError('Chat is already active');
    const events = requests.map((event, index) => toEventDraft(event, requester, cdn, `${threadId}_${index + 1}`));
    return reopenChat(before, { threadId, userIds: [requester.id], events, by: requester, active }, source.now());
  });
  calls.recordArrivals('resume_chat', chat, requests.length);
  const event_ids = chat.thread.events.map((event) => event.id);
  return { thread_id: threadId, ...(event_ids.length > 0 && { event_ids }) };
};

/** The methods of the Agent Chat API that send events. */
export const eventMethods = {
  /** Like LiveChat, this does not deduplicate by `custom_id`. */
  send_event: method(writeChats, z.object({ chat_id: id, event: eventRequest }), ({ chat_id, event }, state) => {
    const { simulator, source, cdn, calls } = state;
    const { chat, eventId: event_id } = simulator.change(chat_id, (before) => {
      requireSender(before, event.visibility, state);
      const draft = toEventDraft(event, getRequester(state), cdn, nextEventId(before.thread));
      return appendEvent(before, draft, source.now());
    });
    calls.recordArrivals('send_event', chat, 1);
    return { event_id };
  }),

  resume_chat: method(writeChats, resumeRequest, resumeChat),

  upload_file: method(writeChats, z.object({ file: z.instanceof(StoredFile) }), ({ file }, { cdn }) => ({
    url: cdn.upload(file),
  })),
};
