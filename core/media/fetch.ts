import got, { type Agents } from 'got';
import { RequestFilteringHttpAgent, RequestFilteringHttpsAgent } from 'request-filtering-agent';

/** A file that is not fetched; the message names the limit, never the address. */
export class FileRefused extends Error {
  override readonly name = 'FileRefused';
}

export interface FetchedFile {
  readonly bytes: Uint8Array;
  readonly contentType: string;
}

/** LiveChat's own limit for an upload. */
export const mostFileBytes = 10 * 1024 * 1024;
const timeoutMs = 10_000;
const mostRedirects = 3;

/** Refuses private, loopback and link-local addresses, after name resolution and at every redirect. */
const refused = {
  // IPv4 addresses in IPv6 clothes, which count as public otherwise.
  denyIPAddressList: ['::/96'],
};
const agent: Agents = { http: new RequestFilteringHttpAgent(refused), https: new RequestFilteringHttpsAgent(refused) };

/** Fetches a file from the web: https only, public addresses only, no more than {@link mostFileBytes}. */
export async function fetchFile(url: string): Promise<FetchedFile> {
  if (URL.parse(url)?.protocol !== 'https:') throw new FileRefused('a file is fetched from an https address only');
  const stream = got.stream(url, {
    agent,
    timeout: { request: timeoutMs },
    retry: { limit: 0 },
    maxRedirects: mostRedirects,
    hooks: {
      beforeRedirect: [
        (options) => {
          const to = options.url instanceof URL ? options.url.protocol : '';
          if (to !== 'https:') throw new FileRefused('a file’s address may not lead away from https');
        },
      ],
    },
  });
  let contentType = 'application/octet-stream';
  stream.on('response', (response: { headers: Record<string, unknown> }) => {
    const given = response.headers['content-type'];
    if (typeof given === 'string') contentType = given;
  });
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of stream) {
      if (!(chunk instanceof Uint8Array)) continue;
      size += chunk.byteLength;
      if (size > mostFileBytes) throw new FileRefused(`a file may have ${mostFileBytes} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof FileRefused) throw error;
    // The library's own error would quote the address.
    throw new FileRefused('the file cannot be fetched: expected a public https address that answers 200 within 10 s');
  } finally {
    stream.destroy();
  }
  return { bytes: Buffer.concat(chunks), contentType };
}
