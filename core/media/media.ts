import { basename } from 'node:path';
import { required, wholeNumber } from '../platform/configuration.ts';
import { deleteKeys, listKeys, presignedUrl } from '../platform/objects.ts';

export const mediaBucket = () => required('MEDIA_BUCKET');

/** Removes the stored files of one message. */
export async function removeMedia(message: MessagePlace): Promise<void> {
  for await (const keys of listKeys(mediaBucket(), mediaPrefix(message))) await deleteKeys(mediaBucket(), keys);
}

/** Lists the keys of a conversation's files, including those of notes. */
export function listConversationFiles(conversation: Omit<MessagePlace, 'messageId'>): Promise<string[]> {
  return filesUnder(conversationPrefix(conversation));
}

/** Lists the keys of outbound files, which services provide for sending, that contain one of the ids as a folder or name. */
export async function listOutboundFiles(organizationId: string, ids: readonly string[]): Promise<string[]> {
  const keys = await filesUnder(`${encodeURIComponent(organizationId)}/outbound/`);
  return keys.filter((key) => keyContainsId(ids, key));
}

async function filesUnder(prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const keys of listKeys(mediaBucket(), prefix)) found.push(...keys);
  return found;
}

export async function removeFile(key: string): Promise<void> {
  await deleteKeys(mediaBucket(), [key]);
}

/** A presigned URL: anyone who has it can read the file. */
export interface MediaLink {
  readonly url: string;
  /** ISO 8601. On AWS it may expire earlier, with the credentials that signed it. */
  readonly expiresAt: string;
}

const maxLinkSeconds = 7 * 86_400;

/** Creates a link to a file, valid for `MEDIA_LINK_SECONDS`. */
export async function createMediaLink(key: string, now: number): Promise<MediaLink> {
  const seconds = Math.min(wholeNumber('MEDIA_LINK_SECONDS', 900, 1), maxLinkSeconds);
  const url = await presignedUrl({ bucket: mediaBucket(), key }, seconds);
  return { url, expiresAt: new Date(now + seconds * 1000).toISOString() };
}

/** The message that a file belongs to. */
export interface MessagePlace {
  readonly organizationId: string;
  readonly conversationId: string;
  readonly messageId: string;
}

/** The key prefix of a conversation's files. */
export function conversationPrefix({ organizationId, conversationId }: Omit<MessagePlace, 'messageId'>): string {
  return `${[organizationId, conversationId].map(encodeURIComponent).join('/')}/`;
}

/** Whether a folder of the key, or its name without the extension, is one of the ids. */
export function keyContainsId(ids: readonly string[], key: string): boolean {
  const names = ids.flatMap((id) => [id, encodeURIComponent(id)]);
  return key.split('/').some((part) => names.some((name) => part === name || part.startsWith(`${name}.`)));
}

/** The key prefix of a message's files: `organization/conversation/message/`. */
export function mediaPrefix(place: MessagePlace): string {
  return `${conversationPrefix(place)}${encodeURIComponent(place.messageId)}/`;
}

const maxNameBytes = 120;
const maxExtensionLength = 12;

/**
 * Removes characters with a meaning in a path, URL, header or terminal: keeps letters, digits and single `.`, `_`, `-`, none of
 * them first; at most 120 bytes, including the extension.
 */
export function safeName(name: string): string {
  const safe = name
    .normalize('NFC')
    .toWellFormed()
    .replaceAll(/[^\p{L}\p{M}\p{N}._-]+/gu, '-')
    .replaceAll(/-*\.[.-]*/g, '.')
    .replaceAll(/^[\p{M}._-]+|[._-]+$/gu, '');
  const dot = safe.lastIndexOf('.');
  const extension = dot > 0 && safe.length - dot <= maxExtensionLength ? safe.slice(dot) : '';
  const stem = safe.slice(0, safe.length - extension.length);
  return `${truncate(stem, maxNameBytes - Buffer.byteLength(extension))}${extension}` || 'file';
}

/** Truncates to whole characters. */
function truncate(text: string, maxBytes: number): string {
  return text.slice(0, new TextEncoder().encodeInto(text, new Uint8Array(maxBytes)).read);
}

/** The decoded last segment of a URL's path. */
export function fileNameFromUrl(url: string): string {
  const last = basename(URL.parse(url)?.pathname ?? '');
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}
