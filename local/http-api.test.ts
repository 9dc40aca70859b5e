import { createServer, request } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { WebhookActivity } from './activity.ts';
import { createHttpApi, toHttpApiEvent } from './http-api.ts';
import { close, listen } from './listen.ts';

let answer: (event: unknown) => Promise<unknown>;
let events: unknown[];
let activities: WebhookActivity[];
let reports: string[];
let url: string;

const server = createHttpApi({
  routes: [{ method: 'POST', path: '/livechat/webhook', function: 'webhook' }],
  invoke: async (name, event) => {
    events.push({ name, event });
    return answer(event);
  },
  fallback: (request) => new Response(`console: ${request.method} ${new URL(request.url).pathname}`),
  onWebhook: (activity) => activities.push(activity),
  report: (message) => reports.push(message),
  now: () => new Date('2030-01-01T00:00:00Z'),
});

beforeEach(async () => {
  answer = async () => ({ statusCode: 200, headers: { 'content-type': 'application/json' }, body: '{"success":true}' });
  events = [];
  activities = [];
  reports = [];
  url = `http://127.0.0.1:${await listen(server, 0, '--port')}`;
});
afterEach(() => close(server));

const post = (body: string) => fetch(`${url}/livechat/webhook`, { method: 'POST', body });

test("responds to a webhook with the function's result", async () => {
  const body = '{"action":"incoming_event","payload":{"text":"\\"action\\":\\"secret\\""}}';

  const response = await post(body);

  expect([response.status, await response.text()]).toEqual([200, '{"success":true}']);
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(events).toEqual([{ name: 'webhook', event: expect.objectContaining({ body }) }]);
  const at = '2030-01-01T00:00:00.000Z';
  const route = { method: 'POST', path: '/livechat/webhook', function: 'webhook' };
  expect(activities).toEqual([
    { type: 'webhook', at, ...route, status: 200, ms: expect.any(Number), action: 'incoming_event' },
  ]);
});

test.each([
  ['{"error":"Invalid signature"}', 'Invalid signature'],
  ['{"message":"Forbidden"}', 'Forbidden'],
  ['no JSON', undefined],
])('reports the reason of a refusal with the body %s', async (body, reason) => {
  answer = async () => ({ statusCode: 401, body });
  await post('{}');
  expect(activities).toMatchObject([{ type: 'webhook', status: 401, ...(reason && { reason }) }]);
});

test.each<[string, unknown, number, object, Buffer]>([
  [
    'a structured result',
    { statusCode: 401, headers: { 'Content-Type': 'text/plain', 'X-Retry': 1 }, body: '{"error":"é"}' },
    401,
    { 'content-type': 'text/plain', 'x-retry': '1' },
    Buffer.from('{"error":"é"}'),
  ],
  ['cookies', { statusCode: 204, cookies: ['a=1', 'b=2'] }, 204, { 'set-cookie': 'a=1, b=2' }, Buffer.alloc(0)],
  ['a base64 body', { statusCode: 200, body: '/wA=', isBase64Encoded: true }, 200, {}, Buffer.from([0xff, 0x00])],
  ['a result without a status', { ok: true }, 200, { 'content-type': 'application/json' }, Buffer.from('{"ok":true}')],
  ['text', 'fine', 200, { 'content-type': 'application/json' }, Buffer.from('fine')],
  ['null', null, 200, { 'content-type': 'application/json' }, Buffer.from('null')],
])('converts %s to a response', async (_what, result, status, headers, body) => {
  answer = async () => result;

  const response = await post('{}');

  const received = Object.keys(headers).map((name) => [name, response.headers.get(name)]);
  expect([response.status, Object.fromEntries(received)]).toEqual([status, headers]);
  expect(Buffer.from(await response.arrayBuffer())).toEqual(body);
});

