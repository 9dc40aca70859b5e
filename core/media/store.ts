import { createHash } from 'node:crypto';
import { createReadStream, openAsBlob } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { EventData } from '../events/catalogue.ts';
import { putFile } from '../platform/objects.ts';
import { type FetchRules, fetchFile } from './fetch.ts';
import { fileNameFromUrl, type MessagePlace, mediaBucket, mediaPrefix, safeName } from './media.ts';

/** A file that a message refers to. */
export interface NamedFile {
  readonly url: string;
  readonly name?: string | undefined;
  /** The declared content type. */
  readonly contentType?: string | undefined;
  /** Prepended to the name, to distinguish several files of one message. */
  readonly prefix?: string;
}

export type StoredFile = Pick<
  EventData<'media.stored'>,
  'key' | 'size' | 'contentType' | 'declaredType' | 'typeCheck' | 'sha256'
>;

/**
 * Fetches a file and stores it in the media bucket, under its message.
 *
 * @throws FileRefused, FileUnavailable
 */
export async function storeFile(place: MessagePlace, file: NamedFile, rules: FetchRules): Promise<StoredFile> {
  return fetchFile(file.url, rules, async ({ path, size, sha256, contentType: answered }) => {
    const declaredType = file.contentType || answered || undefined;
    const { contentType, typeCheck } = await detectFileType(path, declaredType);
    const name = safeName(`${file.prefix ?? ''}${file.name || fileNameFromUrl(file.url)}`);
    const key = mediaPrefix(place) + name;
    const contentDisposition = dispositionFor(contentType, name);
    await putFile({ bucket: mediaBucket(), key, path, size, sha256, contentType, contentDisposition });
    return { key, size, contentType, declaredType, typeCheck, sha256 };
  });
}

/** The key under which a local file will be stored. */
export function localFileKey(place: MessagePlace, path: string): string {
  return mediaPrefix(place) + safeName(basename(path));
}

/** Stores a local file in the media bucket for sending. Returns its key. */
export async function storeLocalFile(place: MessagePlace, path: string): Promise<string> {
  const key = localFileKey(place, path);
  const [{ size }, { contentType }] = await Promise.all([stat(path), detectFileType(path, undefined)]);
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  const sha256 = hash.digest('hex');
  const contentDisposition = dispositionFor(contentType, basename(path));
  await putFile({ bucket: mediaBucket(), key, path, size, sha256, contentType, contentDisposition });
  return key;
}

/**
 * The type to serve a file as. `typeCheck` is `mismatch` if the content has another type than the declared one or lacks its
 * signature, and `unknown` for text and other types without a signature, and for container formats.
 */
type FileType = Pick<StoredFile, 'contentType' | 'typeCheck'>;

const anything = 'application/octet-stream';
/** Types without a signature that are safe to serve as declared. */
const plain: ReadonlySet<string> = new Set(['text/plain', 'text/csv']);
/** Container formats of types without a signature of their own, such as old Word documents. */
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
 * The type to serve a file as: the detected type; else plain text, if declared; else `application/octet-stream`. HTML and SVG
 * have no signature, so they are never served as such, whatever was declared.
 *
 * @param sniffed the type detected from the signature, if any
 * @param declared a content type, with or without parameters
 * @param marked the types that have a signature
 */
export function chooseFileType(
  sniffed: string | undefined,
  declared: string | undefined,
  marked: ReadonlySet<string>,
): FileType {
  const normalized = normalizeType(declared ?? '');
  const mark = marked.has(normalized);
  if (sniffed === undefined)
    return { contentType: plain.has(normalized) ? normalized : anything, typeCheck: mark ? 'mismatch' : 'unknown' };
  if (normalizeType(sniffed) === normalized) return { contentType: sniffed, typeCheck: 'match' };
  const isInconclusive = normalized === '' || (containers.has(sniffed) && !mark);
  return { contentType: sniffed, typeCheck: isInconclusive ? 'unknown' : 'mismatch' };
}

/** Lower case, without parameters, aliases resolved. */
function normalizeType(type: string): string {
  const name = type.split(';')[0]?.trim().toLowerCase() ?? '';
  return aliases[name] ?? name;
}

const maxSniffedBytes = 1024 * 1024;
const sniffTimeoutMs = 5_000;

/** Detects a file's type from its content. */
export async function detectFileType(path: string, declared: string | undefined): Promise<FileType> {
  // Loaded on demand: most invocations handle no file.
  const { fileTypeFromBlob, supportedMimeTypes } = await import('file-type');
  // Not fileTypeFromFile, which imports a package dynamically that is not bundled.
  const file = await openAsBlob(path);
  const signal = AbortSignal.timeout(sniffTimeoutMs);
  // A file that the detector cannot parse has no type.
  const found = await fileTypeFromBlob(file, { maxBufferSize: maxSniffedBytes, signal }).catch(() => undefined);
  return chooseFileType(found?.mime, declared, supportedMimeTypes);
}

/** Types that browsers display and never execute. */
const inlineTypes = /^(?:image\/(?:avif|bmp|gif|jpeg|png|webp)|(?:audio|video)\/[\w.+-]+)$/;

/** The Content-Disposition header: all other types are downloads, so that no content executes under the bucket's origin. */
export function dispositionFor(contentType: string, name: string): string {
  const kind = inlineTypes.test(contentType) ? 'inline' : 'attachment';
  return `${kind}; filename*=UTF-8''${encodeURIComponent(name)}`;
}
