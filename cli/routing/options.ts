import * as z from 'zod/mini';
import { bridgeOptions, flag, organizationOption, wholeNumber } from '../options.ts';

const common = { ...bridgeOptions, organization: organizationOption };

export const showOptions = z.object({ ...common, version: z.optional(wholeNumber(0)) });
export type ShowOptions = z.infer<typeof showOptions>;

export const applyOptions = z.object({
  ...common,
  rules: z.optional(z.string()),
  version: z.optional(wholeNumber(0)),
  comment: z.optional(z.string().check(z.maxLength(500, 'at most 500 characters'))),
});
export type ApplyOptions = z.infer<typeof applyOptions>;

export const testOptions = z.object({
  ...common,
  rules: z.string(),
  payload: z.optional(z.array(z.string())),
  conversations: z.optional(wholeNumber(1).check(z.maximum(1000, 'a whole number from 1 to 1000'))),
  explain: flag,
});
export type TestOptions = z.infer<typeof testOptions>;
