import * as z from 'zod/mini';
import type { LetterFilter } from '../../core/outbound/dead-letters/select.ts';
import { bridgeOptions, confirmationOptions, duration, flag, wholeNumber } from '../options.ts';

export const statuses = ['open', 'redriven', 'settled'] as const;
export const filterNames = ['kind', 'error', 'organization', 'conversation', 'request'] as const;
const filterExpected = 'kind=send, kind=event, kind=unread, error=…, organization=…, conversation=… or request=…';

const condition = z
  .string(filterExpected)
  .check(z.regex(/^(?:kind=(?:send|event|unread)|(?:error|organization|conversation|request)=.+)$/, filterExpected));
const kindNames = ['send', 'event', 'unread'] as const;

/** From `name=value` each; a name given twice counts as given last. */
const filterOf = (conditions: string[]): LetterFilter => {
  const given = new Map(
    conditions.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]),
  );
  const { kind, ...rest } = Object.fromEntries(filterNames.map((name) => [name, given.get(name)]));
  return { ...rest, kind: kindNames.find((one) => one === kind) };
};
const filter = z.pipe(z._default(z.array(condition), []), z.transform(filterOf));
const which = { filter, maxAge: z.optional(duration) };

export const listOptions = z.object({
  ...bridgeOptions,
  ...which,
  status: z.enum(statuses),
  limit: wholeNumber(1),
});
export type ListOptions = z.infer<typeof listOptions>;
export const showOptions = z.object(bridgeOptions);
export type ShowOptions = z.infer<typeof showOptions>;
export const redriveOptions = z.object({ ...confirmationOptions, ...which, all: flag, dryRun: flag });
export type RedriveOptions = z.infer<typeof redriveOptions>;
