import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Local, startLocal } from '../../test/local.ts';

const credentials = { LIVECHAT_ACCOUNT_ID: 'account', LIVECHAT_API_KEY: 'key', LIVECHAT_CLIENT_ID: 'client' };

describe('a bridge to LiveChat without registrations and webhooks', () => {
  let local: Local;
  let doctor: ReturnType<typeof import('./doctor.ts').liveChatDoctor>;
  beforeAll(async () => {
    local = await startLocal(credentials);
    for (const [name, value] of Object.entries(local.environment)) vi.stubEnv(name, value);
    const { liveChatDoctor } = await import('./doctor.ts');
    doctor = liveChatDoctor({});
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await local.stop();
  });

  it('reports every missing registration as a fault', async () => {
    expect(await doctor.checkAccount(undefined, local.webhook)).toContainEqual({
      check: 'registrations',
      severity: 'fault',
      message: expect.stringMatching(/^These webhooks are not registered: incoming_chat, .*thread_tagged/),
      fix: 'Run `livechat webhooks sync`.',
    });
  });

  it('reports that no webhook has arrived as a warning', async () => {
    expect(await doctor.checkLatestWebhooks([])).toEqual([
      {
        severity: 'warning',
        message: 'None has arrived yet.',
        fix: expect.stringContaining('Start a chat'),
      },
    ]);
  });
});
