import { createHash, createHmac } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import type { AnyEvent } from '../core/events/event.ts';
import { PublishError } from '../core/events/publish.ts';
import { Credentials } from '../core/livechat/credentials.ts';
import type { InvocationRecord } from '../core/platform/invocations.ts';
import { organizationId } from '../test/arbitraries.ts';
import { fixture } from '../test/fixtures.ts';
import { lambdaContext, webhookEvent } from '../test/webhook-event.ts';
import { type WebhookOptions, webhookHandler } from './webhook.ts';

vi.hoisted(() => {
  // The module reads its settings when it is imported.
  vi.stubEnv('SECRET_PREFIX', 'livechat');
  vi.stubEnv('BUS_NAME', 'bus');
});

const secret = 'whsec-demo-3f9c1a7be2';
const message = fixture('incoming_event.message.customer.json');
const name = `livechat/${organizationId}`;
/** The client id in `incoming_chat.reopened.json`. */
const ownClientId = '9a0d3c7741be4f6e8d52c0f1a7be2e60';
const createdAt = Date.parse('2026-03-11T09:00:00Z');

/** The handler with a fake secret, bus and clock. */
function bridge(publish: WebhookOptions['publish'] = async () => undefined, edgeKeyDigest?: string) {
  const published: AnyEvent[] = [];
  const counted: string[] = [];
  const recorded: InvocationRecord[] = [];
  const logged: string[] = [];
  const log = (...line: unknown[]) => void logged.push(inspect(line, { depth: null }));
  const versions = new Map([[`${name} AWSCURRENT`, secret]]);
  const state = { now: createdAt };
  const handler = webhookHandler({
    credentials: new Credentials(
      { SECRET_PREFIX: 'livechat', LIVECHAT_WEBHOOK_SECRET: 'of-environment' },
      {
        read: async (of, stage) => {
          const text = versions.get(`${of} ${stage}`);
          const fields = { LIVECHAT_WEBHOOK_SECRET: text, LIVECHAT_CLIENT_ID: ownClientId };
          return text === undefined ? undefined : { text: JSON.stringify(fields), createdAt };
        },
        now: () => state.now,
      },
    ),
    publish: async (events) => {
      published.push(...events);
      await publish(events);
    },
    record: (line) => recorded.push(line),
    count: (metric, keys) => counted.push(`${metric} ${Object.values(keys).join(' ')}`),
    measure: (metric, _keys, value) => counted.push(`${metric} ${value}`),
    log: { debug: log, info: log, warn: log, error: log },
    maxBytes: 1_048_576,
    edgeKeyDigest,
    now: () => state.now,
  });
  const call = async (body: unknown, signature?: string, key?: string) => {
    const headers = {
      ...(signature !== undefined && { 'x-signature': signature }),
      ...(key !== undefined && { 'x-origin-key': key }),
    };
    const { statusCode = 0 } = await handler(webhookEvent(rawBody(body), headers), lambdaContext());
    return outcomes.get(statusCode);
  };
  return { call, published, counted, recorded, logged, versions, state };
}

const outcomes = new Map([
  [200, 'accepted'],
  [400, 'invalid JSON'],
  [401, 'invalid signature'],
  [403, 'forbidden'],
  [500, 'internal error'],
]);

/** The bytes of a body; undefined stands for invalid JSON. */
const rawBody = (body: unknown) => new TextEncoder().encode(JSON.stringify(body) ?? '{"action":');
const sign = (body: unknown, by = secret) => createHmac('sha256', by).update(rawBody(body)).digest('hex');

function nested(levels: number): unknown {
  return levels === 0 ? 'innermost' : [nested(levels - 1)];
}

