import * as z from 'zod/mini';
import { describeIssues, type Issue } from '../events/event.ts';
import { visibility } from '../events/schemas.ts';
import { liveChatFileHosts } from './conventions.ts';
import { splitText } from './split-text.ts';

type Visibility = z.infer<typeof visibility>;

/** The optional fields of every message. Visibility `agents` makes it an internal note. */
export const common = {
  visibility: z.optional(visibility),
  metadata: z.optional(z.record(z.string(), z.unknown())),
};

/** An event for `send_event`, without its `custom_id`. */
export type ComposedEvent = { readonly visibility: Visibility } & (
  | { readonly type: 'message'; readonly text: string }
  | { readonly type: 'file'; readonly url: string; readonly alternative_text?: string }
  | {
      readonly type: 'rich_message';
      readonly template_id: RichMessageContent['templateId'];
      readonly elements: RichMessageContent['elements'];
    }
);

/** The source of a file: a URL or a key in the media bucket. */
export type FileSource = { readonly url: string } | { readonly key: string };

/** A file to upload and send. One step does both, since LiveChat deletes an unused upload after 24 h. */
export interface FilePart {
  readonly kind: 'file';
  readonly source: FileSource;
  readonly name?: string;
  readonly alternativeText?: string;
  readonly visibility: Visibility;
}

/** A file on this machine's disk. */
export interface FetchedFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly contentType: string;
  readonly name: string;
}

/** A file part whose file is on disk. */
export interface FetchedPart extends Omit<FilePart, 'kind' | 'source'> {
  readonly kind: 'fetched';
  readonly file: FetchedFile;
}

/** The content of one `send_event` call, or a file on its way to become one. */
export type Part = { readonly kind: 'event'; readonly event: ComposedEvent } | FilePart | FetchedPart;

/**
 * LiveChat's rich messages. Unknown fields are passed through.
 * Limits: Agent Chat API, "rich message" (platform.text.com/docs/messaging).
 */
const maxElements = 10;
const maxButtons = 13;

const required = z.string().check(z.minLength(1));
const webUrl = z.string().check(z.refine(isWebUrl, 'expected an http or https URL'));

const buttonFields = {
  text: required,
  value: required,
  postback_id: required,
  /** The users who clicked. LiveChat requires the field. */
  user_ids: z._default(z.array(z.string()), () => []),
};

const button = z.discriminatedUnion('type', [
  z.looseObject({ ...buttonFields, type: z.literal('message') }),
  z.looseObject({
    ...buttonFields,
    type: z.literal('url'),
    value: webUrl,
    target: z.optional(z.enum(['new', 'current'])),
  }),
  z.looseObject({
    ...buttonFields,
    type: z.literal('webview'),
    value: webUrl,
    webview_height: z.enum(['compact', 'tall', 'full']),
  }),
  z.looseObject({
    ...buttonFields,
    type: z.literal('phone'),
    value: z.string().check(z.regex(/\d/, 'expected a phone number')),
  }),
]);

const image = z.looseObject({ url: webUrl });

const elementFields = {
  title: z.optional(z.string()),
  subtitle: z.optional(z.string()),
  buttons: z.optional(z.array(button).check(z.maxLength(maxButtons))),
};
const element = z.looseObject({ ...elementFields, image: z.optional(image) });
const sticker = z.looseObject({ ...elementFields, image });

const one = z.minLength(1);
const most = z.maxLength(maxElements);

export const richMessageContent = z.discriminatedUnion('templateId', [
  z.object({ templateId: z.enum(['cards', 'quick_replies']), elements: z.array(element).check(one, most) }),
  z.object({ templateId: z.literal('sticker'), elements: z.array(sticker).check(one, most) }),
]);
export type RichMessageContent = z.infer<typeof richMessageContent>;

function isWebUrl(text: string): boolean {
  return ['https:', 'http:'].includes(URL.parse(text)?.protocol ?? '');
}

export const textMessage = z.object({
  ...common,
  type: z.literal('text'),
  /** Of any length: a text over LiveChat's limit is split. */
  content: z.string().check(z.minLength(1)),
});
export type TextMessage = z.infer<typeof textMessage>;

