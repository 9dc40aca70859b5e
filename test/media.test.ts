import { randomUUID } from 'node:crypto';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { fixture } from './fixtures.ts';
import { type Respond, respondWith, startServer } from './http-server.ts';
import { type Local, pollOptions, post, startLocal } from './local.ts';
import { conversation, listKeys, png, s3Client, sha256 } from './media.ts';
import { watchBus } from './watch-bus.ts';

const metadataSchema = z.object({ organizationId: z.string() });

describe('a media message', () => {
  let local: Local;
  let cdn: Awaited<ReturnType<typeof startServer>>;
  let bus: Awaited<ReturnType<typeof watchBus>>;
  /** The CDN's responses by path. */
  const responses = new Map<string, Respond>();
  const picture: Respond = (response) => response.writeHead(200, { 'content-type': 'image/png' }).end(png);

  beforeAll(async () => {
    cdn = await startServer((response, request) =>
      (responses.get(request.url ?? '') ?? respondWith(404, ''))(response, request),
    );
    local = await startLocal({ MEDIA_SIMULATOR_URL: cdn.url, MEDIA_MAX_BYTES: '100000' });
    bus = await watchBus(local);
  });
  afterEach(() => responses.clear());
  afterAll(async () => {
    await bus.stop();
    await local.stop();
    await cdn.stop();
  });

  /** A chat of a new organization, and builders of its webhooks. */
  function chat() {
    const organization = randomUUID();
    const path = `/${randomUUID()}/receipt.png`;
    const url = `https://cdn.livechat-files.com${path}`;
    const send = (action: string, payload: object) => ({
      ...fixture('incoming_event.file.json'),
      organization_id: organization,
      action,
      payload: { chat_id: 'CHAT', thread_id: 'THREAD', ...payload },
    });
    const deliver = async (body: object, times = 1) => {
      for (let time = 0; time < times; time += 1) expect(await post(local, body)).toMatchObject({ status: 200 });
    };
    const now = async () =>
      conversation.parse((await local.api(`/api/conversations/CHAT?organizationId=${organization}`)).body);
    const event = (more: object) => ({
      id: 'THREAD_7',
      type: 'file',
      author_id: '5f0c1d7e-2a84-4c39-9b61-7c2e9d1a4b55',
      created_at: '2026-03-11T09:14:20.120355Z',
      visibility: 'all',
      name: 'receipt.png',
      content_type: 'image/png',
      url,
      ...more,
    });
    return {
      organization,
      url,
      prefix: `${organization}/CHAT/THREAD_7/`,
      answer: (respond: Respond) => void responses.set(path, respond),
      requests: () => cdn.received.filter((one) => one.path === path).length,
      arrives: (more: object = {}, times = 1) => deliver(send('incoming_event', { event: event(more) }), times),
      edited: (more: object) => deliver(send('event_updated', { event: event(more) })),
      deleted: () => deliver(send('event_deleted', { event_id: 'THREAD_7' })),
      /** Reads the conversation once the engine is idle. */
      async read() {
        await local.idle();
        return now();
      },
      now,
      /** The `media.stored` events. */
      stored: () =>
        bus.of('media.stored').filter(({ metadata }) => metadataSchema.parse(metadata).organizationId === organization),
      keys: () => listKeys(local, `${organization}/`),
    };
  }

  it('has its file stored and publishes media.stored', async () => {
    const { answer, arrives, read, prefix, organization, stored, url, requests } = chat();
    answer(picture);
    await arrives({}, 3);
    const { messages } = await read();
    const [message] = messages;
    const file = { size: png.length, contentType: 'image/png', declaredType: 'image/png', typeCheck: 'match', sha256 };
    const key = `${prefix}receipt.png`;
    expect(messages).toHaveLength(1);
    expect(message).toMatchObject({ content: url, metadata: { filename: 'receipt.png', media: { key, ...file } } });
    expect(requests()).toBe(1);

    await expect.poll(stored, pollOptions).toMatchObject([
      {
        metadata: { organizationId: organization, causationId: expect.any(String) },
        data: { conversationId: 'CHAT', threadId: 'THREAD', messageId: 'THREAD_7', visibility: 'all', key, ...file },
      },
    ]);
    const object = await s3Client(local).send(new GetObjectCommand({ Bucket: 'media', Key: key }));
    expect(Buffer.from((await object.Body?.transformToByteArray()) ?? [])).toEqual(png);
  });

  it('has a link that expires', async () => {
    const { answer, arrives, read, organization } = chat();
    answer(picture);
    await arrives({ name: 'żółć "1".png' });
    const [message] = (await read()).messages;
    const { url = '', expiresAt = '' } = message?.link ?? {};
    const response = await fetch(url);
    expect(response.headers.get('content-type')).toBe('image/png');
    expect(response.headers.get('content-disposition')).toBe("inline; filename*=UTF-8''%C5%BC%C3%B3%C5%82%C4%87-1.png");
    expect(Buffer.from(await response.arrayBuffer())).toEqual(png);
    expect(new URL(url).searchParams.get('X-Amz-Expires')).toBe('900');
    const inSeconds = (Date.parse(expiresAt) - Date.now()) / 1000;
    expect(inSeconds).toBeGreaterThan(600);
    expect(inSeconds).toBeLessThanOrEqual(900);
    const one = await local.api(`/api/messages/THREAD_7?organizationId=${organization}`);
    expect(one.body).toMatchObject({ message: { link: { url: expect.stringContaining('X-Amz-Signature') } } });
  });

  it('is stored as a download with typeCheck `mismatch` if it is HTML declared as an image', async () => {
    const { answer, arrives, read, stored } = chat();
    answer(respondWith(200, '<!doctype html><script>alert(1)</script>', { 'content-type': 'text/html' }));
    await arrives();
    const [message] = (await read()).messages;
    const detected = { contentType: 'application/octet-stream', declaredType: 'image/png', typeCheck: 'mismatch' };
    expect(message?.metadata.media).toMatchObject(detected);
    await expect.poll(stored, pollOptions).toMatchObject([{ data: detected }]);
    const response = await fetch(message?.link?.url ?? '');
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    expect(response.headers.get('content-disposition')).toMatch(/^attachment;/);
  });

  it.each<[string, object, Respond, RegExp]>([
    ['is not found', {}, respondWith(404, ''), /expected status 200, received 404$/],
    ['redirects', {}, respondWith(302, '', { location: 'http://169.254.169.254/' }), /received 302$/],
    [
      'is too large',
      {},
      respondWith(200, 'x'.repeat(100_001)),
      /^the file is too large: expected at most 100000 bytes$/,
    ],
    ['is on another host', { url: 'https://evil.example/a.png' }, picture, /^the host of the file is not allowed$/],
    ['is on a local address', { url: 'https://127.0.0.1/a.png' }, picture, /^the host of the file is not allowed$/],
    ['has an http URL', { url: 'http://cdn.livechat-files.com/a.png' }, picture, /must have an https URL$/],
    ['has no URL', { url: '' }, picture, /must have an https URL$/],
  ])('records the error of a file that %s', async (_what, event, respond, reason) => {
    const { answer, arrives, read, keys, stored, organization } = chat();
    answer(respond);
    await arrives(event);
    const [message] = (await read()).messages;
    const error = { name: 'FileRefused', message: expect.stringMatching(reason) };
    expect(message).toMatchObject({ type: 'media', metadata: { filename: 'receipt.png', media: { error } } });
    expect(message).not.toHaveProperty('link');
    expect(await keys()).toEqual([]);
    expect(stored()).toEqual([]);
    expect((await local.api('/api/dead-letters')).body).not.toMatchObject({
      deadLetters: expect.arrayContaining([expect.objectContaining({ organizationId: organization })]),
    });
  });

  it('retries a failing server and clears the error', async () => {
    const { answer, arrives, read, requests } = chat();
    answer((response, request) => (requests() === 1 ? respondWith(503, '') : picture)(response, request));
    await arrives();
    const [message] = (await read()).messages;
    expect(requests()).toBe(2);
    expect(message?.metadata.media).toMatchObject({ sha256 });
    expect(message?.metadata.media).not.toHaveProperty('error');
  });

  it('becomes a dead letter if the server keeps failing, and is stored after a redrive', async () => {
    const { answer, arrives, read, requests, now } = chat();
    answer(respondWith(503, ''));
    await arrives();
    const [message] = (await read()).messages;
    expect(requests()).toBe(3);
    expect(message?.metadata.media).toMatchObject({ error: { name: 'FileUnavailable', message: /503$/ } });
    const deadLetterList = z.object({
      deadLetters: z.array(z.object({ id: z.string(), kind: z.string(), errorName: z.string() })),
    });
    const { deadLetters } = deadLetterList.parse((await local.api('/api/dead-letters')).body);
    const deadLetter = deadLetters.find(({ errorName }) => errorName === 'FileUnavailable');
    expect(deadLetter).toMatchObject({ kind: 'event' });
    answer(picture);
    await fetch(new URL(`/api/dead-letters/${deadLetter?.id}/redrive`, local.console), { method: 'POST' });
    await expect.poll(async () => (await now()).messages[0]?.metadata.media, pollOptions).toMatchObject({ sha256 });
  });

  it('has its file removed when it is deleted', async () => {
    const { answer, arrives, deleted, read, keys } = chat();
    answer(picture);
    await arrives();
    expect((await read()).messages[0]?.link).toBeDefined();
    expect(await keys()).toHaveLength(1);
    await deleted();
    const { messages } = await read();
    expect(messages).toMatchObject([{ deleted: true, metadata: {} }]);
    expect(messages[0]?.metadata).not.toHaveProperty('media');
    expect(messages[0]).not.toHaveProperty('link');
    expect(await keys()).toEqual([]);
  });

  it('fetches no file if it was deleted before it arrived', async () => {
    const { answer, arrives, deleted, read, keys, requests } = chat();
    answer(picture);
    await deleted();
    await local.idle();
    await arrives();
    expect((await read()).messages).toMatchObject([{ deleted: true }]);
    expect(requests()).toBe(0);
    expect(await keys()).toEqual([]);
  });

  it('keeps no file if it is deleted during the download', async () => {
    const { answer, arrives, deleted, read, now, keys, stored } = chat();
    const requested = Promise.withResolvers<void>();
    const resume = Promise.withResolvers<void>();
    answer(async (response, request) => {
      requested.resolve();
      await resume.promise;
      picture(response, request);
    });
    await arrives();
    await requested.promise;
    await deleted();
    await expect.poll(now, pollOptions).toMatchObject({ messages: [{ deleted: true }] });
    resume.resolve();
    expect((await read()).messages[0]?.metadata).not.toHaveProperty('media');
    expect(await keys()).toEqual([]);
    expect(stored()).toEqual([]);
  });

  it('replaces its file when a revision has another URL', async () => {
    const { answer, arrives, edited, read, keys, prefix, url } = chat();
    const other = `${url}?edition=2`;
    answer(picture);
    responses.set(
      new URL(other).pathname + new URL(other).search,
      respondWith(200, 'GIF89a', { 'content-type': 'image/gif' }),
    );
    await arrives();
    await read();
    await edited({ url: other, content_type: 'image/gif' });
    const [message] = (await read()).messages;
    expect(message).toMatchObject({ content: other, edited: true, metadata: { media: { contentType: 'image/gif' } } });
    expect(await keys()).toEqual([message?.metadata.media?.key]);
    expect(await keys()).toEqual([expect.stringMatching(new RegExp(`^${prefix}[0-9a-f]{8}-receipt\\.png$`))]);
  });

  it('keeps its file when a revision has the same URL, or arrives first', async () => {
    const { answer, arrives, edited, read, keys, requests, prefix } = chat();
    answer(picture);
    await edited({ alternative_text: 'A receipt' });
    await local.idle();
    await arrives();
    const [message] = (await read()).messages;
    expect(message).toMatchObject({ edited: true, metadata: { media: { sha256 } } });
    expect(requests()).toBe(1);
    expect(await keys()).toEqual([expect.stringContaining(prefix)]);
  });

  it('publishes the visibility of a note', async () => {
    const { answer, arrives, read, stored } = chat();
    answer(picture);
    await arrives({ id: 'THREAD_1', type: 'message', text: 'Hello' });
    await arrives({ visibility: 'agents', author_id: 'nina.kowal@acme.example' });
    const { messages, notes } = await read();
    expect(messages).toMatchObject([{ id: 'THREAD_1' }]);
    expect(notes).toMatchObject([{ metadata: { media: { sha256 } }, link: { url: expect.any(String) } }]);
    await expect.poll(stored, pollOptions).toMatchObject([{ data: { visibility: 'agents' } }]);
  });

  it('has its file stored if its event was too large for the bus', async () => {
    const { answer, arrives, read } = chat();
    answer(picture);
    await arrives({ properties: { shop: { note: 'x'.repeat(350_000) } } });
    expect((await read()).messages).toMatchObject([{ metadata: { oversize: {}, media: { sha256 } } }]);
  });

  it('fetches nothing when its event is replayed from the archive', async () => {
    const { requests, answer, organization, url } = chat();
    answer(picture);
    const at = '2026-03-11T09:14:20.120355Z';
    const place = { organizationId: organization, conversationId: 'CHAT', threadId: 'THREAD' };
    const author = { id: 'c', type: 'customer' };
    const data = { ...place, id: 'THREAD_7', carrier: 'livechat', direction: 'inbound', type: 'media', content: url };
    const metadata = {
      id: randomUUID(),
      version: '1',
      correlationId: 'c',
      organizationId: organization,
      carrier: 'livechat',
    };
    const Detail = JSON.stringify({
      metadata: { ...metadata, occurredAt: at, receivedAt: at },
      data: { ...data, timestamp: at, author, visibility: 'all', metadata: {}, rawPayload: {} },
    });
    const entry = { Source: 'omnichannel.livechat', DetailType: 'message.received', Detail, EventBusName: local.bus };
    const body = JSON.stringify({ Entries: [entry] });
    await fetch(`${local.aws}/_local/replay?name=after-the-outage`, { method: 'POST', body });
    await local.idle();
    expect((await local.api(`/api/messages/THREAD_7?organizationId=${organization}`)).status).toBe(200);
    expect(requests()).toBe(0);
  });
});
