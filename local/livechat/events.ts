import { Hono } from 'hono';
import { type Author, allThreads, appendEvent, type Chat, type ChatUpdate, chain, requireActive } from './chats.ts';
import { InvalidField, LiveChatError, validationError } from './errors.ts';
import type { Button, ChatEvent, EventContent, FilledField, RichElement, Thread, Visibility } from './objects.ts';
import { createWebhook } from './webhooks.ts';

export const sendMessage = (
  chat: Chat,
  author: Author,
  text: string,
  visibility: Visibility,
  now: number,
): ChatUpdate => appendEvent(chat, { author, visibility, content: { type: 'message', text } }, now);

export const sendFile = (chat: Chat, author: Author, file: FileDescription, now: number): ChatUpdate =>
  appendEvent(chat, { author, content: fileContent(file, chat.thread.id, chat.thread.events.length + 1) }, now);

export const sendRichMessage = (
  chat: Chat,
  author: Author,
  templateId: string,
  elements: readonly RichElement[],
  now: number,
): ChatUpdate =>
  appendEvent(chat, { author, content: { type: 'rich_message', template_id: templateId, elements } }, now);

const findEvent = (chat: Chat, eventId: string): { thread: Thread; event: ChatEvent } => {
  for (const thread of allThreads(chat)) {
    const event = thread.events.find(({ id }) => id === eventId);
    if (event !== undefined && !('deleted' in event)) return { thread, event };
  }
  throw new InvalidField('eventId', `the id of an event of chat ${chat.id} that is not deleted`);
};

const replaceEvent = (chat: Chat, event: ChatEvent): Chat => {
  const within = (thread: Thread): Thread => ({
    ...thread,
    events: thread.events.map((other) => (other.id === event.id ? event : other)),
  });
  return { ...chat, thread: within(chat.thread), earlierThreads: chat.earlierThreads.map(within) };
};

/** Changes the text; the id and the timestamp stay. */
export const editMessage = (before: Chat, eventId: string, text: string): ChatUpdate => {
  requireActive(before);
  const { thread, event } = findEvent(before, eventId);
  if (event.type !== 'message') throw new InvalidField('eventId', `a message; ${eventId} is a ${event.type}`);
  const edited = { ...event, text };
  const chat = replaceEvent(before, edited);
  const payload = { chat_id: chat.id, thread_id: thread.id, event: edited };
  return { chat, webhooks: [createWebhook(chat, 'event_updated', payload)], eventId };
};

/** Replaces the event with a tombstone without content. */
export const deleteEvent = (before: Chat, eventId: string): ChatUpdate => {
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
  return { chat, webhooks: [createWebhook(chat, 'event_deleted', payload)], eventId };
};

const getButtons = (event: ChatEvent): readonly Button[] =>
  'elements' in event ? event.elements.flatMap((element) => element.buttons ?? []) : [];

const markClicked = (event: ChatEvent, postbackId: string, userId: string): ChatEvent => {
  if (!('elements' in event)) return event;
  const mark = (button: Button): Button =>
    button.postback_id === postbackId && !button.user_ids.includes(userId)
      ? { ...button, user_ids: [...button.user_ids, userId] }
      : button;
  const elements = event.elements.map((element) => ({ ...element, buttons: (element.buttons ?? []).map(mark) }));
  return { ...event, elements };
};

/** The customer clicks a button. A `message` button also sends its text as an event; the postback webhook does not contain it. */
export const clickButton = (
  before: Chat,
  author: Author,
  eventId: string,
  postbackId: string,
  now: number,
): ChatUpdate => {
  requireActive(before);
  const { thread, event } = findEvent(before, eventId);
  const buttons = getButtons(event);
  if (buttons.length === 0) throw new InvalidField('eventId', `a rich message with buttons; ${eventId} has none`);
  const button = buttons.find(({ postback_id }) => postback_id === postbackId);
  if (button === undefined) {
    throw new InvalidField('postbackId', `one of ${buttons.map(({ postback_id }) => postback_id).join(', ')}`);
  }
  const chat = replaceEvent(before, markClicked(event, postbackId, author.id));
  const payload = {
    user_id: author.id,
    chat_id: chat.id,
    thread_id: thread.id,
    event_id: eventId,
    postback: { id: postbackId, toggled: true, button_type: button.type, button_value: button.value },
  };
  const clicked: ChatUpdate = { chat, webhooks: [createWebhook(chat, 'incoming_rich_message_postback', payload)] };
  if (button.type !== 'message') return clicked;
  const { type, value } = button;
  const postback = { id: postbackId, thread_id: thread.id, event_id: eventId, type, value };
  return chain(clicked, (after) =>
    appendEvent(after, { author, content: { type: 'message', text: button.text, postback } }, now),
  );
};

export interface FormAnswer {
  readonly type: string;
  readonly label: string;
  readonly answer: string | readonly string[];
}

const formId = '1002';

const options = (labels: readonly string[]) => labels.map((label, index) => ({ id: String(index), label }));

/** LiveChat represents a single choice as an object, several as a list of objects, and other answers as text. */
const filledField = ({ type, label, answer }: FormAnswer, id: string, group: number): FilledField => {
  const field = { type, id, label };
  const labels = typeof answer === 'string' ? [answer] : answer;
  if (type === 'checkbox') return { ...field, answers: options(labels) };
  const text = labels.join(', ');
  if (type === 'group_chooser') return { ...field, answer: { id: '0', group_id: group, label: text } };
  if (type === 'radio' || type === 'select') return { ...field, answer: { id: '0', label: text } };
  return { ...field, answer: text };
};

