import { HTTPException } from 'hono/http-exception';
import * as z from 'zod/mini';

/** An answer that names what was wrong with the question. */
export function problem(status: 400 | 404 | 409, field: string, expected: string): HTTPException {
  return new HTTPException(status, { res: Response.json({ error: { field, expected } }, { status }) });
}

const wholeNumber = z.coerce.number().check(z.int(), z.minimum(1), z.maximum(2000));

export function limitOr(fallback: number, given: string | undefined): number {
  const parsed = wholeNumber.safeParse(given ?? fallback);
  if (!parsed.success) throw problem(400, 'limit', 'a whole number from 1 to 2000');
  return parsed.data;
}

export function oneOf<T extends string>(allowed: readonly T[], given: string, field: string): T {
  const found = allowed.find((one) => one === given);
  if (found === undefined) throw problem(400, field, `one of ${allowed.join(', ')}`);
  return found;
}
