import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { fixture } from '../../../test/fixtures.ts';
import { LiveChatApiError, LiveChatNetworkError, LiveChatServerError } from '../errors.ts';
import type { CallRecord } from './call.ts';
import { createLiveChatClient } from './client.ts';
import type { FetchLike } from './http.ts';
import { answering, type Respond, startServer } from './testing.ts';

const secrets = [
  'pat-secret',
  'account-secret',
  Buffer.from('account-secret:pat-secret').toString('base64'),
  'hunter2',
];
const send = { chat_id: 'T8RM2K0V9X', event: { type: 'message', text: 'My password is hunter2' } };
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

interface Setting {
  readonly timeoutMs?: number;
  readonly fetchLike?: FetchLike;
}

function clientAt(baseUrl: string, setting: Setting = {}) {
  const calls: CallRecord[] = [];
  const client = createLiveChatClient({
    credentials: { kind: 'basic', accountId: 'account-secret', apiKey: 'pat-secret' },
    baseUrl,
    version: 'v3.6',
    onCall: (record) => calls.push(record),
    ...setting,
  });
  return { client, calls };
}

async function served(respond: Respond, setting: Setting = {}) {
  const server = await startServer(respond);
  stops.push(server.stop);
  return { ...clientAt(server.url, setting), server };
}

/** The error, after a look into everything of it that a log or a state machine could show. */
async function failureOf(call: Promise<unknown>): Promise<LiveChatApiError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof LiveChatApiError)) throw new Error(`no LiveChatApiError: ${inspect(error)}`);
  const shown = `${inspect(error, { depth: 20, showHidden: true })}${JSON.stringify(error)}${error.message}${error.stack}`;
  for (const secret of secrets) expect(shown).not.toContain(secret);
  return error;
}

describe('an error of LiveChat', () => {
  const folder = new URL('../../../test/fixtures/livechat/api/', import.meta.url);
  const names = readdirSync(folder).filter((name) => name.startsWith('error.'));

  it.each(names)('%s comes with its type, its code and its debug id', async (name) => {
    const status = Number(/\.(\d{3})\./.exec(name)?.[1] ?? 400);
    const { error: expected } = fixture(`api/${name}`);
    const { client, calls } = await served(answering(status, fixture(`api/${name}`), { 'X-Debug-Id': 'debug-1' }));
    const error = await failureOf(client.sendEvent(send));
    expect(error).toMatchObject({ status, debugId: 'debug-1', method: 'send_event' });
    expect(expected).toMatchObject({ type: error.type });
    expect(calls).toMatchObject([{ method: 'send_event', status, category: error.category }]);
  });

  it('counts with any HTTP code', async () => {
    const { client } = await served(answering(200, fixture('api/error.chat_inactive.422.json')));
    expect(await failureOf(client.tagThread({ chat_id: 'c', thread_id: 't', tag: 'a' }))).toMatchObject({
      repair: 'resume',
    });
  });

  it('names the region to follow', async () => {
    const { client } = await served(answering(421, fixture('api/error.misdirected_request.json')));
    expect(await failureOf(client.sendEvent(send))).toMatchObject({ repair: 'region', region: 'dal' });
  });

  it('says how long to wait', async () => {
    const { client } = await served(answering(429, {}, { 'Retry-After': '12' }));
    expect(await failureOf(client.sendEvent(send))).toMatchObject({ category: 'RateLimit', retryAfterMs: 12_000 });
  });

  it('that quotes what was sent does not pass it on', async () => {
    const { client } = await served(
      answering(422, { error: { type: 'validation', message: '`text` "hunter2" is bad', data: { text: 'hunter2' } } }),
    );
    expect(await failureOf(client.sendEvent(send))).toMatchObject({ category: 'Client' });
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
  ])('with the body %j and HTTP %i is of category %s, its outcome %s', async (body, status, category, outcome) => {
    const { client } = await served(answering(status, body));
    expect(await failureOf(client.sendEvent(send))).toMatchObject({ category, outcome, status, type: undefined });
  });

  it('is no redirect: the token goes nowhere else', async () => {
    const other = await startServer(answering(200, { event_id: 'e' }));
    stops.push(other.stop);
    const { client } = await served(answering(307, '', { Location: other.url }));
    expect(await failureOf(client.sendEvent(send))).toMatchObject({ category: 'Client', status: 307 });
    expect(other.received).toEqual([]);
  });
});