test.each<[string, () => Promise<unknown>]>([
  ['throws', () => Promise.reject(new Error('no table'))],
  ['returns a status that is text', async () => ({ statusCode: '200' })],
  ['returns a status below 200', async () => ({ statusCode: 99 })],
  ['returns a body that is not text', async () => ({ statusCode: 200, body: 1 })],
])('responds with 500 and reports a function that %s', async (_what, failing) => {
  answer = failing;

  const response = await post('{}');

  expect([response.status, await response.json()]).toEqual([500, { message: 'Internal Server Error' }]);
  expect(reports).toEqual([expect.stringContaining('The webhook responded with 500')]);
});

const tooMuch = 10 * 1_024 * 1_024 + 1;

test('rejects a body above 10 MB with 413 without invoking the function', async () => {
  const response = await post('x'.repeat(tooMuch));

  expect([response.status, await response.json()]).toEqual([413, { message: 'Request Entity Too Large' }]);
  expect(events).toEqual([]);
});

test('rejects a body above 10 MB without Content-Length with 413', async () => {
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  const sent = request(`${url}/livechat/webhook`, { method: 'POST' }, (response) => {
    response.resume();
    resolve(response.statusCode);
  });
  for (let size = 0; size < tooMuch; size += 1_048_576) sent.write(Buffer.alloc(1_048_576));
  sent.end();

  expect(await promise).toBe(413);
  expect(events).toEqual([]);
});

test.each([
  ['GET', '/livechat/webhook'],
  ['POST', '/livechat/webhooks'],
  ['GET', '/api/health'],
])('passes %s %s to the console', async (method, path) => {
  const response = await fetch(url + path, { method });

  expect(await response.text()).toBe(`console: ${method} ${path}`);
  expect(activities).toEqual([]);
});

const echo = createServer(async (request, response) => {
  const chunks: Buffer[] = await request.toArray();
  response.end(JSON.stringify(toHttpApiEvent(request, Buffer.concat(chunks), new Date('2030-03-02T19:03:58Z'))));
});
let echoUrl: string;

beforeEach(async () => {
  echoUrl = `http://127.0.0.1:${await listen(echo, 0, '--port')}`;
});
afterEach(() => close(echo));

async function receivedEvent(path: string, init: RequestInit): Promise<unknown> {
  return (await fetch(echoUrl + path, init)).json();
}

test('converts a request to an event of payload format 2.0', async () => {
  const headers = new Headers({ 'X-Signature': 'abc', Cookie: 'a=1; b=2', 'User-Agent': 'LiveChat' });

  const event = await receivedEvent('/livechat/webhook?a=1&b=x%20y&a=2', { method: 'POST', headers, body: '{"é":1}' });

  expect(event).toEqual({
    version: '2.0',
    routeKey: 'POST /livechat/webhook',
    rawPath: '/livechat/webhook',
    rawQueryString: 'a=1&b=x%20y&a=2',
    headers: expect.objectContaining({ 'x-signature': 'abc', 'content-type': 'text/plain;charset=UTF-8' }),
    cookies: ['a=1', 'b=2'],
    queryStringParameters: { a: '1,2', b: 'x y' },
    requestContext: {
      accountId: '000000000000',
      apiId: 'local',
      domainName: new URL(echoUrl).host,
      domainPrefix: 'local',
      http: {
        method: 'POST',
        path: '/livechat/webhook',
        protocol: 'HTTP/1.1',
        sourceIp: '127.0.0.1',
        userAgent: 'LiveChat',
      },
      requestId: expect.any(String),
      routeKey: 'POST /livechat/webhook',
      stage: '$default',
      time: '02/Mar/2030:19:03:58 +0000',
      timeEpoch: Date.parse('2030-03-02T19:03:58Z'),
    },
    body: '{"é":1}',
    isBase64Encoded: false,
  });
});

test('encodes a body that is not UTF-8 as base64', async () => {
  const event = await receivedEvent('/livechat/webhook', { method: 'POST', body: Buffer.from([0xff, 0x00]) });

  expect(event).toMatchObject({ body: '/wA=', isBase64Encoded: true });
});

test('omits an absent body', async () => {
  expect(await receivedEvent('/livechat/webhook', { method: 'POST' })).not.toHaveProperty('body');
});
