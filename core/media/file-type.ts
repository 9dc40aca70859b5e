import { openAsBlob } from 'node:fs';

/**
 * What a file's bytes say of its declared type: `same`; `other`, when they are of another type or lack the mark that the
 * declared one has; `unknown`, for text and whatever else has no mark, and for containers of many types.
 */
export type TypeCheck = 'same' | 'other' | 'unknown';

export interface FileType {
  /** What the file is served as. */
  readonly contentType: string;
  readonly check: TypeCheck;
}

const anything = 'application/octet-stream';
/** Without a mark in their bytes, and harmless when taken at their word. */
const plain: ReadonlySet<string> = new Set(['text/plain', 'text/csv']);
/** Of many types that have no mark of their own, such as old Word documents. */
const containers: ReadonlySet<string> = new Set(['application/x-cfb', 'application/xml', 'application/zip']);
const aliases: Readonly<Record<string, string>> = {
  'application/x-zip-compressed': 'application/zip',
  'audio/mp3': 'audio/mpeg',
  'audio/wave': 'audio/wav',
  'audio/x-m4a': 'audio/mp4',
  'audio/x-wav': 'audio/wav',
  'image/jpg': 'image/jpeg',
  'image/pjpeg': 'image/jpeg',
  'image/x-png': 'image/png',
};

/**
 * The type that a file is served as: what its bytes are; else plain text, if that is what it was said to be; else bytes of
 * no type. So HTML or SVG, which has no mark, is never served as such, whatever it was said to be.
 *
 * @param sniffed what its bytes are, where they have a mark
 * @param declared a content type, perhaps with parameters
 * @param marked the types that have a mark
 */
export function judge(
  sniffed: string | undefined,
  declared: string | undefined,
  marked: ReadonlySet<string>,
): FileType {
  const said = bare(declared ?? '');
  const mark = marked.has(said);
  if (sniffed === undefined)
    return { contentType: plain.has(said) ? said : anything, check: mark ? 'other' : 'unknown' };
  if (bare(sniffed) === said) return { contentType: sniffed, check: 'same' };
  const tellsNothing = said === '' || (containers.has(sniffed) && !mark);
  return { contentType: sniffed, check: tellsNothing ? 'unknown' : 'other' };
}

/** Without parameters, in lower case, by its usual name. */
function bare(type: string): string {
  const name = type.split(';')[0]?.trim().toLowerCase() ?? '';
  return aliases[name] ?? name;
}

const mostSniffedBytes = 1024 * 1024;
const mostSniffMs = 5_000;

/** Reads a file's type off its bytes. */
export async function detectFileType(path: string, declared: string | undefined): Promise<FileType> {
  // On demand: most calls of the functions that import this handle no file.
  const { fileTypeFromBlob, supportedMimeTypes } = await import('file-type');
  // Not fileTypeFromFile, which imports a package at run time that no bundle has. This reads from the disk as well.
  const file = await openAsBlob(path);
  const signal = AbortSignal.timeout(mostSniffMs);
  // A file that leads the reader astray has no type.
  const found = await fileTypeFromBlob(file, { maxBufferSize: mostSniffedBytes, signal }).catch(() => undefined);
  return judge(found?.mime, declared, supportedMimeTypes);
}

/** What browsers show and never run. */
const shown = /^(?:image\/(?:avif|bmp|gif|jpeg|png|webp)|(?:audio|video)\/[\w.+-]+)$/;

/** As a header: everything else is offered for download, so that it opens nowhere in our name. */
export function dispositionOf(contentType: string, name: string): string {
  const kind = shown.test(contentType) ? 'inline' : 'attachment';
  return `${kind}; filename*=UTF-8''${encodeURIComponent(name)}`;
}
