import { createMediaLink, type MediaLink } from '../media/media.ts';
import type { StoredMessage } from './queries.ts';

/** A message with a link to its file, where it is stored: for people who look at a conversation. */
export async function addMediaLink<T extends StoredMessage>(
  message: T,
  now: number,
): Promise<T & { readonly link?: MediaLink }> {
  const { media } = message.metadata;
  if (!media || media.error) return message;
  return { ...message, link: await createMediaLink(media.key, now) };
}
