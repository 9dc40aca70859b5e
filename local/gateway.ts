import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import * as z from 'zod/mini';
import { accountId } from './lambda/names.ts';

/** API Gateway's HTTP API, payload format 2.0: how a request becomes an event and a function's result an answer. */

const apiId = 'local';

const resultSchema = z.object({
  statusCode: z.int().check(z.minimum(200), z.maximum(599)),
  headers: z.optional(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))),
  cookies: z.optional(z.array(z.string())),
  body: z.optional(z.string()),
  isBase64Encoded: z.optional(z.boolean()),
});

export interface GatewayAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Buffer;
}

export function toGatewayEvent(request: IncomingMessage, body: Buffer, now: Date): APIGatewayProxyEventV2 {
  const { pathname, search, searchParams } = new URL(request.url ?? '/', 'http://gateway');
  const { cookie, ...headers } = joinHeaders(request);
  const method = request.method ?? 'GET';
  const routeKey = `${method} ${pathname}`;
  const query = joinQuery(searchParams);
  const text = isUtf8(body);
  return {
    version: '2.0',
    routeKey,
    rawPath: pathname,
    rawQueryString: search.slice(1),
    headers,
    ...(cookie && { cookies: cookie.split('; ') }),
    ...(query && { queryStringParameters: query }),
    requestContext: {
      accountId,
      apiId,
      domainName: request.headers.host ?? 'localhost',
      domainPrefix: apiId,
      http: {
        method,
        path: pathname,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? '127.0.0.1',
        userAgent: request.headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey,
      stage: '$default',
      time: commonLogTime(now),
      timeEpoch: now.getTime(),
    },
    ...(body.length > 0 && { body: body.toString(text ? 'utf8' : 'base64') }),
    isBase64Encoded: body.length > 0 && !text,
  };
}

/**
 * A result without `statusCode` is the body of a 200, as on API Gateway.
 *
 * @throws ZodError when it has one but is no valid answer.
 */
export function toGatewayAnswer(result: unknown): GatewayAnswer {
  const structured: APIGatewayProxyStructuredResultV2 | undefined =
    typeof result === 'object' && result !== null && 'statusCode' in result ? resultSchema.parse(result) : undefined;
  if (!structured) {
    const text = typeof result === 'string' ? result : JSON.stringify(result);
    return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from(text) };
  }
  const { statusCode = 200, headers = {}, cookies = [], body = '', isBase64Encoded = false } = structured;
  const lowered = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)] as const);
  return {
    status: statusCode,
    headers: { ...Object.fromEntries(lowered), ...(cookies.length > 0 && { 'set-cookie': cookies }) },
    body: Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'),
  };
}

/** Lower-case names; values of a repeated header joined by a comma. */
function joinHeaders(request: IncomingMessage): Record<string, string> {
  const entries = Object.entries(request.headersDistinct).map(
    ([name, values = []]) => [name, values.join(',')] as const,
  );
  return Object.fromEntries(entries);
}

function joinQuery(parameters: URLSearchParams): Record<string, string> | undefined {
  const names = [...new Set(parameters.keys())];
  if (names.length === 0) return undefined;
  return Object.fromEntries(names.map((name) => [name, parameters.getAll(name).join(',')]));
}

/** Such as 12/Mar/2020:19:03:58 +0000. */
function commonLogTime(date: Date): string {
  const [, day, month, year, time] = date.toUTCString().split(' ');
  return `${day}/${month}/${year}:${time} +0000`;
}
