import type { DeadLetterKind } from './dead-letter.ts';

/** The errors of dead letters by category. The deployment reads the categories too, so this module needs no table. */
const categories = new Map([
  ['LiveChatAuthenticationError', 'Authentication'],
  ['LiveChatClientError', 'Client'],
  ['LiveChatNetworkError', 'Network'],
  ['LiveChatRateLimitError', 'RateLimit'],
  ['LiveChatRepairableError', 'Repairable'],
  ['LiveChatServerError', 'Server'],
  ['ConfigurationError', 'Configuration'],
  ['DeliveryMissing', 'Expired'],
  ['FileRefused', 'Invalid'],
  ['FileUnavailable', 'Network'],
  ['RequestConflict', 'Invalid'],
  ['RequestInvalid', 'Invalid'],
  ['RequestExpired', 'Expired'],
  ['ABORTED', 'Stopped'],
  ['TIMED_OUT', 'Stopped'],
]);

export const deadLetterCategories: readonly string[] = [
  ...new Set(categories.values()),
  'Event',
  'Unreadable',
  'Internal',
];

/** The category under which a dead letter is counted. The runbook has a section for each. */
export function deadLetterCategory({
  kind,
  error,
}: {
  readonly kind: DeadLetterKind;
  readonly error: { readonly name: string };
}): string {
  if (kind === 'event') return 'Event';
  return kind === 'unreadable' ? 'Unreadable' : (categories.get(error.name) ?? 'Internal');
}
