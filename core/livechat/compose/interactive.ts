import * as z from 'zod/mini';
import { common, type Part } from './part.ts';
import { richMessageContent } from './rich-message.ts';

export const interactiveMessage = z.object({ ...common, type: z.literal('interactive'), content: richMessageContent });
export type InteractiveMessage = z.infer<typeof interactiveMessage>;

export function composeInteractive({ content, visibility = 'all' }: InteractiveMessage): Part[] {
  const { templateId, elements } = content;
  return [{ kind: 'event', event: { type: 'rich_message', template_id: templateId, elements, visibility } }];
}
