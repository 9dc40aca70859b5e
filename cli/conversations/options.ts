import * as z from 'zod/mini';
import { bridgeOptions, confirmationOptions, flag, organizationOption, wholeNumber } from '../options.ts';

export const statuses = ['queued', 'open', 'idle', 'closed'] as const;
const most = (limit: number) => wholeNumber(1).check(z.maximum(limit, `a whole number from 1 to ${limit}`));

export const listOptions = z.object({
  ...bridgeOptions,
  organization: organizationOption,
  status: z.optional(z.enum(statuses)),
  limit: most(1000),
});
export type ListOptions = z.infer<typeof listOptions>;

export const showOptions = z.object({ ...bridgeOptions, organization: organizationOption, limit: most(10_000) });
export type ShowOptions = z.infer<typeof showOptions>;

export const eraseOptions = z.object({
  ...confirmationOptions,
  organization: organizationOption,
  dryRun: flag,
  customer: z.optional(z.string().check(z.minLength(3, "a customer's id or e-mail address"))),
});
export type EraseOptions = z.infer<typeof eraseOptions>;
