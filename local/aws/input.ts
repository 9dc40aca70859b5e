import type * as z from 'zod/mini';
import { AwsError } from './answers.ts';

/**
 * Parses what a caller sent.
 *
 * @throws AwsError ValidationException which names the first field that is wrong.
 */
export function parseInput<T extends z.ZodMiniType>(schema: T, input: unknown): z.output<T> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue?.path.join('.') || 'the body';
  throw new AwsError('ValidationException', `${field}: ${reasonOf(issue)}`);
}

function reasonOf(issue: z.core.$ZodIssue | undefined): string {
  switch (issue?.code) {
    case 'invalid_type':
      return `must be ${issue.expected}`;
    case 'invalid_value':
      return `must be one of ${issue.values.join(', ')}`;
    case 'too_small':
      return `must be at least ${issue.minimum}`;
    case 'too_big':
      return `must be at most ${issue.maximum}`;
    case 'unrecognized_keys':
      return `has an unknown field: ${issue.keys.join(', ')}`;
    default:
      return issue?.message ?? 'is not valid';
  }
}
