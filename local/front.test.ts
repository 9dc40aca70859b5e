import { request } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { WebhookActivity } from './activity.ts';
import { createFront } from './front.ts';
import { close, listen } from './listen.ts';

let answer: (event: unknown) => Promise<unknown>;
let events: unknown[];
let activities: WebhookActivity[];
let reports: string[];
let url: string;

const server = createFront({
  route: { method: 'POST', path: '/livechat/webhook', function: 'webhook' },
  invoke: async (name, event) => {
    events.push({ name, event });
    return answer(event);
  },
  fallback: (asked) => new Response(`console: ${asked.method} ${new URL(asked.url).pathname}`),
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

test('a webhook is answered as its function says', async () => {
  const body = '{"action":"incoming_event","payload":{"text":"\\"action\\":\\"secret\\""}}';

  const response = await post(body);

  expect([response.status, await response.text()]).toEqual([200, '{"success":true}']);
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(events).toEqual([{ name: 'webhook', event: expect.objectContaining({ body }) }]);
  const at = '2030-01-01T00:00:00.000Z';
  expect(activities).toEqual([
    { type: 'webhook', at, method: 'POST', status: 200, ms: expect.any(Number), action: 'incoming_event' },
  ]);
});

test.each<[string, () => Promise<unknown>]>([
  ['fails', () => Promise.reject(new Error('no table'))],
  ['answers nonsense', async () => ({ statusCode: 'fine' })],
])('a function that %s is a 500 for LiveChat, and reported', async (_what, failing) => {
  answer = failing;

  const response = await post('{}');

  expect([response.status, await response.json()]).toEqual([500, { message: 'Internal Server Error' }]);
  expect(reports).toEqual([expect.stringContaining('The webhook was answered 500')]);
});

const tooMuch = 10 * 1_024 * 1_024 + 1;

test('a body above 10 MB is refused before any function sees it', async () => {
  const response = await post('x'.repeat(tooMuch));

  expect([response.status, await response.json()]).toEqual([413, { message: 'Request Entity Too Large' }]);
  expect(events).toEqual([]);
});

test('a body above 10 MB that does not say its length is refused too', async () => {
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
])('%s %s goes to the console', async (method, path) => {
  const response = await fetch(url + path, { method });

  expect(await response.text()).toBe(`console: ${method} ${path}`);
  expect(activities).toEqual([]);
});
