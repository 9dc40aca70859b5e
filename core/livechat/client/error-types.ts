/** What is to be done about a failed call. */
export type ErrorCategory = 'Repairable' | 'Authentication' | 'RateLimit' | 'Server' | 'Network' | 'Client';

/**
 * What makes the same call succeed: a new thread in the chat, joining the chat, the region that LiveChat named, or
 * taking the chat over, since LiveChat lets no further agent join.
 */
export type Repair = 'resume' | 'join' | 'region' | 'transfer';

export interface Refusal {
  /** The HTTP code. */
  readonly status: number;
  /** LiveChat's `error.type`. */
  readonly type?: string | undefined;
  /** LiveChat's `error.message`; it may quote what was sent. */
  readonly message?: string | undefined;
}

/** The category of an answer that nothing repairs. */
export type AnswerCategory = Exclude<ErrorCategory, 'Repairable' | 'Network'>;

/** Source: error types of the Agent Chat and Configuration APIs (platform.text.com/docs), and those of the other APIs. */
const categories: Readonly<Record<string, AnswerCategory>> = {
  authentication: 'Authentication',
  authorization: 'Authentication',
  too_many_requests: 'RateLimit',
  pending_requests_limit_reached: 'RateLimit',
  internal: 'Server',
  service_unavailable: 'Server',
  request_timeout: 'Server',
  agent_offline: 'Client',
  already_exists: 'Client',
  chat_anonymized: 'Client',
  customer_banned: 'Client',
  entity_too_large: 'Client',
  greeting_not_found: 'Client',
  group_not_found: 'Client',
  group_offline: 'Client',
  group_unavailable: 'Client',
  groups_offline: 'Client',
  license_expired: 'Client',
  license_not_found: 'Client',
  limit_reached: 'Client',
  missing_access: 'Client',
  not_allowed: 'Client',
  not_found: 'Client',
  ownership_transfer: 'Client',
  requester_already_offline: 'Client',
  requester_awaiting_approval: 'Client',
  requester_suspended: 'Client',
  seats_limit_exceeded: 'Client',
  transfer_ownership: 'Client',
  unsupported_version: 'Client',
  users_limit_reached: 'Client',
  validation: 'Client',
  wrong_product_version: 'Client',
};

/** LiveChat documents the types and not the HTTP codes: the type decides, the code only where the type is unknown. */
export function categoryOf({ type, status }: Refusal): AnswerCategory {
  return known(type) ?? ofStatus(status);
}

function known(type: string | undefined): AnswerCategory | undefined {
  return type !== undefined && Object.hasOwn(categories, type) ? categories[type] : undefined;
}

function ofStatus(status: number): AnswerCategory {
  if (status === 401 || status === 403) return 'Authentication';
  if (status === 429) return 'RateLimit';
  return status >= 300 && status < 500 ? 'Client' : 'Server';
}

/** The repair after which the same call is worth another try, if there is one. The wordings were seen in production. */
export function repairOf({ type, status, message = '' }: Refusal): Repair | undefined {
  if (type === 'chat_inactive') return 'resume';
  if (type === 'misdirected_request') return 'region';
  const typeIs = (expected: string, code: number) => type === expected || (status === code && !known(type));
  if (typeIs('authorization', 403) && /\bnot (?:a )?(?:user|member) of the chat\b/i.test(message)) return 'join';
  if (!typeIs('validation', 422)) return undefined;
  if (/\bnot active\b|\bchat is inactive\b/i.test(message)) return 'resume';
  return /\bpublic agents in chat limit reached\b/i.test(message) ? 'transfer' : undefined;
}
