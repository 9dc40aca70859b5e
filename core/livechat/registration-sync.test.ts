import { describe, expect, it } from 'vitest';
import { respondWith, startServer } from '../../test/http-server.ts';
import { createLiveChatClient } from './client.ts';
import type { Account } from './connection.ts';
import type { RegistrationPlan } from './registration-plan.ts';
import { applyChanges, requireClientId } from './registration-sync.ts';

const url = 'https://bridge.example/livechat/webhook';
const credentials = { LIVECHAT_WEBHOOK_SECRET: 'whsec-new', LIVECHAT_CLIENT_ID: 'app' };
const nothing: RegistrationPlan = { keep: [], removeFirst: [], create: [], remove: [], blocked: [], enable: false };
const hour = 3600;

interface Call {
  /** Seconds from the start. */
  readonly at: number;
  readonly method: string | undefined;
}

/** Applies a plan with a fake LiveChat and a fake clock. */
const applyPlan = async (
  plan: Partial<RegistrationPlan>,
  storedSecondsAgo: number,
  cacheSeconds = 300,
): Promise<Call[]> => {
  const calls: Call[] = [];
  let now = 0;
  const server = await startServer((response, request) => {
    calls.push({ at: now / 1000, method: request.url?.split('/').at(-1) });
    respondWith(200, { id: 'new' })(response, request);
  });
  const client = createLiveChatClient({
    authorization: 'Bearer token',
    baseUrl: server.url,
    version: 'v3.6',
  });
  const account: Account = {
    stored: {
      name: 'livechat/default',
      source: 'secret livechat/default',
      text: '{}',
      current: credentials,
      changedAt: 0,
    },
    baseUrl: 'https://livechat.example',
    version: 'v3.6',
    notices: [],
    call: (send) => send(client),
  };
  await applyChanges(
    {
      plan: { ...nothing, ...plan },
      desired: { url, actions: [], mark: { version: 'v3.6', secret: '0a1b2c3d' } },
      secret: credentials.LIVECHAT_WEBHOOK_SECRET,
    },
    {
      account,
      storedAt: -storedSecondsAgo * 1000,
      delays: { propagationMs: 120_000, cacheMs: cacheSeconds * 1000 },
      clock: {
        now: () => now,
        sleep: async (ms) => {
          now += ms;
        },
        random: () => 0,
      },
      onProgress: () => {},
    },
  );
  await server.stop();
  return calls;
};

const action = 'incoming_chat';
const old = { id: 'old', action, reason: 'replaced' } as const;

describe('applyChanges', () => {
  it.each<[string, Partial<RegistrationPlan>, number, number, [number, string][]]>([
    [
      'registers a missing webhook immediately',
      { create: [{ action, mismatches: [] }] },
      0,
      300,
      [[0, 'register_webhook']],
    ],
    [
      'waits until every function can accept a new secret, and until every cache has it before the removal',
      { create: [{ action, mismatches: ['secret'] }], remove: [old] },
      0,
      300,
      [
        [30, 'register_webhook'],
        [300, 'unregister_webhook'],
      ],
    ],
    [
      'waits for a shorter cache and for LiveChat’s two minutes',
      { create: [{ action, mismatches: ['secret'] }], remove: [old] },
      0,
      10,
      [
        [10, 'register_webhook'],
        [130, 'unregister_webhook'],
      ],
    ],
    [
      'waits only LiveChat’s two minutes for other mismatches',
      { create: [{ action, mismatches: ['filters'] }], remove: [old] },
      hour,
      300,
      [
        [0, 'register_webhook'],
        [120, 'unregister_webhook'],
      ],
    ],
    ['waits again when a rotation is resumed', { remove: [old] }, hour, 300, [[120, 'unregister_webhook']]],
    [
      'removes a duplicate immediately',
      { remove: [{ ...old, reason: 'duplicate' }] },
      hour,
      300,
      [[0, 'unregister_webhook']],
    ],
    [
      'removes one registration first at the limit',
      { removeFirst: [old], create: [{ action, mismatches: ['type'] }], enable: true },
      hour,
      300,
      [
        [0, 'unregister_webhook'],
        [0, 'register_webhook'],
        [0, 'enable_license_webhooks'],
      ],
    ],
  ])('%s', async (_what, plan, storedSecondsAgo, cacheSeconds, expected) => {
    const calls = await applyPlan(plan, storedSecondsAgo, cacheSeconds);
    expect(calls.map(({ at, method }) => [at, method])).toEqual(expected);
  });
});

it('requireClientId rejects a missing client id with the name of the secret', () => {
  const source = 'secret livechat/default';
  const stored = { name: 'livechat/default', source, text: '{}', current: { LIVECHAT_WEBHOOK_SECRET: 'x' } };
  const account = { stored: { ...stored, changedAt: 0 } };
  expect(() => requireClientId(account)).toThrow('secret livechat/default: LIVECHAT_CLIENT_ID: expected');
});
