import { createServer } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { toGatewayAnswer, toGatewayEvent } from './gateway.ts';
import { close, listen } from './listen.ts';

const server = createServer(async (request, response) => {
  const chunks: Buffer[] = await request.toArray();
  response.end(JSON.stringify(toGatewayEvent(request, Buffer.concat(chunks), new Date('2030-03-02T19:03:58Z'))));
});
let url: string;

beforeEach(async () => {
  url = `http://127.0.0.1:${await listen(server, 0, '--port')}`;
});
afterEach(() => close(server));

async function eventOf(path: string, init: RequestInit): Promise<unknown> {
  return (await fetch(url + path, init)).json();
}

test('a request becomes an event of payload format 2.0', async () => {
  const headers = new Headers({ 'X-Signature': 'abc', Cookie: 'a=1; b=2', 'User-Agent': 'LiveChat' });

  const event = await eventOf('/livechat/webhook?a=1&b=x%20y&a=2', { method: 'POST', headers, body: '{"é":1}' });

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
      domainName: new URL(url).host,
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

test('a body that is not UTF-8 comes in base64, so that no byte of it changes', async () => {
  const event = await eventOf('/livechat/webhook', { method: 'POST', body: Buffer.from([0xff, 0x00]) });

  expect(event).toMatchObject({ body: '/wA=', isBase64Encoded: true });
});

test('no body is no body', async () => {
  expect(await eventOf('/livechat/webhook', { method: 'POST' })).not.toHaveProperty('body');
});

test.each<[string, unknown, object]>([
  [
    'a structured result',
    { statusCode: 401, headers: { 'Content-Type': 'application/json' }, body: '{"error":"é"}' },
    { status: 401, headers: { 'content-type': 'application/json' }, body: Buffer.from('{"error":"é"}') },
  ],
  [
    'cookies',
    { statusCode: 204, cookies: ['a=1', 'b=2'] },
    { status: 204, headers: { 'set-cookie': ['a=1', 'b=2'] }, body: Buffer.alloc(0) },
  ],
  [
    'a base64 body',
    { statusCode: 200, body: '/wA=', isBase64Encoded: true },
    { status: 200, headers: {}, body: Buffer.from([0xff, 0x00]) },
  ],
  [
    'a result without a status',
    { ok: true },
    { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from('{"ok":true}') },
  ],
  ['nothing', null, { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from('null') }],
])('%s becomes an answer', (_what, result, answer) => {
  expect(toGatewayAnswer(result)).toEqual(answer);
});

test.each([{ statusCode: '200' }, { statusCode: 99 }, { statusCode: 200, body: 1 }])('%j is no answer', (result) => {
  expect(() => toGatewayAnswer(result)).toThrow();
});
