import * as z from 'zod/mini';
import { invalid } from './errors.ts';

const record = z.record(z.string(), z.unknown());

const valueAt = (body: unknown, path: readonly PropertyKey[]): unknown => {
  const [key, ...rest] = path;
  if (key === undefined) return body;
  if (Array.isArray(body)) return valueAt(body[Number(key)], rest);
  const parsed = record.safeParse(body);
  return parsed.success ? valueAt(parsed.data[String(key)], rest) : undefined;
};

const isMissing = (value: unknown): boolean => value === undefined || value === null || value === '';

/** Reads a request as LiveChat does: unknown fields are ignored, and the first thing wrong is told by its name. */
export const check = <Schema extends z.ZodMiniType>(schema: Schema, body: unknown): z.output<Schema> => {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path ?? [];
  const name = path.join('.') || 'body';
  if (isMissing(valueAt(body, path))) throw invalid(`\`${name}\` is required`);
  throw invalid(`\`${name}\` ${issue?.message.startsWith('must') ? issue.message : 'is invalid'}`);
};
