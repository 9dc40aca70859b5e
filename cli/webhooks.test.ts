import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { cliFor } from '../test/cli.ts';
import { configurationApi, credentials } from '../test/configuration-api.ts';
import { type Local, startLocal } from '../test/local.ts';
import { outbound } from '../test/outbound.ts';

const listed = z.object({
  enabled: z.boolean(),
  registrations: z.array(z.looseObject({ action: z.string(), url: z.string(), ours: z.boolean(), wrong: z.string() })),
  missing: z.array(z.string()),
});

describe('livechat webhooks', () => {
  let local: Local;
  let cli: ReturnType<typeof cliFor>;
  let api: ReturnType<typeof configurationApi>;
  beforeAll(async () => {
    local = await startLocal(credentials);
    cli = cliFor(local);
    api = configurationApi(local);
  });
  afterAll(() => local.stop());
  afterEach(async () => {
    await api.call('enable_license_webhooks');
    await api.unregister();
  });

  const list = async () => listed.parse(await cli.json('webhooks', 'list'));

  test('sync registers every webhook once, and LiveChat calls it', async () => {
    expect((await list()).missing).toHaveLength(14);
    const dryRun = await cli.run('webhooks', 'sync', '--dry-run');
    expect(dryRun).toMatchObject({ code: 0, stdout: expect.stringMatching(/create[\s\S]*Nothing was changed\.\n$/) });
    expect(await api.registrations()).toEqual([]);
    const first = await cli.run('webhooks', 'sync', '--yes');
    expect(first.code).toBe(0);
    expect(first.stdout).toMatch(/^incoming_chat +create +it is not registered$/m);
    expect(first.stdout + first.stderr).not.toContain(local.secret);
    const made = await api.registrations();
    expect(made).toHaveLength(14);
    for (const one of made) {
      expect(one).toMatchObject({
        url: local.webhook,
        type: 'license',
        owner_client_id: credentials.LIVECHAT_CLIENT_ID,
      });
      expect(one).not.toHaveProperty('filters');
      expect(JSON.stringify(one)).not.toContain(local.secret);
    }
    const chat = await outbound(local).chat();
    await expect.poll(() => local.api(`/api/conversations/${chat}`)).toMatchObject({ status: 200 });

    const second = await cli.run('webhooks', 'sync');
    expect(second).toMatchObject({ code: 0, stdout: expect.stringContaining('All registrations are up to date.') });
    expect(await api.registrations()).toEqual(made);
    expect(await list()).toMatchObject({ enabled: true, missing: [] });
  });

  test('sync replaces wrong registrations and does not change other addresses', async () => {
    await api.register('incoming_event', { filters: { author_type: 'customer' } });
    await api.register('tag_created');
    await api.register('incoming_chat', { url: 'https://elsewhere.example/' });
    await api.call('disable_license_webhooks');
    expect((await list()).registrations.map(({ wrong }) => wrong)).toEqual([
      'it has filters; it was not created by this command, so its secret is unknown',
      'the bridge does not support it',
      '',
    ]);
    const { plan } = z
      .object({ plan: z.array(z.object({ action: z.string(), does: z.string() })) })
      .parse(await cli.json('webhooks', 'sync', '--yes', '--propagation-seconds', '0', '--cache-seconds', '0'));
    expect(plan).toContainEqual({ action: 'incoming_event', does: 'replace' });
    expect(plan).toContainEqual({ action: 'tag_created', does: 'remove' });
    expect(plan).toContainEqual({ action: 'all', does: 'enable' });
    const after = await list();
    expect(after).toMatchObject({ enabled: true, missing: [] });
    expect(after.registrations).toHaveLength(15);
    expect(after.registrations.filter(({ ours }) => !ours)).toMatchObject([{ action: 'incoming_chat' }]);
  });

  test('three registrations of other addresses block only their action', async () => {
    for (let n = 0; n < 3; n++) await api.register('incoming_event', { url: `https://elsewhere.example/${n}` });
    const { code, stdout } = await cli.run('webhooks', 'sync', '--yes');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^incoming_event +blocked +LiveChat allows three; remove one of https:/m);
    expect(await api.registrations()).toHaveLength(16);
  });

  test('sync only shows the plan without a terminal to ask for confirmation', async () => {
    const { code, stdout, stderr } = await cli.run('webhooks', 'sync');
    expect(code).toBe(2);
    expect(stdout).toContain('create');
    expect(stderr).toContain('add --yes');
    expect(await api.registrations()).toEqual([]);
  });

  test('remove removes the registrations of the bridge, all or by action', async () => {
    await cli.json('webhooks', 'sync', '--yes');
    await api.register('incoming_event', { url: 'https://elsewhere.example/' });
    expect((await cli.run('webhooks', 'remove')).code).toBe(2);
    expect(await api.registrations()).toHaveLength(15);
    const some = ['--action', 'thread_tagged', '--action', 'thread_untagged'];
    expect((await cli.run('webhooks', 'remove', ...some, '--yes')).code).toBe(0);
    expect(await api.registrations()).toHaveLength(13);
    await cli.json('webhooks', 'remove', '--yes');
    expect(await api.registrations()).toMatchObject([{ url: 'https://elsewhere.example/' }]);
    await cli.json('webhooks', 'remove', '--url', 'https://elsewhere.example/', '--yes');
    expect(await cli.run('webhooks', 'remove')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Nothing is registered for'),
    });
  });

  test('retries a call that LiveChat rate-limits or redirects to another region', async () => {
    const { fault } = outbound(local);
    await fault({ kind: 'misdirected', region: 'fra', method: 'list_webhooks', count: 1 });
    await fault({
      kind: 'error',
      type: 'too_many_requests',
      retryAfterSeconds: 0,
      method: 'register_webhook',
      count: 2,
    });
    expect((await cli.run('webhooks', 'sync', '--yes')).code).toBe(0);
    expect(await api.registrations()).toHaveLength(14);
  });

  test('reports a failed call, and the next sync continues', async () => {
    await outbound(local).fault({ kind: 'accept-then-reset', method: 'register_webhook', count: 1 });
    const { code, stderr } = await cli.run('webhooks', 'sync', '--yes');
    expect(code).toBe(1);
    expect(stderr).toContain('register_webhook: no response from LiveChat');
    expect(await api.registrations()).toHaveLength(1);
    expect((await cli.run('webhooks', 'sync', '--yes')).code).toBe(0);
    expect(await api.registrations()).toHaveLength(14);
  });

  test.each([
    [['webhooks', 'sync', '--url', 'bridge.example'], '--url must be an address'],
    [['webhooks', 'sync', '--url', `https://bridge.example/${'a'.repeat(500)}`], '--url must be at most 500'],
    [['webhooks', 'sync', '--propagation-seconds', 'long'], '--propagation-seconds must be a whole number'],
    [['webhooks', 'list', '--organization', 'acme'], '--organization must be a UUID'],
  ])('rejects %j', async (args, message) => {
    const { code, stderr } = await cli.run(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  test('names the settings of credentials that LiveChat rejects', async () => {
    await outbound(local).fault({ kind: 'expired-token', method: 'list_webhooks', count: 1 });
    const { code, stderr } = await cli.run('webhooks', 'list');
    expect(code).toBe(1);
    expect(stderr).toContain('Check LIVECHAT_API_KEY with LIVECHAT_ACCOUNT_ID');
  });
});

describe('with another version of the API', () => {
  test('sync registers only the actions of that version', async () => {
    const local = await startLocal({ ...credentials, LIVECHAT_API_VERSION: 'v3.5' });
    const cli = cliFor(local);
    await cli.json('webhooks', 'sync', '--yes');
    const { registrations, missing } = listed.parse(await cli.json('webhooks', 'list'));
    expect(registrations).toHaveLength(13);
    expect(missing).toEqual([]);
    await local.stop();
  });
});

test('rejects a local webhook address with the real LiveChat', async () => {
  const local = await startLocal({ ...credentials, LIVECHAT_API_BASE_URL: 'https://api.livechat.example' });
  const { code, stderr } = await cliFor(local).run('webhooks', 'sync');
  expect(code).toBe(2);
  expect(stderr).toContain('pass --url');
  await local.stop();
});
