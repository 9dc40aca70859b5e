import { createHmac } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import type { AnyEvent } from '../core/events/event.ts';
import { PublishError } from '../core/events/publish.ts';
import { Credentials } from '../core/livechat/credentials.ts';
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
/** Of the application that began the thread of `incoming_chat.reopened.json`. */
const ownClientId = '9a0d3c7741be4f6e8d52c0f1a7be2e60';
const createdAt = Date.parse('2026-03-11T09:00:00Z');

/** A webhook whose secret, bus and clock are the test's. */
function bridge(publish: WebhookOptions['publish'] = async () => undefined) {
  const published: AnyEvent[] = [];
  const counted: string[] = [];
  const versions = new Map([[`${name} AWSCURRENT`, secret]]);
  const state = { now: createdAt };
  const handler = webhookHandler({
    credentials: new Credentials({
      read: async (of, stage) => {
        const text = versions.get(`${of} ${stage}`);
        const fields = { LIVECHAT_WEBHOOK_SECRET: text, LIVECHAT_CLIENT_ID: ownClientId };
        return text === undefined ? undefined : { text: JSON.stringify(fields), createdAt };
      },
      prefix: 'livechat',
      environment: { LIVECHAT_WEBHOOK_SECRET: 'of-environment' },
      now: () => state.now,
    }),
    publish: async (events) => {
      published.push(...events);
      await publish(events);
    },
    count: (metric, keys) => counted.push(`${metric} ${Object.values(keys).join(' ')}`),
    measure: (metric, _keys, value) => counted.push(`${metric} ${value}`),
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
    maxBytes: 1_048_576,
    now: () => state.now,
  });
  const call = async (body: unknown, signature?: string) => {
    const headers: Record<string, string> = signature === undefined ? {} : { 'X-Signature': signature };
    const { statusCode = 0 } = await handler(webhookEvent(rawOf(body), headers), lambdaContext());
    return answers.get(statusCode);
  };
  return { call, published, counted, versions, state };
}

const answers = new Map([
  [200, 'accepted'],
  [400, 'invalid JSON'],
  [401, 'invalid signature'],
  [500, 'internal error'],
]);

/** The bytes of a body; of one that is no JSON, something. */
const rawOf = (body: unknown) => new TextEncoder().encode(JSON.stringify(body) ?? '{"action":');
const sign = (body: unknown, by = secret) => createHmac('sha256', by).update(rawOf(body)).digest('hex');

function nested(levels: number): unknown {
  return levels === 0 ? 'innermost' : [nested(levels - 1)];
}

describe('the answer', () => {
  const { secret_key: _secret, ...withoutSecret } = message;
  const wrong = { ...message, secret_key: 'wrong' };
  const app = fixture('_app_webhook.application_installed.json');

  it.each([
    ['the right secret in the body', message, undefined, 'accepted'],
    ['a right signature and no secret in the body', withoutSecret, sign(withoutSecret), 'accepted'],
    ['a right signature and a wrong secret in the body', wrong, sign(wrong), 'accepted'],
    ['a wrong signature and the right secret in the body', message, 'wrong', 'invalid signature'],
    ['an empty signature and the right secret in the body', message, '', 'invalid signature'],
    ['a signature of another body', message, sign(wrong), 'invalid signature'],
    ['neither', withoutSecret, undefined, 'invalid signature'],
    ['a wrong secret in the body', wrong, undefined, 'invalid signature'],
    ['no JSON', undefined, undefined, 'invalid JSON'],
    ['no JSON and a wrong signature: the signature comes first', undefined, 'wrong', 'invalid signature'],
    ['no JSON and a right signature', undefined, sign(undefined, 'of-environment'), 'invalid JSON'],
    ['JSON that is null', null, undefined, 'invalid signature'],
    ['JSON that is a list', [message], undefined, 'invalid signature'],
    ['a ping', { action: 'ping' }, undefined, 'accepted'],
    ['a ping with a wrong signature', { action: 'ping' }, 'wrong', 'invalid signature'],
    ['a ping with more in it and no secret', { action: 'ping', payload: {} }, undefined, 'invalid signature'],
    ['a ping with a wrong secret', { action: 'ping', secret_key: 'wrong' }, undefined, 'invalid signature'],
    ['a ping with more in it and the secret', { ...message, action: 'ping' }, undefined, 'accepted'],
    ['an application’s life cycle', app, undefined, 'accepted'],
    [
      'an application’s life cycle that names an action',
      { ...app, action: 'incoming_event' },
      undefined,
      'invalid signature',
    ],
    ['half of an application’s life cycle', { applicationID: 'a' }, undefined, 'invalid signature'],
    [
      'an organization without a secret of its own, by the other’s',
      { ...message, organization_id: 'unknown' },
      undefined,
      'invalid signature',
    ],
    ['an action that nobody knows', fixture('_edge.unknown_action.json'), undefined, 'accepted'],
    ['a payload that fits no schema', { ...message, payload: {} }, undefined, 'accepted'],
    ['nesting past all sense', { ...message, payload: nested(200) }, undefined, 'invalid JSON'],
    ['nesting past all sense and a wrong secret', { ...wrong, payload: nested(200) }, undefined, 'invalid signature'],
  ])('to %s', async (_what, body, signature, answer) => {
    expect(await bridge().call(body, signature)).toBe(answer);
  });
});

