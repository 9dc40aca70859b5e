import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import { parse as parseQuery } from 'node:querystring';
import { getRequestListener } from '@hono/node-server';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as z from 'zod/mini';
import { parseJson } from '../core/platform/json.ts';
import type { WebhookActivity } from './activity.ts';
import { accountId } from './aws/arn.ts';
import { isRecord } from './aws/protocol.ts';
import type { Invoke } from './lambda/runtime.ts';
import { readUpTo } from './listen.ts';

export interface Route {
  readonly method: string;
  readonly path: string;
  readonly function: string;
}

export interface HttpApiOptions {
  /** The routes that invoke a function. */
  readonly routes: readonly Route[];
  readonly invoke: Invoke;
  /** Handles all other requests. */
  fallback(request: Request): Response | Promise<Response>;
  /** `body`: undefined if it was too large. */
  onWebhook?(activity: WebhookActivity, body: Buffer | undefined): void;
  /** Receives the reason for every 500 response. */
  report(message: string): void;
  readonly now?: () => Date;
}

const apiId = 'local';

/** A function's result with a status code, in payload format 2.0. */
const resultSchema = z.object({
  statusCode: z.int().check(z.minimum(200), z.maximum(599)),
  headers: z._default(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])), {}),
  cookies: z.optional(z.array(z.string())),
  body: z._default(z.string(), ''),
  isBase64Encoded: z._default(z.boolean(), false),
});

interface HttpApiResponse {
  readonly status: number;
  /** With names in lower case. */
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
}

/** API Gateway's fixed limit on a request body. */
const maxBodyBytes = 10 * 1_024 * 1_024;

const tooLarge = jsonResponse(413, { message: 'Request Entity Too Large' });
const failed = jsonResponse(500, { message: 'Internal Server Error' });

/** The HTTP server of the webhook, which behaves like API Gateway, and of the console. */
export function createHttpApi(options: HttpApiOptions): Server {
  const { routes, invoke, onWebhook, report, now = () => new Date() } = options;
  const fallback = getRequestListener((request) => options.fallback(request));

  async function invokeWebhook(route: Route, request: IncomingMessage, body: Buffer): Promise<HttpApiResponse> {
    try {
      return toHttpApiResponse(await invoke(route.function, toHttpApiEvent(request, body, now())));
    } catch (error) {
      report(`The webhook responded with 500: ${error instanceof Error ? `${error.name}: ${error.message}` : error}`);
      return failed;
    }
  }

  async function webhook(route: Route, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const started = performance.now();
    const body = await readUpTo(request, maxBodyBytes);
    const answer = body ? await invokeWebhook(route, request, body) : tooLarge;
    // Closes the connection instead of reading the rest of a body that is too large.
    const headers = { ...answer.headers, ...(!body && { connection: 'close' }) };
    response.writeHead(answer.status, { ...headers, 'content-length': answer.body.length });
    response.end(answer.body);
    const action = body && readAction(body);
    const reason = answer.status === 200 ? undefined : readReason(answer.body);
    const activity: WebhookActivity = {
      type: 'webhook',
      at: now().toISOString(),
      method: route.method,
      path: route.path,
      function: route.function,
      status: answer.status,
      ms: Math.round(performance.now() - started),
      ...(action && { action }),
      ...(reason && { reason }),
    };
    onWebhook?.(activity, body);
  }

  return createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
    const path = request.url?.split('?')[0];
    const route = routes.find((one) => one.method === request.method && one.path === path);
    if (route) {
      // The only cause of an error is a client that disconnects while it sends the body.
      webhook(route, request, response).catch(() => response.destroy());
      return;
    }
    void fallback(request, response);
  });
}

/** Reads LiveChat's action from the start of the body, for the log only. Quotes inside a text are escaped, so a message cannot imitate one. */
function readAction(body: Buffer): string | undefined {
  return /"action"\s*:\s*"([a-z_]{1,64})"/.exec(body.toString('latin1', 0, 4_096))?.[1];
}

const errorBody = z.object({ error: z.optional(z.string()), message: z.optional(z.string()) });

function readReason(body: Buffer): string | undefined {
  const { error, message } = errorBody.safeParse(parseJson(body.toString())).data ?? {};
  return error ?? message;
}

function jsonResponse(status: number, value: unknown): HttpApiResponse {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(text) };
}

/**
 * Converts a function's result. Without a status code it is the body of a 200, as on API Gateway.
 *
 * @throws ZodError if the result has a status code but is not a valid response.
 */
function toHttpApiResponse(result: unknown): HttpApiResponse {
  if (!isRecord(result) || !('statusCode' in result)) return jsonResponse(200, result);
  const { statusCode, headers, cookies, body, isBase64Encoded } = resultSchema.parse(result);
  const lowerCase = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]);
  return {
    status: statusCode,
    headers: { ...Object.fromEntries(lowerCase), ...(cookies && { 'set-cookie': cookies }) },
    body: Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'),
  };
}

/** Converts a request to an event of API Gateway's payload format 2.0. */
export function toHttpApiEvent(request: IncomingMessage, body: Buffer, now: Date): APIGatewayProxyEventV2 {
  const { pathname, search } = new URL(request.url ?? '/', 'http://gateway');
  const { cookie, ...headers } = joinValues(request.headersDistinct);
  const method = request.method ?? 'GET';
  const routeKey = `${method} ${pathname}`;
  const rawQueryString = search.slice(1);
  const text = isUtf8(body);
  return {
    version: '2.0',
    routeKey,
    rawPath: pathname,
    rawQueryString,
    headers,
    ...(cookie && { cookies: cookie.split('; ') }),
    ...(rawQueryString && { queryStringParameters: joinValues(parseQuery(rawQueryString)) }),
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

/** The values of a repeated header or query parameter are joined by commas. */
function joinValues(values: NodeJS.Dict<string | string[]>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value = '']) => [name, String(value)]));
}

/** Such as 12/Mar/2020:19:03:58 +0000. */
function commonLogTime(date: Date): string {
  const [, day, month, year, time] = date.toUTCString().split(' ');
  return `${day}/${month}/${year}:${time} +0000`;
}
