import { ifConditionHolds } from '../platform/dynamodb.ts';
import { type MediaState, Message } from './entities.ts';
import type { MessageKey } from './store.ts';

/** What is known of a message's file; undefined when the message is not there. */
export async function readMedia(
  key: MessageKey,
): Promise<{ readonly media: MediaState | undefined; readonly deleted: boolean } | undefined> {
  const { data } = await Message.get(key).go({ consistent: true, attributes: ['media', 'deletedAt'] });
  return data ? { media: data.media, deleted: data.deletedAt !== undefined } : undefined;
}

/**
 * Notes on the message what has become of its file, unless the message has been deleted, is not there, or names another
 * file by now. Answers whether it was noted, with what was noted before.
 */
export async function noteMedia(
  key: MessageKey,
  media: MediaState,
): Promise<{ readonly before: MediaState | undefined } | undefined> {
  const noted = await ifConditionHolds(
    Message.patch(key)
      .set({ media })
      .where(({ timestamp, deletedAt }, op) =>
        [op.exists(timestamp), op.notExists(deletedAt), `${op.field('content')} = ${op.escape(media.url)}`].join(
          ' AND ',
        ),
      )
      .go({ response: 'all_old' }),
  );
  return noted && { before: noted.data?.media };
}
