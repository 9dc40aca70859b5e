import * as z from 'zod/mini';
import type { Compose } from '../channel/channel.ts';
import { describeIssues, issueText } from '../events/issues.ts';
import { visibility } from '../events/schemas.ts';
import { RequestInvalid } from '../outbound/errors.ts';
import { liveChatFileHosts } from './conventions.ts';

export type Visibility = z.infer<typeof visibility>;
type RichContent = z.infer<typeof interactiveMessage>['content'];

/** An event for `send_event`, without its `custom_id`. */
export type ComposedEvent = { readonly visibility: Visibility } & (
  | { readonly type: 'message'; readonly text: string }
  | { readonly type: 'file'; readonly url: string; readonly alternative_text?: string | undefined }
  | {
      readonly type: 'rich_message';
      readonly template_id: RichContent['templateId'];
      readonly elements: RichContent['elements'];
    }
);

/** The source of a file: a URL or a key in the media bucket. */
export type FileSource = { readonly url: string } | { readonly key: string };

/** A file to upload and send. One step does both, because LiveChat deletes an unused upload after 24 h. */
export interface FilePart {
  readonly kind: 'file';
  readonly source: FileSource;
  readonly name?: string | undefined;
  readonly alternativeText?: string | undefined;
  readonly visibility: Visibility;
}

/** A file on this machine's disk. */
export interface FetchedFile {
  readonly path: string;
  readonly contentType: string;
  readonly name: string;
}

/** A file part whose file is on disk. */
export interface FetchedPart extends Omit<FilePart, 'kind' | 'source'> {
  readonly kind: 'fetched';
  readonly file: FetchedFile;
}

/** The content of one `send_event` call: an event, or a file that must be fetched or uploaded first. */
export type Part = { readonly kind: 'event'; readonly event: ComposedEvent } | FilePart | FetchedPart;

const nonEmpty = z.string().check(z.minLength(1));
const httpsUrl = z.string().check(z.url({ protocol: /^https$/, error: 'expected an https URL' }));
const webUrl = z.string().check(z.url({ protocol: /^https?$/, error: 'expected an http or https URL' }));

/** The optional fields of every message. Visibility `agents` makes it an internal note. */
const messageFields = {
  visibility: z.optional(visibility),
  metadata: z.optional(z.record(z.string(), z.unknown())),
};

const textMessage = z.object({
  ...messageFields,
  type: z.literal('text'),
  /** Any length: a text over LiveChat's limit is split. */
  content: nonEmpty,
});

const mediaMessage = z.object({
  ...messageFields,
  type: z.literal('media'),
  content: z
    .object({
      url: z.optional(httpsUrl),
      /** The key of a file in the media bucket. */
      key: z.optional(nonEmpty),
      name: z.optional(nonEmpty),
      alternativeText: z.optional(nonEmpty),
    })
    .check(z.refine(({ url, key }) => (url === undefined) !== (key === undefined), 'expected either url or key')),
});

const buttonFields = {
  text: nonEmpty,
  value: nonEmpty,
  postback_id: nonEmpty,
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
    /** LiveChat requires the field. */
    webview_height: z._default(z.enum(['compact', 'tall', 'full']), 'full'),
  }),
  z.looseObject({
    ...buttonFields,
    type: z.literal('phone'),
    value: z.string().check(z.regex(/\d/, 'expected a phone number')),
  }),
]);

const image = z.looseObject({ url: webUrl });
const element = z.looseObject({
  title: z.optional(z.string()),
  subtitle: z.optional(z.string()),
  buttons: z.optional(z.array(button).check(z.maxLength(13))),
  image: z.optional(image),
});
const elementCount = [z.minLength(1), z.maxLength(10)] as const;

/**
 * LiveChat's rich messages. Unknown fields are passed through.
 * Limits: Agent Chat API, "rich message" (platform.text.com/docs/messaging).
 */
