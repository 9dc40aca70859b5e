import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { type FetchRules, FileRefused, fetchFile } from '../media/fetch.ts';
import { typeOf } from '../media/file-type.ts';
import { nameOf } from '../media/key.ts';
import { mediaBucket } from '../media/media.ts';
import { RequestInvalid } from '../outbound/errors.ts';
import { openObject } from '../platform/objects.ts';
import type { FileSource } from './compose/part.ts';

/** A file to be uploaded, as a stream. */
export interface OpenFile {
  readonly content: Readable;
  /** Bytes. */
  readonly size: number;
  readonly contentType: string;
  readonly name: string;
}

/**
 * Opens a file to be sent for as long as `use` takes: one of the web, by way of the disk, or one of the organization's own
 * in the media bucket.
 *
 * @throws FileRefused, FileUnavailable, RequestInvalid
 */
export async function withFile<T>(
  organizationId: string,
  source: FileSource,
  rules: FetchRules,
  use: (file: OpenFile) => Promise<T>,
): Promise<T> {
  return 'url' in source ? withWebFile(source.url, rules, use) : withStoredFile(organizationId, source.key, rules, use);
}

function withWebFile<T>(url: string, rules: FetchRules, use: (file: OpenFile) => Promise<T>): Promise<T> {
  return fetchFile(url, rules, async ({ path, size, contentType: declared }) => {
    const { contentType } = await typeOf(path, declared);
    return closing(createReadStream(path), (content) =>
      use({ content, size, contentType, name: nameOf(url) || 'file' }),
    );
  });
}

/** A key names a file of this organization alone: another's files lie under its own id. */
async function withStoredFile<T>(
  organizationId: string,
  key: string,
  { signal }: FetchRules,
  use: (file: OpenFile) => Promise<T>,
): Promise<T> {
  if (!key.startsWith(`${organizationId}/`)) {
    throw new RequestInvalid('content.key: expected a key under the organization’s own id');
  }
  const object = await openObject({ bucket: mediaBucket(), key }, signal);
  if (!object) throw new FileRefused('content.key: expected the key of a file that is in the media bucket');
  return closing(object.content, () => use({ ...object, name: basename(key) }));
}

async function closing<T>(content: Readable, use: (content: Readable) => Promise<T>): Promise<T> {
  try {
    return await use(content);
  } finally {
    content.destroy();
  }
}
