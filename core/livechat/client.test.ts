import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { fixture } from '../../test/fixtures.ts';
import { type Respond, respondWith, startServer } from '../../test/http-server.ts';
import type { SendEvent } from './api.ts';
import {
  type CallRecord,
  createLiveChatClient,
  type LiveChatClient,
  type LiveChatClientOptions,
  type VersionNotice,
} from './client.ts';
import { LiveChatApiError } from './errors.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

const chatId = 'T8RM2K0V9X';
const owner = { owner_client_id: '9a0d3c7741be4f6e8d52c0f1a7be2e60' };
const authorization = 'Basic token-secret';
/** Neither may be in an error. */
const secrets = ['token-secret', 'hunter2'];
const send: SendEvent = {
  chat_id: chatId,
  event: { type: 'message', text: 'My password is hunter2', visibility: 'all' },
};

function clientAt(baseUrl: string, options: Partial<LiveChatClientOptions> = {}) {
  const calls: CallRecord[] = [];
  const notices: VersionNotice[] = [];
  const exhausted: number[] = [];
  const client = createLiveChatClient({
    authorization,
    baseUrl,
    version: 'v3.6',
    organizationId: 'organization-1',
    onCall: (record) => calls.push(record),
    onNotice: (notice) => notices.push(notice),
    onQuotaExhausted: (resetMs) => exhausted.push(resetMs),
    ...options,
  });
  return { client, calls, notices, exhausted };
}

/** A client of a server that responds to every request in the same way. */
async function serve(respond: Respond, options: Partial<LiveChatClientOptions> = {}) {
  const server = await startServer(respond);
  stops.push(server.stop);
  return { ...clientAt(server.url, options), received: server.received };
}

/** Returns the error after checking that nothing in it that could be logged or serialized contains a secret. */
async function expectSafeError(call: Promise<unknown>): Promise<LiveChatApiError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof LiveChatApiError)) throw new Error(`no LiveChatApiError: ${inspect(error)}`);
  const shown = `${inspect(error, { depth: 20, showHidden: true })}${JSON.stringify(error)}${error.message}${error.stack}`;
  for (const secret of secrets) expect(shown).not.toContain(secret);
  return error;
}

