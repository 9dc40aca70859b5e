import type { Letter } from './read.ts';

const categories = new Map([
  ['LiveChatAuthenticationError', 'Authentication'],
  ['LiveChatClientError', 'Client'],
  ['LiveChatNetworkError', 'Network'],
  ['LiveChatRateLimitError', 'RateLimit'],
  ['LiveChatRepairableError', 'Repairable'],
  ['LiveChatServerError', 'Server'],
  ['ConfigurationError', 'Configuration'],
  ['FileRefused', 'Invalid'],
  ['FileUnavailable', 'Network'],
  ['RequestConflict', 'Invalid'],
  ['RequestInvalid', 'Invalid'],
  ['RequestExpired', 'Expired'],
  ['ABORTED', 'Stopped'],
  ['TIMED_OUT', 'Stopped'],
]);

/** Every one, for the alarms. */
export const deadLetterCategories = [...new Set(categories.values()), 'Event', 'Unread', 'Internal'];

/** What a dead letter is counted under: the runbook has a paragraph for each, whatever errors come to be. */
export function categoryOf({ kind, error }: Pick<Letter, 'kind' | 'error'>): string {
  if (kind === 'event') return 'Event';
  if (kind === 'unread') return 'Unread';
  return categories.get(error.name) ?? 'Internal';
}