describe('response', () => {
  const { secret_key: _secret, ...withoutSecret } = message;
  const wrong = { ...message, secret_key: 'wrong' };
  const app = fixture('_app_webhook.application_installed.json');

  it.each([
    ['the correct secret in the body', message, undefined, 'accepted'],
    ['a valid signature without a secret in the body', withoutSecret, sign(withoutSecret), 'accepted'],
    ['a valid signature with a wrong secret in the body', wrong, sign(wrong), 'accepted'],
    ['a wrong signature with the correct secret in the body', message, 'wrong', 'invalid signature'],
    ['an empty signature with the correct secret in the body', message, '', 'invalid signature'],
    ['a signature of another body', message, sign(wrong), 'invalid signature'],
    ['neither signature nor secret', withoutSecret, undefined, 'invalid signature'],
    ['a wrong secret in the body', wrong, undefined, 'invalid signature'],
    ['invalid JSON without a signature', undefined, undefined, 'invalid JSON'],
    ['invalid JSON with a wrong signature (checked first)', undefined, 'wrong', 'invalid signature'],
    ['invalid JSON with a valid signature', undefined, sign(undefined, 'of-environment'), 'invalid JSON'],
    ['a null body', null, undefined, 'invalid signature'],
    ['a list body', [message], undefined, 'invalid signature'],
    ['a ping', { action: 'ping' }, undefined, 'accepted'],
    ['a ping with a wrong signature', { action: 'ping' }, 'wrong', 'invalid signature'],
    ['a ping with further fields and no secret', { action: 'ping', payload: {} }, undefined, 'invalid signature'],
    ['a ping with a wrong secret', { action: 'ping', secret_key: 'wrong' }, undefined, 'invalid signature'],
    ['a ping with further fields and the secret', { ...message, action: 'ping' }, undefined, 'accepted'],
    ['an application event', app, undefined, 'accepted'],
    ['an application event with an action', { ...app, action: 'incoming_event' }, undefined, 'invalid signature'],
    ['an incomplete application event', { applicationID: 'a' }, undefined, 'invalid signature'],
    [
      'an organization without its own secret, with the secret of another',
      { ...message, organization_id: 'unknown' },
      undefined,
      'invalid signature',
    ],
    ['an unknown action', fixture('_edge.unknown_action.json'), undefined, 'accepted'],
    ['an invalid payload', { ...message, payload: {} }, undefined, 'accepted'],
    ['excessive nesting', { ...message, payload: nested(200) }, undefined, 'accepted'],
    ['excessive nesting with a wrong secret', { ...wrong, payload: nested(200) }, undefined, 'invalid signature'],
  ])('is as expected for %s', async (_what, body, signature, answer) => {
    expect(await bridge().call(body, signature)).toBe(answer);
  });
});

describe('the record of a webhook', () => {
  const ids = { organizationId, conversationId: 'T8RM2K0V9X' };

  it('has its ids, the status and the duration, and no contents', async () => {
    const { call, published, recorded } = bridge();
    await call(message);
    const { correlationId } = published[0]?.metadata ?? {};
    const ms = expect.any(Number);
    expect(recorded).toEqual([
      { webhook: 'incoming_event', ...ids, correlationId, status: 200, reason: undefined, ms },
    ]);
  });

  it('has the reason of a refusal', async () => {
    const { call, recorded } = bridge();
    await call({ ...message, secret_key: 'wrong' });
    await call(undefined);
    expect(recorded).toMatchObject([
      { webhook: 'incoming_event', ...ids, status: 401, reason: 'Invalid signature' },
      { webhook: 'unknown', organizationId: undefined, status: 400, reason: 'Invalid JSON' },
    ]);
  });

  it('has no text of an unverified body', async () => {
    const { call, recorded } = bridge();
    const text = 'a text of the sender';
    await call({ action: text, organization_id: text, payload: { chat_id: text, chat: { id: text } } });
    await call({ action: text, organization_id: organizationId, payload: { chat_id: text } });
    expect(JSON.stringify(recorded)).not.toContain(text);
    expect(recorded).toMatchObject([{ webhook: 'unknown' }, { webhook: 'other', organizationId }]);
  });
});

describe('with an edge', () => {
  const key = 'k'.repeat(64);
  const digest = createHash('sha256').update(key).digest('hex');

  it.each([
    ['no key', message, undefined],
    ['an empty key', message, ''],
    ['another key', message, 'l'.repeat(64)],
    ['the digest instead of the key', message, digest],
    ['no key and a ping', { action: 'ping' }, undefined],
    ['no key and a wrong secret', { ...message, secret_key: 'wrong' }, undefined],
    ['no key and invalid JSON', undefined, undefined],
    ['no key and a body above the limit', 'a'.repeat(1_048_577), undefined],
  ])('rejects a call with %s before anything else', async (_what, body, given) => {
    const { call, counted, published } = bridge(undefined, digest);
    expect(await call(body, undefined, given)).toBe('forbidden');
    expect({ counted, published }).toEqual({ counted: ['WebhookErrorResponses 403'], published: [] });
  });

  it('verifies a call with the key as without an edge', async () => {
    const { call } = bridge(undefined, digest);
    expect(await call(message, undefined, key)).toBe('accepted');
    expect(await call({ ...message, secret_key: 'wrong' }, undefined, key)).toBe('invalid signature');
    expect(await call(undefined, undefined, key)).toBe('invalid JSON');
  });

  it('does not log the key', async () => {
    const { call, logged } = bridge(() => Promise.reject(new PublishError(1, 1)), digest);
    expect(await call(message, undefined, key)).toBe('internal error');
    expect(await call(message, undefined, `${key}x`)).toBe('forbidden');
    expect(logged.join()).toContain('PublishError');
    expect(logged.join()).not.toContain(key);
  });
});

