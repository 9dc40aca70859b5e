import * as z from 'zod/mini';
import { common, type Part } from './part.ts';
import { splitText } from './split-text.ts';

export const textMessage = z.object({
  ...common,
  type: z.literal('text'),
  /** Of any length: what LiveChat would refuse as too long goes in several parts. */
  content: z.string().check(z.minLength(1)),
});
export type TextMessage = z.infer<typeof textMessage>;

export function composeText({ content, visibility = 'all' }: TextMessage): Part[] {
  return splitText(content).map((text) => ({ kind: 'event', event: { type: 'message', text, visibility } }));
}
