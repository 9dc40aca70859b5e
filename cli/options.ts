import * as z from 'zod/mini';
import { UsageError } from './errors.ts';

/** Option values arrive as texts; the text of each error is what the reader should have given. */

export const wholeNumber = (least: number) => {
  const what = `a whole number, ${least} or more`;
  return z.coerce.number(what).check(z.refine((value) => Number.isSafeInteger(value) && value >= least, what));
};

export const positiveNumber = z.coerce.number('a number above 0').check(z.gt(0, 'a number above 0'));

const webAddress = 'an address such as http://localhost:4600';
export const address = z.string(webAddress).check(z.url({ protocol: /^https?$/, error: webAddress }));

export const flag = z._default(z.boolean(), false);

const stageName = 'a stage name of letters, digits and hyphens, such as production';

/** The options that {@link bridgeCommand} gives a command. */
export const bridgeOptions = {
  json: flag,
  stage: z.optional(z.string(stageName).check(z.regex(/^[A-Za-z0-9-]{1,64}$/, stageName))),
};

export const organizationOption = z.optional(z.guid('a UUID'));

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const durationExpected = 'a time such as 30m, 12h or 7d';

/** A whole number and its unit; becomes ms. */
export const duration = z.pipe(
  z.string(durationExpected).check(z.regex(/^[1-9]\d{0,5}[smhd]$/, durationExpected)),
  z.transform((text) => Number(text.slice(0, -1)) * (unitMs[text.slice(-1)] ?? 0)),
);

/** The options that {@link asking} adds to them. */
export const confirmationOptions = { ...bridgeOptions, yes: flag };

const toFlag = (name: string): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** @throws UsageError that names the option, never its value */
export const parseOptions = <Schema extends z.ZodMiniType>(schema: Schema, options: unknown): z.output<Schema> => {
  const parsed = schema.safeParse(options);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UsageError(`${toFlag(String(issue?.path[0]))} must be ${issue?.message}.`);
};
