import * as z from 'zod/mini';
import { bridgeOptions, flag, organizationOption, wholeNumber } from '../options.ts';

const words = (what: string) => z.string().check(z.minLength(1, what));

export const sendOptions = z.object({
  ...bridgeOptions,
  organization: organizationOption,
  chat: words("a chat's id"),
  text: z.optional(words('a text that is not empty')),
  file: z.optional(words('a path or an https address')),
  card: z.optional(words('a path')),
  note: flag,
  onInactive: z.enum(['resume', 'append', 'fail'], 'resume, append or fail'),
  onAbsent: z.enum(['join', 'transfer'], 'join or transfer'),
  expiresInSeconds: wholeNumber(1).check(z.maximum(86_400, 'at most 86400')),
  requestId: z.optional(words('a text that is not empty')),
  wait: flag,
});
export type SendOptions = z.infer<typeof sendOptions>;
