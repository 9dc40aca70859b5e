import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { startApi } from './testing-api.ts';

/** `fetch` forbids the header `Host`. */
const call = async (base: string, method: string, path: string, headers: Readonly<Record<string, string>>) => {
  const sent = request(`${base}${path}`, { method, headers: { 'content-type': 'text/plain', ...headers } });
  sent.end(method === 'POST' ? '{"kind":"expired-token"}' : undefined);
  const [response]: IncomingMessage[] = await once(sent, 'response');
  if (!response) throw new Error('no response');
  return { status: response.statusCode, body: await text(response) };
};

const requests = [
  ['POST', '/simulator/faults'],
  ['DELETE', '/simulator/faults'],
  ['GET', '/simulator/chats'],
  ['POST', '/v3.6/agent/action/list_chats'],
  ['GET', '/api/file/lc/att/1/receipt.png'],
] as const;

it.each([
  ['another host name (DNS rebinding)', { host: 'evil.com' }, 'Host'],
  ['another origin', { origin: 'https://evil.com' }, 'Origin'],
  ['an opaque origin', { origin: 'null' }, 'Origin'],
] as const)('refuses %s with 403', async (_, headers, field) => {
  const { base, own } = await startApi();
  for (const [method, path] of requests) {
    const { status, body } = await call(base, method, path, headers);
    expect(status).toBe(403);
    expect(JSON.parse(body)).toEqual({ error: { field, expected: expect.stringContaining('localhost') } });
  }
  expect((await own('faults')).json).toEqual({ faults: [] });
});

it.each([
  [{ host: 'localhost:4600' }],
  [{ host: '[::1]:4600', origin: 'http://localhost:3000' }],
  [{ origin: 'http://127.0.0.1:3000' }],
])('accepts %j', async (headers) => {
  const { base } = await startApi();
  expect((await call(base, 'POST', '/simulator/faults', headers)).status).toBe(200);
});
