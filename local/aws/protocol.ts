import type { IncomingMessage, ServerResponse } from 'node:http';
import * as z from 'zod/mini';
import { parseJson } from '../../core/platform/json.ts';
import { readUpTo } from '../listen.ts';

/** An error response of an AWS API. SDKs use `type` as the error's name. */
export class AwsError extends Error {
  override readonly name = 'AwsError';
  readonly type: string;
  readonly status: number;
  /** Fields of the JSON response in addition to the type and the message. */
  readonly details: object;

  constructor(type: string, message: string, status = 400, details: object = {}) {
    super(message);
    this.type = type;
    this.status = status;
    this.details = details;
  }
}

/** The body of an error response in JSON. */
export function errorBody({ type, message, details }: AwsError): object {
  return { __type: type, message, ...details };
}

export function unsupported(what: string): AwsError {
  return new AwsError('UnknownOperationException', `${what} is not supported by the local engine`);
}

/** @param partial applies the fault `partial`, which only PutEvents has. */
export type Operations = Readonly<Record<string, (input: unknown, partial: boolean) => unknown>>;

export type Service = ReturnType<typeof createService>;

/** A service with the JSON protocol. */
export function createService(name: string, operations: Operations) {
  return {
    /** @throws AwsError UnknownOperationException for an operation that is not in the table. */
    call(operation: string, input: unknown, partial = false): unknown {
      const run = operations[operation];
      if (!run) throw unsupported(`${name} ${operation}`);
      return run(input, partial);
    },
  };
}

export function sendJson(response: ServerResponse, status: number, body: unknown, type = 'application/json'): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

/** The error formats of AWS's APIs: those of S3, the query protocol, and the JSON protocols. */
export type ErrorFormat = 'json' | 's3' | 'query';

export function sendError(response: ServerResponse, error: AwsError, format: ErrorFormat): void {
  const { type, message, status } = error;
  if (format === 'json') {
    // In each JSON protocol, clients read the error type from another place.
    response.setHeader('x-amzn-errortype', type);
    sendJson(response, status, errorBody(error), 'application/x-amz-json-1.1');
    return;
  }
  const fields = `<Code>${type}</Code><Message>${escapeXml(message)}</Message>`;
  const element =
    format === 's3'
      ? `<Error>${fields}</Error>`
      : `<ErrorResponse><Error><Type>Sender</Type>${fields}</Error></ErrorResponse>`;
  const text = `<?xml version="1.0" encoding="UTF-8"?>\n${element}`;
  response.writeHead(status, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

/** @throws AwsError RequestEntityTooLargeException above `limit` bytes */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const body = await readUpTo(request, limit);
  if (body) return body;
  throw new AwsError('RequestEntityTooLargeException', `The body is above ${limit} bytes`, 413);
}

/** @throws AwsError RequestEntityTooLargeException above `limit` bytes, SerializationException */
export async function readJson(request: IncomingMessage, limit: number): Promise<unknown> {
  return parseBody((await readBody(request, limit)).toString());
}

/** @throws AwsError SerializationException */
export function parseBody(text: string): unknown {
  if (text === '') return {};
  const value = parseJson(text);
  if (value === undefined) throw new AwsError('SerializationException', 'The body is not JSON');
  return value;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** zod/mini has no messages of its own. */
export const { localeError } = z.locales.en();

/**
 * Validates a request's input.
 *
 * @throws AwsError ValidationException that names the first invalid field.
 */
export function parseInput<T extends z.ZodMiniType>(schema: T, input: unknown): z.output<T> {
  const result = schema.safeParse(input, { error: localeError });
  if (result.success) return result.data;
  throw new AwsError('ValidationException', describeIssue(result.error));
}

/** The first problem, with its field. */
export function describeIssue({ issues: [issue] }: z.core.$ZodError): string {
  return `${issue?.path.join('.') || 'the body'}: ${issue?.message}`;
}

/** The name of a rule, a target, a connection or an API destination. */
export const eventName = z.string().check(z.regex(/^[\w.-]{1,64}$/));

/** The fields by which the lists of EventBridge are read in pages. */
export const pageFields = {
  NamePrefix: z.optional(z.string()),
  Limit: z.optional(z.number()),
  NextToken: z.optional(z.string()),
};

/** AWS's default and maximum page size. */
const defaultPageSize = 100;
const maxPageSize = 1_000;

/**
 * Returns one page of a list. `position` increases along the list and never changes for an item, so that a token stays
 * valid when items are added at the start.
 *
 * @throws AwsError InvalidToken
 */
export function paginate<Item>(
  items: readonly Item[],
  { maxResults, nextToken }: { readonly maxResults?: number | undefined; readonly nextToken?: string | undefined },
  position: (item: Item) => number,
): { readonly items: readonly Item[]; readonly nextToken?: string } {
  const size = Math.min(maxResults || defaultPageSize, maxPageSize);
  const after = nextToken === undefined ? Number.NEGATIVE_INFINITY : Number(nextToken);
  if (Number.isNaN(after)) throw new AwsError('InvalidToken', `Invalid Token: '${nextToken}'`);
  const rest = items.filter((item) => position(item) > after);
  const page = rest.slice(0, size);
  const last = page.at(-1);
  return rest.length > size && last !== undefined
    ? { items: page, nextToken: String(position(last)) }
    : { items: page };
}

/** Any JSON value. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** Whether a parsed JSON value is an object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value after a JSON round trip; `undefined` becomes null. */
export function toJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value) ?? 'null');
}
