import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { getMimeType } from 'hono/utils/mime';
import { openState } from '../state.ts';
import {
  type Author,
  allThreads,
  appendEvent,
  type Chat,
  type ChatUpdate,
  chain,
  mapThreads,
  nextEventId,
  notify,
} from './chats.ts';
import { invalidField, LiveChatError, validationError } from './errors.ts';
import type { Button, ChatEvent, Thread } from './objects.ts';

const findEvent = (chat: Chat, eventId: string): { thread: Thread; event: ChatEvent } => {
  for (const thread of allThreads(chat)) {
    const event = thread.events.find(({ id }) => id === eventId);
    if (event !== undefined && !('deleted' in event)) return { thread, event };
  }
  throw invalidField('eventId', `the id of an event of chat ${chat.id} that is not deleted`);
};

const replaceEvent = (chat: Chat, event: ChatEvent): Chat =>
  mapThreads(chat, (thread) => ({
    ...thread,
    events: thread.events.map((other) => (other.id === event.id ? event : other)),
  }));

/** Changes the text; the id and the timestamp stay. */
export const editMessage = (before: Chat, eventId: string, text: string): ChatUpdate => {
  const { thread, event } = findEvent(before, eventId);
  if (event.type !== 'message') throw invalidField('eventId', `a message; ${eventId} is a ${event.type}`);
  const edited = { ...event, text };
  const chat = replaceEvent(before, edited);
  return notify(chat, 'event_updated', { chat_id: chat.id, thread_id: thread.id, event: edited }, eventId);
};

/** Replaces the event with a tombstone without content. */
export const deleteEvent = (before: Chat, eventId: string): ChatUpdate => {
  const { thread, event } = findEvent(before, eventId);
  const { id, type, created_at, visibility, author_id, custom_id } = event;
  const chat = replaceEvent(before, { id, type, deleted: true, created_at, visibility, author_id, custom_id });
  return notify(chat, 'event_deleted', { chat_id: chat.id, thread_id: thread.id, event_id: eventId }, eventId);
};

