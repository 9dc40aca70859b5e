import { cdn } from '../files.ts';
import { invalid, LiveChatError } from './errors.ts';

const maxBytes = 10 * 1024 * 1024;
const unusedLifeMs = 24 * 60 * 60 * 1000;
const executable = /\.(apk|app|bat|bin|cmd|com|dll|exe|jar|msi|ps1|scr|sh|vbs)$/i;

export interface Upload {
  readonly url: string;
  readonly name: string;
  readonly contentType?: string;
  /** Bytes. */
  readonly size: number;
}

export interface Uploads {
  /** The address of the file on LiveChat's CDN. */
  readonly add: (file: { readonly name: string; readonly type: string; readonly size: number }) => string;
  /** The file at this address, which from now on lives for ever. */
  readonly take: (url: string) => Upload;
}

/** The files that were uploaded; the CDN has what is in them. */
export const createUploads = (now: () => number, uuid: () => string): Uploads => {
  const uploads = new Map<string, { readonly upload: Upload; readonly expiresAt: number }>();

  return {
    add: ({ name, type, size }) => {
      if (size > maxBytes) throw new LiveChatError('entity_too_large');
      if (executable.test(name)) throw invalid('`file` must not be executable');
      const url = `${cdn}/att/10000001/${uuid().replaceAll('-', '')}/${encodeURIComponent(name)}`;
      const upload = { url, name, size, ...(type !== '' && { contentType: type }) };
      uploads.set(url, { upload, expiresAt: now() + unusedLifeMs });
      return url;
    },
    take: (url) => {
      if (!url.startsWith('https://cdn.livechat-files.com/')) {
        throw invalid('`event.url` must be an address on cdn.livechat-files.com');
      }
      const found = uploads.get(url);
      if (found === undefined || found.expiresAt <= now()) throw invalid('`event.url` not found or expired');
      uploads.set(url, { ...found, expiresAt: Number.POSITIVE_INFINITY });
      return found.upload;
    },
  };
};
