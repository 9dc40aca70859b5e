import { randomBytes } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { timingSafeEqual } from 'hono/utils/buffer';
import * as z from 'zod/mini';
import { parseJson } from '../core/platform/json.ts';

/** The requested ids and options, without message contents. */
export interface AuditEntry {
  /** Method and path, such as `POST /api/dead-letters/01J…/redrive`. */
  readonly request: string;
  readonly [field: string]: unknown;
}

/** Records a request before it is served. Rejects if it cannot be recorded. */
export type Audit = (entry: AuditEntry) => Promise<void>;

/** A new token for the URL of a console. */
export const createToken = (): string => randomBytes(32).toString('base64url');

/**
 * Responds with 401 to requests without the token. `/?token=` exchanges the token for a cookie. Scripts send a bearer token.
 * The console of a stage uses the operator's AWS permissions, and other users and processes of the machine can connect to its
 * port.
 */
export function requireToken(token: string): MiddlewareHandler {
  const session = createToken();
  return async (context, next) => {
    const { req } = context;
    // Browsers send the cookies of localhost to every port, so two consoles need different names.
    const cookie = `livechat-console-${new URL(req.url).port}`;
    if (req.path === '/' && (await timingSafeEqual(token, req.query('token') ?? ''))) {
      setCookie(context, cookie, session, { httpOnly: true, sameSite: 'Strict' });
      context.header('Cache-Control', 'no-store');
      return context.redirect('/', 303);
    }
    const bearer = req.header('authorization')?.replace(/^Bearer /i, '') ?? '';
    if (await timingSafeEqual(session, getCookie(context, cookie) ?? '')) return next();
    return (await timingSafeEqual(token, bearer)) ? next() : respondUnauthorized(context);
  };
}

function respondUnauthorized(context: Context): Response {
  context.header('Cache-Control', 'no-store');
  context.header('WWW-Authenticate', 'Bearer');
  if (!context.req.path.startsWith('/api/')) return context.html(unauthorizedPage, 401);
  return context.json({ error: { message: unauthorizedText } }, 401);
}

const unauthorizedText =
  'Access requires the link that `livechat console --stage` printed at startup. Open this link again.';

const unauthorizedPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>No access · LiveChat bridge</title>
<h1>Access requires the printed link</h1>
<p>Open the link with the token that <code>npx livechat console --stage</code> printed at startup.
If you no longer have the link, restart the command. It prints a new link.</p>
<p>If you have already opened the link in this browser, <a href="/">continue to the console</a>. Browsers do not send the
cookie if you followed a link from another site.</p>
</html>
`;

/** The items that contain text of customers and agents. */
const contents = /^\/api\/(?:conversations|messages|executions|dead-letters|events)\/./;
/** The page reloads an open item often. Only the first read in this interval is recorded. */
const recordIntervalMs = 3_600_000;

/** Ids and options of a request. Text that an operator wrote is not recorded. */
const recorded = z.object({
  organizationId: z.optional(z.string()),
  ids: z.optional(z.array(z.string())),
  conversationIds: z.optional(z.array(z.string())),
  do: z.optional(z.string()),
  callsPerSecond: z.optional(z.number()),
  dryRun: z.optional(z.boolean()),
  force: z.optional(z.boolean()),
  version: z.optional(z.number()),
});

/** The audit entry of a request. Undefined for a read that opens no item with message contents. */
async function describeRequest({ req }: Context): Promise<AuditEntry | undefined> {
  const request = `${req.method} ${req.path}`;
  if (!isRead(req)) return { request, ...recorded.safeParse(parseJson(await req.text())).data };
  return contents.test(req.path) ? { request, organizationId: req.query('organizationId') } : undefined;
}

const isRead = ({ method }: { method: string }) => method === 'GET' || method === 'HEAD';

/** The items that were opened within the last hour. */
function createRecentReads() {
  /** When items were opened, ms since 1970. */
  const opened = new Map<string, number>();
  return {
    has(item: string, now: number): boolean {
      for (const [other, at] of opened) if (now - at > recordIntervalMs) opened.delete(other);
      return opened.has(item);
    },
    add: (item: string, now: number) => opened.set(item, now),
  };
}

/**
 * Records every action, and every opened item with message contents, before the request is served. Lists are not recorded. An
 * item that stays open is recorded once an hour. Responds with 503 if the record cannot be written.
 */
export function auditRequests(audit: Audit): MiddlewareHandler {
  const recentReads = createRecentReads();
  return async (context, next) => {
    const entry = await describeRequest(context);
    const [item, now] = [JSON.stringify(entry), Date.now()];
    if (!entry || recentReads.has(item, now)) return next();
    try {
      await audit(entry);
    } catch (error) {
      const reason = error instanceof Error ? error.name : 'unknown error';
      return context.json({ error: { message: `Refused: the audit log cannot be written (${reason}).` } }, 503);
    }
    if (isRead(context.req)) recentReads.add(item, now);
    return next();
  };
}
