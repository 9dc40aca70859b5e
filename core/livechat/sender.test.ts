import { randomUUID } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { respondWith, startServer } from '../../test/http-server.ts';
import { type SharedLocal, sharedLocal } from '../../test/shared-local.ts';
import type { FetchRules } from '../media/fetch.ts';
import type { FetchedFile } from './compose.ts';

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=',
  'base64',
);
const organizationId = randomUUID();
const rules: FetchRules = { maxBytes: 1_000, timeoutMs: 5_000 };

describe('withFile', () => {
  let local: SharedLocal;
  let withFile: typeof import('./sender.ts').withFile;
  beforeAll(async () => {
    local = await sharedLocal();
    for (const [name, value] of Object.entries(local.environment)) vi.stubEnv(name, value);
    ({ withFile } = await import('./sender.ts'));
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
  });

  const read = async (file: FetchedFile) => ({ ...file, bytes: await readFile(file.path) });

  async function stored(key: string) {
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    const s3 = new S3Client({ endpoint: local.aws, region: 'us-east-1', credentials });
    await s3.send(new PutObjectCommand({ Bucket: 'media', Key: key, Body: png, ContentType: 'image/png' }));
  }

  it('reads the organization’s own key and deletes the file from disk after use', async () => {
    const key = `${organizationId}/plans/floor plan.png`;
    await stored(key);
    const file = await withFile(organizationId, { key }, rules, read);
    expect(file).toMatchObject({ name: 'floor plan.png', contentType: 'image/png', size: png.length, bytes: png });
    await expect(stat(file.path)).rejects.toThrow('ENOENT');
  });

  it('deletes the file from disk if its use fails', async () => {
    const key = `${organizationId}/plan.png`;
    await stored(key);
    let path = '';
    const failing = withFile(organizationId, { key }, rules, async (file) => {
      path = file.path;
      throw new RangeError('refused');
    });
    await expect(failing).rejects.toThrow(RangeError);
    await expect(stat(path)).rejects.toThrow('ENOENT');
  });

  it.each([
    ['a key of another organization', `${randomUUID()}/a.png`, 'RequestInvalid'],
    ['a key that only shares a prefix', `${organizationId}x/a.png`, 'RequestInvalid'],
    ['a missing key', `${organizationId}/none.png`, 'FileRefused'],
  ])('rejects %s', async (_what, key, name) => {
    await expect(withFile(organizationId, { key }, rules, read)).rejects.toMatchObject({
      name,
      message: expect.stringMatching(/^content\.key: expected /),
    });
  });

  it('rejects a stored file over the size limit', async () => {
    const key = `${organizationId}/large.png`;
    await stored(key);
    const fetching = withFile(organizationId, { key }, { ...rules, maxBytes: png.length - 1 }, read);
    await expect(fetching).rejects.toMatchObject({ name: 'FileRefused', message: /too large/ });
  });

  it('downloads a URL under the download rules and detects the content type', async () => {
    const web = await startServer((response, request) =>
      respondWith(request.url === '/plan%201.png' ? 200 : 503, '', { 'content-type': 'text/html' })(response, request),
    );
    const served = { ...rules, simulatorUrl: web.url };
    const file = await withFile(organizationId, { url: 'https://shop.example/plan%201.png' }, served, read);
    expect(file).toMatchObject({ name: 'plan 1.png', contentType: 'application/octet-stream', size: 0 });
    const url = 'https://shop.example/b.png';
    await expect(withFile(organizationId, { url }, served, read)).rejects.toThrow(
      expect.objectContaining({ name: 'FileUnavailable' }),
    );
    await web.stop();
    const local127 = { url: 'https://127.0.0.1/a.png' };
    await expect(withFile(organizationId, local127, rules, read)).rejects.toThrow(
      expect.objectContaining({ name: 'FileRefused' }),
    );
  });
});
