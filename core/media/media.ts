import { required, wholeNumber } from '../platform/configuration.ts';
import { deleteObject, deletePrefix, keysUnder, presignedUrl } from '../platform/objects.ts';
import { conversationPrefix, keyContainsId, type MessagePlace, mediaPrefix, outboundPrefix } from './key.ts';

/** What lies in the media bucket, without what it takes to put it there (that is store.ts). */

export { conversationPrefix, mediaPrefix } from './key.ts';

export const mediaBucket = () => required('MEDIA_BUCKET', 'the name of the media bucket');

/** Removes the stored files of one message. */
export async function removeMedia(message: MessagePlace): Promise<void> {
  await deletePrefix(mediaBucket(), mediaPrefix(message));
}

/** The keys of a whole conversation's files, notes' files included. */
export function listConversationFiles(conversation: Omit<MessagePlace, 'messageId'>): Promise<string[]> {
  return filesUnder(conversationPrefix(conversation));
}

/** The keys of the files to be sent that lie apart from the conversations, in a folder of one of these ids. */
export async function listOutboundFiles(organizationId: string, ids: readonly string[]): Promise<string[]> {
  return (await filesUnder(outboundPrefix(organizationId))).filter((key) => keyContainsId(ids, key));
}

async function filesUnder(prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const keys of keysUnder(mediaBucket(), prefix)) found.push(...keys);
  return found;
}

export async function removeFile(key: string): Promise<void> {
  await deleteObject({ bucket: mediaBucket(), key });
}

/** An address at which anyone who has it can read a file. */
export interface MediaLink {
  readonly url: string;
  /** ISO 8601. On AWS it may end earlier, with the credentials of whoever signed it. */
  readonly expiresAt: string;
}

const mostLinkSeconds = 7 * 86_400;

/** A link for a person to look at a file; it works for `MEDIA_LINK_SECONDS`. */
export async function createMediaLink(key: string, now: number): Promise<MediaLink> {
  const seconds = Math.min(wholeNumber('MEDIA_LINK_SECONDS', 900, 1), mostLinkSeconds);
  const url = await presignedUrl({ bucket: mediaBucket(), key }, seconds);
  return { url, expiresAt: new Date(now + seconds * 1000).toISOString() };
}