describe('an answer that does not fit', () => {
  it.each(['', '{}', '""', '{"event_id":7}', '{"event_id":""}', '<html>hunter2</html>', '[]'])(
    'such as %j leaves the outcome of a write unknown',
    async (body) => {
      const { client, calls } = await served(answering(200, body));
      const error = await failureOf(client.sendEvent(send));
      expect(error).toBeInstanceOf(LiveChatServerError);
      expect(error).toMatchObject({ outcome: 'unknown', status: 200, retryable: true });
      expect(calls).toMatchObject([{ status: 200, category: 'Server' }]);
    },
  );

  it('is no success even where nothing is expected', async () => {
    const { client } = await served(answering(200, '<html></html>'));
    expect(await failureOf(client.deactivateChat({ id: 'c' }))).toMatchObject({ outcome: 'unknown' });
  });

  it.each([{}, { threads: [{ id: 't', events: [{ id: 'e', custom_id: 7 }] }] }, { threads: [{ events: [] }] }])(
    'such as %j is not taken for a chat without the event looked for',
    async (body) => {
      const { client } = await served(answering(200, body));
      const error = await failureOf(client.listThreads({ chat_id: 'c' }));
      expect(error).toMatchObject({ category: 'Server', outcome: 'refused' });
    },
  );
});

describe('where no answer comes', () => {
  it('in time, the outcome is unknown', async () => {
    const { client, calls } = await served(() => {}, { timeoutMs: 80 });
    const error = await failureOf(client.sendEvent(send));
    expect(error).toBeInstanceOf(LiveChatNetworkError);
    expect(error).toMatchObject({
      outcome: 'unknown',
      status: undefined,
      retryable: true,
      cause: { code: 'ETIMEDOUT' },
    });
    expect(calls).toMatchObject([{ status: undefined, category: 'Network' }]);
  });

  it('since the other side hangs up after it had the request, the outcome is unknown', async () => {
    const { client, server } = await served((_response, request) => request.socket.destroy());
    const error = await failureOf(client.sendEvent(send));
    expect(error).toMatchObject({ category: 'Network', outcome: 'unknown', cause: { code: 'ECONNRESET' } });
    expect(server.received).toHaveLength(1);
  });

  it('since the connection is reset while the call is sent, the outcome is unknown', async () => {
    const server = createServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    stops.push(async () => void server.close());
    const { port } = z.object({ port: z.number() }).parse(server.address());
    const error = await failureOf(clientAt(`http://127.0.0.1:${port}`).client.sendEvent(send));
    expect(error).toMatchObject({ category: 'Network', outcome: 'unknown', cause: { code: 'ECONNRESET' } });
  });

  it('whole, the outcome is unknown', async () => {
    const { client } = await served((response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('{"event_id":', () => response.destroy());
    });
    expect(await failureOf(client.sendEvent(send))).toMatchObject({ category: 'Network', outcome: 'unknown' });
  });

  it('since nobody listens, it was certainly not done', async () => {
    const server = await startServer(() => {});
    await server.stop();
    const { client } = clientAt(server.url);
    const error = await failureOf(client.sendEvent(send));
    expect(error).toMatchObject({ category: 'Network', outcome: 'refused', cause: { code: 'ECONNREFUSED' } });
  });

  it('since the name is unknown, it was certainly not done', async () => {
    const error = await failureOf(clientAt('http://livechat.invalid').client.sendEvent(send));
    expect(error).toMatchObject({ category: 'Network', outcome: 'refused' });
  });

  it('it is not asked again', async () => {
    const { client, server } = await served(answering(503, ''));
    await failureOf(client.getChat({ chat_id: 'c' }));
    expect(server.received).toHaveLength(1);
  });

  it('after any failure of another transport, the outcome is unknown and the failure stays behind', async () => {
    const fetchLike: FetchLike = async ({ headers }) => {
      throw new Error(`failed with ${headers.authorization}`);
    };
    const error = await failureOf(clientAt('http://livechat.invalid', { fetchLike }).client.sendEvent(send));
    expect(error).toMatchObject({ category: 'Network', outcome: 'unknown', cause: { code: 'UNKNOWN' } });
  });
});

describe('a call that is cancelled', () => {
  it('before it began was certainly not done', async () => {
    const { client, server } = await served(answering(200, { event_id: 'e' }));
    const error = await failureOf(client.sendEvent(send, { signal: AbortSignal.abort() }));
    expect(error).toMatchObject({ category: 'Network', outcome: 'refused', cause: { code: 'ERR_ABORTED' } });
    expect(server.received).toEqual([]);
  });

  it('under way may have been done', async () => {
    const controller = new AbortController();
    const { client } = await served(() => controller.abort());
    const error = await failureOf(client.sendEvent(send, { signal: controller.signal }));
    expect(error).toMatchObject({ category: 'Network', outcome: 'unknown', cause: { code: 'ERR_ABORTED' } });
  });
});

it('connections are kept for the next call', async () => {
  const ports = new Set<number | undefined>();
  const { client } = await served((response, { socket }) => {
    ports.add(socket.remotePort);
    response.end('{"event_id":"e"}');
  });
  for (let n = 0; n < 5; n += 1) await client.sendEvent(send);
  expect(ports.size).toBe(1);
});
