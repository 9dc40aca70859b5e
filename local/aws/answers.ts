import type { IncomingMessage, ServerResponse } from 'node:http';

/** An error that an AWS API answers: `type` is what SDKs turn into the error's name. */
export class AwsError extends Error {
  override readonly name = 'AwsError';
  readonly type: string;
  readonly status: number;

  constructor(type: string, message: string, status = 400) {
    super(message);
    this.type = type;
    this.status = status;
  }
}

export function unsupported(what: string): AwsError {
  return new AwsError('UnknownOperationException', `${what} is not supported by the local engine`);
}

export function sendJson(response: ServerResponse, status: number, body: unknown, type = 'application/json'): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

/** S3 speaks XML; every other service of the app JSON. */
export function sendError(response: ServerResponse, error: AwsError, format: 'json' | 'xml'): void {
  if (format === 'json') {
    sendJson(response, error.status, { __type: error.type, message: error.message }, 'application/x-amz-json-1.1');
    return;
  }
  const head = '<?xml version="1.0" encoding="UTF-8"?>';
  const text = `${head}\n<Error><Code>${error.type}</Code><Message>${escapeXml(error.message)}</Message></Error>`;
  response.writeHead(error.status, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

/** @throws AwsError RequestEntityTooLargeException above `limit` bytes; the rest of the body is read and dropped. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
  }
  if (size > limit) throw new AwsError('RequestEntityTooLargeException', `The body is above ${limit} bytes`, 413);
  return Buffer.concat(chunks);
}

/** @throws AwsError SerializationException */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8') || '{}');
  } catch {
    throw new AwsError('SerializationException', 'The body is not JSON');
  }
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
