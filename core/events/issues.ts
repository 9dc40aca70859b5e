import * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';

// Without a locale zod says no more than "Invalid input".
z.config(en());

/** What does not fit, field by field; the message names fields and expectations, never values. */
export interface Issue {
  readonly path: string;
  readonly message: string;
}

export function describeIssues(error: z.core.$ZodError): Issue[] {
  return error.issues.map((issue) => ({ path: issue.path.map(String).join('.') || '(root)', message: issue.message }));
}
