import { expect, it } from 'vitest';
import * as errors from '../../livechat/errors.ts';
import { FileRefused, FileUnavailable } from '../../media/errors.ts';
import { ConfigurationError } from '../../platform/configuration.ts';
import { InputUnsupported, RequestConflict, RequestExpired, RequestInvalid, StepFailed } from '../errors.ts';
import { categoryOf, deadLetterCategories } from './category.ts';

const refused = { message: 'no', method: 'send_event', outcome: 'refused' } as const;

it.each([
  [new errors.LiveChatAuthenticationError(refused), 'Authentication'],
  [new errors.LiveChatClientError(refused), 'Client'],
  [new errors.LiveChatNetworkError(refused), 'Network'],
  [new errors.LiveChatRateLimitError(refused), 'RateLimit'],
  [new errors.LiveChatRepairableError({ ...refused, repair: 'join' }), 'Repairable'],
  [new errors.LiveChatServerError(refused), 'Server'],
  [new ConfigurationError('LIVECHAT_AGENT_ID', 'an e-mail'), 'Configuration'],
  [new FileRefused('no'), 'Invalid'],
  [new FileUnavailable('no'), 'Network'],
  [new RequestConflict('request-1'), 'Invalid'],
  [new RequestInvalid('data'), 'Invalid'],
  [new RequestExpired('request-1', ''), 'Expired'],
  [new StepFailed(undefined), 'Internal'],
  [new InputUnsupported(2, [1]), 'Internal'],
  [{ name: 'ABORTED', message: '' }, 'Stopped'],
  [{ name: 'Lambda.Unknown', message: '' }, 'Internal'],
  [{ name: 'constructor', message: '' }, 'Internal'],
])('a send that ended by %s is counted as %s', (error, category) => {
  expect(categoryOf({ kind: 'send', error })).toBe(category);
  expect(deadLetterCategories).toContain(category);
});

it.each([
  ['event', 'Event'],
  ['unread', 'Unread'],
] as const)('a letter of kind %s is counted as %s, whatever its error', (kind, category) => {
  expect(categoryOf({ kind, error: { name: 'RequestInvalid', message: '' } })).toBe(category);
  expect(deadLetterCategories).toContain(category);
});
