import * as z from 'zod/mini';

// Apart from composing, so that the functions which send create none of these schemas during a cold start.

const storedPart = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('event'),
    event: z.looseObject({
      text: z.optional(z.string()),
      alternative_text: z.optional(z.string()),
      url: z.optional(z.string()),
      elements: z.optional(z.array(z.looseObject({ title: z.nullish(z.string()) }))),
    }),
  }),
  z.object({
    kind: z.literal('file'),
    name: z.optional(z.string()),
    source: z.looseObject({ url: z.optional(z.string()), key: z.optional(z.string()) }),
  }),
]);

/** The text of a stored part, the name of its file, or the title of its first card. Undefined if the part has none of these. */
export function partTitle(content: unknown): string | undefined {
  const part = storedPart.safeParse(content).data;
  if (part?.kind === 'file') return part.name ?? part.source.url ?? part.source.key;
  const { text, alternative_text, url, elements } = part?.event ?? {};
  return text ?? alternative_text ?? url ?? elements?.find(({ title }) => title)?.title ?? undefined;
}
