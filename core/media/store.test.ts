import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { supportedMimeTypes } from 'file-type';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chooseFileType, detectFileType, dispositionFor } from './store.ts';

const svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';
const html = '<!doctype html><script>alert(1)</script>';
const base64 = (text: string) => Buffer.from(text, 'base64');
const png = base64('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=');
const gif = base64('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7');
const webp = base64('UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA');
const jpeg = Buffer.concat([base64('/9j/4AAQSkZJRgABAQEASABIAAD/2wBD'), Buffer.alloc(64)]);
const pdf = '%PDF-1.4\n%%EOF\n';
const oldOffice = Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(600)]);
const octets = 'application/octet-stream';
const attachment = expect.stringMatching(/^attachment;/);
const inline = expect.stringMatching(/^inline;/);

describe('a file is served as', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'file-type-test-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each<[string, Uint8Array | string, string | undefined, string, string, unknown]>([
    ['the detected type', png, 'image/png', 'image/png', 'match', inline],
    ['the detected type', jpeg, 'image/jpg', 'image/jpeg', 'match', inline],
    ['the detected type', gif, 'IMAGE/GIF; a=b', 'image/gif', 'match', inline],
    ['the detected type', webp, 'image/webp', 'image/webp', 'match', inline],
    ['the detected type, if declared as another', png, 'text/html', 'image/png', 'mismatch', inline],
    ['the detected type, without a declared type', png, undefined, 'image/png', 'unknown', inline],
    ['a container format', oldOffice, 'application/msword', 'application/x-cfb', 'unknown', attachment],
    ['a container declared as an image', oldOffice, 'image/png', 'application/x-cfb', 'mismatch', attachment],
    ['the detected type, for download', pdf, 'application/pdf', 'application/pdf', 'match', attachment],
    ['XML declared as an image', `<?xml version="1.0"?>${svg}`, 'image/png', 'application/xml', 'mismatch', attachment],
    ['bytes, HTML declared as an image', html, 'image/png', octets, 'mismatch', attachment],
    ['bytes, SVG declared as an image', svg, 'image/jpeg', octets, 'mismatch', attachment],
    ['bytes, HTML declared as HTML', html, 'text/html', octets, 'unknown', attachment],
    ['bytes, SVG declared as SVG', svg, 'image/svg+xml', octets, 'unknown', attachment],
    ['bytes, a script', 'alert(1)', 'text/javascript', octets, 'unknown', attachment],
    ['plain text', 'hello', 'text/plain; charset=utf-8', 'text/plain', 'unknown', attachment],
    ['plain text, HTML declared as text', html, 'text/plain', 'text/plain', 'unknown', attachment],
    ['bytes, an empty file', '', 'image/png', octets, 'mismatch', attachment],
    ['bytes, a truncated image', png.subarray(0, 3), 'image/png', octets, 'mismatch', attachment],
    ['bytes, declared as a property name of every object', 'x', 'constructor', octets, 'unknown', attachment],
  ])('%s', async (_what, content, declared, contentType, check, disposition) => {
    const path = join(folder, 'file');
    await writeFile(path, content);
    const type = await detectFileType(path, declared);
    expect(type).toEqual({ contentType, typeCheck: check });
    expect(dispositionFor(type.contentType, 'a.png')).toEqual(disposition);
  });

  it('no type that a browser executes, for any content and declared type', () => {
    const types = fc.option(fc.oneof(fc.constantFrom(...supportedMimeTypes), fc.string()), { nil: undefined });
    const declaredTypes = fc.option(fc.oneof(types, fc.constantFrom('text/html', 'image/svg+xml', 'text/xml')), {
      nil: undefined,
    });
    fc.assert(
      fc.property(
        fc.option(fc.constantFrom(...supportedMimeTypes), { nil: undefined }),
        declaredTypes,
        (sniffed, declared) => {
          const type = chooseFileType(sniffed, declared ?? undefined, supportedMimeTypes);
          expect(type.contentType).not.toMatch(/^text\/(?!plain|csv|calendar|vcard|vtt)|xhtml|svg|javascript/i);
          const isInline = dispositionFor(type.contentType, 'a').startsWith('inline');
          expect(isInline && !/^(?:image|audio|video)\//.test(type.contentType)).toBe(false);
          expect(isInline && sniffed === undefined).toBe(false);
        },
      ),
    );
  });

  it('with its name encoded in the header', () => {
    expect(dispositionFor(octets, 'żółć-1.png')).toBe("attachment; filename*=UTF-8''%C5%BC%C3%B3%C5%82%C4%87-1.png");
  });
});