describe('what a call does', () => {
  const app = fixture('_app_webhook.application_installed.json');

  it.each([
    ['a message', message, ['message.received'], ['WebhooksReceived incoming_event', 'WebhookLag 0']],
    ['a ping', { action: 'ping' }, [], []],
    ['a ping with the secret', { ...message, action: 'ping' }, [], ['WebhooksReceived other', 'WebhooksIgnored other']],
    ['an application’s life cycle', app, [], ['WebhooksIgnored application']],
    [
      'an action known to become no event',
      fixture('routing_status_set.json'),
      [],
      ['WebhooksReceived routing_status_set', 'WebhooksIgnored routing_status_set'],
    ],
    [
      'an action that nobody knows',
      fixture('_edge.unknown_action.json'),
      [],
      ['WebhooksReceived other', 'WebhooksIgnored other'],
    ],
    ['a wrong secret', { ...message, secret_key: 'wrong' }, [], ['WebhookErrorResponses 401']],
    [
      'a payload that fits no schema',
      { ...message, payload: {} },
      ['webhook.rejected'],
      ['WebhooksReceived incoming_event', 'WebhooksRejected payload incoming_event'],
    ],
    ['excessive nesting', { ...message, payload: nested(200) }, [], ['WebhookErrorResponses 400']],
  ])('of %s is to publish and to count', async (_what, body, types, counts) => {
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
  ])('with a %s that is missing or malformed is kept as rejected', async (field, body) => {
    const { call, published, counted } = bridge();
    expect(await call(body)).toBe('accepted');
    expect(published).toMatchObject([{ type: 'webhook.rejected', data: { issues: [{ path: field }] } }]);
    expect(counted).toEqual(['WebhooksReceived other', 'WebhooksRejected envelope unknown']);
  });

  it('measures how late a message has come, in milliseconds', async () => {
    const { call, counted, state } = bridge();
    // The message is of 09:14:14.120.
    state.now = Date.parse('2026-03-11T09:14:15.620Z');
    await call(message);
    expect(counted).toContain('WebhookLag 1500');
  });

  it('knows an organization in whatever case its id is written', async () => {
    const { call, published } = bridge();
    await call(message);
    await call({ ...message, organization_id: organizationId.toUpperCase() });
    expect(published[1]).toEqual(published[0]);
  });

  it('never puts the secret on the bus, wherever the body holds it', async () => {
    const { call, published } = bridge();
    await call({ ...message, payload: { [secret]: [secret], event: `a ${secret}` } });
    expect(published).toHaveLength(1);
    expect(JSON.stringify(published)).not.toContain(secret);
  });

  it('fails when the bus did not take every event, so that LiveChat tries again', async () => {
    const { call } = bridge(() => Promise.reject(new PublishError(1, 1)));
    expect(await call(message)).toBe('internal error');
  });

  it('tells which chats are its own by the client that the secret names', async () => {
    const { call, published } = bridge();
    await call(fixture('incoming_chat.reopened.json'));
    expect(published).toMatchObject([{ type: 'chat.started', data: { causedByUs: true } }]);
  });
});

describe('after a rotation', () => {
  const rotated = { ...message, secret_key: 'rotated-secret' };

  /** A bridge that has just read the secret which is then replaced. */
  async function rotating() {
    const one = bridge();
    await one.call(message);
    one.versions.set(`${name} AWSPREVIOUS`, secret).set(`${name} AWSCURRENT`, 'rotated-secret');
    return one;
  }

  it.each([
    ['body', rotated, undefined],
    ['signature', message, sign(message, 'rotated-secret')],
  ])('the new secret in the %s is accepted at once', async (_where, body, signature) => {
    const { call } = await rotating();
    expect(await call(body, signature)).toBe('accepted');
  });

  it.each([
    ['', 23 * 3_600_000, 'accepted'],
    [' not', 24 * 3_600_000, 'invalid signature'],
  ])('the old one is%s accepted after %i ms', async (_not, ms, answer) => {
    const { call, state } = await rotating();
    state.now += ms;
    expect(await call(message)).toBe(answer);
  });

  it('both are kept off the bus', async () => {
    const { call, published } = await rotating();
    await call({ ...rotated, payload: { old: secret, new: 'rotated-secret' } });
    expect(JSON.stringify(published.slice(1))).not.toMatch(new RegExp(`${secret}|rotated-secret`));
  });
});
