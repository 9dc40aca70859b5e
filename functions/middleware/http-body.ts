import type { MiddlewareObj } from '@middy/core';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';

export class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLarge';
}

export class NotUtf8Error extends Error {
  override readonly name = 'NotUtf8';
}

/** The exact bytes of each call's body, which a signature covers and which parsing replaces. */
const rawBodies = new WeakMap<object, Uint8Array>();

export function rawBody(event: object): Uint8Array {
  return rawBodies.get(event) ?? new Uint8Array();
}

/**
 * Refuses large bodies before anything reads them, keeps the bytes, and leaves the parser a plain string: API Gateway
 * hands binary bodies over in base64.
 */
export function httpBody(maxBytes: number): MiddlewareObj<APIGatewayProxyEventV2> {
  return {
    before: ({ event }) => {
      const { body } = event;
      if (body === undefined || body === null) return;
      // Base64 is a third longer than its bytes; nothing is decoded that is too large anyway.
      if (event.isBase64Encoded && body.length * 0.75 > maxBytes + 2) throw new BodyTooLargeError();
      const raw = Buffer.from(body, event.isBase64Encoded ? 'base64' : 'utf8');
      if (raw.byteLength > maxBytes) throw new BodyTooLargeError();
      rawBodies.set(event, raw);
      if (!event.isBase64Encoded) return;
      event.body = decode(raw);
      event.isBase64Encoded = false;
    },
  };
}

function decode(raw: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(raw);
  } catch {
    throw new NotUtf8Error();
  }
}
