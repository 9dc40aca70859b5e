import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import * as z from 'zod/mini';
import { type Credentials, LookUpLimitError, type OrganizationCredentials } from '../../core/livechat/credentials.ts';
import { InvalidSignatureError, requiresSecret, TooDeepError, verifyProof } from '../../core/livechat/webhook.ts';
import { edgeKey } from '../../core/platform/configuration.ts';
import { parseJson, parseJsonExactly } from '../../core/platform/json.ts';
import type { Log } from '../../core/platform/logger.ts';
import type { count } from '../../core/platform/metrics.ts';

export interface WebhookContext extends Context {
  /** The credentials that verified the request; unset for a request without a secret. */
  verifiedWith?: OrganizationCredentials;
  /** The text of the body. */
  bodyText?: string | undefined;
}

/** The middlewares are in the order in which they run. */
type WebhookMiddleware = MiddlewareObj<
  APIGatewayProxyEventV2,
  APIGatewayProxyStructuredResultV2,
  Error,
  WebhookContext
>;

class DirectCallError extends Error {
  override readonly name = 'DirectCall';
}

class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLarge';
}

class InvalidJsonError extends Error {
  override readonly name = 'InvalidJson';
}

/** Responds to errors and counts them. Unexpected errors are logged and answered with 500, so that LiveChat retries. */
export function respondToErrors(log: Log, countMetric: typeof count): WebhookMiddleware {
  return {
    onError: (request) => {
      const response = errorResponse(request.error);
      if (response.statusCode === 500) log.error('webhook failed', { error: request.error });
      countMetric('WebhookErrorResponses', { status: String(response.statusCode) });
      request.response = response;
    },
  };
}

function errorResponse(error: unknown) {
  if (error instanceof DirectCallError) return json(403, { error: 'Forbidden' });
  if (error instanceof BodyTooLargeError) return json(413, { error: 'Payload too large' });
  if (error instanceof InvalidSignatureError) return json(401, { error: 'Invalid signature' });
  if (error instanceof InvalidJsonError || error instanceof TooDeepError || isParserError(error)) {
    return json(400, { error: 'Invalid JSON' });
  }
  // LiveChat retries, and the retry is likely to succeed.
  if (error instanceof LookUpLimitError) return json(503, { error: 'Too many failed secret look-ups, try again' });
  return json(500, { error: 'Internal server error' });
}

/** An error of http-json-body-parser. Its cause quotes the body, secret included, so it must not be logged. */
function isParserError(error: unknown): boolean {
  return error instanceof Error && 'statusCode' in error && (error.statusCode === 415 || error.statusCode === 422);
}

export function json(statusCode: number, body: unknown) {
  return { statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

/** With an edge, rejects calls without its key. Both digests have the same length, so the comparison takes constant time. */
export function rejectDirectCalls(keyDigest: string | undefined): WebhookMiddleware {
  return {
    before: ({ event }) => {
      if (keyDigest === undefined) return;
      const given = event.headers[edgeKey.header] ?? '';
      const digest = createHash('sha256').update(given).digest();
      if (!timingSafeEqual(digest, Buffer.from(keyDigest, 'hex'))) throw new DirectCallError();
    },
  };
}

/**
 * Rejects a body over `maxBytes`, verifies the `X-Signature` header if present, and decodes a base64 body. Runs before the JSON
 * parser, so that the response to an invalid signature does not depend on the body.
 */
export function verifySignature(credentials: Credentials, maxBytes: number): WebhookMiddleware {
  return {
    before: async ({ event, context }) => {
      const rawBody = readBody(event, maxBytes);
      // API Gateway passes names in lower case.
      const signature = event.headers['x-signature'];
      if (signature !== undefined) {
        const id = organizationId(parseJson(new TextDecoder().decode(rawBody)));
        context.verifiedWith = await verifyProof({ signature, rawBody }, id, credentials);
      }
      if (event.isBase64Encoded) Object.assign(event, { body: decodeUtf8(rawBody), isBase64Encoded: false });
      context.bodyText = event.body;
    },
  };
}

function readBody({ body, isBase64Encoded }: APIGatewayProxyEventV2, maxBytes: number): Buffer {
  const text = body ?? '';
  // The decoded size is 3/4 of the text, less up to two bytes of padding. Rejects an oversized body without decoding it.
  if (isBase64Encoded && text.length * 0.75 > maxBytes + 2) throw new BodyTooLargeError();
  const bytes = Buffer.from(text, isBase64Encoded ? 'base64' : 'utf8');
  if (bytes.byteLength > maxBytes) throw new BodyTooLargeError();
  return bytes;
}

/** The JSON parser would replace invalid UTF-8 instead of rejecting it. */
function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new InvalidJsonError();
  }
}

/** Keeps the digits of numbers that JavaScript does not represent exactly. Runs after the JSON parser has accepted the body. */
export function parseBodyExactly(): WebhookMiddleware {
  return {
    before: ({ event, context }) => {
      Object.assign(event, { body: parseJsonExactly(context.bodyText) });
    },
  };
}

/** Verifies the parsed body's `secret_key`, unless the signature was verified or the body requires no secret. */
export function verifyBodySecret(credentials: Credentials): WebhookMiddleware {
  return {
    before: async ({ event, context }) => {
      const body: unknown = event.body;
      if (context.verifiedWith || !requiresSecret(body)) return;
      const bodySecret = withSecret.safeParse(body).data?.secret_key;
      context.verifiedWith = await verifyProof({ bodySecret }, organizationId(body), credentials);
    },
  };
}

const withSecret = z.looseObject({ secret_key: z.unknown() });
const withOrganization = z.looseObject({ organization_id: z.string() });

function organizationId(body: unknown): string | undefined {
  return withOrganization.safeParse(body).data?.organization_id;
}
