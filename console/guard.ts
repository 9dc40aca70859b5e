import type { Context, MiddlewareHandler } from 'hono';
import { isLoopbackHost } from '../core/platform/loopback.ts';

/**
 * The data is the customers', and the calls act on production: another site open in the same browser must neither read nor
 * send. A name that resolves to this machine (DNS rebinding) shows in `Host`, another site's page in `Origin`.
 */
export const guard: MiddlewareHandler = async (context, next) => {
  const host = context.req.header('host');
  if (!isLoopbackHost(host)) return refused(context, 'Host', 'localhost or 127.0.0.1');
  const origin = context.req.header('origin');
  if (origin !== undefined && origin !== `http://${host}`) return refused(context, 'Origin', 'this console');
  if (context.req.header('sec-fetch-site') === 'cross-site' && context.req.path !== '/') {
    return refused(context, 'Sec-Fetch-Site', 'same-origin');
  }
  return next();
};

function refused(context: Context, field: string, expected: string): Response {
  return context.json({ error: { field, expected } }, 403);
}

/** Nothing but the page's own files runs; pictures come from it and from where the bridge keeps files. */
export function securityHeaders(pictures: readonly string[]): MiddlewareHandler {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    `img-src 'self' data: ${pictures.join(' ')}`.trim(),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return async (context, next) => {
    await next();
    context.header('Content-Security-Policy', policy);
    context.header('X-Content-Type-Options', 'nosniff');
    context.header('Referrer-Policy', 'no-referrer');
    context.header('Cross-Origin-Resource-Policy', 'same-origin');
  };
}