export const preChatForm = (
  answers: readonly FormAnswer[],
  group: number,
): Extract<EventContent, { type: 'filled_form' }> => ({
  type: 'filled_form',
  form_id: formId,
  form_type: 'prechat',
  fields: answers.map((answer, index) => filledField(answer, `${formId}${index + 1}`, group)),
});

export interface FileDescription {
  readonly name: string;
  readonly url?: string | undefined;
  readonly contentType?: string | undefined;
  /** Bytes. */
  readonly size?: number | undefined;
  readonly alternativeText?: string | undefined;
}

const contentTypes: Readonly<Record<string, string>> = {
  gif: 'image/gif',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  pdf: 'application/pdf',
  png: 'image/png',
  txt: 'text/plain',
  webp: 'image/webp',
};

/** Falls back to the file extension if no content type is given. */
export const detectContentType = ({ name, contentType }: Pick<FileDescription, 'name' | 'contentType'>): string =>
  contentType ?? contentTypes[extensionOf(name)] ?? 'application/octet-stream';

const extensionOf = (name: string): string => name.slice(name.lastIndexOf('.') + 1).toLowerCase();

export const cdnAddress = 'https://cdn.livechat-files.com/api/file/lc';

/** The content of a file event. Only images have dimensions and thumbnails. */
export const fileContent = (
  file: FileDescription,
  threadId: string,
  position: number,
): Extract<EventContent, { type: 'file' }> => {
  const content_type = detectContentType(file);
  const path = `10000001/${threadId}_${position}/${encodeURIComponent(file.name)}`;
  const { name, url = `${cdnAddress}/att/${path}` } = file;
  const plain = { type: 'file', name, url, content_type } as const;
  if (!content_type.startsWith('image/')) return { ...plain, ...(file.size !== undefined && { size: file.size }) };
  return {
    ...plain,
    size: file.size ?? 123_444,
    width: 640,
    height: 480,
    thumbnail_url: `${cdnAddress}/thumb/${path}`,
    thumbnail2x_url: `${cdnAddress}/thumb2x/${path}`,
    alternative_text: file.alternativeText ?? '',
  };
};

/** The files on LiveChat's CDN, by URL path. */
export interface Cdn {
  readonly keep: (url: string, file: Blob) => void;
  readonly fileAt: (path: string) => Blob | undefined;
}

export const createCdn = (): Cdn => {
  const files = new Map<string, Blob>();
  return {
    keep: (url, file) => void files.set(new URL(url).pathname, file),
    fileAt: (path) => files.get(path),
  };
};

/** Serves the CDN's paths on the simulator's own address. */
export const cdnRoutes = (cdn: Cdn): Hono =>
  new Hono().get('/*', async (c) => {
    const file = cdn.fileAt(new URL(c.req.url).pathname);
    if (file === undefined) return c.text('Not Found', 404);
    return c.body(await file.arrayBuffer(), 200, { 'content-type': file.type || 'application/octet-stream' });
  });

const base64: Readonly<Record<string, string>> = {
  'image/gif': 'R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7',
  'image/jpeg':
    '/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA=',
  'image/png':
    'iVBORw0KGgoAAAANSUhEUgAAACAAAAAYCAIAAAAUMWhjAAAAJElEQVR42mPQaztIU8QwasGoBaMWjFowasGoBaMWjFowNCwAAG4pXz1U3xteAAAAAElFTkSuQmCC',
  'image/webp': 'UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA',
};
const texts: Readonly<Record<string, string>> = {
  'application/pdf':
    '%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 0/Kids[]>>endobj\n%%EOF\n',
};

/** A small sample file of this type, used if no content is given. */
export const sampleFile = (contentType: string): Blob => {
  const image = base64[contentType];
  const bytes =
    image === undefined ? (texts[contentType] ?? 'A file of the simulator.\n') : Buffer.from(image, 'base64');
  return new Blob([bytes], { type: contentType });
};

const maxBytes = 10 * 1024 * 1024;
const unusedLifeMs = 24 * 60 * 60 * 1000;
const executable = /\.(apk|app|bat|bin|cmd|com|dll|exe|jar|msi|ps1|scr|sh|vbs)$/i;

export interface Upload {
  readonly url: string;
  readonly name: string;
  readonly contentType?: string;
  /** Bytes. */
  readonly size: number;
}

export interface Uploads {
  /** Returns the URL of the file on LiveChat's CDN. */
  readonly add: (file: { readonly name: string; readonly type: string; readonly size: number }) => string;
  /** Returns the file at this URL. A file that is used no longer expires. */
  readonly take: (url: string) => Upload;
}

/** Metadata of uploaded files. Their contents are in `Cdn`. */
export const createUploads = (now: () => number, uuid: () => string): Uploads => {
  const uploads = new Map<string, { readonly upload: Upload; readonly expiresAt: number }>();

  return {
    add: ({ name, type, size }) => {
      if (size > maxBytes) throw new LiveChatError('entity_too_large');
      if (executable.test(name)) throw validationError('`file` must not be executable');
      const url = `${cdnAddress}/att/10000001/${uuid().replaceAll('-', '')}/${encodeURIComponent(name)}`;
      const upload = { url, name, size, ...(type !== '' && { contentType: type }) };
      uploads.set(url, { upload, expiresAt: now() + unusedLifeMs });
      return url;
    },
    take: (url) => {
      if (!url.startsWith('https://cdn.livechat-files.com/')) {
        throw validationError('`event.url` must be an address on cdn.livechat-files.com');
      }
      const found = uploads.get(url);
      if (found === undefined || found.expiresAt <= now()) throw validationError('`event.url` not found or expired');
      uploads.set(url, { ...found, expiresAt: Number.POSITIVE_INFINITY });
      return found.upload;
    },
  };
};
