import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import * as z from 'zod/mini';
import { edgeKey } from '../../core/platform/configuration.ts';
import type { InvocationIds, RecordInvocation } from '../../core/platform/invocations.ts';
import { parseJson } from '../../core/platform/json.ts';
import type { Log } from '../../core/platform/logger.ts';
import type { count } from '../../core/platform/metrics.ts';

/** The middlewares of a channel's webhook function, in the order in which they run. None of them is specific to a channel. */
type WebhookMiddleware = MiddlewareObj<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Error, Context>;

class DirectCallError extends Error {
  override readonly name = 'DirectCall';
}

class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLarge';
}

class InvalidJsonError extends Error {
  override readonly name = 'InvalidJson';
}

/** Set by the handler of a verified webhook. */
export interface PublishedContext extends Context {
  correlationId?: string | undefined;
}

interface RecordedRequest {
  readonly event: APIGatewayProxyEventV2;
  readonly context: PublishedContext;
  readonly response?: APIGatewayProxyStructuredResultV2 | null | undefined;
}

const errorBody = z.object({ error: z.string() });

/**
 * Records each webhook with its response. It comes before {@link respondToErrors}, because middy runs `after` and `onError` in
 * the reverse order.
 */
export function recordWebhooks(
  identify: (body: unknown) => InvocationIds,
  record: RecordInvocation,
): MiddlewareObj<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Error, PublishedContext> {
  const startTimes = new WeakMap<object, number>();
  const recordResponse = ({ event, context, response }: RecordedRequest) => {
    const { statusCode = 500, body } = response ?? {};
    record({
      ...identify(event.body),
      correlationId: context.correlationId,
      status: statusCode,
      reason: errorBody.safeParse(parseJson(body ?? '')).data?.error,
      ms: Math.round(performance.now() - (startTimes.get(context) ?? performance.now())),
    });
  };
  return {
    before: ({ context }) => void startTimes.set(context, performance.now()),
    after: recordResponse,
    onError: recordResponse,
  };
}

/** Responds to errors and counts them. Unexpected errors are logged and answered with 500, so that the caller retries. */
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

/** Responses by error name, because each channel defines the error classes of its verification. */
const responses: Readonly<Record<string, ReturnType<typeof json>>> = {
  DirectCall: json(403, { error: 'Forbidden' }),
  BodyTooLarge: json(413, { error: 'Payload too large' }),
  InvalidSignature: json(401, { error: 'Invalid signature' }),
  InvalidJson: json(400, { error: 'Invalid JSON' }),
  // The caller retries, and the retry is likely to succeed.
  LookUpLimit: json(503, { error: 'Too many failed secret look-ups, try again' }),
};

function errorResponse(error: unknown) {
  const known = error instanceof Error ? responses[isParserError(error) ? 'InvalidJson' : error.name] : undefined;
  return known ?? json(500, { error: 'Internal server error' });
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

/** The body in bytes. Rejects one over `maxBytes`. */
export function readBody({ body, isBase64Encoded }: APIGatewayProxyEventV2, maxBytes: number): Buffer {
  const text = body ?? '';
  // The decoded size is 3/4 of the text, less up to two bytes of padding. Rejects an oversized body without decoding it.
  if (isBase64Encoded && text.length * 0.75 > maxBytes + 2) throw new BodyTooLargeError();
  const bytes = Buffer.from(text, isBase64Encoded ? 'base64' : 'utf8');
  if (bytes.byteLength > maxBytes) throw new BodyTooLargeError();
  return bytes;
}

/** The JSON parser would replace invalid UTF-8 instead of rejecting it. */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new InvalidJsonError();
  }
}
