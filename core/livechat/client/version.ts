import { ConfigurationError } from '../../platform/configuration.ts';
import type { ListChats } from './requests.ts';

export interface Version {
  readonly major: number;
  readonly minor: number;
}

/** Reads `v3.6` or `3.6`. Throws {@link ConfigurationError}. */
export function parseVersion(text: string): Version {
  const [, major, minor] = /^v?(\d{1,3})\.(\d{1,3})$/.exec(text) ?? [];
  if (major === undefined) throw new ConfigurationError('LIVECHAT_API_VERSION', 'a version such as v3.6');
  return { major: Number(major), minor: Number(minor) };
}

/** `filters.active` is what v3.6 made of `filters.include_active`. */
export function listChatsBody(request: ListChats, { major, minor }: Version): Readonly<Record<string, unknown>> {
  if (request.page_id !== undefined || request.filters?.active === undefined) return { ...request };
  if (major > 3 || minor >= 6) return { ...request };
  const { active, ...filters } = request.filters;
  return { ...request, filters: { ...filters, include_active: active } };
}
