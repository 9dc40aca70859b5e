import * as z from 'zod/mini';
import { type Issue, issuesOf } from '../../events/issues.ts';
import { interactiveMessage } from './interactive.ts';
import { mediaMessage } from './media.ts';
import { textMessage } from './text.ts';

/** One message of a send request. */
export const requestMessage = z.discriminatedUnion('type', [textMessage, mediaMessage, interactiveMessage]);
export type RequestMessage = z.infer<typeof requestMessage>;

const request = z.object({ messages: z.array(requestMessage).check(z.minLength(1), z.maxLength(10)) });

/** Messages that LiveChat would refuse; names every field that does not fit and what was expected, never a value. */
export class InvalidMessagesError extends Error {
  override readonly name = 'InvalidMessages';
  readonly issues: readonly Issue[];
  constructor(issues: readonly Issue[]) {
    super(issues.map(({ path, message }) => `${path}: ${message}`).join('; '));
    this.issues = issues;
  }
}

/** Checks the messages (1 to 10) of one request. Throws {@link InvalidMessagesError}. */
export function parseMessages(messages: unknown): RequestMessage[] {
  const parsed = request.safeParse({ messages });
  if (parsed.success) return parsed.data.messages;
  throw new InvalidMessagesError(issuesOf(parsed.error));
}
