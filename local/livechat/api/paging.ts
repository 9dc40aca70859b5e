import * as z from 'zod/mini';
import { invalid } from './errors.ts';

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next_page_id?: string;
  readonly previous_page_id?: string;
}

const toPageId = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const parsed = (pageId: string): unknown => {
  try {
    return JSON.parse(Buffer.from(pageId, 'base64url').toString());
  } catch {
    return undefined;
  }
};

/** A page id holds the whole question, so that it can be asked alone. */
export const fromPageId = <Schema extends z.ZodMiniType>(schema: Schema, pageId: string): z.output<Schema> => {
  const read = schema.safeParse(parsed(pageId));
  if (!read.success) throw invalid('`page_id` is invalid');
  return read.data;
};

export const offset = z._default(z.int().check(z.gte(0)), 0);

/** The items from `offset` on, at most `limit`, with the questions for the pages beside them. */
export const pageOf = <Item, Question extends { readonly offset: number; readonly limit: number }>(
  all: readonly Item[],
  question: Question,
): Page<Item> => {
  const { offset: start, limit } = question;
  const pageAt = (from: number) => toPageId({ ...question, offset: from });
  return {
    items: all.slice(start, start + limit),
    ...(start + limit < all.length && { next_page_id: pageAt(start + limit) }),
    ...(start > 0 && { previous_page_id: pageAt(Math.max(0, start - limit)) }),
  };
};