const interactiveMessage = z.object({
  ...messageFields,
  type: z.literal('interactive'),
  content: z.discriminatedUnion('templateId', [
    z.object({
      templateId: z.enum(['cards', 'quick_replies']),
      elements: z.array(element).check(...elementCount),
    }),
    z.object({
      templateId: z.literal('sticker'),
      elements: z.array(z.looseObject({ ...element.shape, image })).check(...elementCount),
    }),
  ]),
});

/** One message of a send request. */
export const requestMessage = z.discriminatedUnion('type', [textMessage, mediaMessage, interactiveMessage]);
type RequestMessage = z.infer<typeof requestMessage>;

const request = z.object({ messages: z.array(requestMessage).check(z.minLength(1), z.maxLength(10)) });

/**
 * Validates the messages (1 to 10) of one request. Throws {@link RequestInvalid}, which names every invalid field and what
 * was expected, never a value.
 */
export function parseMessages(messages: unknown): RequestMessage[] {
  const parsed = request.safeParse({ messages });
  if (parsed.success) return parsed.data.messages;
  throw new RequestInvalid(issueText(describeIssues(parsed.error)));
}

/** Composes the parts that are sent to LiveChat, in order. Throws {@link RequestInvalid}, which names every invalid field. */
export const compose: Compose<Part> = (messages) =>
  parseMessages(messages).flatMap((message, messageIndex) =>
    toParts(message).map((content, splitIndex) => ({
      messageIndex,
      splitIndex,
      content,
      hasFile: content.kind === 'file',
    })),
  );

function toParts(message: RequestMessage): Part[] {
  const { visibility = 'all' } = message;
  switch (message.type) {
    case 'text':
      return splitText(message.content).map((text) => ({
        kind: 'event',
        event: { type: 'message', text, visibility },
      }));
    case 'media':
      return [toFilePart(message.content, visibility)];
    case 'interactive': {
      const { templateId, elements } = message.content;
      return [{ kind: 'event', event: { type: 'rich_message', template_id: templateId, elements, visibility } }];
    }
  }
}

function toFilePart(
  { url, key = '', name, alternativeText }: z.infer<typeof mediaMessage>['content'],
  visibility: Visibility,
): Part {
  // A file on LiveChat's hosts needs no upload.
  if (url !== undefined && liveChatFileHosts.includes(new URL(url).hostname)) {
    return { kind: 'event', event: { type: 'file', url, visibility, alternative_text: alternativeText } };
  }
  return { kind: 'file', source: url === undefined ? { key } : { url }, visibility, name, alternativeText };
}

/** Maximum UTF-8 bytes of a message's text. Source: reference of `send_event`, 16 KB. */
const maxTextBytes = 16 * 1024;
const maxCodePointBytes = 4;

const encoder = new TextEncoder();
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/**
 * Splits a text into parts of at most `bytes` UTF-8 bytes (minimum 4). Joined, the parts are the text; none is empty. Splits
 * at white space if possible, else between grapheme clusters, else (in a cluster over `bytes` bytes) between code points.
 */
export function splitText(text: string, bytes = maxTextBytes): string[] {
  if (bytes < maxCodePointBytes)
    throw new RangeError('the limit must be at least 4 bytes, the longest UTF-8 character');
  const parts: string[] = [];
  let rest = text;
  while (Buffer.byteLength(rest) > bytes) {
    const end = partEnd(rest, bytes);
    parts.push(rest.slice(0, end));
    rest = rest.slice(end);
  }
  return [...parts, rest];
}

function partEnd(text: string, bytes: number): number {
  // The number of UTF-16 units that fit, in whole code points.
  const longest = encoder.encodeInto(text, new Uint8Array(bytes)).read;
  const end = /\s/.test(text.charAt(longest)) ? longest : (afterLastSpace(text.slice(0, longest)) ?? longest);
  return graphemeStart(text, end) || end;
}

function afterLastSpace(text: string): number | undefined {
  return /^.*\s/s.exec(text)?.[0].length;
}

/** The start of the grapheme cluster at `index`, so that accents, skin tones and flags are not split. */
function graphemeStart(text: string, index: number): number {
  return graphemes.segment(text).containing(index)?.index ?? index;
}
