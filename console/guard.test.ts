import { Hono } from 'hono';
import { expect, it } from 'vitest';
import { guard, securityHeaders } from './guard.ts';

const app = new Hono()
  .use(guard, securityHeaders(['https://files.example']))
  .all('*', (context) => context.text('inside'));

const answerTo = (headers: Record<string, string>, path = '/api/conversations', method = 'GET') =>
  app.request(`http://localhost:3000${path}`, { method, headers });

it.each([
  [{ host: 'localhost:3000' }],
  [{ host: '127.0.0.1:3000' }],
  [{ host: '[::1]:3000' }],
  [{ host: 'localhost:3000', origin: 'http://localhost:3000', 'sec-fetch-site': 'same-origin' }],
])('%j comes in', async (headers) => {
  expect((await answerTo(headers)).status).toBe(200);
});

it.each([
  ['a name that was made to resolve to this machine', { host: 'evil.example:3000' }, 'Host'],
  ['a name that only begins like ours', { host: 'localhost.evil.example' }, 'Host'],
  ['another site', { host: 'localhost:3000', origin: 'https://evil.example' }, 'Origin'],
  ['another program on this machine', { host: 'localhost:3000', origin: 'http://localhost:8080' }, 'Origin'],
  ['a page without an origin', { host: 'localhost:3000', origin: 'null' }, 'Origin'],
  ['a picture in another site', { host: 'localhost:3000', 'sec-fetch-site': 'cross-site' }, 'Sec-Fetch-Site'],
])('%s is refused', async (_, headers, field) => {
  for (const method of ['GET', 'POST']) {
    const answer = await answerTo(headers, '/api/dead-letters/1/redrive', method);
    expect(answer.status).toBe(403);
    expect(await answer.json()).toEqual({ error: { field, expected: expect.any(String) } });
  }
});

it('a link from another site leads to the page, which runs nothing but its own', async () => {
  const answer = await answerTo({ host: 'localhost:3000', 'sec-fetch-site': 'cross-site' }, '/');
  expect(answer.status).toBe(200);
  const policy = answer.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'");
  expect(policy).toContain("img-src 'self' data: https://files.example");
  expect(policy).not.toContain('unsafe');
});
