import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { putFile } from '../platform/objects.ts';
import { type FetchRules, fetchFile } from './fetch.ts';
import { detectFileType, dispositionOf, type TypeCheck } from './file-type.ts';
import { fileNameFromUrl, type MessagePlace, mediaPrefix, safeName } from './key.ts';
import { mediaBucket } from './media.ts';

export { isFileError } from './errors.ts';
export type { FetchRules } from './fetch.ts';

/** A file as a message names it. */
export interface NamedFile {
  readonly url: string;
  readonly name?: string | undefined;
  /** What it is said to be. */
  readonly contentType?: string | undefined;
  /** Before the name, where one message has had several files. */
  readonly prefix?: string;
}

export interface StoredFile {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** What its bytes are; it is served as this. */
  readonly contentType: string;
  /** What it was said to be. */
  readonly declaredType?: string;
  readonly typeCheck: TypeCheck;
  /** Hex. */
  readonly sha256: string;
}

/**
 * Fetches a file and puts it into the media bucket, under its message.
 *
 * @throws FileRefused, FileUnavailable
 */
export async function storeFile(place: MessagePlace, file: NamedFile, rules: FetchRules): Promise<StoredFile> {
  return fetchFile(file.url, rules, async ({ path, size, sha256, contentType: answered }) => {
    const declaredType = file.contentType || answered;
    const type = await detectFileType(path, declaredType);
    const name = safeName(`${file.prefix ?? ''}${file.name || fileNameFromUrl(file.url)}`);
    const key = mediaPrefix(place) + name;
    const { contentType, check: typeCheck } = type;
    const contentDisposition = dispositionOf(contentType, name);
    await putFile({ bucket: mediaBucket(), key, path, size, sha256, contentType, contentDisposition });
    return { key, size, contentType, ...(declaredType && { declaredType }), typeCheck, sha256 };
  });
}

/** Where a file of this machine will lie once it is stored. */
export function localFileKey(place: MessagePlace, path: string): string {
  return mediaPrefix(place) + safeName(basename(path));
}

/** Puts a file of this machine into the media bucket, to be sent from there; answers its key. */
export async function storeLocalFile(place: MessagePlace, path: string): Promise<string> {
  const key = localFileKey(place, path);
  const [{ size }, { contentType }] = await Promise.all([stat(path), detectFileType(path, undefined)]);
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  const contentDisposition = dispositionOf(contentType, basename(path));
  await putFile({
    bucket: mediaBucket(),
    key,
    path,
    size,
    sha256: hash.digest('hex'),
    contentType,
    contentDisposition,
  });
  return key;
}
