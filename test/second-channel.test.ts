import { randomUUID } from 'node:crypto';
import { glob, readFile } from 'node:fs/promises';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { organizationIdFor } from '../core/channel/carrier.ts';
import { secretPrefix } from '../core/channel/secrets.ts';
import type { ChannelSpec } from '../core/channel/spec.ts';
import { createEvent } from '../core/events/event.ts';
import { executionName } from '../core/outbound/request.ts';
import { bundleOptions } from '../stacks/build/bundle.ts';
import { fixture } from './fixtures.ts';
import { type Local, post, startLocal } from './local.ts';
import { awsClientConfig } from './local-aws.ts';
import { outbound } from './outbound.ts';
import { watchBus } from './watch-bus.ts';

vi.mock('../core/channels.ts', () => import('./channels-with-echo.ts'));

describe('the second channel, Echo', () => {
  /** An organization of LiveChat and one of Echo have the same id. */
  const own = randomUUID();
  const organizationId = organizationIdFor('echo', own);
  const secret = 'the secret of Echo';
  let local: Local;
  let bus: ReturnType<typeof outbound>;
  beforeAll(async () => {
    const list = new URL('./use-channels-with-echo.ts', import.meta.url).href;
    local = await startLocal({ NODE_OPTIONS: `--import=${list}`, LIVECHAT_ORGANIZATION_ID: own });
    bus = outbound(local);
    await new SecretsManagerClient(awsClientConfig(local)).send(
      new CreateSecretCommand({ Name: `echo/${own}`, SecretString: secret }),
    );
  });
  afterAll(() => local.stop());

  const webhookBody = (message: object = {}) => ({
    organization: own,
    conversation: 'SAME',
    customer: 'customer-1',
    message: { id: 'SAME_1', at: '2026-03-11T09:14:14.120Z', text: 'Hello from Echo', ...message },
  });
  const receive = (body: unknown, key = secret) =>
    post({ webhook: new URL('/echo/webhook', local.webhook).href }, body, { 'x-echo-secret': key });
  /** Starts a conversation, so that the console's API shows it with its deliveries. */
  const start = async (conversation: string) => {
    await receive({ ...webhookBody(), conversation });
    await local.idle();
  };
  const send = (conversationId: string, ...texts: readonly string[]) =>
    bus.send(conversationId, {
      ...{ carrier: 'echo', organizationId },
      messages: texts.map((content) => ({ type: 'text', content })),
    });

  it('receives messages through its own function and route, and stores them once', async () => {
    expect(await receive(webhookBody())).toEqual({ status: 200, body: '{"success":true}' });
    expect(await receive(webhookBody())).toEqual({ status: 200, body: '{"success":true}' });
    await local.idle();
    expect(await bus.read('SAME', organizationId)).toMatchObject({
      conversation: { organizationId, status: 'open', participants: [{ id: 'customer-1' }] },
      messages: [{ id: 'SAME_1', carrier: 'echo', organizationId, content: 'Hello from Echo' }],
    });
  });

  it('rejects a webhook with another secret, and publishes a malformed one as rejected', async () => {
    const events = await watchBus(local);
    expect((await receive(webhookBody({ text: 'forged' }), 'another secret')).status).toBe(401);
    expect((await receive(webhookBody({ at: 'yesterday' }))).status).toBe(200);
    await expect
      .poll(() => events.of('webhook.rejected'))
      .toMatchObject([{ metadata: { carrier: 'echo', organizationId } }]);
    await events.stop();
  });

  it('separates conversations and messages from those of another channel with the same ids', async () => {
    await receive(webhookBody());
    const body = fixture('incoming_event.message.customer.json');
    const event = {
      id: 'SAME_1',
      created_at: '2026-03-11T09:14:14.120349Z',
      type: 'message',
      text: 'Hello from LiveChat',
    };
    const payload = { chat_id: 'SAME', thread_id: 'only', event: { ...event, author_id: randomUUID() } };
    expect(await post(local, { ...body, organization_id: own, secret_key: local.secret, payload })).toMatchObject({
      status: 200,
    });
    await local.idle();
    const contents = async (organization: string) => await bus.read('SAME', organization);
    expect(await contents(own)).toMatchObject({ messages: [{ carrier: 'livechat', content: 'Hello from LiveChat' }] });
    expect(await contents(organizationId)).toMatchObject({
      messages: [{ carrier: 'echo', content: 'Hello from Echo' }],
    });
  });

  it('sends through the channel of the request', async () => {
    const events = await watchBus(local);
    const requestId = await send('sent', 'first', 'second');
    await bus.waitForExecutions();
    expect(events.of('message.sent')).toMatchObject(
      ['first', 'second'].map((_, part) => ({
        metadata: { carrier: 'echo', organizationId },
        data: { requestId, part, parts: 2, threadId: 'only', messageId: expect.stringMatching(/^echo-\d+$/) },
      })),
    );
    await events.stop();
  });

  it('sends requests with the same requestId to both channels', async () => {
    const requestId = randomUUID();
    const chatId = await bus.chat();
    await start(chatId);
    const request = { requestId, conversationId: chatId, ...bus.text('to both') };
    await bus.send(chatId, { ...request, organizationId: own });
    await bus.send(chatId, { ...request, carrier: 'echo', organizationId });
    await bus.waitForExecutions();
    expect(await bus.sentTexts(chatId)).toEqual(['to both']);
    expect(await bus.read(chatId, organizationId)).toMatchObject({ pending: [{ requestId, status: 'sent' }] });
  });

  it.each(['fail 2', 'lose 1'])('retries "%s" until the message is sent once', async (text) => {
    const conversationId = `retried ${text}`;
    await start(conversationId);
    await send(conversationId, text);
    await bus.waitForExecutions();
    const failed = { error: 'ChannelServerError', outcome: 'failed' };
    expect(await bus.read(conversationId, organizationId)).toMatchObject({
      pending: [
        text === 'fail 2'
          ? { status: 'sent', attempts: [failed, failed, { outcome: 'sent' }] }
          : { status: 'sent', attempts: [failed, { outcome: 'found' }] },
      ],
    });
    const { body } = await local.api('/api/executions');
    expect(body).toMatchObject({
      executions: expect.arrayContaining([expect.objectContaining({ conversationId, text })]),
    });
  });

  it('archives a rejected message as a dead letter, and a redrive sends it', async () => {
    await send('rejected', 'reject');
    await bus.waitForExecutions();
    const [deadLetter] = await bus.deadLetters('rejected');
    expect(deadLetter).toMatchObject({ kind: 'send', errorName: 'ChannelClientError', redrives: 0 });
    expect(await bus.redrive(deadLetter?.id ?? '', { force: true })).toBe(200);
    await bus.waitForExecutions();
    expect(await bus.deadLetters('rejected')).toMatchObject([{ redrives: 1 }]);
  });

  it.each<[string, object, RegExp]>([
    [
      'an unknown carrier',
      { carrier: 'pager', organizationId: 'pager:1' },
      /^detail\.data\.carrier: expected one of "livechat", "echo"$/,
    ],
    [
      'the organization of another carrier',
      { carrier: 'echo', organizationId: own },
      /^detail\.data\.organizationId: expected an id of/,
    ],
    [
      'a message that the channel cannot send',
      { carrier: 'echo', organizationId, messages: [{ type: 'media', content: {} }] },
      /^messages\.0\.type: /,
    ],
  ])('rejects a request with %s, and names the field', async (_what, data, message) => {
    const conversationId = randomUUID();
    await bus.send(conversationId, data);
    await local.idle();
    expect(await bus.deadLetters(conversationId)).toMatchObject([
      { kind: 'rejected', errorName: 'RequestInvalid', errorMessage: expect.stringMatching(message) },
    ]);
  });
});

