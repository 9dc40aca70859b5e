import type { ComponentChildren } from 'preact';
import * as z from 'zod/mini';
import type { ConversationAnswer } from '../../responses.ts';
import { get, useResource } from '../app/api.ts';

export type ShownMessage = ConversationAnswer['messages'][number];

const elements = z.array(
  z.looseObject({
    title: z.optional(z.nullable(z.string())),
    subtitle: z.optional(z.nullable(z.string())),
    image: z.optional(z.nullable(z.looseObject({ url: z.optional(z.string()) }))),
    buttons: z.optional(
      z.nullable(z.array(z.looseObject({ text: z.optional(z.string()), type: z.optional(z.string()) }))),
    ),
  }),
);
const answers = z.array(z.object({ label: z.string(), values: z.array(z.string()) }));
const media = z.object({
  filename: z.optional(z.string()),
  contentType: z.optional(z.string()),
  size: z.optional(z.number()),
  media: z.optional(z.object({ error: z.optional(z.object({ message: z.string() })) })),
});

/** What a message says. Whatever it holds becomes text; Preact escapes it. */
export function Content({ message }: { message: ShownMessage }) {
  if (message.deleted) return <p class="gone">This message was deleted.</p>;
  const text = typeof message.content === 'string' ? message.content : JSON.stringify(message.content, null, 2);
  switch (message.type) {
    case 'text':
    case 'system':
      return (
        <p>
          <WithLinks text={text} />
        </p>
      );
    case 'media':
      return <File message={message} url={text} />;
    case 'interactive':
      return <Cards text={text} />;
    case 'form':
      return <Form metadata={message.metadata} text={text} />;
    default:
      return <pre>{text}</pre>;
  }
}

const webAddress = /(https?:\/\/[^\s<>"']+)/;

/** Addresses in a text become links; those that are no http(s) stay text. */
export function WithLinks({ text }: { text: string }) {
  return (
    <>
      {text.split(webAddress).map((part, index) =>
        index % 2 === 1 ? (
          <Outside key={index} url={part}>
            {part}
          </Outside>
        ) : (
          part
        ),
      )}
    </>
  );
}

export function Outside({ url, children }: { url: string; children: ComponentChildren }) {
  if (!/^https?:\/\//.test(url)) return <>{children}</>;
  return (
    <a href={url} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  );
}

type Link = NonNullable<ShownMessage['link']>;

const kept = new Map<string, Link>();
const spareMs = 60_000;

/** Every answer links a file anew; a picture that is shown already is not loaded again as long as its link works. */
function lastingLink({ id, link }: ShownMessage, url: string): string | undefined {
  if (!link) return undefined;
  const key = `${id} ${url}`;
  const before = kept.get(key);
  if (before && Date.parse(before.expiresAt) > Date.now() + spareMs) return before.url;
  kept.set(key, link);
  return link.url;
}

function File({ message, url }: { message: ShownMessage; url: string }) {
  const { filename = 'File', contentType = '', size, media: stored } = media.safeParse(message.metadata).data ?? {};
  const about = [contentType, size === undefined ? '' : sizeOf(size)].filter(Boolean).join(', ');
  const link = lastingLink(message, url);
  const address = link ?? url;
  return (
    <figure class="file">
      {link && contentType.startsWith('image/') && (
        <Outside url={address}>
          <img src={address} alt={filename} loading="lazy" />
        </Outside>
      )}
      <figcaption>
        <Outside url={address}>{filename}</Outside> <small>{about}</small>
        {stored?.error && <small class="bad">not stored: {stored.error.message}</small>}
      </figcaption>
    </figure>
  );
}

function sizeOf(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.max(1, Math.round(bytes / 1_000))} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

export function Cards({ text }: { text: string }) {
  const cards = elements.safeParse(parseJson(text));
  if (!cards.success) return <pre>{text}</pre>;
  return (
    <div class="cards">
      {cards.data.map(({ title, subtitle, image, buttons }, index) => (
        <div class="chat-card" key={index}>
          {image?.url && <Outside url={image.url}>Picture</Outside>}
          {title && <b>{title}</b>}
          {subtitle && <span>{subtitle}</span>}
          {buttons && buttons.length > 0 && (
            <ul>
              {buttons.map((button, at) => (
                <li key={at}>{button.text ?? button.type ?? 'button'}</li>
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
  if (!filled.success) return <pre>{text}</pre>;
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

function parseJson(json: string | undefined): unknown {
  try {
    return JSON.parse(json ?? '');
  } catch {
    return undefined;
  }
}

type Pending = ConversationAnswer['pending'][number];

const request = z.object({
  detail: z.object({
    data: z.object({ messages: z.array(z.looseObject({ type: z.string(), content: z.unknown() })) }),
  }),
});
const requestedMedia = z.object({
  url: z.optional(z.string()),
  key: z.optional(z.string()),
  name: z.optional(z.string()),
});
const interactive = z.object({ elements: z.unknown() });

/** What a part says that LiveChat has not shown yet. No table holds it: the run that is to send it does. */
export function Requested({ delivery }: { delivery: Pending }) {
  const { execution, part } = delivery;
  if (execution === undefined || part === undefined) {
    return <p class="hint">What it says cannot be shown here: no run of it is known. The sending service knows it.</p>;
  }
  return <FromRun execution={execution} part={part} />;
}

function FromRun({ execution, part }: { execution: string; part: NonNullable<Pending['part']> }) {
  const { value, failure, reload } = useResource(execution, () => get('/executions/:id', { id: execution }));
  if (failure?.status === 404) {
    return (
      <p class="hint">What it says cannot be shown any more: its run is not there. AWS keeps a run for 90 days.</p>
    );
  }
  if (failure) {
    return (
      <p class="hint">
        What it says is in its run, which could not be read: {failure.message}{' '}
        <button type="button" class="quiet" onClick={reload}>
          Try again
        </button>
      </p>
    );
  }
  if (!value) return <p class="hint loading">Reading what it says…</p>;
  const message = request.safeParse(parseJson(value.execution.input)).data?.detail.data.messages[part.messageIndex];
  if (!message) return <p class="hint">What it says cannot be shown: its run does not hold the request.</p>;
  return (
    <div class="content">
      <Asked type={message.type} content={message.content} />
      {part.splitIndex > 0 && <small>This is piece {part.splitIndex + 1} of that text, which goes in several.</small>}
    </div>
  );
}

/** A message as a send request puts it (docs/sending.md). */
function Asked({ type, content }: { type: string; content: unknown }) {
  if (typeof content === 'string') {
    return (
      <p>
        <WithLinks text={content} />
      </p>
    );
  }
  const file = requestedMedia.safeParse(content).data;
  if (type === 'media' && file) {
    const address = file.url ?? file.key ?? '';
    return (
      <p>
        File: <Outside url={address}>{file.name ?? address}</Outside>
      </p>
    );
  }
  const card = interactive.safeParse(content).data;
  if (type === 'interactive' && card) return <Cards text={JSON.stringify(card.elements)} />;
  return <pre>{JSON.stringify(content, null, 2)}</pre>;
}
