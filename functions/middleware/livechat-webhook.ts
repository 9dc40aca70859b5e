import type { MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import * as z from 'zod/mini';
import type { Credentials, OrganizationCredentials } from '../../core/livechat/credentials.ts';
import { requiresSecret, verifyProof } from '../../core/livechat/webhook.ts';
import { limitNesting, mayReplacePrototype, parseJson, parseJsonExactly } from '../../core/platform/json.ts';
import { decodeUtf8, type PublishedContext, readBody } from './webhook.ts';

export interface WebhookContext extends PublishedContext {
  /** The credentials that verified the request; unset for a request without a secret. */
  verifiedWith?: OrganizationCredentials;
  /** The text of the body. */
  bodyText?: string | undefined;
}

/** The middlewares of LiveChat's webhook, in the order in which they run. */
type WebhookMiddleware = MiddlewareObj<
  APIGatewayProxyEventV2,
  APIGatewayProxyStructuredResultV2,
  Error,
  WebhookContext
>;

/**
 * Rejects a body over `maxBytes`, verifies the `X-Signature` header if present, and decodes a base64 body. Runs before the JSON
 * parser, so that the response to an invalid signature does not depend on the body.
 */
export function verifySignature(credentials: Credentials, maxBytes: number): WebhookMiddleware {
  return {
    before: async ({ event, context }) => {
      const rawBody = readBody(event, maxBytes);
      // API Gateway converts header names to lower case.
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

/**
 * Removes content that the JSON body parser rejects: properties such as `__proto__`, and excessive nesting. Customers can send
 * both in custom fields, and the chat must not be lost. Must run before that parser.
 */
export function removeUnsafeParts(): WebhookMiddleware {
  return {
    before: ({ event }) => {
      if (!event.body) return;
      const body = limitNesting(event.body);
      const safe = mayReplacePrototype(body) ? parseJsonExactly(body) : undefined;
      // The parser rejects text that is not JSON.
      Object.assign(event, { body: safe === undefined ? body : JSON.stringify(safe) });
    },
  };
}

/**
 * Parses the body again, and keeps the digits of numbers that JavaScript does not represent exactly. Runs after the JSON parser
 * has accepted the body.
 */
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
