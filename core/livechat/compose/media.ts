import * as z from 'zod/mini';
import { common, type FileSource, type Part } from './part.ts';

const nonEmpty = z.string().check(z.minLength(1));

/** A file on the web, or in our media bucket. */
const mediaContent = z
  .object({
    url: z.optional(z.string().check(z.refine(isHttps, 'expected an https URL'))),
    key: z.optional(nonEmpty),
    name: z.optional(nonEmpty),
    alternativeText: z.optional(nonEmpty),
  })
  .check(z.refine(({ url, key }) => (url === undefined) !== (key === undefined), 'expected either url or key'));

export const mediaMessage = z.object({ ...common, type: z.literal('media'), content: mediaContent });
export type MediaMessage = z.infer<typeof mediaMessage>;

export function composeMedia({ content, visibility = 'all' }: MediaMessage, hosts: readonly string[]): Part[] {
  const source = sourceOf(content);
  const { name, alternativeText } = content;
  if ('url' in source && hosts.includes(new URL(source.url).hostname)) {
    const alternative = alternativeText === undefined ? {} : { alternative_text: alternativeText };
    return [{ kind: 'event', event: { type: 'file', url: source.url, visibility, ...alternative } }];
  }
  return [
    {
      kind: 'file',
      source,
      visibility,
      ...(name === undefined ? {} : { name }),
      ...(alternativeText === undefined ? {} : { alternativeText }),
    },
  ];
}

function sourceOf({ url, key }: MediaMessage['content']): FileSource {
  if (url !== undefined) return { url };
  if (key !== undefined) return { key };
  throw new TypeError('media without url and key: parse the message first');
}

function isHttps(text: string): boolean {
  return URL.parse(text)?.protocol === 'https:';
}
