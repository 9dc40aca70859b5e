import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FileRefused } from './errors.ts';

/** A file on this machine's disk. */
export interface Download {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
}

/**
 * Writes a stream to a file, hands the file to `use`, and deletes it. To the disk, and not on to S3 as it comes: S3 must be
 * told length, type and hash before the first byte, and would keep the parts of what breaks off.
 *
 * @throws FileRefused when it has more than `maxBytes`
 */
export async function withDownload<T>(
  open: () => Readable,
  maxBytes: number,
  use: (file: Download) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'media-'));
  const path = join(folder, 'file');
  const hash = createHash('sha256');
  let size = 0;
  async function* measured(chunks: AsyncIterable<unknown>) {
    for await (const chunk of chunks) {
      if (!(chunk instanceof Uint8Array)) throw new TypeError('a file must be a stream of bytes');
      size += chunk.byteLength;
      if (size > maxBytes) throw tooLarge(maxBytes);
      hash.update(chunk);
      yield chunk;
    }
  }
  try {
    await pipeline(open(), measured, createWriteStream(path, { flags: 'wx', mode: 0o600 }));
    return await use({ path, size, sha256: hash.digest('hex') });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export function tooLarge(maxBytes: number): FileRefused {
  return new FileRefused(`the file is too large: expected at most ${maxBytes} bytes`);
}
