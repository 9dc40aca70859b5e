import type { Context, Hono, MiddlewareHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { secureHeaders } from 'hono/secure-headers';
import * as z from 'zod/mini';
import { normalizeOrganizationId } from '../core/channel/spec.ts';
import { parseJson } from '../core/platform/json.ts';
import { isLoopbackHost } from '../core/platform/loopback.ts';

/**
 * Rejects requests that a page of another site sends: the console shows customers' data and acts on production. DNS rebinding
 * shows in `Host`, a cross-origin request in `Origin`.
 */
export const guard: MiddlewareHandler = async (context, next) => {
  const host = context.req.header('host');
  if (!isLoopbackHost(host)) return reject(context, 'Host', 'localhost or 127.0.0.1');
  const origin = context.req.header('origin');
  if (origin !== undefined && origin !== `http://${host}`) return reject(context, 'Origin', 'this console');
  // Other ports of localhost are the same site, and receive its cookies.
  const site = context.req.header('sec-fetch-site');
  if ((site === 'cross-site' || site === 'same-site') && context.req.path !== '/') {
    return reject(context, 'Sec-Fetch-Site', 'same-origin');
  }
  return next();
};

function reject(context: Context, field: string, expected: string): Response {
  return context.json({ error: { field, expected } }, 403);
}

/** Allows the page's own files only, and images from the origins that serve stored files. */
export function securityHeaders(imageOrigins: readonly string[]): MiddlewareHandler {
  const [own, none] = [["'self'"], ["'none'"]];
  return secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: none,
      scriptSrc: own,
      styleSrc: own,
      connectSrc: own,
      imgSrc: [...own, 'data:', ...imageOrigins],
      baseUri: none,
      formAction: none,
      frameAncestors: none,
    },
  });
}

export interface ReadRequest {
  /** The `:id` of the path; empty if the path has none. */
  readonly id: string;
  readonly query: Readonly<Record<string, string>>;
  /** Aborted when the client disconnects. */
  readonly signal: AbortSignal;
}

type Reads = Readonly<Record<string, (request: ReadRequest) => unknown>>;

/** The response bodies of GET requests, by path. */
export type Responses<T extends Reads> = { readonly [Path in keyof T]: Awaited<ReturnType<T[Path]>> };

/** Longer than any id of LiveChat, AWS or the bridge, and short enough for DynamoDB's keys. */
const maxIdBytes = 512;

/** Adds a route for each GET request. */
export function addReads(app: Hono, reads: Reads): void {
  for (const [path, read] of Object.entries(reads)) {
    app.get(path, async (context) => {
      const { req } = context;
      const { organizationId, ...query } = req.query();
      const normalized =
        organizationId === undefined ? {} : { organizationId: normalizeOrganizationId(organizationId) };
      const id = req.param('id') ?? '';
      for (const [field, value] of Object.entries({ id, ...normalized })) {
        if (Buffer.byteLength(value) > maxIdBytes) throw invalid(400, field, `at most ${maxIdBytes} bytes`);
      }
      const request = { id, query: { ...query, ...normalized }, signal: req.raw.signal };
      return context.json(await read(request));
    });
  }
}

/** An error response that names the invalid field and what it must be. */
export function invalid(status: 400 | 404 | 409, field: string, expected: string): HTTPException {
  return new HTTPException(status, { res: Response.json({ error: { field, expected } }, { status }) });
}

export const invalidCursor = () => invalid(400, 'after', 'the `next` of the previous page');

/** Responds with 400 if the read of a page after a cursor rejects the cursor. */
export async function readAfter<T>(after: string | undefined, read: Promise<T>): Promise<T> {
  return read.catch((error: Error) => {
    const cause = findCause(error);
    const isRejected = !('$metadata' in cause) || cause.name === 'ValidationException';
    throw after !== undefined && isRejected ? invalidCursor() : error;
  });
}

/** ElectroDB wraps the errors of AWS, such as `ExpiredTokenException`. */
export function findCause(error: Error): Error {
  return error.cause instanceof Error ? findCause(error.cause) : error;
}

const limit = z.coerce.number().check(z.int(), z.minimum(1), z.maximum(2000));

export function parseLimit(text: string | undefined, fallback: number): number {
  const parsed = limit.safeParse(text ?? fallback);
  if (!parsed.success) throw invalid(400, 'limit', 'a whole number from 1 to 2000');
  return parsed.data;
}

export function parseOneOf<T extends string>(allowed: readonly T[], text: string, field: string): T {
  const found = allowed.find((value) => value === text);
  if (found === undefined) throw invalid(400, field, `one of ${allowed.join(', ')}`);
  return found;
}

/** Parses a time of ISO 8601, into UTC. */
export function parseTime(text: string, field: string): string {
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw invalid(400, field, 'a time such as 2026-11-27T12:00:00Z');
  return new Date(time).toISOString();
}

/** Parses the period of a filter, either end of which can be omitted. */
export function parsePeriod({ since, until }: Readonly<Record<'since' | 'until', string | undefined>>) {
  return {
    since: since === undefined ? undefined : parseTime(since, 'since'),
    until: until === undefined ? undefined : parseTime(until, 'until'),
  };
}

/** Parses a JSON body, or `{}` without one; a body that does not match the schema is rejected with 400. */
export async function parseBody<T>(
  { req }: Context,
  schema: z.ZodMiniType<T>,
  field: string,
  expected: string,
): Promise<T> {
  const parsed = schema.safeParse(parseJson((await req.text()) || '{}'));
  if (!parsed.success) throw invalid(400, field, expected);
  return parsed.data;
}