describe('request', () => {
  describe('API methods', () => {
    const table: [string, unknown, unknown, (client: LiveChatClient) => Promise<unknown>][] = [
      [
        'agent/action/send_event',
        fixture('api/send_event.message.request.json'),
        { event_id: 'T8RM2KD13X_7' },
        (client) =>
          client.sendEvent({
            chat_id: chatId,
            event: {
              type: 'message',
              text: 'Your parcel left the depot at 07:40.',
              visibility: 'all',
              custom_id: 'out-01J8Z6Q0Y2W4',
            },
          }),
      ],
      [
        'agent/action/resume_chat',
        fixture('api/resume_chat.request.json'),
        fixture('api/resume_chat.response.json'),
        (client) => client.resumeChat({ chat: { id: chatId }, active: true }),
      ],
      [
        'agent/action/add_user_to_chat',
        fixture('api/add_user_to_chat.request.json'),
        undefined,
        (client) =>
          client.addUserToChat({
            chat_id: chatId,
            user_id: 'nina.kowal@acme.example',
            user_type: 'agent',
            visibility: 'all',
            ignore_requester_presence: true,
          }),
      ],
      [
        'agent/action/transfer_chat',
        fixture('api/transfer_chat.agent.request.json'),
        undefined,
        (client) => client.transferChat({ id: chatId, target: { type: 'agent', ids: ['tomas.reyes@acme.example'] } }),
      ],
      [
        'agent/action/tag_thread',
        fixture('api/tag_thread.request.json'),
        undefined,
        (client) => client.tagThread({ chat_id: chatId, thread_id: 'T8RM2KD13X', tag: 'bug_report' }),
      ],
      [
        'agent/action/list_threads',
        fixture('api/list_threads.request.json'),
        fixture('api/list_threads.response.json'),
        (client) => client.listThreads({ chat_id: chatId, sort_order: 'desc', limit: 3 }),
      ],
      [
        'agent/action/list_chats',
        { limit: 1 },
        { chats_summary: [{ id: chatId }], found_chats: 1 },
        (client) => client.listChats({ limit: 1 }),
      ],
      [
        'configuration/action/register_webhook',
        fixture('api/register_webhook.request.json'),
        fixture('api/register_webhook.response.json'),
        (client) =>
          client.registerWebhook({
            url: 'https://hooks.example.net/livechat',
            description: 'incoming events',
            action: 'incoming_event',
            secret_key: 'whsec-demo-3f9c1a7be2',
            ...owner,
            type: 'license',
            additional_data: ['chat_properties', 'chat_presence_user_ids'],
          }),
      ],
      [
        'configuration/action/unregister_webhook',
        fixture('api/unregister_webhook.request.json'),
        undefined,
        (client) => client.unregisterWebhook({ id: 'f2b0974177aceab90cbf1ee15f0c896c', ...owner }),
      ],
      [
        'configuration/action/list_webhooks',
        fixture('api/list_webhooks.request.json'),
        [{ id: 'f2b0974177aceab90cbf1ee15f0c896c', action: 'incoming_event' }],
        (client) => client.listWebhooks(owner),
      ],
      [
        'configuration/action/get_license_webhooks_state',
        fixture('api/list_webhooks.request.json'),
        fixture('api/get_license_webhooks_state.response.json'),
        (client) => client.getLicenseWebhooksState(owner),
      ],
      [
        'configuration/action/enable_license_webhooks',
        fixture('api/list_webhooks.request.json'),
        undefined,
        (client) => client.enableLicenseWebhooks(owner),
      ],
    ];

    it.each(table)(
      '%s sends the documented request and returns the response',
      async (path, request, expected, send) => {
        const { client, received, calls } = await serve(respondWith(200, expected ?? ''));
        expect(await send(client)).toEqual(expected);
        expect(received).toMatchObject([
          { method: 'POST', path: `/v3.6/${path}`, headers: { 'content-type': 'application/json' } },
        ]);
        expect(JSON.parse(String(received[0]?.body))).toEqual(request);
        expect(calls).toEqual([
          {
            organizationId: 'organization-1',
            method: path.split('/')[2],
            status: 200,
            ms: expect.any(Number),
            category: undefined,
          },
        ]);
      },
    );

    it.each(['', '""', '{}', '\n'])('accepts the empty response body %j', async (body) => {
      const { client } = await serve(respondWith(200, body));
      expect(await client.tagThread({ chat_id: chatId, thread_id: 't', tag: 'a' })).toBeUndefined();
    });
  });

  it('has the authorization and no region', async () => {
    const { client, received } = await serve(respondWith(200, {}));
    await client.enableLicenseWebhooks(owner);
    expect(received[0]?.headers).toMatchObject({ authorization });
    expect(received[0]?.headers).not.toHaveProperty('x-region');
  });

  describe('inRegion', () => {
    it('sends X-Region with every call of the returned client only', async () => {
      const { client, received } = await serve(respondWith(200, {}));
      await client.inRegion('us-south1').enableLicenseWebhooks(owner);
      await client.inRegion('us-south1').inRegion('fra').enableLicenseWebhooks(owner);
      await client.enableLicenseWebhooks(owner);
      expect(received.map(({ headers }) => headers['x-region'])).toEqual(['us-south1', 'fra', undefined]);
    });

    it.each(['', 'a b', 'a\r\nx: y', '-a'])('rejects the invalid region %j', async (region) => {
      const { client } = await serve(respondWith(200, {}));
      expect(() => client.inRegion(region)).toThrow(TypeError);
    });
  });

  describe('API version', () => {
    it.each([
      ['3.4', '/v3.4/'],
      ['v3.6', '/v3.6/'],
      ['3.10', '/v3.10/'],
      ['4.0', '/v4.0/'],
    ])('%s selects the path %s', async (version, prefix) => {
      const { client, received } = await serve(respondWith(200, { chats_summary: [] }), { version });
      await client.listChats({ limit: 1 });
      expect(received.map(({ path }) => path)).toEqual([`${prefix}agent/action/list_chats`]);
    });

    it('reports legacy and deprecation notices, also of error responses', async () => {
      const headers = { Legacy: '2026-01-31', Deprecation: '2026-06-30' };
      const { client, notices } = await serve(respondWith(404, fixture('api/error.not_found.404.json'), headers));
      await expect(client.listThreads({ chat_id: chatId })).rejects.toThrow();
      expect(notices).toEqual([
        { kind: 'legacy', date: '2026-01-31', method: 'list_threads' },
        { kind: 'deprecation', date: '2026-06-30', method: 'list_threads' },
      ]);
    });
  });

  describe('after which no call is left', () => {
    it.each([
      ['X-RateLimit', { 'X-RateLimit-Limit': '60', 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': '12' }],
      ['RateLimit-…', { 'RateLimit-Remaining': '0', 'RateLimit-Reset': '12' }],
      ['RateLimit with names', { RateLimit: 'limit=60, remaining=0, reset=12' }],
      ['RateLimit', { RateLimit: '"default";r=0;t=12' }],
      ['Retry-After', { 'Retry-After': '12' }],
    ])('reports the time until the reset (%s), also in another region', async (_form, headers) => {
      const { client, exhausted } = await serve(respondWith(200, { chats_summary: [] }, headers));
      await client.listChats({ limit: 1 });
      await client.inRegion('fra').listChats({ limit: 1 });
      expect(exhausted).toEqual([12_000, 12_000]);
    });

    it('reports nothing while calls are left, or after a rejected call', async () => {
      const left = { 'X-RateLimit-Remaining': '3', 'X-RateLimit-Reset': '12' };
      const { client, exhausted } = await serve(respondWith(200, { chats_summary: [] }, left));
      await client.listChats({ limit: 1 });
      expect(exhausted).toEqual([]);
      const limited = await serve(
        respondWith(429, fixture('api/error.too_many_requests.429.json'), { 'Retry-After': '12' }),
      );
      await expect(limited.client.listChats({ limit: 1 })).rejects.toMatchObject({ retryAfterMs: 12_000 });
      expect(limited.exhausted).toEqual([]);
    });
  });

  it('keeps unknown response fields', async () => {
    const { client } = await serve(respondWith(200, { event_id: 'e', brand_new: 1 }));
    const expected = await client.sendEvent({
      chat_id: chatId,
      event: { type: 'message', text: 'Hello', visibility: 'all' },
    });
    expect(z.looseObject({ brand_new: z.number() }).parse(expected).brand_new).toBe(1);
  });
});

describe('settings', () => {
  it.each(['latest', '3', 'v3.6/../..', ''])('reject the version %j with the name of the setting', (version) => {
    expect(() => clientAt('https://api.livechatinc.com', { version })).toThrow(
      'LIVECHAT_API_VERSION: expected a version such as v3.6',
    );
  });

  it.each(['api.livechatinc.com', 'ftp://api.livechatinc.com', ''])(
    'reject the base URL %j with the name of the setting',
    (url) => {
      expect(() => clientAt(url)).toThrow('LIVECHAT_API_BASE_URL: expected an address such as');
    },
  );

  it('accept a base URL with a path and a trailing slash', async () => {
    const server = await startServer(respondWith(200, ''));
    stops.push(server.stop);
    await clientAt(`${server.url}/livechat/`).client.transferChat({ id: chatId });
    expect(server.received.map(({ path }) => path)).toEqual(['/livechat/v3.6/agent/action/transfer_chat']);
  });
});

describe('response', () => {
  describe('error responses', () => {
    const folder = new URL('../../test/fixtures/livechat/api/', import.meta.url);
    const names = readdirSync(folder).filter((name) => name.startsWith('error.'));

    it.each(names)('%s is returned with its type, HTTP status and debug id', async (name) => {
      const status = Number(/\.(\d{3})\./.exec(name)?.[1] ?? 400);
      const { error: expected } = fixture(`api/${name}`);
      const { client, calls } = await serve(respondWith(status, fixture(`api/${name}`), { 'X-Debug-Id': 'debug-1' }));
      const error = await expectSafeError(client.sendEvent(send));
      expect(error).toMatchObject({ status, debugId: 'debug-1', method: 'send_event' });
      expect(expected).toMatchObject({ type: error.type });
      expect(calls).toMatchObject([{ method: 'send_event', status, category: error.category }]);
    });

    it('recognizes an error body with HTTP 200', async () => {
      const { client } = await serve(respondWith(200, fixture('api/error.chat_inactive.422.json')));
      expect(await expectSafeError(client.tagThread({ chat_id: 'c', thread_id: 't', tag: 'a' }))).toMatchObject({
        repair: 'resume',
      });
    });

    it('returns the region of a misdirected request', async () => {
      const { client } = await serve(respondWith(421, fixture('api/error.misdirected_request.json')));
      expect(await expectSafeError(client.sendEvent(send))).toMatchObject({ repair: 'region', region: 'dal' });
    });

    it('returns the delay of Retry-After', async () => {
      const { client } = await serve(respondWith(429, {}, { 'Retry-After': '12' }));
      expect(await expectSafeError(client.sendEvent(send))).toMatchObject({
        category: 'RateLimit',
        retryAfterMs: 12_000,
      });
    });

    it('removes a message that quotes the request', async () => {
      const { client } = await serve(
        respondWith(422, {
          error: { type: 'validation', message: '`text` "hunter2" is bad', data: { text: 'hunter2' } },
        }),
      );
      expect(await expectSafeError(client.sendEvent(send))).toMatchObject({ category: 'Client' });
    });

    it.each([
      ['', 502, 'Server', 'unknown'],
      ['<html>hunter2</html>', 503, 'Server', 'unknown'],
      ['hunter2', 404, 'Client', 'refused'],
      ['null', 401, 'Authentication', 'refused'],
      ['[]', 429, 'RateLimit', 'refused'],
      ['{"error":"hunter2"}', 400, 'Client', 'refused'],
      ['{"error":{"type":7,"message":["hunter2"]}}', 500, 'Server', 'unknown'],
      ['{"error":{}}', 200, 'Server', 'unknown'],
    ])('classifies the body %j with HTTP %i as %s with outcome %s', async (body, status, category, outcome) => {
      const { client } = await serve(respondWith(status, body));
      expect(await expectSafeError(client.sendEvent(send))).toMatchObject({
        category,
        outcome,
        status,
        type: undefined,
      });
    });

    it('does not follow redirects, which would send the token to another host', async () => {
      const other = await startServer(respondWith(200, { event_id: 'e' }));
      stops.push(other.stop);
      const { client } = await serve(respondWith(307, '', { Location: other.url }));
      expect(await expectSafeError(client.sendEvent(send))).toMatchObject({ category: 'Client', status: 307 });
      expect(other.received).toEqual([]);
    });
  });

  describe('invalid success responses', () => {
    it.each(['', '{}', '""', '{"event_id":7}', '{"event_id":""}', '<html>hunter2</html>', '[]'])(
      'reports an unknown outcome for a write answered with %j',
      async (body) => {
        const { client, calls } = await serve(respondWith(200, body));
        const error = await expectSafeError(client.sendEvent(send));
        expect(error.name).toBe('ChannelServerError');
        expect(error).toMatchObject({ outcome: 'unknown', status: 200, retryable: true });
        expect(calls).toMatchObject([{ status: 200, category: 'Server' }]);
      },
    );

    it('rejects an HTML response of a method without a result', async () => {
      const { client } = await serve(respondWith(200, '<html></html>'));
      expect(await expectSafeError(client.transferChat({ id: 'c' }))).toMatchObject({ outcome: 'unknown' });
    });

    it.each([{}, { threads: [{ id: 't', events: [{ id: 'e', custom_id: 7 }] }] }, { threads: [{ events: [] }] }])(
      'rejects the thread list %j instead of returning no events',
      async (body) => {
        const { client } = await serve(respondWith(200, body));
        const error = await expectSafeError(client.listThreads({ chat_id: 'c' }));
        expect(error).toMatchObject({ category: 'Server', outcome: 'refused' });
      },
    );
  });

  describe('network failures', () => {
    it('reports an unknown outcome after a timeout', async () => {
      const { client, calls } = await serve(() => {}, { timeoutMs: 80 });
      const error = await expectSafeError(client.sendEvent(send));
      expect(error.name).toBe('ChannelNetworkError');
      expect(error).toMatchObject({
        outcome: 'unknown',
        status: undefined,
        retryable: true,
        cause: { code: 'ETIMEDOUT' },
      });
      expect(calls).toMatchObject([{ status: undefined, category: 'Network' }]);
    });

    it('reports an unknown outcome if the server closes the connection after the request', async () => {
      const { client, received } = await serve((_response, request) => request.socket.destroy());
      const error = await expectSafeError(client.sendEvent(send));
      expect(error).toMatchObject({ category: 'Network', outcome: 'unknown', cause: { code: 'ECONNRESET' } });
      expect(received).toHaveLength(1);
    });

    it('reports an unknown outcome if the connection is reset during the request', async () => {
      const server = createServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
      await once(server.listen(0, '127.0.0.1'), 'listening');
      stops.push(async () => void server.close());
      const { port } = z.object({ port: z.number() }).parse(server.address());
      const error = await expectSafeError(clientAt(`http://127.0.0.1:${port}`).client.sendEvent(send));
      expect(error).toMatchObject({ category: 'Network', outcome: 'unknown', cause: { code: 'ECONNRESET' } });
    });

    it('reports an unknown outcome for a truncated response', async () => {
      const { client } = await serve((response) => {
        response.writeHead(200, { 'content-length': 100 });
        response.write('{"event_id":', () => response.destroy());
      });
      expect(await expectSafeError(client.sendEvent(send))).toMatchObject({ category: 'Network', outcome: 'unknown' });
    });

    it('reports a refused connection as not sent', async () => {
      const server = await startServer(() => {});
      await server.stop();
      const { client } = clientAt(server.url);
      const error = await expectSafeError(client.sendEvent(send));
      expect(error).toMatchObject({ category: 'Network', outcome: 'refused', cause: { code: 'ECONNREFUSED' } });
    });

    it('reports an unknown host name as not sent', async () => {
      const error = await expectSafeError(clientAt('http://livechat.invalid').client.sendEvent(send));
      expect(error).toMatchObject({ category: 'Network', outcome: 'refused' });
    });

    it('does not retry', async () => {
      const { client, received } = await serve(respondWith(503, ''));
      await expectSafeError(client.listThreads({ chat_id: 'c' }));
      expect(received).toHaveLength(1);
    });
  });

  it('reuses connections', async () => {
    const ports = new Set<number | undefined>();
    const { client } = await serve((response, { socket }) => {
      ports.add(socket.remotePort);
      response.end('{"event_id":"e"}');
    });
    for (let n = 0; n < 5; n += 1) await client.sendEvent(send);
    expect(ports.size).toBe(1);
  });
});

describe('uploadFile', () => {
  const url = 'https://cdn.livechat-files.com/api/file/lc/att/1/receipt.png';
  const receive = respondWith(200, { url });

  /** Parses the form with Node and returns its only file. */
  async function parseFile({ headers, body }: { headers: { 'content-type'?: string | undefined }; body: Buffer }) {
    const form = await new Response(new Uint8Array(body), {
      headers: { 'content-type': headers['content-type'] ?? '' },
    }).formData();
    expect([...form.keys()]).toEqual(['file']);
    const file = form.get('file');
    if (!(file instanceof File)) throw new Error('no file');
    return { name: file.name, type: file.type, bytes: Buffer.from(await file.arrayBuffer()) };
  }

  const bytes = randomBytes(200_000);
  const folder = mkdtempSync(join(tmpdir(), 'upload-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  function onDisk(content: string | Uint8Array = bytes): string {
    const path = join(folder, randomUUID());
    writeFileSync(path, content);
    return path;
  }

  it('sends the file as the only form field, with a Content-Length', async () => {
    const { client, received } = await serve(receive);
    const file = { path: onDisk(), name: 'receipt.png', contentType: 'image/png' };
    expect(await client.uploadFile(file)).toEqual({ url });
    const [request] = received;
    if (!request) throw new Error('no request');
    expect(request).toMatchObject({
      path: '/v3.6/agent/action/upload_file',
      headers: { authorization },
    });
    expect(request.headers['content-length']).toBe(String(request.body.length));
    expect(await parseFile(request)).toEqual({ name: 'receipt.png', type: 'image/png', bytes });
  });

  it.each(['a "b".png', 'żółć 🎉.png', 'a\r\nContent-Type: text/html\r\n\r\n.png'])(
    'escapes the file name %j',
    async (name) => {
      const { client, received } = await serve(receive);
      await client.uploadFile({ path: onDisk(), name, contentType: '' });
      const [request] = received;
      if (!request) throw new Error('no request');
      expect(request.headers['content-length']).toBe(String(request.body.length));
      expect(await parseFile(request)).toMatchObject({ name, type: 'application/octet-stream', bytes });
    },
  );

  it('sends an invalid content type as plain bytes', async () => {
    const { client, received } = await serve(receive);
    await client.uploadFile({ path: onDisk('a'), name: 'a', contentType: 'image/png\r\nx: y' });
    expect(String(received[0]?.body)).toContain('Content-Type: application/octet-stream\r\n\r\n');
  });

  it('rejects a file over 10 MB without a request', async () => {
    const { client, received } = await serve(receive);
    const file = { path: onDisk(Buffer.alloc(10 * 1024 * 1024 + 1)), name: 'big.bin', contentType: '' };
    await expect(client.uploadFile(file)).rejects.toMatchObject({
      name: 'ChannelClientError',
      type: 'entity_too_large',
      outcome: 'refused',
      retryable: false,
    });
    expect(received).toEqual([]);
  });

  it('reports a missing file as not sent and retryable', async () => {
    const { client, received } = await serve(receive);
    await expect(
      client.uploadFile({ path: join(folder, 'none'), name: 'receipt.png', contentType: '' }),
    ).rejects.toMatchObject({
      name: 'ChannelNetworkError',
      outcome: 'refused',
      cause: { code: 'ERR_UPLOAD' },
    });
    expect(received).toEqual([]);
  });

  /** A server that pauses an upload at its first bytes for `pauseMs`, and calls `act`. */
  async function interrupted(act: () => void, { pauseMs = 20, timeoutMs = 5_000 } = {}) {
    let isComplete = false;
    const server = createHttpServer((request, response) => {
      request.once('data', () => {
        request.pause();
        act();
        setTimeout(() => request.resume(), pauseMs);
      });
      request.on('end', () => {
        isComplete = request.complete;
        response.end(JSON.stringify({ url }));
      });
      request.on('error', () => {});
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    stops.push(async () => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = z.object({ port: z.number() }).parse(server.address());
    const { client } = clientAt(`http://127.0.0.1:${port}`, { timeoutMs });
    return { client, isComplete: () => isComplete };
  }

  it('reports an unknown outcome for an upload that times out, also if its file is deleted afterwards', async () => {
    const path = onDisk(Buffer.alloc(10 * 1024 * 1024));
    const { client, isComplete } = await interrupted(() => {}, { pauseMs: 400, timeoutMs: 200 });
    await expect(client.uploadFile({ path, name: 'receipt.png', contentType: '' })).rejects.toMatchObject({
      name: 'ChannelNetworkError',
      outcome: 'unknown',
      cause: { code: 'ETIMEDOUT' },
    });
    rmSync(path);
    await sleep(300);
    expect(isComplete()).toBe(false);
  });

  it('sends the whole file even if it shrinks during transfer', async () => {
    const path = onDisk(Buffer.alloc(10 * 1024 * 1024));
    const { client, isComplete } = await interrupted(() => truncateSync(path, 10));
    expect(await client.uploadFile({ path, name: 'receipt.png', contentType: '' })).toEqual({ url });
    expect(isComplete()).toBe(true);
  });
});
