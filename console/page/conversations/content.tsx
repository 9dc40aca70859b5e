import type { ComponentChildren } from 'preact';
import * as z from 'zod/mini';
import { parseJson } from '../../../core/platform/json.ts';
import type { ConversationResponse } from '../../api.ts';

export type ShownMessage = ConversationResponse['messages'][number];

const button = z.looseObject({ text: z.optional(z.string()), type: z.optional(z.string()) });
const elements = z.array(
  z.looseObject({
    title: z.nullish(z.string()),
    subtitle: z.nullish(z.string()),
    image: z.nullish(z.looseObject({ url: z.optional(z.string()) })),
    buttons: z.nullish(z.array(button)),
  }),
);
const answers = z.array(z.object({ label: z.string(), values: z.array(z.string()) }));
const media = z.object({
  filename: z.optional(z.string()),
  contentType: z.optional(z.string()),
  size: z.optional(z.number()),
  media: z.optional(z.object({ error: z.optional(z.object({ message: z.string() })) })),
});

type MessageContent = Pick<ShownMessage, 'type' | 'metadata'> &
  Partial<Pick<ShownMessage, 'id' | 'content' | 'link' | 'deleted'>>;

/** A message's content. Everything is rendered as text, which Preact escapes. */
export function Content({ message }: { message: MessageContent }) {
  if (message.deleted) return <p class="deleted">This message was deleted.</p>;
  const text = typeof message.content === 'string' ? message.content : JSON.stringify(message.content, null, 2);
  switch (message.type) {
    case 'text':
    case 'system':
      return <WithLinks text={text} />;
    case 'media':
      return <File message={message} url={text} />;
    case 'interactive':
      return <Cards text={text} />;
    case 'form':
      return <Form metadata={message.metadata} text={text} />;
    default:
      return <EventContent text={text} />;
  }
}

/** Parentheses only in pairs, and no punctuation at the end: others belong to the sentence. */
const webAddress = /(https?:\/\/(?:[^\s<>"'()]|\([^\s<>"'()]*\))+(?<![.,;:!?]))/;

/** Renders http(s) URLs in a text as links. */
function WithLinks({ text }: { text: string }) {
  const parts = text.split(webAddress);
  return (
    <p>
      {parts.map((part, index) =>
        index % 2 === 1 ? (
          <ExternalLink key={index} url={part}>
            {part}
          </ExternalLink>
        ) : (
          part
        ),
      )}
    </p>
  );
}

function ExternalLink({ url, children }: { url: string; children: ComponentChildren }) {
  if (!/^https?:\/\//.test(url)) return <>{children}</>;
  return (
    <a href={url} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  );
}

type Link = NonNullable<ShownMessage['link']>;

const links = new Map<string, Link>();
const minValidityMs = 60_000;

/** Reuses a file's link while it is valid, because each response contains a new one and the browser would load the image again. */
function stableLink({ id, link }: MessageContent, url: string): string | undefined {
  if (!link) return undefined;
  const key = `${id} ${url}`;
  const before = links.get(key);
  if (before && Date.parse(before.expiresAt) > Date.now() + minValidityMs) return before.url;
  links.set(key, link);
  return link.url;
}

function File({ message, url }: { message: MessageContent; url: string }) {
  const { filename = 'File', contentType = '', size, media: stored } = media.safeParse(message.metadata).data ?? {};
  const about = [contentType, size === undefined ? '' : formatSize(size)].filter(Boolean).join(', ');
  const link = stableLink(message, url);
  const address = link ?? url;
  return (
    <figure class="file">
      {link && contentType.startsWith('image/') && (
        <ExternalLink url={address}>
          <img src={address} alt={filename} loading="lazy" />
        </ExternalLink>
      )}
      <figcaption>
        <ExternalLink url={address}>{filename}</ExternalLink> <small>{about}</small>
        {stored?.error && <small class="bad">not stored: {stored.error.message}</small>}
      </figcaption>
    </figure>
  );
}

function formatSize(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.max(1, Math.round(bytes / 1_000))} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function Cards({ text }: { text: string }) {
  const cards = elements.safeParse(parseJson(text));
  if (!cards.success) return <EventContent text={text} />;
  return (
    <div class="cards">
      {cards.data.map(({ title, subtitle, image, buttons }, index) => (
        <div class="chat-card" key={index}>
          {image?.url && <ExternalLink url={image.url}>Image</ExternalLink>}
          {title && <b>{title}</b>}
          {subtitle && <span>{subtitle}</span>}
          {buttons && buttons.length > 0 && (
            <ul>
              {buttons.map(({ text: label, type = 'button' }, position) => (
                <li key={position}>{label ?? type}</li>
              ))}
            </ul>
          )}
        </div>
      ))}
    </div>
  );
}

function Form({ metadata, text }: { metadata: Readonly<Record<string, unknown>>; text: string }) {
  const filled = answers.safeParse(metadata.answers);
  if (!filled.success) return <EventContent text={text} />;
  return (
    <dl class="form">
      {filled.data.map(({ label, values }) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{values.join(', ') || '–'}</dd>
        </div>
      ))}
    </dl>
  );
}

const namedEvent = z.looseObject({ type: z.string() });

/** An event of a type that has no view of its own: its type, and its JSON indented. */
function EventContent({ text = '' }: { text: string | undefined }) {
  const parsed = parseJson(text);
  const type = namedEvent.safeParse(parsed).data?.type;
  return (
    <>
      {type && <b>Event of type {type}</b>}
      <pre>{parsed === undefined ? text : JSON.stringify(parsed, null, 2)}</pre>
    </>
  );
}

export type Pending = ConversationResponse['pending'][number];

/** The content of one `send_event` call (core/livechat/compose.ts). */
const event = z.object({
  type: z.string(),
  text: z.optional(z.string()),
  url: z.optional(z.string()),
  alternative_text: z.optional(z.string()),
  elements: z.optional(z.unknown()),
  visibility: z.string(),
});
const file = z.object({
  source: z.object({ url: z.optional(z.string()), key: z.optional(z.string()) }),
  name: z.optional(z.string()),
  visibility: z.string(),
});
const pendingContent = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('event'), event }),
  z.object({ ...file.shape, kind: z.literal('file') }),
]);

/** Converts the content of a pending part to that of a stored message. */
export function pendingMessage({ content }: Pending): MessageContent & { readonly visibility: string } {
  const { data } = pendingContent.safeParse(content);
  if (!data) return { type: 'unknown', content, metadata: {}, visibility: 'all' };
  if (data.kind === 'file') {
    const { source, name, visibility } = data;
    const url = source.url ?? source.key ?? '';
    return { type: 'media', content: url, metadata: { filename: name ?? url }, visibility };
  }
  const { type, text, url = '', alternative_text: filename = url, elements: cards, visibility } = data.event;
  if (type === 'message') return { type: 'text', content: text, metadata: {}, visibility };
  if (type === 'file') return { type: 'media', content: url, metadata: { filename }, visibility };
  return { type: 'interactive', content: JSON.stringify(cards), metadata: {}, visibility };
}

/** The content of a message that LiveChat has not confirmed. */
export function PendingContent({ pending }: { pending: Pending }) {
  const { content, part } = pending;
  if (content === undefined) return <p class="hint">The message content is no longer available.</p>;
  return (
    <div class="content">
      <Content message={pendingMessage(pending)} />
      {part && part.splitIndex > 0 && (
        <small>Part {part.splitIndex + 1} of a text that is sent as several messages.</small>
      )}
    </div>
  );
}
