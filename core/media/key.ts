import { basename } from 'node:path';

/** Which message a file belongs to. */
export interface MessagePlace {
  readonly organizationId: string;
  readonly conversationId: string;
  readonly messageId: string;
}

/** Where a conversation's files lie in the media bucket. */
export function conversationPrefix({ organizationId, conversationId }: Omit<MessagePlace, 'messageId'>): string {
  return `${[organizationId, conversationId].map(encodeURIComponent).join('/')}/`;
}

/** Where services put files to be sent that are not one conversation's alone. */
export function outboundPrefix(organizationId: string): string {
  return `${encodeURIComponent(organizationId)}/outbound/`;
}

/** Whether a folder of the key, or its name but for the extension, is one of these ids. */
export function keyContainsId(ids: readonly string[], key: string): boolean {
  const names = ids.flatMap((id) => [id, encodeURIComponent(id)]);
  return key.split('/').some((part) => names.some((name) => part === name || part.startsWith(`${name}.`)));
}

/** Where a message's files lie: `organization/conversation/message/`, then the name. */
export function mediaPrefix(place: MessagePlace): string {
  return `${conversationPrefix(place)}${encodeURIComponent(place.messageId)}/`;
}

const mostNameBytes = 120;
const mostExtensionLength = 12;

/**
 * A file's name without anything that has a meaning in a path, an address, a header or a terminal: letters, digits and
 * single `.`, `_`, `-`, none of them first; at most 120 bytes, the extension kept.
 */
export function safeName(name: string): string {
  const safe = name
    .normalize('NFC')
    .toWellFormed()
    .replaceAll(/[^\p{L}\p{M}\p{N}._-]+/gu, '-')
    .replaceAll(/-*\.[.-]*/g, '.')
    .replaceAll(/^[\p{M}._-]+|[._-]+$/gu, '');
  const dot = safe.lastIndexOf('.');
  const extension = dot > 0 && safe.length - dot <= mostExtensionLength ? safe.slice(dot) : '';
  const stem = safe.slice(0, safe.length - extension.length);
  return `${shortened(stem, mostNameBytes - Buffer.byteLength(extension))}${extension}` || 'file';
}

/** As many whole characters as fit. */
function shortened(text: string, mostBytes: number): string {
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > mostBytes) break;
    end += character.length;
  }
  return text.slice(0, end);
}

/** The last part of an address's path, as a person would write it. */
export function fileNameFromUrl(url: string): string {
  const last = basename(URL.parse(url)?.pathname ?? '');
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}
