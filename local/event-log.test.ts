import { expect, it } from 'vitest';
import { createEventLog } from './event-log.ts';
import { openState } from './state.ts';

const at = '2026-03-11T09:00:00.000Z';
const envelope = (id: string, detail: Readonly<Record<string, unknown>>) => ({
  id,
  source: 'shop',
  'detail-type': 'message.received',
  detail,
});
const event = (id: string) => envelope(`bus-${id}`, { metadata: { id, correlationId: 'chain' }, data: { text: id } });

it('deletes the oldest entries beyond its maximum, with their payloads, and reports the limit', async () => {
  const log = createEventLog(openState(), 2);
  for (const id of ['a', 'b', 'c']) log.recordEvent(event(id), at);
  const { entries, limits } = await log.list({ limit: 10 });
  expect(entries.map(({ eventId }) => eventId)).toEqual(['c', 'b']);
  expect(limits).toEqual(['The engine keeps the latest 2 webhooks and events.']);
  expect(await log.find('a')).toBeUndefined();
  expect(await log.find('c')).toMatchObject({ payload: { data: { text: 'c' } }, related: [{ eventId: 'b' }] });
});

it('describes an event by the last invocation of each function', async () => {
  const log = createEventLog(openState());
  log.recordEvent(event('a'), at);
  const run = { type: 'invocation', at, ms: 1, eventId: 'bus-a' } as const;
  const status = async () => (await log.find('a'))?.entry.status;
  expect(await status()).toBe('published');
  log.recordInvocation({ ...run, function: 'store-media', ok: true });
  log.recordInvocation({ ...run, function: 'message-received', ok: false, error: 'Timeout' });
  expect(await status()).toBe('failed');
  log.recordInvocation({ ...run, function: 'message-received', ok: true });
  expect(await status()).toBe('handled');
  log.recordInvocation({ ...run, function: 'send', ok: false, error: 'Deferred' });
  expect(await status()).toBe('handled');
});

it('does not store a payload over 64 KB, and rejects a replay of such an event', async () => {
  const log = createEventLog(openState());
  log.recordEvent(envelope('bus', { metadata: { id: 'large' }, data: { text: 'x'.repeat(64_000) } }), at);
  expect(await log.find('large')).toMatchObject({
    entry: { status: 'published' },
    payload: undefined,
    replay: { obstacle: 'the payload is not stored' },
  });
});

it('stores no secret of a body that is not JSON or is nested too deeply', async () => {
  const log = createEventLog(openState());
  const activity = {
    type: 'webhook',
    at,
    method: 'POST',
    path: '/livechat/webhook',
    function: 'webhook',
    status: 400,
    ms: 1,
    reason: 'Invalid JSON',
  } as const;
  for (const body of [
    '{"secret_key": "s3cret',
    `{"text":"s3cret","a":${'['.repeat(200)}${']'.repeat(200)}}`,
    's3cret',
  ]) {
    log.recordWebhook(activity, Buffer.from(body), ['s3cret']);
    const [latest] = (await log.list({ limit: 1 })).entries;
    expect(JSON.stringify(await log.find(latest?.id ?? ''))).not.toContain('s3cret');
  }
});
