import { Hono } from 'hono';

/** The files that LiveChat's CDN would have, by the path of their address. */
export interface Cdn {
  readonly keep: (url: string, file: Blob) => void;
  readonly fileAt: (path: string) => Blob | undefined;
}

export const createCdn = (): Cdn => {
  const files = new Map<string, Blob>();
  return {
    keep: (url, file) => void files.set(new URL(url).pathname, file),
    fileAt: (path) => files.get(path),
  };
};

/** Plays the CDN: the paths of its addresses, on the simulator's own. */
export const cdnRoutes = (cdn: Cdn): Hono =>
  new Hono().get('/*', async (c) => {
    const file = cdn.fileAt(new URL(c.req.url).pathname);
    if (file === undefined) return c.text('Not Found', 404);
    return c.body(await file.arrayBuffer(), 200, { 'content-type': file.type || 'application/octet-stream' });
  });

const base64: Readonly<Record<string, string>> = {
  'image/gif': 'R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7',
  'image/jpeg':
    '/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA=',
  'image/png':
    'iVBORw0KGgoAAAANSUhEUgAAACAAAAAYCAIAAAAUMWhjAAAAJElEQVR42mPQaztIU8QwasGoBaMWjFowasGoBaMWjFowNCwAAG4pXz1U3xteAAAAAElFTkSuQmCC',
  'image/webp': 'UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA',
};
const texts: Readonly<Record<string, string>> = {
  'application/pdf':
    '%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 0/Kids[]>>endobj\n%%EOF\n',
};

/** A small file of this type, for whoever sends one without saying what is in it. */
export const sampleOf = (contentType: string): Blob => {
  const image = base64[contentType];
  const bytes =
    image === undefined ? (texts[contentType] ?? 'A file of the simulator.\n') : Buffer.from(image, 'base64');
  return new Blob([bytes], { type: contentType });
};
