import * as z from 'zod/mini';
import type { Local } from '../test/local.ts';

/** The bridge is started with these credentials, and the baselines use them. */
const credentials = { LIVECHAT_ACCOUNT_ID: 'bench', LIVECHAT_API_KEY: 'bench-key' };
const clientId = '0f1e2d3c4b5a69788796a5b4c3d2e1f0';
export const simulatorEnvironment = { ...credentials, LIVECHAT_CLIENT_ID: clientId };
export const authorization = `Basic ${Buffer.from(Object.values(credentials).join(':')).toString('base64')}`;

const counts = z.object({ count: z.number(), accepted: z.number(), rate_limited: z.number() });
const log = z.object({
  methods: z.record(z.string(), counts),
  arrivals: z.array(z.object({ chat_id: z.string(), custom_id: z.nullable(z.string()), at: z.string() })),
});
const shown = z.object({ events: z.array(z.looseObject({ text: z.optional(z.string()) })) });

/** Reads LiveChat's call log since it was last cleared. */
export async function readCallCounts(local: Local) {
  const { methods, arrivals } = log.parse(await json(local, '/simulator/calls'));
  const total = (field: keyof z.infer<typeof counts>) =>
    Object.values(methods).reduce((sum, method) => sum + method[field], 0);
  return {
    calls: total('count'),
    accepted: total('accepted'),
    rateLimited: total('rate_limited'),
    // When LiveChat accepted the last message, ms since 1970.
    lastAt: Math.max(...arrivals.map(({ at }) => Date.parse(at))),
  };
}

export async function clearCallLog(local: Local): Promise<void> {
  await json(local, '/simulator/calls', { method: 'DELETE' });
}

const numbered = /^message (\d+)$/;
export const messageText = (number: number) => `message ${number}`;

/** The numbered messages of a chat, in the order in which LiveChat accepted them. */
export async function readArrivedNumbers(local: Local, chat: string): Promise<number[]> {
  const { events } = shown.parse(await json(local, `/simulator/chats/${chat}`));
  return events.flatMap(({ text }) => {
    const number = numbered.exec(text ?? '')?.[1];
    return number === undefined ? [] : [Number(number)];
  });
}

/** Enables or disables LiveChat's webhooks, also those that confirm sent messages. */
export async function setWebhooks(local: Local, enabled: boolean): Promise<void> {
  const method = enabled ? 'enable_license_webhooks' : 'disable_license_webhooks';
  await json(local, `/v3.6/configuration/action/${method}`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ owner_client_id: clientId }),
  });
}

async function json(local: Local, path: string, request: RequestInit = {}): Promise<unknown> {
  const response = await fetch(new URL(path, local.livechat), request);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}
