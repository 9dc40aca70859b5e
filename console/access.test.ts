import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { type AuditEntry, auditRequests, createToken, requireToken } from './access.ts';

const token = createToken();
const origin = 'http://localhost:3001';

const createApp = () => {
  const entries: AuditEntry[] = [];
  const served: string[] = [];
  let problem: Error | undefined;
  const audit = async (entry: AuditEntry) => {
    if (problem) throw problem;
    entries.push(entry);
  };
  const app = new Hono().use(requireToken(token), auditRequests(audit)).all('*', async (context) => {
    served.push(`${context.req.method} ${context.req.path} ${await context.req.text()}`.trim());
    return context.text('served');
  });
  const request = (path: string, init: RequestInit = {}) => app.request(`${origin}${path}`, init);
  /** Sends requests like a browser that has opened the link. */
  const open = async () => {
    const { headers } = await request(`/?token=${token}`);
    const cookie = headers.get('set-cookie')?.split(';')[0] ?? '';
    return (path: string, init: RequestInit = {}) => request(path, { ...init, headers: { cookie } });
  };
  return {
    request,
    open,
    entries,
    served,
    failAudit: (error: Error | undefined) => {
      problem = error;
    },
  };
};

describe('the token of a stage', () => {
  it('is exchanged for a cookie that no script reads and no other site sends', async () => {
    const { request } = createApp();
    const response = await request(`/?token=${token}`);
    expect(response.status).toBe(303);
    expect(response.headers.get('location')).toBe('/');
    expect(response.headers.get('cache-control')).toBe('no-store');
    const cookie = response.headers.get('set-cookie');
    expect(cookie).toMatch(/^livechat-console-3001=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(token);
  });

  it('accepts the cookie of a browser, and the bearer token of a script', async () => {
    const { request, open } = createApp();
    const browser = await open();
    expect((await browser('/api/conversations')).status).toBe(200);
    expect((await browser('/assets/index.js')).status).toBe(200);
    const script = await request('/api/conversations', { headers: { authorization: `Bearer ${token}` } });
    expect(script.status).toBe(200);
  });

  it.each([
    ['no token', '/api/conversations', {}],
    ['another token', '/api/conversations', { authorization: `Bearer ${createToken()}` }],
    ['an empty token', '/api/conversations', { authorization: 'Bearer ' }],
    ['an invented cookie', '/api/conversations', { cookie: `livechat-console-3001=${createToken()}` }],
    ['the token as the cookie', '/api/conversations', { cookie: `livechat-console-3001=${token}` }],
    ['the token in the URL of the API', `/api/conversations?token=${token}`, {}],
  ])('responds with 401 to %s, and explains how to get the link', async (_, path, headers) => {
    const { request, served, entries } = createApp();
    for (const method of ['GET', 'POST']) {
      const response = await request(path, { method, headers });
      expect(response.status).toBe(401);
      expect(await response.json()).toEqual({
        error: { message: expect.stringContaining('livechat console --stage') },
      });
    }
    expect([served, entries]).toEqual([[], []]);
  });

  it.each(['/', `/?token=${createToken()}`, '/?token=', '/assets/index.js'])(
    'responds to %s without access with a page that explains how to get the link',
    async (path) => {
      const response = await createApp().request(path);
      expect(response.status).toBe(401);
      expect(response.headers.get('content-type')).toContain('text/html');
      expect(response.headers.get('set-cookie')).toBeNull();
      expect(await response.text()).toContain('<code>npx livechat console --stage</code>');
    },
  );
});

describe('the audit of a stage', () => {
  it('records the ids and options of an action before it runs, but no text of the operator', async () => {
    const { open, entries, served } = createApp();
    const browser = await open();
    const post = (path: string, body?: unknown) =>
      browser(path, { method: 'POST', ...(body !== undefined && { body: JSON.stringify(body) }) });
    await post('/api/rate-limits/7d1b/', { do: 'set', callsPerSecond: 4 });
    await post('/api/dead-letters/01J/redrive');
    await post('/api/routing/rules', { ruleSet: { rules: [] }, comment: 'secret', organizationId: '7d1b' });
    await post('/api/dead-letters/redrive', 'not an object');
    expect(entries).toEqual([
      { request: 'POST /api/rate-limits/7d1b/', do: 'set', callsPerSecond: 4 },
      { request: 'POST /api/dead-letters/01J/redrive' },
      { request: 'POST /api/routing/rules', organizationId: '7d1b' },
      { request: 'POST /api/dead-letters/redrive' },
    ]);
    expect(served[0]).toBe('POST /api/rate-limits/7d1b/ {"do":"set","callsPerSecond":4}');
  });

  it.each(['conversations', 'messages', 'dead-letters', 'events', 'executions'])(
    'records when an item of %s is opened, but neither its reloads nor lists',
    async (list) => {
      const { open, entries, served } = createApp();
      const browser = await open();
      await browser(`/api/${list}?limit=10`);
      await browser(`/api/${list}/T1?organizationId=7d1b`);
      await browser(`/api/${list}/T1?organizationId=7d1b&since=now`);
      await browser(`/api/${list}/T2`);
      expect(entries).toEqual([
        { request: `GET /api/${list}/T1`, organizationId: '7d1b' },
        { request: `GET /api/${list}/T2`, organizationId: undefined },
      ]);
      expect(served).toHaveLength(4);
    },
  );

  it('rejects a request that it cannot record', async () => {
    const { open, served, failAudit } = createApp();
    const browser = await open();
    failAudit(new TypeError('no access'));
    for (const [method, path] of [
      ['POST', '/api/rate-limits/7d1b'],
      ['PUT', '/api/anything'],
      ['DELETE', '/api/anything'],
      ['GET', '/api/conversations/T1'],
    ] as const) {
      const response = await browser(path, { method });
      expect(response.status).toBe(503);
      const message = 'Refused: the audit log cannot be written (TypeError).';
      expect(await response.json()).toEqual({ error: { message } });
    }
    expect(served).toEqual([]);
    failAudit(undefined);
    expect((await browser('/api/conversations/T1')).status).toBe(200);
  });
});
