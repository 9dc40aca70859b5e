import { createEvent } from '../events/event.ts';
import { deriveId } from '../events/ids.ts';
import type { Publish } from '../events/publish.ts';
import type { EventMetadata, NormalizedMessage } from '../events/schemas.ts';
import { FileUnavailable } from '../media/errors.ts';
import { removeFile } from '../media/media.ts';
import { type FetchRules, isFileError, type StoredFile, storeFile } from '../media/store.ts';
import { count } from '../platform/metrics.ts';
import type { MediaState } from './entities.ts';
import { noteMedia, readMedia } from './media-store.ts';
import type { MessageKey } from './store.ts';

/** `gone`: the message was deleted, or names another file by now. */
export type MediaOutcome = 'stored' | 'refused' | 'gone';

/** An event that brought a media message, or a new edition of one. */
export interface MediaArrival {
  readonly message: NormalizedMessage;
  readonly metadata: EventMetadata;
  readonly edited: boolean;
  /** Stores the message, which another function does at the same time: whichever comes first. */
  readonly ensure: () => Promise<unknown>;
}

export interface MediaPorts {
  readonly rules: FetchRules;
  readonly publish: Publish;
  /** ms since 1970 */
  readonly now: () => number;
}

/**
 * Stores the file of a media message, notes on the message where it is or why it is not, and publishes `media.stored`.
 * The file is put first and noted under a condition after that, so that a deletion at any moment takes it along: either the
 * deletion finds the file, or the note is refused and the file is removed here.
 *
 * @throws FileUnavailable when another try may succeed; the message says so until then
 */
export async function storeMedia(arrival: MediaArrival, ports: MediaPorts): Promise<MediaOutcome> {
  const { message, edited, ensure } = arrival;
  const { id: messageId, organizationId, conversationId, threadId } = message;
  const key = { organizationId, conversationId, threadId, messageId };
  const url = typeof message.content === 'string' ? message.content : '';
  const known = await readMedia(key);
  if (known?.deleted) return 'gone';
  if (known?.media?.url === url && !known.media.error) {
    // An earlier try may have died before it told the bus.
    await ports.publish([storedEvent(arrival, known.media, ports.now())]);
    return 'stored';
  }
  const note = (media: MediaState) => noteOn(key, media, known && !edited ? undefined : ensure);
  try {
    const file = await storeFile(key, fileOf(arrival, url), ports.rules);
    return await keep(file, { ...file, url, storedAt: isoOf(ports.now()) }, note, arrival, ports);
  } catch (error) {
    if (!isFileError(error)) throw error;
    const { name, message: why } = error;
    count('MediaFailed', { error: name, organizationId });
    const noted = await note({ url, error: { name, message: why }, failedAt: isoOf(ports.now()) });
    if (!noted) return 'gone';
    if (error instanceof FileUnavailable) throw error;
    return 'refused';
  }
}

type Note = (media: MediaState) => ReturnType<typeof noteMedia>;

/** Notes a file that is in the bucket, or removes it again. */
async function keep(file: StoredFile, media: MediaState, note: Note, arrival: MediaArrival, ports: MediaPorts) {
  const noted = await note(media);
  if (!noted) {
    await removeFile(file.key);
    return 'gone';
  }
  const before = noted.before?.error ? undefined : noted.before?.key;
  if (before !== undefined && before !== file.key) await removeFile(before);
  count('MediaStored', { typeCheck: file.typeCheck, organizationId: arrival.metadata.organizationId });
  await ports.publish([storedEvent(arrival, file, ports.now())]);
  return 'stored';
}

const isoOf = (ms: number) => new Date(ms).toISOString();

/** @param ensure where the message, or its edition, may not have been stored yet */
async function noteOn(key: MessageKey, media: MediaState, ensure: (() => Promise<unknown>) | undefined) {
  const noted = await noteMedia(key, media);
  if (noted || !ensure) return noted;
  await ensure();
  return noteMedia(key, media);
}

function fileOf({ message, edited }: MediaArrival, url: string) {
  const { filename, contentType } = message.metadata;
  return {
    url,
    name: typeof filename === 'string' ? filename : undefined,
    contentType: typeof contentType === 'string' ? contentType : undefined,
    // The edition's file must not take the place of the one before until the message names it.
    ...(edited && { prefix: `${deriveId(url).slice(0, 8)}-` }),
  };
}

/** One file of one message is one event, however often it is published. */
function storedEvent({ message, metadata }: MediaArrival, file: StoredFile, now: number) {
  const { conversationId, threadId, id: messageId, visibility, organizationId } = message;
  const { key, size, contentType, declaredType, typeCheck, sha256 } = file;
  return createEvent(
    'media.stored',
    { conversationId, threadId, messageId, visibility, key, size, contentType, declaredType, typeCheck, sha256 },
    { organizationId, correlationId: metadata.correlationId, causationId: metadata.id },
    [conversationId, threadId, messageId, key, sha256],
    now,
  );
}
