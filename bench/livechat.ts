import { configurationApi } from '../test/configuration-api.ts';
import type { Local } from '../test/local.ts';
import { outbound } from '../test/outbound.ts';

/** Reads LiveChat's call log since it was last cleared. */
export async function readCallCounts(local: Local) {
  const { methods, arrivals } = await outbound(local).calls();
  const total = (field: 'count' | 'accepted' | 'rate_limited') =>
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
  await outbound(local).simulator('DELETE', '/simulator/calls');
}

const numbered = /^message (\d+)$/;
export const messageText = (number: number) => `message ${number}`;

/** The numbered messages of a chat, in the order in which LiveChat accepted them. */
export async function readArrivedNumbers(local: Local, chat: string): Promise<number[]> {
  const texts = await outbound(local).sentTexts(chat);
  return texts.flatMap((text) => numbered.exec(text)?.slice(1).map(Number) ?? []);
}

/** Enables or disables LiveChat's webhooks, also those that confirm sent messages. */
export async function setWebhooks(local: Local, enabled: boolean): Promise<void> {
  await configurationApi(local).call(enabled ? 'enable_license_webhooks' : 'disable_license_webhooks');
}
