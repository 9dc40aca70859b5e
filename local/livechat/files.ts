import type { EventContent } from './shapes.ts';

export interface FileDescription {
  readonly name: string;
  readonly url?: string | undefined;
  readonly contentType?: string | undefined;
  /** Bytes. */
  readonly size?: number | undefined;
  readonly alternativeText?: string | undefined;
}

const contentTypes: Readonly<Record<string, string>> = {
  gif: 'image/gif',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  pdf: 'application/pdf',
  png: 'image/png',
  txt: 'text/plain',
  webp: 'image/webp',
};

/** By its name where nobody says what it is. */
export const typeOf = ({ name, contentType }: Pick<FileDescription, 'name' | 'contentType'>): string =>
  contentType ?? contentTypes[extensionOf(name)] ?? 'application/octet-stream';

const extensionOf = (name: string): string => name.slice(name.lastIndexOf('.') + 1).toLowerCase();

export const cdn = 'https://cdn.livechat-files.com/api/file/lc';

/** A file as LiveChat shows it: only an image has a size in pixels and thumbnails. */
export const fileContent = (
  file: FileDescription,
  threadId: string,
  position: number,
): Extract<EventContent, { type: 'file' }> => {
  const content_type = typeOf(file);
  const path = `10000001/${threadId}_${position}/${encodeURIComponent(file.name)}`;
  const { name, url = `${cdn}/att/${path}` } = file;
  const plain = { type: 'file', name, url, content_type } as const;
  if (!content_type.startsWith('image/')) return { ...plain, ...(file.size !== undefined && { size: file.size }) };
  return {
    ...plain,
    size: file.size ?? 123_444,
    width: 640,
    height: 480,
    thumbnail_url: `${cdn}/thumb/${path}`,
    thumbnail2x_url: `${cdn}/thumb2x/${path}`,
    alternative_text: file.alternativeText ?? '',
  };
};
