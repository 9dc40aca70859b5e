import { setTimeout as sleep } from 'node:timers/promises';
import { HttpRequest } from '@smithy/core/protocols';
import { Hash } from '@smithy/core/serde';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { SignatureV4 } from '@smithy/signature-v4';
import * as z from 'zod/mini';
import { ConfigurationError } from './configuration.ts';
import { parseJson } from './json.ts';
import type { ReadSecret } from './secrets-manager.ts';

/**
 * The two AWS calls of the webhook, without the SDK's clients, which take 40% of its cold start. The SDK's own signer and HTTP
 * handler send the requests, so that signatures, timeouts and connections are those of its clients. Other functions use the
 * clients. See docs/decisions/0008-signed-requests.md.
 */
const operations = {
  PutEvents: { service: 'events', target: 'AWSEvents.PutEvents', endpoint: 'AWS_ENDPOINT_URL_EVENTBRIDGE' },
  GetSecretValue: {
    service: 'secretsmanager',
    target: 'secretsmanager.GetSecretValue',
    endpoint: 'AWS_ENDPOINT_URL_SECRETS_MANAGER',
  },
} as const;
type Operation = keyof typeof operations;

/** Domains of the partitions that do not use `amazonaws.com`, by the beginning of the region. */
const domains: Readonly<Record<string, string>> = {
  'cn-': 'amazonaws.com.cn',
  'eu-isoe-': 'cloud.adc-e.uk',
  'eusc-': 'amazonaws.eu',
  'us-iso-': 'c2s.ic.gov',
  'us-isob-': 'sc2s.sgov.gov',
  'us-isof-': 'csp.hci.ic.gov',
};

// LiveChat times out a webhook after about 10 s, so a call must succeed or fail well before.
const http = new NodeHttpHandler({ connectionTimeout: 1000, requestTimeout: 2000, throwOnRequestTimeout: true });
/** Of a failed call. */
const maxAttempts = 2;

/** An error response of AWS. `name` is the name that the service gives the error. */
class AwsError extends Error {
  readonly status: number;
  constructor(name: string, message: string, status: number) {
    super(message);
    this.name = name;
    this.status = status;
  }
}

const putEventsOutput = z.object({ Entries: z.array(z.object({ EventId: z.optional(z.string()) })) });

/** Puts up to 10 entries on the bus and returns, in the same order, the id of each event; undefined for a rejected one. */
export async function putEvents(entries: readonly object[]): Promise<(string | undefined)[]> {
  const { Entries } = putEventsOutput.parse(await call('PutEvents', { Entries: entries }));
  return entries.map((_entry, index) => Entries[index]?.EventId);
}

/** `CreatedDate` is in seconds since 1970. */
const secretOutput = z.object({ SecretString: z.optional(z.string()), CreatedDate: z.optional(z.number()) });

/** Reads one version of a secret. */
export const readSecret: ReadSecret = async (name, stage) => {
  try {
    const output = await call('GetSecretValue', { SecretId: name, VersionStage: stage });
    const { SecretString: text, CreatedDate = 0 } = secretOutput.parse(output);
    return text ? { text, createdAt: Math.round(CreatedDate * 1000) } : undefined;
  } catch (error) {
    if (error instanceof AwsError && error.name === 'ResourceNotFoundException') return undefined;
    throw error;
  }
};

async function call(operation: Operation, input: object): Promise<unknown> {
  const body = JSON.stringify(input);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send(operation, body);
    } catch (error) {
      const maxBackoffMs = backoffOf(error);
      if (attempt === maxAttempts || maxBackoffMs === undefined) throw error;
      await sleep(Math.random() * maxBackoffMs);
    }
  }
}

/** The maximum backoff before another attempt, in ms, as in the SDK; undefined if the error is not retryable. */
function backoffOf(error: unknown): number | undefined {
  if (error instanceof AwsError) {
    const { name, status } = error;
    if (status === 429 || /Thrott|TooManyRequests|LimitExceeded|SlowDown/.test(name)) return 500;
    return [500, 502, 503, 504].includes(status) || name.startsWith('RequestTimeout') ? 100 : undefined;
  }
  // Network errors have a code.
  return error instanceof Error && (error.name === 'TimeoutError' || 'code' in error) ? 100 : undefined;
}

async function send(operation: Operation, body: string): Promise<unknown> {
  const { service, target } = operations[operation];
  const region = setting('AWS_REGION');
  const { AWS_SESSION_TOKEN: sessionToken, AWS_LAMBDA_FUNCTION_NAME: functionName, _X_AMZN_TRACE_ID } = process.env;
  const credentials = {
    accessKeyId: setting('AWS_ACCESS_KEY_ID'),
    secretAccessKey: setting('AWS_SECRET_ACCESS_KEY'),
    ...(sessionToken && { sessionToken }),
  };
  const { protocol, host, hostname, port, pathname: path } = endpoint(operation, region);
  const request = new HttpRequest({
    method: 'POST',
    protocol,
    hostname,
    ...(port && { port: Number(port) }),
    path,
    headers: {
      host,
      'content-length': String(Buffer.byteLength(body)),
      'content-type': 'application/x-amz-json-1.1',
      'user-agent': 'livechat-bridge',
      'x-amz-target': target,
      // Continues the X-Ray trace.
      ...(functionName && _X_AMZN_TRACE_ID && { 'x-amzn-trace-id': _X_AMZN_TRACE_ID }),
    },
    body,
  });
  const signer = new SignatureV4({ service, region, credentials, sha256: Hash.bind(null, 'sha256') });
  const { response } = await http.handle(HttpRequest.clone(await signer.sign(request)));
  const output = parseJson(await readText(response.body));
  if (response.statusCode >= 300) throw toError(response.statusCode, response.headers, output);
  return output;
}

function endpoint(operation: Operation, region: string): URL {
  for (const name of ['AWS_USE_FIPS_ENDPOINT', 'AWS_USE_DUALSTACK_ENDPOINT']) {
    if (process.env[name] === 'true') throw new ConfigurationError(name, 'no value, since the webhook ignores it');
  }
  const configured = process.env[operations[operation].endpoint] || process.env.AWS_ENDPOINT_URL;
  const [, domain = 'amazonaws.com'] = Object.entries(domains).find(([prefix]) => region.startsWith(prefix)) ?? [];
  return new URL(configured || `https://${operations[operation].service}.${region}.${domain}`);
}

function setting(name: 'AWS_REGION' | 'AWS_ACCESS_KEY_ID' | 'AWS_SECRET_ACCESS_KEY'): string {
  const value = process.env[name];
  if (!value) throw new ConfigurationError(name, 'a value, which Lambda or `npm start` sets');
  return value;
}

async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const errorOutput = z.looseObject({
  __type: z.optional(z.string()),
  message: z.optional(z.string()),
  Message: z.optional(z.string()),
});

/** The name stands in a header or in the body, after a namespace (`aws.api#`) or before a URL. */
function toError(status: number, headers: Readonly<Record<string, string>>, output: unknown): AwsError {
  const { __type, message, Message } = errorOutput.safeParse(output).data ?? {};
  const [name = ''] = (headers['x-amzn-errortype'] ?? __type ?? 'UnknownError').split(':');
  return new AwsError(name.split('#').at(-1) ?? name, message ?? Message ?? `HTTP ${status}`, status);
}
