import { putFile } from '../platform/objects.ts';
import { type FetchRules, fetchFile } from './fetch.ts';
import { dispositionOf, type TypeCheck, typeOf } from './file-type.ts';
import { type MessagePlace, mediaPrefix, nameOf, safeName } from './key.ts';
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
    const type = await typeOf(path, declaredType);
    const name = safeName(`${file.prefix ?? ''}${file.name || nameOf(file.url)}`);
    const key = mediaPrefix(place) + name;
    const { contentType, check: typeCheck } = type;
    const contentDisposition = dispositionOf(contentType, name);
    await putFile({ bucket: mediaBucket(), key, path, size, sha256, contentType, contentDisposition });
    return { key, size, contentType, ...(declaredType && { declaredType }), typeCheck, sha256 };
  });
}
