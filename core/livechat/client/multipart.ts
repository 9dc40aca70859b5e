import type { Readable } from 'node:stream';

interface FileName {
  /** As the customer sees it. */
  readonly name: string;
  readonly contentType?: string | undefined;
}

/** A file to be uploaded. A stream's size, in bytes, must be known, since LiveChat is told it first. */
export type UploadedFile =
  | (FileName & { readonly content: Blob })
  | (FileName & { readonly content: Readable; readonly size: number });

export interface Multipart {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
}

export function sizeOf(file: UploadedFile): number {
  return 'size' in file ? file.size : file.content.size;
}

/** The file as the one field `file` of a multipart form, never held in memory whole. */
export function multipart(file: UploadedFile, boundary: string): Multipart {
  const type = file.contentType ?? ('size' in file ? '' : file.content.type);
  const head = Buffer.from(
    `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${escaped(file.name)}"\r\n` +
      `Content-Type: ${mediaType.test(type) ? type : 'application/octet-stream'}\r\n\r\n`,
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  const size = sizeOf(file);
  const content: AsyncIterable<unknown> = 'size' in file ? file.content : file.content.stream();
  return {
    headers: {
      'content-type': `multipart/form-data; boundary=${boundary}`,
      'content-length': String(head.length + size + tail.length),
    },
    body: framed(head, content, size, tail),
  };
}

const mediaType = /^[\w.+-]+\/[\w.+-]+(?:; ?[\w.+-]+=[\w.+-]+)*$/;

/** As browsers do it (HTML standard, "multipart form data"). */
function escaped(name: string): string {
  return name.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

async function* framed(
  head: Uint8Array,
  content: AsyncIterable<unknown>,
  size: number,
  tail: Uint8Array,
): AsyncGenerator<Uint8Array> {
  let sent = 0;
  yield head;
  for await (const chunk of content) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('the file must be a stream of bytes');
    sent += chunk.length;
    if (sent > size) break;
    yield chunk;
  }
  if (sent !== size) throw new RangeError(`the file must have the ${size} bytes that it was said to have`);
  yield tail;
}