/** The customer clicks a button. A `message` button also sends its text as an event; the postback webhook does not contain it. */
export const clickButton = (
  before: Chat,
  author: Author,
  eventId: string,
  postbackId: string,
  now: number,
): ChatUpdate => {
  const { thread, event } = findEvent(before, eventId);
  const buttons = 'elements' in event ? event.elements.flatMap((element) => element.buttons ?? []) : [];
  if (!('elements' in event) || buttons.length === 0) {
    throw invalidField('eventId', `a rich message with buttons; ${eventId} has none`);
  }
  const button = buttons.find(({ postback_id }) => postback_id === postbackId);
  if (button === undefined) {
    throw invalidField('postbackId', `one of ${buttons.map(({ postback_id }) => postback_id).join(', ')}`);
  }
  const pressed = { ...button, user_ids: [...new Set([...button.user_ids, author.id])] };
  const press = (other: Button) => (other === button ? pressed : other);
  const elements = event.elements.map((element) => ({ ...element, buttons: (element.buttons ?? []).map(press) }));
  const chat = replaceEvent(before, { ...event, elements });
  const payload = {
    user_id: author.id,
    chat_id: chat.id,
    thread_id: thread.id,
    event_id: eventId,
    postback: { id: postbackId, toggled: true, button_type: button.type, button_value: button.value },
  };
  const clicked = notify(chat, 'incoming_rich_message_postback', payload);
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
const filledField = ({ type, label, answer }: FormAnswer, id: string, group: number) => {
  const field = { type, id, label };
  const labels = typeof answer === 'string' ? [answer] : answer;
  if (type === 'checkbox') return { ...field, answers: options(labels) };
  const text = labels.join(', ');
  if (type === 'group_chooser') return { ...field, answer: { id: '0', group_id: group, label: text } };
  if (type === 'radio' || type === 'select') return { ...field, answer: { id: '0', label: text } };
  return { ...field, answer: text };
};

export const preChatForm = (answers: readonly FormAnswer[], group: number) => ({
  type: 'filled_form' as const,
  form_id: formId,
  form_type: 'prechat',
  fields: answers.map((answer, index) => filledField(answer, `${formId}${index + 1}`, group)),
});

export interface FileDescription {
  readonly name: string;
  readonly url?: string | undefined;
  /** Default: derived from the extension of the name. */
  readonly contentType?: string | undefined;
  /** Bytes. */
  readonly size?: number | undefined;
  readonly alternativeText?: string | undefined;
}

const detectContentType = ({ name, contentType }: FileDescription): string =>
  contentType ?? getMimeType(name)?.split(';', 1)[0] ?? 'application/octet-stream';

const cdnAddress = 'https://cdn.livechat-files.com/api/file/lc';

/** The content of a file event. Only images have dimensions and thumbnails. */
export const fileContent = (file: FileDescription, eventId: string) => {
  const content_type = detectContentType(file);
  const path = `10000001/${eventId}/${encodeURIComponent(file.name)}`;
  const { name, url = `${cdnAddress}/att/${path}` } = file;
  const plain = { type: 'file', name, url, content_type } as const;
  if (!content_type.startsWith('image/')) return { ...plain, size: file.size };
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

/** LiveChat's limits on uploaded files. */
const maxBytes = 10 * 1024 * 1024;
const unusedExpiryMs = 24 * 60 * 60 * 1000;
const executable = /\.(apk|app|bat|bin|cmd|com|dll|exe|jar|msi|ps1|scr|sh|vbs)$/i;

export type Cdn = ReturnType<typeof createCdn>;

/** A file with its content. */
export class StoredFile {
  readonly name: string;
  readonly type: string;
  readonly bytes: Buffer;

  constructor(name: string, type: string, bytes: Buffer) {
    this.name = name;
    this.type = type;
    this.bytes = bytes;
  }
}

/** LiveChat's CDN: the files of customers and agents, and the uploads of applications. */
export const createCdn = (now: () => number, state = openState()) => {
  /** By path. The content is in base64. */
  const files = state.collection<{ readonly name: string; readonly type: string; readonly content: string }>('files');
  /** The uploads that an event uses, by URL. */
  const uploads = state.collection<FileDescription>('used uploads');
  /** The uploads that no event uses, by URL. */
  const unused = state.collection<{ readonly upload: FileDescription; readonly expiresAt: number }>('unused uploads');
  const store = (url: string, { name, type, bytes }: StoredFile): void => {
    files.put(new URL(url).pathname, { name, type, content: bytes.toString('base64') });
  };
  const deleteExpired = (): void => {
    for (const [url, { expiresAt }] of unused.entries()) {
      if (expiresAt > now()) continue;
      unused.delete(url);
      files.delete(new URL(url).pathname);
    }
  };

  return {
    store,

    get(path: string): StoredFile | undefined {
      const found = files.get(path);
      return found && new StoredFile(found.name, found.type, Buffer.from(found.content, 'base64'));
    },

    /** Stores a file and returns its URL, which an event can use. */
    upload(file: StoredFile): string {
      const { name, type, bytes } = file;
      const size = bytes.length;
      if (size > maxBytes) throw new LiveChatError('entity_too_large');
      if (executable.test(name)) throw validationError('`file` must not be executable');
      const url = `${cdnAddress}/att/10000001/${randomUUID().replaceAll('-', '')}/${encodeURIComponent(name)}`;
      const upload = { url, name, size, ...(type !== '' && { contentType: type }) };
      deleteExpired();
      unused.put(url, { upload, expiresAt: now() + unusedExpiryMs });
      store(url, file);
      return url;
    },

    /** Returns the upload at this URL. An upload that is used no longer expires. */
    takeUpload(url: string): FileDescription {
      if (!url.startsWith('https://cdn.livechat-files.com/')) {
        throw validationError('`event.url` must be an address on cdn.livechat-files.com');
      }
      deleteExpired();
      const upload = uploads.get(url) ?? unused.get(url)?.upload;
      if (upload === undefined) throw validationError('`event.url` not found or expired');
      unused.delete(url);
      uploads.put(url, upload);
      return upload;
    },
  };
};

/** Serves the files of the CDN on the simulator's own address. */
export const cdnRoutes = (cdn: Cdn): Hono =>
  new Hono().get('/*', (c) => {
    const file = cdn.get(new URL(c.req.url).pathname);
    if (file === undefined) return c.text('Not Found', 404);
    return c.body(new Uint8Array(file.bytes), 200, { 'content-type': file.type || 'application/octet-stream' });
  });

/** Small sample files by type, in base64. They are used if no content is given. */
const samples: Readonly<Record<string, string>> = {
  'image/gif': 'R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7',
  'image/jpeg':
    '/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA=',
  'image/png':
    'iVBORw0KGgoAAAANSUhEUgAAACAAAAAYCAIAAAAUMWhjAAAAJElEQVR42mPQaztIU8QwasGoBaMWjFowasGoBaMWjFowNCwAAG4pXz1U3xteAAAAAElFTkSuQmCC',
  'image/webp': 'UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA',
  'application/pdf':
    'JVBERi0xLjQKMSAwIG9iajw8L1R5cGUvQ2F0YWxvZy9QYWdlcyAyIDAgUj4+ZW5kb2JqCjIgMCBvYmo8PC9UeXBlL1BhZ2VzL0NvdW50IDAvS2lkc1tdPj5lbmRvYmoKJSVFT0YK',
};
const textSample = 'QSBmaWxlIG9mIHRoZSBzaW11bGF0b3IuCg==';

/** Sends a file: by URL, with content in base64, or by name only. Without a URL it is stored on the CDN. */
export const sendFile = (
  chat: Chat,
  author: Author,
  file: FileDescription & { readonly content?: string | undefined },
  cdn: Cdn,
  now: number,
): ChatUpdate => {
  const type = detectContentType(file);
  const content = file.content ?? samples[type] ?? textSample;
  const bytes = Buffer.from(content, 'base64');
  // LiveChat reports the size of images only.
  const stored = file.url === undefined && type.startsWith('image/') ? { size: bytes.length } : {};
  const event = fileContent({ ...stored, ...file }, nextEventId(chat.thread));
  const update = appendEvent(chat, { author, content: event }, now);
  if (file.url === undefined) cdn.store(event.url, new StoredFile(file.name, type, bytes));
  return update;
};