describe('two channels', () => {
  it('support exactly the capabilities whose ports they have', async () => {
    const list = await import('../core/channels.ts');
    const lists = { routing: list.routers, reconciliation: list.reconcilers, files: list.fileHosts };
    for (const [capability, ports] of Object.entries(lists)) {
      const supporting = Object.entries<ChannelSpec>(list.channels).filter(([, { supports }]) =>
        supports.some((one) => one === capability),
      );
      expect([capability, ...Object.keys(ports)]).toEqual([capability, ...supporting.map(([carrier]) => carrier)]);
    }
    const carriers = Object.keys(list.channels);
    for (const ports of [list.composers, list.partTitles, list.senders]) expect(Object.keys(ports)).toEqual(carriers);
  });

  it('are imported only through the list of channels', async () => {
    const direct: string[] = [];
    for await (const file of glob(['functions/**/*.ts', 'cli/doctor/*.ts', 'core/*/*.ts'])) {
      if (/^core\/livechat\/|\.test\.ts$/.test(file)) continue;
      if (/^import .*\/livechat\/|import\('.*\/livechat\//m.test(await readFile(file, 'utf8'))) direct.push(file);
    }
    // The exceptions are LiveChat's own webhook function and its middleware.
    expect(direct.toSorted()).toEqual(['functions/middleware/livechat-webhook.ts', 'functions/webhook.ts']);
  });

  it('get their functions, routes and rules from the list of channels', async () => {
    const { functions, rules, settings, webhookRoutes } = await import('../stacks/topology.ts');
    expect(Object.entries(functions)).toContainEqual([
      'echo-webhook',
      { ...functions.webhook, handler: 'test/echo/function.handler' },
    ]);
    expect(webhookRoutes).toEqual([
      { method: 'POST', path: '/livechat/webhook', function: 'webhook' },
      { method: 'POST', path: '/echo/webhook', function: 'echo-webhook' },
    ]);
    expect(settings).toContain('ECHO_CALLS_PER_SECOND');
    // Echo supports neither routing nor reconciliation nor files.
    for (const name of ['route-thread', 'route-first-message', 'reconcile', 'store-media']) {
      expect(rules[name]?.pattern.detail).toMatchObject({ metadata: { carrier: ['livechat'] } });
    }
    expect(rules['message-received']?.pattern.detail).toBeUndefined();
  });

  it('have different keys, ids and secrets, even if their own organization ids are equal', () => {
    const ids = ['livechat', 'echo'].map((carrier) => organizationIdFor(carrier, 'SAME'));
    const differ = (derive: (organizationId: string) => string) => expect(new Set(ids.map(derive)).size).toBe(2);
    differ((organizationId) => organizationId);
    differ((organizationId) => executionName({ organizationId, requestId: 'r', redrive: 0 }));
    differ((organizationId) => {
      const cause = { organizationId, correlationId: 'c', causationId: 'c' };
      return createEvent(
        'routing.requested',
        { conversationId: 'c', threadId: 't', messageId: 'm', at: '' },
        cause,
        [],
        0,
      ).metadata.id;
    });
    const names = (prefix: string) =>
      ['livechat', 'echo'].map((carrier) => secretPrefix(carrier, { SECRET_PREFIX: prefix }));
    expect(names('livechat')).toEqual(['livechat', 'echo']);
    expect(names('livechat/dev')).toEqual(['livechat/dev', 'echo/dev']);
  });

  it.each([
    ['functions/webhook.ts', /^test\/echo\//],
    ['test/echo/function.ts', /^(core|functions\/middleware)\/livechat/],
  ])('do not load each other: %s', async (entry, other) => {
    const { metafile } = await build({
      entryPoints: [entry],
      ...bundleOptions,
      write: false,
      outdir: 'out',
      metafile: true,
    });
    const modules = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs));
    expect(modules.length).toBeGreaterThan(10);
    expect(modules.filter((module) => other.test(module))).toEqual([]);
  });
});
