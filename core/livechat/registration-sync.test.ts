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

/** Carries a plan out at a LiveChat that takes everything, on a clock that sleep moves. */
const carriedOut = async (
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
    credentials: { kind: 'bearer', accessToken: 'token' },
    baseUrl: server.url,
    version: 'v3.6',
  });
  const account: Account = {
    stored: { name: 'livechat/default', text: '{}', current: credentials, changedAt: 0, previous: undefined },
    baseUrl: 'https://livechat.example',
    version: { major: 3, minor: 6 },
    notices: [],
    call: (send) => send(client),
  };
  await applyChanges(
    { ...nothing, ...plan },
    {
      account,
      desired: { url, actions: [], mark: { version: 'v3.6', secret: '0a1b2c3d' } },
      secret: credentials.LIVECHAT_WEBHOOK_SECRET,
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

describe('a plan is carried out in an order in which no call is refused or missed', () => {
  it.each<[string, Partial<RegistrationPlan>, number, number, [number, string][]]>([
    ['what is missing comes at once', { create: [{ action, mismatches: [] }] }, 0, 300, [[0, 'register_webhook']]],
    [
      'a new secret comes when every function can know it; the old goes when none has the old one alone',
      { create: [{ action, mismatches: ['secret'] }], remove: [old] },
      0,
      300,
      [
        [30, 'register_webhook'],
        [300, 'unregister_webhook'],
      ],
    ],
    [
      'a short cache is waited out, and LiveChat’s two minutes',
      { create: [{ action, mismatches: ['secret'] }], remove: [old] },
      0,
      10,
      [
        [10, 'register_webhook'],
        [130, 'unregister_webhook'],
      ],
    ],
    [
      'another mismatch needs LiveChat’s two minutes alone',
      { create: [{ action, mismatches: ['filters'] }], remove: [old] },
      hour,
      300,
      [
        [0, 'register_webhook'],
        [120, 'unregister_webhook'],
      ],
    ],
    ['a rotation that goes on waits once more', { remove: [old] }, hour, 300, [[120, 'unregister_webhook']]],
    ['a duplicate goes at once', { remove: [{ ...old, reason: 'duplicate' }] }, hour, 300, [[0, 'unregister_webhook']]],
    [
      'where there is no room, one goes first',
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
    const calls = await carriedOut(plan, storedSecondsAgo, cacheSeconds);
    expect(calls.map(({ at, method }) => [at, method])).toEqual(expected);
  });
});

it('without a client id nothing can be registered, and the secret that lacks it is named', () => {
  const stored = { name: 'livechat/default', text: '{}', current: { LIVECHAT_WEBHOOK_SECRET: 'x' }, changedAt: 0 };
  const account = { stored: { ...stored, previous: undefined } };
  expect(() => requireClientId(account)).toThrow('secret livechat/default: LIVECHAT_CLIENT_ID: expected');
});