describe('published events and metrics', () => {
  const app = fixture('_app_webhook.application_installed.json');

  it.each([
    ['a message', message, ['message.received'], ['WebhooksReceived incoming_event', 'WebhookLag 0']],
    ['a ping', { action: 'ping' }, [], []],
    ['a ping with the secret', { ...message, action: 'ping' }, [], ['WebhooksReceived other', 'WebhooksIgnored other']],
    ['an application event', app, [], ['WebhooksIgnored application']],
    [
      'a documented action without a domain event',
      fixture('routing_status_set.json'),
      [],
      ['WebhooksReceived routing_status_set', 'WebhooksIgnored routing_status_set'],
    ],
    [
      'an unknown action',
      fixture('_edge.unknown_action.json'),
      [],
      ['WebhooksReceived other', 'WebhooksIgnored other'],
    ],
    ['a wrong secret', { ...message, secret_key: 'wrong' }, [], ['WebhookErrorResponses 401']],
    [
      'an invalid payload',
      { ...message, payload: {} },
      ['webhook.rejected'],
      ['WebhooksReceived incoming_event', 'WebhooksRejected payload incoming_event'],
    ],
  ])('are as expected for %s', async (_what, body, types, counts) => {
    const { call, published, counted } = bridge();
    await call(body);
    expect(published.map(({ type }) => type)).toEqual(types);
    expect(counted).toEqual(counts);
  });

  it.each([
    ['organization_id', { secret_key: 'of-environment', action: 'incoming_event' }],
    ['organization_id', { secret_key: 'of-environment', action: 'incoming_event', organization_id: '../x' }],
    ['action', { ...message, action: '' }],
    ['action', { ...message, action: 7 }],
  ])('publishes webhook.rejected for a missing or invalid %s', async (field, body) => {
    const { call, published, counted } = bridge();
    expect(await call(body)).toBe('accepted');
    expect(published).toMatchObject([{ type: 'webhook.rejected', data: { issues: [{ path: field }] } }]);
    expect(counted).toEqual(['WebhooksReceived unknown', 'WebhooksRejected envelope unknown']);
  });

  it('records the webhook lag in milliseconds', async () => {
    const { call, counted, state } = bridge();
    // The message was created at 09:14:14.120.
    state.now = Date.parse('2026-03-11T09:14:15.620Z');
    await call(message);
    expect(counted).toContain('WebhookLag 1500');
  });

  it('records the webhook lag once for a note of the bridge, which is received and delivered', async () => {
    const { call, published, counted } = bridge();
    const place = { chat_id: 'C', thread_id: 'T' };
    const event = { id: 'T_1', type: 'message', text: 'Be quick', visibility: 'agents', custom_id: 'out-1' };
    const own = { ...event, author_id: 'nina.kowal@acme.example', created_at: '2026-03-11T09:14:14.120349Z' };
    await call({ ...message, payload: { ...place, event: own } });
    expect(published.map(({ type }) => type)).toEqual(['note.received', 'message.delivered']);
    expect(counted).toEqual(['WebhooksReceived incoming_event', 'WebhookLag 0']);
  });

  it('treats organization ids as case-insensitive', async () => {
    const { call, published } = bridge();
    await call(message);
    await call({ ...message, organization_id: organizationId.toUpperCase() });
    expect(published[1]).toEqual(published[0]);
  });

  it('never publishes the secret, wherever it is in the body', async () => {
    const { call, published } = bridge();
    await call({ ...message, payload: { [secret]: [secret], event: `a ${secret}` } });
    expect(published).toHaveLength(1);
    expect(JSON.stringify(published)).not.toContain(secret);
  });

  it('responds with 500 if the bus does not accept every event, so that LiveChat retries', async () => {
    const { call } = bridge(() => Promise.reject(new PublishError(1, 1)));
    expect(await call(message)).toBe('internal error');
  });

  it('sets causedByUs for a chat started by the client id of the secret', async () => {
    const { call, published } = bridge();
    await call(fixture('incoming_chat.reopened.json'));
    expect(published).toMatchObject([{ type: 'chat.started', data: { causedByUs: true } }]);
  });
});

describe('secret rotation', () => {
  const rotated = { ...message, secret_key: 'rotated-secret' };

  /** A handler that has cached a secret which is then rotated. */
  async function rotatedBridge() {
    const one = bridge();
    await one.call(message);
    one.versions.set(`${name} AWSPREVIOUS`, secret).set(`${name} AWSCURRENT`, 'rotated-secret');
    return one;
  }

  it.each([
    ['body', rotated, undefined],
    ['signature', message, sign(message, 'rotated-secret')],
  ])('accepts the new secret in the %s immediately', async (_where, body, signature) => {
    const { call } = await rotatedBridge();
    expect(await call(body, signature)).toBe('accepted');
  });

  it.each([
    ['accepts', 23 * 3_600_000, 'accepted'],
    ['rejects', 24 * 3_600_000, 'invalid signature'],
  ])('%s the previous secret after %i ms', async (_not, ms, answer) => {
    const { call, state } = await rotatedBridge();
    state.now += ms;
    expect(await call(message)).toBe(answer);
  });

  it('publishes neither secret', async () => {
    const { call, published } = await rotatedBridge();
    await call({ ...rotated, payload: { old: secret, new: 'rotated-secret' } });
    expect(JSON.stringify(published.slice(1))).not.toMatch(new RegExp(`${secret}|rotated-secret`));
  });
});
