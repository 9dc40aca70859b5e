import type { z } from 'zod/mini';
import type { AnyEvent } from '../../events/event.ts';
import { issuesOf } from '../../events/issues.ts';
import type { Translation } from './context.ts';

/** An authentic body, or a part of one, that fits no schema: kept whole on the bus, with what is wrong by path. */
export function rejected(error: z.core.$ZodError, under: string, body: unknown, translation: Translation): AnyEvent {
  const issues = issuesOf(error).map(({ path, message }) => ({
    path: path === '(root)' ? under : `${under}.${path}`,
    message,
  }));
  return translation.happening(
    'webhook.rejected',
    { action: translation.webhook.action, issues, body },
    { part: under },
  );
}
