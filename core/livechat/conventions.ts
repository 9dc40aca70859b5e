import type { UserType } from '../events/schemas.ts';

/** Formats of LiveChat's ids and URLs. Undocumented; observed in webhooks and API responses. */

const botId = /^[0-9a-f]{32}$/i;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Hosts of the files in LiveChat's events. LiveChat accepts a `file` event only with a URL on one of them. */
export const liveChatFileHosts: readonly string[] = ['cdn.livechat-files.com', 'cdn.files-text.com'];

export function isUuid(id: string): boolean {
  return uuid.test(id);
}

/** Derives the user type from the id format. LiveChat's events have no author type. */
export function userTypeFromId(id: string | null | undefined): UserType {
  if (!id) return 'system';
  if (id.includes('@')) return 'agent';
  if (botId.test(id)) return 'bot';
  return uuid.test(id) ? 'customer' : 'unknown';
}

/** The user type from LiveChat's `type`, otherwise from the id. LiveChat declares bots as agents. */
export function userType(id: string, declared: string | null | undefined): UserType {
  if (declared === 'customer') return 'customer';
  if (declared === 'agent') return botId.test(id) ? 'bot' : 'agent';
  return userTypeFromId(id);
}

export function authorFromId(id: string | null | undefined): { id: string; type: UserType } {
  return { id: id ?? '', type: userTypeFromId(id) };
}
