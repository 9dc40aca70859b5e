import { createEvent } from '../events/event.ts';
import { deriveId } from '../events/ids.ts';
import type { Publish } from '../events/publish.ts';
import type { EventMetadata, NormalizedMessage } from '../events/schemas.ts';
import { isFileError } from '../media/errors.ts';
import type { FetchRules } from '../media/fetch.ts';
import { removeFile, removeMedia } from '../media/media.ts';
import { type StoredFile, storeFile } from '../media/store.ts';
import { ifConditionHolds } from '../platform/dynamodb.ts';
import { count } from '../platform/metrics.ts';
import { type MediaState, Message, type MessageKey, messageKey } from './messages.ts';

/** `discarded`: the message was deleted, or now refers to another file. */
export type MediaOutcome = 'stored' | 'refused' | 'discarded';

/** An event with a media message or a revision of one. */
export interface MediaEvent {
  readonly message: NormalizedMessage;
  readonly metadata: EventMetadata;
  readonly isEdit: boolean;
  /** Stores the message. Another function does so concurrently. */
  readonly storeMessage: () => Promise<unknown>;
}

export interface MediaPorts {
  readonly rules: FetchRules;
  readonly publish: Publish;
  /** ms since 1970 */
  readonly now: () => number;
}

/**
 * Stores the file of a media message, records its state on the message, and publishes `media.stored`. The file is put first and
 * recorded with a conditional write afterwards: a concurrent deletion either finds the file, or makes the write fail and the file
 * is removed here.
 *
 * @throws FileUnavailable if a retry may succeed; the message has the error until then
 */
export async function storeMedia(event: MediaEvent, { rules, publish, now }: MediaPorts): Promise<MediaOutcome> {
  const { message, isEdit, storeMessage } = event;
  const { organizationId } = message;
  const key = messageKey(message);
  const url = typeof message.content === 'string' ? message.content : '';
  const { data: stored } = await Message.get(key).go({
    consistent: true,
    attributes: ['content', 'media', 'deletedAt', 'visibility'],
  });
  if (stored?.deletedAt !== undefined) {
    // A previous attempt may have crashed after it stored the file.
    await removeMedia(key);
    return 'discarded';
  }
  if (hasOtherUrl(event, stored)) return 'discarded';
  if (stored?.media?.url === url && !stored.media.error) {
    // A previous attempt may have crashed before publishing.
    await publish([storedEvent(event, stored, stored.media, now())]);
    return 'stored';
  }
  const isMessageStored = stored !== null && !isEdit;
  const record = async (media: MediaState) => {
    const recorded = await recordMediaState(key, media);
    if (recorded || isMessageStored) return recorded;
    await storeMessage();
    return recordMediaState(key, media);
  };
  const at = () => new Date(now()).toISOString();
  const file = await storeFile(key, namedFile(event, url), rules).catch((error: unknown) => {
    if (isFileError(error)) return error;
    throw error;
  });
  if (file instanceof Error) {
    const { name, message: reason, retryable } = file;
    count('MediaFailed', { error: name, organizationId });
    const failed = await record({ url, error: { name, message: reason }, failedAt: at() });
    if (!failed) return 'discarded';
    await removeReplaced(failed.data?.media);
    if (retryable) throw file;
    return 'refused';
  }
  const recorded = await record({ ...file, url, storedAt: at() });
  if (!recorded) {
    await removeFile(file.key);
    return 'discarded';
  }
  await removeReplaced(recorded.data?.media, file.key);
  count('MediaStored', { typeCheck: file.typeCheck, organizationId });
  await publish([storedEvent(event, recorded.data, file, now())]);
  return 'stored';
}

/**
 * Whether the message refers to another URL. Storing the file could overwrite the object that the message refers to. An edit uses
 * another object key.
 */
function hasOtherUrl({ isEdit, message }: MediaEvent, stored: { readonly content?: string } | null): boolean {
  return !isEdit && stored?.content !== undefined && stored.content !== message.content;
}

/** Removes the file of the previous content. */
async function removeReplaced(before: MediaState | undefined, key?: string): Promise<void> {
  if (before && !before.error && before.key !== key) await removeFile(before.key);
}

function namedFile({ message, isEdit }: MediaEvent, url: string) {
  const { filename, contentType } = message.metadata;
  return {
    url,
    name: typeof filename === 'string' ? filename : undefined,
    contentType: typeof contentType === 'string' ? contentType : undefined,
    // A revision's file must not overwrite the previous file, which the message refers to until it is replaced.
    ...(isEdit && { prefix: `${deriveId(url).slice(0, 8)}-` }),
  };
}

/**
 * The id is derived from the message and the file, so a repeated publication is a duplicate. For an original message, uses the
 * stored visibility, because an edit may have changed it. For an edit, uses the visibility of the event, because the edit may not
 * be stored yet.
 */
function storedEvent(
  { message, metadata, isEdit }: MediaEvent,
  stored: { readonly visibility?: NormalizedMessage['visibility'] } | null | undefined,
  file: StoredFile,
  now: number,
) {
  const { conversationId, threadId, id: messageId, organizationId } = message;
  const visibility = (isEdit ? undefined : stored?.visibility) ?? message.visibility;
  const { key, size, contentType, declaredType, typeCheck, sha256 } = file;
  return createEvent(
    'media.stored',
    { conversationId, threadId, messageId, visibility, key, size, contentType, declaredType, typeCheck, sha256 },
    { organizationId, correlationId: metadata.correlationId, causationId: metadata.id },
    [conversationId, threadId, messageId, key, sha256],
    now,
  );
}

/**
 * Records the state of a message's file. Fails if the message is not stored, is deleted or refers to another file. Returns the
 * previous state as `data.media`, or undefined on failure.
 */
function recordMediaState(key: MessageKey, media: MediaState) {
  return ifConditionHolds(
    Message.patch(key)
      .set({ media })
      .where(({ timestamp, deletedAt }, op) =>
        [op.exists(timestamp), op.notExists(deletedAt), `${op.field('content')} = ${op.escape(media.url)}`].join(
          ' AND ',
        ),
      )
      .go({ response: 'all_old' }),
  );
}
