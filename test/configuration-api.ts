import * as z from 'zod/mini';
import type { RunningLocal } from './local.ts';

const clientId = 'client-of-the-test';
/** The environment of an engine whose simulator accepts the calls of {@link configurationApi}. */
export const credentials = { LIVECHAT_ACCOUNT_ID: 'account', LIVECHAT_API_KEY: 'key', LIVECHAT_CLIENT_ID: clientId };

const registration = z.looseObject({
  id: z.string(),
  action: z.string(),
  description: z.optional(z.string()),
});

/** LiveChat's Configuration API, as served by the simulator. */
export function configurationApi(local: RunningLocal) {
  const call = async (method: string, body: object = {}): Promise<unknown> => {
    const response = await fetch(`${local.livechat}/v3.6/configuration/action/${method}`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa('account:key')}`, 'content-type': 'application/json' },
      body: JSON.stringify({ owner_client_id: clientId, ...body }),
    });
    if (response.status !== 200) throw new Error(`${method}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  /** The registrations of one action, or all. */
  const registrations = async (action?: string) => {
    const all = z.array(registration).parse(await call('list_webhooks'));
    return action === undefined ? all : all.filter((one) => one.action === action);
  };
  return {
    call,
    registrations,
    /** Registers the webhook of the engine, with changes. */
    register: (action: string, changes: object = {}) =>
      call('register_webhook', { action, url: local.webhook, secret_key: local.secret, type: 'license', ...changes }),
    async unregister(action?: string): Promise<void> {
      for (const { id } of await registrations(action)) await call('unregister_webhook', { id });
    },
  };
}
