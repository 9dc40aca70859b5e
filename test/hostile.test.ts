import { createHmac, randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { fixture } from './fixtures.ts';
import { pollOptions, post, secret, startLocal } from './local.ts';
import { type SharedLocal, sharedLocal } from './shared-local.ts';

const accepted = { status: 200, body: '{"success":true}' };
const refused = { status: 401, body: '{"error":"Invalid signature"}' };
const notJson = { status: 400, body: '{"error":"Invalid JSON"}' };
/** A message content that must not appear in logs. */
const marker = `confidential-${randomUUID()}`;
const organizationId = randomUUID();

describe('the webhook with hostile input', () => {
  let local: SharedLocal;
  beforeAll(async () => {
    local = await sharedLocal();
  });

  const message = (text = marker) => {
    const body = fixture('incoming_event.message.customer.json');
    const id = randomUUID();
    const event = { id, type: 'message', created_at: '2026-03-11T09:14:14.120349Z', author_id: randomUUID(), text };
    return {
      ...body,
      organization_id: organizationId,
      payload: { chat_id: `chat-${id}`, thread_id: `thread-${id}`, event },
    };
  };
  const sign = (body: string | Uint8Array, key = secret) => ({
    'X-Signature': createHmac('sha256', key).update(body).digest('hex'),
  });

  async function expectNothingStored(organization: string = organizationId): Promise<void> {
    await local.idle();
    const { body } = await local.api(`/api/conversations?organizationId=${encodeURIComponent(organization)}`);
    expect(body).toMatchObject({ conversations: [] });
  }

  it('rejects a body over 1 MiB with 413', async () => {
    const answer = await post(local, { ...message(), filler: 'x'.repeat(2 * 1_048_576) });
    expect(answer.status).toBe(413);
    await expectNothingStored();
  });

  it('rejects invalid UTF-8 with 400, also if signed', async () => {
    const bytes = Buffer.concat([
      Buffer.from(`{"secret_key":"${secret}","action":"x`),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}'),
    ]);
    expect(await post(local, bytes)).toEqual(notJson);
    expect(await post(local, bytes, sign(bytes))).toEqual(notJson);
    expect(await post(local, bytes, sign(bytes, 'another'))).toEqual(refused);
  });

  it.each([
    [200, ''],
    [2_000, ''],
    [20_000, '"__proto__":1,'],
    [400_000, ''],
  ])('stores a chat that begins with content of %i levels, without the deeper levels', async (levels, property) => {
    const organization = randomUUID();
    const { chat_id: id, thread_id, event } = message().payload;
    const events = [{ ...event, id: `${thread_id}_1`, type: 'custom', content: 'CONTENT' }, event];
    const chat = { id, users: [], thread: { id: thread_id, created_at: event.created_at, events } };
    const body = { ...message(), organization_id: organization, action: 'incoming_chat', payload: { chat } };
    const content = `{${property}"a":${'['.repeat(levels)}${']'.repeat(levels)}}`;
    expect(await post(local, JSON.stringify(body).replace('"CONTENT"', content))).toEqual(accepted);
    await local.idle();
    const stored = await local.api(`/api/conversations/${id}?organizationId=${organization}`);
    expect(stored.body).toMatchObject({ messages: [{ type: 'custom' }, { type: 'text', content: marker }] });
    expect(JSON.stringify(stored.body)).toContain('[removed: nested more than 100 levels deep]');
  });

  /** A webhook whose event has this JSON as its content, digit by digit. */
  const custom = (organization: string, content: string) => {
    const body = message();
    const event = { ...body.payload.event, type: 'custom', content: 'CONTENT' };
    const text = JSON.stringify({ ...body, organization_id: organization, payload: { ...body.payload, event } });
    return { chatId: body.payload.chat_id, text: text.replace('"CONTENT"', content) };
  };
  /** The digits of numbers are kept. */
  const readText = async (chatId: string, organization: string) => {
    const path = `/api/conversations/${chatId}?organizationId=${organization}`;
    const response = await fetch(new URL(path, local.console));
    return response.text();
  };
  const nested = (levels: number) => `${'{"a":['.repeat(levels)}1${']}'.repeat(levels)}`;

  it.each<[string, string]>([
    ['whole numbers beyond 2^53', '{"id":9007199254740993,"ns":[1732700000000000001]}'],
    ['very small and very large numbers', '{"small":1e-140,"large":1e+200,"smaller":1e-400}'],
    ['long fractions', '{"fraction":0.12345678901234567890123}'],
    ['empty names', '{"":{"":1}}'],
    ['many levels', nested(20)],
  ])('stores custom content with %s as it is', async (_what, content) => {
    const organization = randomUUID();
    const { chatId, text } = custom(organization, content);
    expect(await post(local, text)).toEqual(accepted);
    await local.idle();
    // In the content and in the raw payload.
    expect((await readText(chatId, organization)).split(content)).toHaveLength(3);
  });

  it('replaces an unpaired surrogate, which is not valid Unicode', async () => {
    const organization = randomUUID();
    const { chatId, text } = custom(organization, '{"cut \\ud83d":"cut \\ud83d, whole \\ud83d\\ude00"}');
    expect(await post(local, text)).toEqual(accepted);
    await local.idle();
    const stored = await readText(chatId, organization);
    expect(stored).toContain('"cut \ufffd":"cut \ufffd, whole 😀"');
    expect(stored).not.toContain('\\ud83d');
  });

  it('stores session fields with any name and number', async () => {
    const organization = randomUUID();
    const { chat_id, thread_id } = message().payload;
    const fields = '[{"":"empty"},{"__proto__":"x"},{"order":9007199254740993}]';
    const payload = { id: randomUUID(), active_chat: { chat_id, thread_id }, session_fields: 'FIELDS' };
    const action = 'customer_session_fields_updated';
    const body = JSON.stringify({ ...message(), organization_id: organization, action, payload });
    expect(await post(local, body.replace('"FIELDS"', fields))).toEqual(accepted);
    await local.idle();
    expect(await local.api(`/api/conversations/${chat_id}?organizationId=${organization}`)).toMatchObject({
      body: { conversation: { participants: [{ fields: { '': 'empty', order: '9007199254740993' } }] } },
    });
  });

  it.each([
    ['name', { name: 'x'.repeat(420_000) }, {}],
    ['e-mail address', { email: 'x'.repeat(420_000) }, {}],
    ['page address', {}, { routing: { start_url: `https://shop.example/${'x'.repeat(420_000)}` } }],
  ])('stores a chat whose %s exceeds the limit', async (_what, fields, properties) => {
    const organization = randomUUID();
    const { chat_id: id, thread_id } = message().payload;
    const thread = { id: thread_id, created_at: '2026-03-11T09:14:14.120349Z', properties };
    const users = [{ id: randomUUID(), type: 'customer', ...fields }];
    const payload = { chat: { id, users, thread } };
    expect(
      await post(local, { ...message(), organization_id: organization, action: 'incoming_chat', payload }),
    ).toEqual(accepted);
    await local.idle();
    const { body } = await local.api(`/api/conversations/${id}?organizationId=${organization}`);
    expect(body).toMatchObject({ conversation: { participants: [{ type: 'customer' }] } });
  });

  it('updates a chat whose session fields exceed the limit', async () => {
    const organization = randomUUID();
    const { chat_id, thread_id } = message().payload;
    const send = (action: string, payload: object) =>
      post(local, { ...message(), organization_id: organization, action, payload });
    const active_chat = { chat_id, thread_id };
    for (const [round, length] of [400, 49, 49, 49, 49, 49].entries()) {
      const names = Array.from({ length }, (_, index) => `field ${round} ${index}`);
      const session_fields = names.map((name) => ({ [name]: 'x'.repeat(2_000) }));
      const id = '5f0c1d7e-2a84-4c39-9b61-7c2e9d1a4b55';
      expect(await send('customer_session_fields_updated', { id, active_chat, session_fields })).toEqual(accepted);
      await local.idle();
    }
    expect(await send('chat_deactivated', active_chat)).toEqual(accepted);
    await local.idle();
    const { body } = await local.api(`/api/conversations/${chat_id}?organizationId=${organization}`);
    expect(body).toMatchObject({ conversation: { status: 'closed' } });
    // The latest fields are kept.
    expect(body).toHaveProperty(['conversation', 'participants', '0', 'fields', 'field 5 48']);
    expect(await local.api(`/api/conversations?organizationId=${organization}`)).toMatchObject({
      body: { conversations: [{ status: 'closed' }] },
    });
  });

  it.each(['"__proto__":{"a":1}', '"\\u005f_proto__":{"a":1}', '"constructor":{"prototype":{"a":1}}'])(
    'stores a message whose custom content has %s, without that property',
    async (property) => {
      const organization = randomUUID();
      const { chatId, text } = custom(organization, `{"order":{"id":12345678901234567890,${property}}}`);
      expect(await post(local, text, sign(text))).toEqual(accepted);
      await local.idle();
      const stored = await readText(chatId, organization);
      expect(stored).toContain('"content":{"order":{"id":12345678901234567890}}');
      expect(stored).not.toContain('proto');
    },
  );

  it('rejects invalid JSON with 400, and with 401 if the signature is wrong', async () => {
    expect(await post(local, `{"secret_key":"${secret}",`)).toEqual(notJson);
    expect(await post(local, '')).toEqual(notJson);
    expect(await post(local, '{', sign('{', 'another'))).toEqual(refused);
    expect(await post(local, JSON.stringify(message()), { 'content-type': 'text/plain' })).toEqual(notJson);
  });

  it('rejects a wrong secret of any length with 401', async () => {
    for (let length = 0; length <= 64; length += 1) {
      expect(
        await post(local, {
          ...message(),
          secret_key: secret.repeat(3).slice(0, length === secret.length ? length + 1 : length),
        }),
      ).toEqual(refused);
    }
    for (const secret_key of [null, 7, {}, [secret], undefined, '_'.repeat(secret.length)]) {
      expect(await post(local, { ...message(), secret_key })).toEqual(refused);
    }
    await expectNothingStored();
  });

  it('gives the signature header precedence over the body secret', async () => {
    const { secret_key: _, ...unsigned } = fixture('tag_created.v3.5_plus.json');
    const body = JSON.stringify(unsigned);
    expect(await post(local, body, sign(body))).toEqual(accepted);
    expect(await post(local, body, sign(`${body} `))).toEqual(refused);
    expect(await post(local, fixture('tag_created.v3.5_plus.json'), { 'x-signature': '' })).toEqual(refused);
    expect(await post(local, body)).toEqual(refused);
  });

  it('does not read another secret for an organization id that is a path', async () => {
    expect(await post(local, { ...message(), organization_id: '../../default', secret_key: 'guess' })).toEqual(refused);
    const path = `${organizationId}/../default`;
    expect(await post(local, { ...message(), organization_id: path })).toEqual(accepted);
    await expectNothingStored(path);
    await expectNothingStored();
  });

  it('accepts a ping and an application webhook without a secret', async () => {
    expect(await post(local, { action: 'ping' })).toEqual(accepted);
    expect(await post(local, { action: 'ping', organization_id: organizationId })).toEqual(refused);
    expect(await post(local, fixture('_app_webhook.application_installed.json'))).toEqual(accepted);
    expect(await post(local, { ...fixture('_edge.wrong_secret_key.json'), organization_id: organizationId })).toEqual(
      refused,
    );
    expect(await post(local, { ...fixture('_edge.unknown_action.json'), organization_id: organizationId })).toEqual(
      accepted,
    );
    expect(await post(local, fixture('v3.4/_v3.3_incoming_event.json'))).toEqual(accepted);
    await expectNothingStored();
  });

  it('publishes an authentic but schema-invalid body as webhook.rejected', async () => {
    const stream = await fetch(new URL('/api/stream', local.console));
    const body = message();
    const broken = { ...body, payload: { ...body.payload, event: { id: 'e1', type: 'message', text: marker } } };
    expect(await post(local, broken)).toEqual(accepted);
    const received = await readUntil(stream, 'webhook.rejected');
    expect(received).toContain('payload.event.created_at');
    expect(received).not.toContain(secret);
  });

  it('logs no secrets and no message contents, at any level', async () => {
    const debugged = await startLocal({ LOG_LEVEL: 'DEBUG' });
    onTestFinished(() => debugged.stop());
    expect(await post(debugged, message())).toEqual(accepted);
    await debugged.idle();
    await expect.poll(debugged.output, pollOptions).toContain('event handled');
    const output = debugged.output();
    expect(output).not.toContain(secret);
    expect(output).not.toContain(marker);
  });
});

/** Reads the stream up to and including the event that contains `text`. */
async function readUntil(stream: Response, text: string): Promise<string> {
  let received = '';
  if (!stream.body) throw new Error('the stream has no body');
  for await (const chunk of stream.body.pipeThrough(new TextDecoderStream())) {
    received += chunk;
    if (received.includes(text) && received.endsWith('\n\n')) return received;
  }
  throw new Error(`the stream ended without ${text}`);
}
