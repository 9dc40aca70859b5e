import { type Author, allThreads, andThen, append, type Chat, requireActive, type Step } from './chats.ts';
import { BadField } from './errors.ts';
import { type FileDescription, fileContent } from './files.ts';
import type { Button, ChatEvent, RichElement, Thread, Visibility } from './shapes.ts';
import { webhookOf } from './webhooks.ts';

export const say = (chat: Chat, author: Author, text: string, visibility: Visibility, now: number): Step =>
  append(chat, { author, visibility, content: { type: 'message', text } }, now);

export const sendFile = (chat: Chat, author: Author, file: FileDescription, now: number): Step =>
  append(chat, { author, content: fileContent(file, chat.thread.id, chat.thread.events.length + 1) }, now);

export const sendRichMessage = (
  chat: Chat,
  author: Author,
  templateId: string,
  elements: readonly RichElement[],
  now: number,
): Step => append(chat, { author, content: { type: 'rich_message', template_id: templateId, elements } }, now);

const findEvent = (chat: Chat, eventId: string): { thread: Thread; event: ChatEvent } => {
  for (const thread of allThreads(chat)) {
    const event = thread.events.find(({ id }) => id === eventId);
    if (event !== undefined && !('deleted' in event)) return { thread, event };
  }
  throw new BadField('eventId', `the id of an event of chat ${chat.id} that is not deleted`);
};

const replaceEvent = (chat: Chat, event: ChatEvent): Chat => {
  const within = (thread: Thread): Thread => ({
    ...thread,
    events: thread.events.map((other) => (other.id === event.id ? event : other)),
  });
  return { ...chat, thread: within(chat.thread), earlierThreads: chat.earlierThreads.map(within) };
};

/** The event keeps its id and its time; only the text is new. */
export const edit = (before: Chat, eventId: string, text: string): Step => {
  requireActive(before);
  const { thread, event } = findEvent(before, eventId);
  if (event.type !== 'message') throw new BadField('eventId', `a message; ${eventId} is a ${event.type}`);
  const edited = { ...event, text };
  const chat = replaceEvent(before, edited);
  const payload = { chat_id: chat.id, thread_id: thread.id, event: edited };
  return { chat, webhooks: [webhookOf(chat, 'event_updated', payload)], eventId };
};

/** Leaves a tombstone: who wrote when, and nothing of what. */
export const erase = (before: Chat, eventId: string): Step => {
  requireActive(before);
  const { thread, event } = findEvent(before, eventId);
  const { id, type, created_at, visibility, author_id, custom_id } = event;
  const chat = replaceEvent(before, {
    id,
    type,
    deleted: true,
    created_at,
    visibility,
    ...(author_id !== undefined && { author_id }),
    ...(custom_id !== undefined && { custom_id }),
  });
  const payload = { chat_id: chat.id, thread_id: thread.id, event_id: eventId };
  return { chat, webhooks: [webhookOf(chat, 'event_deleted', payload)], eventId };
};

const buttonsOf = (event: ChatEvent): readonly Button[] =>
  'elements' in event ? event.elements.flatMap((element) => element.buttons ?? []) : [];

const clicked = (event: ChatEvent, postbackId: string, userId: string): ChatEvent => {
  if (!('elements' in event)) return event;
  const mark = (button: Button): Button =>
    button.postback_id === postbackId && !button.user_ids.includes(userId)
      ? { ...button, user_ids: [...button.user_ids, userId] }
      : button;
  const elements = event.elements.map((element) => ({ ...element, buttons: (element.buttons ?? []).map(mark) }));
  return { ...event, elements };
};

/** The customer clicks a button. A `message` button also writes its text into the chat; only that event holds the text. */
export const click = (before: Chat, author: Author, eventId: string, postbackId: string, now: number): Step => {
  requireActive(before);
  const { thread, event } = findEvent(before, eventId);
  const buttons = buttonsOf(event);
  if (buttons.length === 0) throw new BadField('eventId', `a rich message with buttons; ${eventId} has none`);
  const button = buttons.find(({ postback_id }) => postback_id === postbackId);
  if (button === undefined) {
    throw new BadField('postbackId', `one of ${buttons.map(({ postback_id }) => postback_id).join(', ')}`);
  }
  const chat = replaceEvent(before, clicked(event, postbackId, author.id));
  const payload = {
    user_id: author.id,
    chat_id: chat.id,
    thread_id: thread.id,
    event_id: eventId,
    postback: { id: postbackId, toggled: true, button_type: button.type, button_value: button.value },
  };
  const told: Step = { chat, webhooks: [webhookOf(chat, 'incoming_rich_message_postback', payload)] };
  if (button.type !== 'message') return told;
  const { type, value } = button;
  const postback = { id: postbackId, thread_id: thread.id, event_id: eventId, type, value };
  return andThen(told, (after) =>
    append(after, { author, content: { type: 'message', text: button.text, postback } }, now),
  );
};
