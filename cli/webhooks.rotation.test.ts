import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { cliFor, livechat } from '../test/cli.ts';
import { type Local, pollOptions, startLocal } from '../test/local.ts';
import { outbound } from '../test/outbound.ts';

const secretValue = z.object({ LIVECHAT_WEBHOOK_SECRET: z.string(), LIVECHAT_AGENT_ID: z.string() });
const rotate = ['webhooks', 'sync', '--rotate-secret', '--yes'];
const shortDelays = ['--cache-seconds', '1', '--propagation-seconds', '1'];

describe('livechat webhooks sync --rotate-secret', () => {
  let local: Local;
  let cli: ReturnType<typeof cliFor>;
  beforeEach(async () => {
    local = await startLocal();
    cli = cliFor(local);
    await cli.json('webhooks', 'sync', '--yes');
    // Shortens LiveChat's two minutes.
    await outbound(local).simulator('POST', '/simulator/settings', { registrationDelayMs: 400 });
  });
  afterEach(() => local.stop());

  const stored = async (stage: string) => {
    const client = new SecretsManagerClient({
      endpoint: local.aws,
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
    const { SecretString } = await client.send(
      new GetSecretValueCommand({ SecretId: 'livechat/default', VersionStage: stage }),
    );
    return secretValue.parse(JSON.parse(SecretString ?? ''));
  };
  /** The status codes of the webhook so far. */
  const statuses = () => [...local.output().matchAll(/webhook {2,}POST \S+ (\d{3})/g)].map(([, status]) => status);
  const expectUpToDate = async () =>
    expect(await cli.json('webhooks', 'sync')).toMatchObject({ plan: Array(14).fill({ does: 'keep' }) });

  test('replaces the secret without rejecting a webhook', async () => {
    const before = await stored('AWSCURRENT');
    const load = livechat(
      'simulate',
      'load',
      '--simulator',
      local.livechat,
      '--chats',
      '4',
      '--rate',
      '40',
      '--messages',
      '60',
    );
    const { code, stdout, stderr } = await cli.run(...rotate, ...shortDelays);
    expect(code).toBe(0);
    expect((await load).code).toBe(0);
    const after = await stored('AWSCURRENT');
    expect(after.LIVECHAT_WEBHOOK_SECRET).not.toBe(before.LIVECHAT_WEBHOOK_SECRET);
    expect(after.LIVECHAT_AGENT_ID).toBe(before.LIVECHAT_AGENT_ID);
    expect(await stored('AWSPREVIOUS')).toEqual(before);
    for (const secret of [before, after]) expect(stdout + stderr).not.toContain(secret.LIVECHAT_WEBHOOK_SECRET);
    // Webhooks of the old and of the new registrations.
    await expect.poll(() => statuses().length, pollOptions).toBeGreaterThanOrEqual(244);
    expect(new Set(statuses())).toEqual(new Set(['200']));
    await expectUpToDate();
  });

  test.each([
    ['after the secret is stored', ['--cache-seconds', '600']],
    ['after the new webhooks are registered', ['--cache-seconds', '0', '--propagation-seconds', '600']],
  ])('continues with the same secret if interrupted %s', async (_when, delays) => {
    const first = cli.start(...rotate, ...delays);
    await expect.poll(first.printed, { timeout: 15_000 }).toContain('Waiting until');
    first.kill('SIGTERM');
    expect((await first.ended).code).not.toBe(0);
    const interrupted = await stored('AWSCURRENT');
    expect(interrupted.LIVECHAT_WEBHOOK_SECRET).not.toBe(local.secret);
    await outbound(local).chat();
    await local.idle();
    expect(await cli.json(...rotate, ...shortDelays)).toMatchObject({ ok: true, rotated: false });
    expect(await stored('AWSCURRENT')).toEqual(interrupted);
    await outbound(local).chat();
    await local.idle();
    await expect.poll(() => statuses().length, pollOptions).toBeGreaterThanOrEqual(2);
    expect(new Set(statuses())).toEqual(new Set(['200']));
    await expectUpToDate();
  });

  test('changes nothing if three webhooks of an action are registered', async () => {
    const { LIVECHAT_CLIENT_ID, LIVECHAT_ACCOUNT_ID, LIVECHAT_API_KEY } = await readCredentials();
    for (const n of [1, 2]) {
      await fetch(`${local.livechat}/v3.6/configuration/action/register_webhook`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${LIVECHAT_ACCOUNT_ID}:${LIVECHAT_API_KEY}`)}` },
        body: JSON.stringify({
          ...{ action: 'incoming_event', url: `https://elsewhere.example/${n}`, secret_key: 'theirs' },
          ...{ owner_client_id: LIVECHAT_CLIENT_ID, type: 'license' },
        }),
      });
    }
    const { code, stderr } = await cli.run(...rotate, ...shortDelays);
    expect(code).toBe(1);
    expect(stderr).toContain('3 registrations already exist for incoming_event');
    expect((await stored('AWSCURRENT')).LIVECHAT_WEBHOOK_SECRET).toBe(local.secret);
  });

  const readCredentials = async () => {
    const printedSettings = Object.fromEntries(
      [...local.output().matchAll(/^ {2}(LIVECHAT_\w+)=(\S+)$/gm)].map(([, name, value]) => [name ?? '', value ?? '']),
    );
    return z
      .object({ LIVECHAT_CLIENT_ID: z.string(), LIVECHAT_ACCOUNT_ID: z.string(), LIVECHAT_API_KEY: z.string() })
      .parse(printedSettings);
  };
});