export function composeText({ content, visibility = 'all' }: TextMessage): Part[] {
  return splitText(content).map((text) => ({ kind: 'event', event: { type: 'message', text, visibility } }));
}

const nonEmpty = z.string().check(z.minLength(1));

/** A file by URL or by key in the media bucket. */
const mediaContent = z
  .object({
    url: z.optional(z.string().check(z.refine(isHttps, 'expected an https URL'))),
    key: z.optional(nonEmpty),
    name: z.optional(nonEmpty),
    alternativeText: z.optional(nonEmpty),
  })
  .check(z.refine(({ url, key }) => (url === undefined) !== (key === undefined), 'expected either url or key'));

export const mediaMessage = z.object({ ...common, type: z.literal('media'), content: mediaContent });
export type MediaMessage = z.infer<typeof mediaMessage>;

export function composeMedia({ content, visibility = 'all' }: MediaMessage, hosts: readonly string[]): Part[] {
  const source = toFileSource(content);
  const { name, alternativeText } = content;
  if ('url' in source && hosts.includes(new URL(source.url).hostname)) {
    const alternative = alternativeText === undefined ? {} : { alternative_text: alternativeText };
    return [{ kind: 'event', event: { type: 'file', url: source.url, visibility, ...alternative } }];
  }
  return [
    {
      kind: 'file',
      source,
      visibility,
      ...(name === undefined ? {} : { name }),
      ...(alternativeText === undefined ? {} : { alternativeText }),
    },
  ];
}

function toFileSource({ url, key }: MediaMessage['content']): FileSource {
  if (url !== undefined) return { url };
  if (key !== undefined) return { key };
  throw new TypeError('media without url and key: parse the message first');
}

function isHttps(text: string): boolean {
  return URL.parse(text)?.protocol === 'https:';
}

export const interactiveMessage = z.object({ ...common, type: z.literal('interactive'), content: richMessageContent });
export type InteractiveMessage = z.infer<typeof interactiveMessage>;

export function composeInteractive({ content, visibility = 'all' }: InteractiveMessage): Part[] {
  const { templateId, elements } = content;
  return [{ kind: 'event', event: { type: 'rich_message', template_id: templateId, elements, visibility } }];
}

/** One message of a send request. */
export const requestMessage = z.discriminatedUnion('type', [textMessage, mediaMessage, interactiveMessage]);
export type RequestMessage = z.infer<typeof requestMessage>;

const request = z.object({ messages: z.array(requestMessage).check(z.minLength(1), z.maxLength(10)) });

/** Invalid messages. The error names every invalid field and what was expected, never a value. */
export class InvalidMessagesError extends Error {
  override readonly name = 'InvalidMessages';
  readonly issues: readonly Issue[];
  constructor(issues: readonly Issue[]) {
    super(issues.map(({ path, message }) => `${path}: ${message}`).join('; '));
    this.issues = issues;
  }
}

/** Validates the messages (1 to 10) of one request. Throws {@link InvalidMessagesError}. */
export function parseMessages(messages: unknown): RequestMessage[] {
  const parsed = request.safeParse({ messages });
  if (parsed.success) return parsed.data.messages;
  throw new InvalidMessagesError(describeIssues(parsed.error));
}

/** A part with the index of its message in the request and its index in that message, both from 0. */
export interface ComposedPart {
  readonly messageIndex: number;
  readonly splitIndex: number;
  readonly part: Part;
}

export interface ComposeOptions {
  /** Hosts of files that need no upload. */
  readonly fileHosts?: readonly string[];
}

/** Composes the parts that are sent to LiveChat, in order. */
export function composeMessages(
  messages: readonly RequestMessage[],
  { fileHosts = liveChatFileHosts }: ComposeOptions = {},
): ComposedPart[] {
  return messages.flatMap((message, messageIndex) =>
    toParts(message, fileHosts).map((part, splitIndex) => ({ messageIndex, splitIndex, part })),
  );
}

function toParts(message: RequestMessage, fileHosts: readonly string[]): Part[] {
  switch (message.type) {
    case 'text':
      return composeText(message);
    case 'media':
      return composeMedia(message, fileHosts);
    case 'interactive':
      return composeInteractive(message);
  }
}
