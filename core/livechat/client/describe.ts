import type { AnswerCategory, Refusal, Repair } from './error-types.ts';

export interface Failure extends Refusal {
  readonly method: string;
  readonly debugId: string | undefined;
  readonly category: AnswerCategory;
  readonly repair: Repair | undefined;
}

/** LiveChat's own texts that quote nothing of what was sent. */
const harmless = new Set([
  'Cannot call unsupported API versions.',
  'Chat is inactive',
  'Chat is not active',
  'Internal server error',
  'Invalid access token',
  'License expired',
  'Limit reached',
  'No `Authorization` header',
  'Not found',
  'Public agents in chat limit reached',
  'Request timed out',
  'Requester is not user of the chat',
  'Service unavailable',
  'Too many requests',
  'Upload limit exceeded (10MB).',
  'Wrong region',
  'user_id not found',
]);
const missingField = /^`[a-z_]{1,40}(?:\.[a-z_]{1,40}){0,4}` is required$/;

const byRepair: Readonly<Record<Repair, string>> = {
  resume: 'Resume the chat, then send again.',
  join: 'Add the sender to the chat, then send again.',
  region: 'Call again in the region that LiveChat names.',
  transfer: 'No further agent may join: transfer the chat to the sender, or send as the assigned agent.',
};

const byType: Readonly<Record<string, string>> = {
  entity_too_large: 'Send a smaller message or file.',
  license_expired: "Renew the organization's LiveChat licence.",
  license_not_found: 'Check which LiveChat organization the credentials belong to.',
  not_found: 'Check the ids in the request.',
  unsupported_version: 'Set LIVECHAT_API_VERSION to a version that LiveChat still serves, such as v3.6.',
  validation: "Correct the request by LiveChat's reference of this method.",
};

const byCategory: Readonly<Record<AnswerCategory, string>> = {
  Authentication: 'Check LIVECHAT_API_KEY with LIVECHAT_ACCOUNT_ID, or LIVECHAT_ACCESS_TOKEN, and their scopes.',
  RateLimit: 'Slow down and call later.',
  Server: 'LiveChat failed; it may have done what was asked, so look for the effect before a write is repeated.',
  Client: 'Do not repeat the call unchanged.',
};

/** What went wrong and what to do, without anything of the request and without texts that might quote it. */
export function describe({ method, status, type, message, debugId, category, repair }: Failure): string {
  const debug = debugId === undefined ? '' : `, debug id ${debugId}`;
  const advice = repair ? byRepair[repair] : ((type && byType[type]) ?? byCategory[category]);
  return `${method}: LiveChat answered ${saidBy(type, message)} (HTTP ${status}${debug}). ${advice}`;
}

function saidBy(type: string | undefined, message: string | undefined): string {
  const text = message !== undefined && (harmless.has(message) || missingField.test(message)) ? `"${message}"` : '';
  if (type === undefined) return text || 'with an error that names no type';
  return text ? `${type}, ${text}` : `${type}; see LiveChat's ${type}`;
}
