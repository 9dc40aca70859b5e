import * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';

// Without a locale, every zod message is "Invalid input". A locale that the user of the kit has set is not replaced.
if (!z.config().localeError) z.config(en());

/** An invalid field. The message says what was expected and never quotes the value. */
export interface Issue {
  readonly path: string;
  readonly message: string;
}

export function describeIssues(error: z.core.$ZodError, prefix = ''): Issue[] {
  return error.issues.map(({ path, message }) => ({
    path: prefix + (path.map(String).join('.') || '(root)'),
    // zod's message for a missing field.
    message: message.replace('expected nonoptional, received undefined', 'expected a value'),
  }));
}

/** One input can have thousands of invalid fields. */
const maxListed = 10;

/** The first issues as the text of an error. */
export function issueText(issues: readonly Issue[]): string {
  const listed = issues.slice(0, maxListed).map(({ path, message }) => `${path}: ${message}`);
  const others = issues.length - listed.length;
  return [...listed, ...(others > 0 ? [`and ${others} more`] : [])].join('; ');
}
