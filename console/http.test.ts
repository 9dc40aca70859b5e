import { Hono } from 'hono';
import { expect, it } from 'vitest';
import { guard, securityHeaders } from './http.ts';

const app = new Hono().use(guard, securityHeaders(['https://files.example'])).all('*', (context) => context.text('ok'));

const request = (headers: Record<string, string>, path = '/api/conversations', method = 'GET') =>
  app.request(`http://localhost:3000${path}`, { method, headers });

it.each([
  [{ host: 'localhost:3000' }],
  [{ host: '127.0.0.1:3000' }],
  [{ host: '[::1]:3000' }],
  [{ host: 'localhost:3000', origin: 'http://localhost:3000', 'sec-fetch-site': 'same-origin' }],
])('accepts %j', async (headers) => {
  expect((await request(headers)).status).toBe(200);
});

it.each([
  ['another host name that resolves to this machine', { host: 'evil.example:3000' }, 'Host'],
  ['a host name that starts with localhost', { host: 'localhost.evil.example' }, 'Host'],
  ['another origin', { host: 'localhost:3000', origin: 'https://evil.example' }, 'Origin'],
  ['another port of this machine', { host: 'localhost:3000', origin: 'http://localhost:8080' }, 'Origin'],
  ['an opaque origin', { host: 'localhost:3000', origin: 'null' }, 'Origin'],
  [
    'a page of another port of this machine',
    { host: 'localhost:3000', 'sec-fetch-site': 'same-site' },
    'Sec-Fetch-Site',
  ],
  ['a cross-site subresource', { host: 'localhost:3000', 'sec-fetch-site': 'cross-site' }, 'Sec-Fetch-Site'],
])('rejects %s with 403', async (_, headers, field) => {
  for (const method of ['GET', 'POST']) {
    const response = await request(headers, '/api/dead-letters/1/redrive', method);
    expect(response.status).toBe(403);
    expect(await response.json()).toEqual({ error: { field, expected: expect.any(String) } });
  }
});

it('serves the page to a link from another site, with a policy that allows only its own files', async () => {
  const response = await request({ host: 'localhost:3000', 'sec-fetch-site': 'cross-site' }, '/');
  expect(response.status).toBe(200);
  const policy = response.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'");
  expect(policy).toContain("img-src 'self' data: https://files.example");
  expect(policy).not.toContain('unsafe');
});
