import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { createLiveChatClient } from './client.ts';
import type { UploadedFile } from './multipart.ts';
import { answering, startServer } from './testing.ts';

const url = 'https://cdn.livechat-files.com/api/file/lc/att/1/receipt.png';
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

async function served() {
  const server = await startServer(answering(200, { url }));
  stops.push(server.stop);
  const client = createLiveChatClient({
    credentials: { kind: 'bearer', accessToken: 'token-1' },
    baseUrl: server.url,
    version: 'v3.6',
  });
  return { client, received: server.received };
}

/** The one file of a form, read by Node itself. */
async function fileOf({ headers, body }: { headers: { 'content-type'?: string | undefined }; body: Buffer }) {
  const form = await new Response(new Uint8Array(body), {
    headers: { 'content-type': headers['content-type'] ?? '' },
  }).formData();
  expect([...form.keys()]).toEqual(['file']);
  const file = form.get('file');
  if (!(file instanceof File)) throw new Error('no file');
  return { name: file.name, type: file.type, bytes: Buffer.from(await file.arrayBuffer()) };
}

const bytes = randomBytes(200_000);
const chunked = () => Readable.from([bytes.subarray(0, 70_000), bytes.subarray(70_000)]);

describe('an upload', () => {
  const table: [string, UploadedFile][] = [
    ['a stream', { content: chunked(), size: bytes.length, name: 'receipt.png', contentType: 'image/png' }],
    ['a blob', { content: new Blob([bytes]), name: 'receipt.png', contentType: 'image/png' }],
    ['a blob that has its type', { content: new Blob([bytes], { type: 'image/png' }), name: 'receipt.png' }],
  ];
  it.each(table)('of %s is one file of a form, with its length told first', async (_what, file) => {
    const { client, received } = await served();
    expect(await client.uploadFile(file)).toEqual({ url });
    const [request] = received;
    if (!request) throw new Error('no request');
    expect(request).toMatchObject({
      path: '/v3.6/agent/action/upload_file',
      headers: { authorization: 'Bearer token-1' },
    });
    expect(request.headers['content-length']).toBe(String(request.body.length));
    expect(await fileOf(request)).toEqual({ name: 'receipt.png', type: 'image/png', bytes });
  });

  it.each([
    ['a "b".png', 'a "b".png'],
    ['żółć 🎉.png', 'żółć 🎉.png'],
    ['a\r\nContent-Type: text/html\r\n\r\n.png', 'a\r\nContent-Type: text/html\r\n\r\n.png'],
  ])('named %j keeps its name within its field', async (name, expected) => {
    const { client, received } = await served();
    await client.uploadFile({ content: new Blob([bytes]), name });
    const [request] = received;
    if (!request) throw new Error('no request');
    expect(await fileOf(request)).toMatchObject({ name: expected, type: 'application/octet-stream', bytes });
  });

  it('with a content type that is none goes as plain bytes', async () => {
    const { client, received } = await served();
    await client.uploadFile({ content: new Blob(['a']), name: 'a', contentType: 'image/png\r\nx: y' });
    expect(String(received[0]?.body)).toContain('Content-Type: application/octet-stream\r\n\r\n');
  });

  it('of more than 10 MB is not begun', async () => {
    const { client, received } = await served();
    const file = { content: chunked(), size: 10 * 1024 * 1024 + 1, name: 'big.bin' };
    await expect(client.uploadFile(file)).rejects.toMatchObject({
      name: 'LiveChatClientError',
      type: 'entity_too_large',
      outcome: 'refused',
      retryable: false,
    });
    expect(received).toEqual([]);
  });

  it.each([
    ['is shorter', () => chunked(), bytes.length + 1],
    ['is longer', () => chunked(), bytes.length - 1],
    ['breaks off', () => Readable.from(brokenOff()), bytes.length],
    ['is no bytes', () => Readable.from([{ secret: 1 }]), bytes.length],
  ])('of a file that %s than was said is not done, and can be tried again', async (_what, content, size) => {
    const { client, received } = await served();
    await expect(client.uploadFile({ content: content(), size, name: 'receipt.png' })).rejects.toMatchObject({
      name: 'LiveChatNetworkError',
      outcome: 'refused',
      cause: { code: 'ERR_UPLOAD' },
    });
    expect(received).toEqual([]);
  });
});

async function* brokenOff() {
  yield bytes.subarray(0, 70_000);
  throw new Error('the source went away');
}
