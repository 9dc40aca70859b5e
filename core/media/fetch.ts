import { createHash } from 'node:crypto';
import { lookup as resolve } from 'node:dns';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { BlockList, isIPv6, type LookupFunction } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import got, { type Agents, HTTPError, type Request, RequestError, type Response } from 'got';
import { RequestFilteringHttpAgent, RequestFilteringHttpsAgent } from 'request-filtering-agent';
import { ConfigurationError, type Environment, wholeNumber } from '../platform/configuration.ts';
import { isLoopbackHost } from '../platform/loopback.ts';
import { FileRefused, FileUnavailable, isFileError } from './errors.ts';

/** A file on the local disk. */
export interface Download {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
}

/**
 * Writes a stream to a temporary file, passes it to `use`, and deletes it. The file is not streamed to S3 directly: S3 requires
 * length, type and hash before the first byte, and keeps the parts of an interrupted upload.
 *
 * @throws FileRefused if it exceeds `maxBytes`
 */
export async function withDownload<T>(
  open: () => Readable,
  maxBytes: number,
  use: (file: Download) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'media-'));
  const path = join(folder, 'file');
  const hash = createHash('sha256');
  let size = 0;
  async function* measured(chunks: AsyncIterable<unknown>) {
    for await (const chunk of chunks) {
      if (!(chunk instanceof Uint8Array)) throw new TypeError('a file must be a stream of bytes');
      size += chunk.byteLength;
      if (size > maxBytes) throw tooLargeError(maxBytes);
      hash.update(chunk);
      yield chunk;
    }
  }
  try {
    await pipeline(open(), measured, createWriteStream(path, { flags: 'wx', mode: 0o600 }));
    return await use({ path, size, sha256: hash.digest('hex') });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function tooLargeError(maxBytes: number): FileRefused {
  return new FileRefused(`the file is too large: expected at most ${maxBytes} bytes`);
}

/** The network access of a download. Injectable for tests. */
export interface Network {
  readonly agent: Agents;
  readonly lookup: LookupFunction;
  /** Timeout in ms of each phase: name resolution, connection, TLS, waiting for the response, and inactivity during it. */
  readonly stepMs: number;
  /** An additional certificate authority, as PEM. */
  readonly certificateAuthority?: string;
}

/**
 * Agents that connect to public addresses only. The address is checked when it is resolved for the connection itself, which
 * prevents DNS rebinding. Each redirect is a new connection.
 *
 * @param allowed exceptions; tests add their own server
 */
export function publicAgents(allowed: readonly string[] = []): Agents {
  const filter = { allowIPAddressList: [...allowed] };
  return { http: new RequestFilteringHttpAgent(filter), https: new RequestFilteringHttpsAgent(filter) };
}

/** IPv4-compatible IPv6 addresses (`::/96`), which request-filtering-agent treats as public. */
const ipv4Compatible = new BlockList();
ipv4Compatible.addSubnet('::', 96, 'ipv6');

/** Whether an address is an IPv4-compatible IPv6 address. */
function isIPv4Compatible(address: string): boolean {
  return isIPv6(address) && ipv4Compatible.check(address, 'ipv6');
}

/** Name resolution that rejects IPv4-compatible IPv6 addresses; the agents check all others. */
function rejectIPv4Compatible(lookup: LookupFunction): LookupFunction {
  return (name, options, callback) =>
    lookup(name, options, (error, given, family) => {
      const addresses = typeof given === 'string' ? [{ address: given }] : given;
      if (!error && addresses.some(({ address }) => isIPv4Compatible(address))) {
        return callback(new Error('an address that is not public'), '');
      }
      callback(error, given, family);
    });
}

export const publicNetwork: Network = { agent: publicAgents(), lookup: resolve, stepMs: 10_000 };

export interface FetchRules {
  /** Allowed host names, also for redirects; any public host if undefined. */
  readonly hosts?: readonly string[] | undefined;
  readonly maxBytes: number;
  /** Timeout of the whole download, in ms. */
  readonly timeoutMs: number;
  /** The origin of a simulator to fetch files from, without the address checks. See `parseSimulatorUrl`. */
  readonly simulatorUrl?: string | undefined;
}

export interface FetchedFile extends Download {
  /** From the response header. */
  readonly contentType: string | undefined;
}

/** Downloads a file, passes it to `use`, and deletes it. */
export type FetchFile = <T>(url: string, rules: FetchRules, use: (file: FetchedFile) => Promise<T>) => Promise<T>;

const maxRedirects = 3;
const refusal = 'the file cannot be fetched';
const notPublic = `${refusal}: expected a complete response from a public https address, at most ${maxRedirects} redirects away`;
/** Retryable errors: Node's and got's codes. */
const retryableCodes: ReadonlySet<string> = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ERR_HTTP_CONTENT_LENGTH_MISMATCH',
  'ETIMEDOUT',
]);
const retryableStatuses: ReadonlySet<number> = new Set([408, 425, 429]);

/**
 * Fetches over https from public addresses only, with at most three redirects, each under the same rules.
 *
 * @throws FileRefused, FileUnavailable
 */
export const fetchFile = createFetcher(publicNetwork);

export function createFetcher(network: Network): FetchFile {
  return async (url, rules, use) => {
    const from = checkUrl(url, rules);
    let stream: Request | undefined;
    let downloaded = false;
    const open = () => {
      stream = got.stream(from, requestOptions(rules, network));
      checkResponse(stream, rules.maxBytes);
      return stream;
    };
    try {
      return await withDownload(open, rules.maxBytes, async (file) => {
        downloaded = true;
        return use({ ...file, contentType: stream?.response?.headers['content-type'] });
      });
    } catch (error) {
      // Errors thrown by `use` are passed on unchanged.
      throw downloaded ? error : toFileError(error);
    } finally {
      stream?.destroy();
    }
  };
}

/** The URL to fetch from, on the simulator if there is one. */
function checkUrl(url: string, { hosts, simulatorUrl }: FetchRules): string {
  const parsed = URL.parse(url);
  if (parsed?.protocol !== 'https:') throw new FileRefused('a file must have an https URL');
  if (isIPv4Compatible(parsed.hostname.slice(1, -1))) throw new FileRefused(notPublic);
  if (hosts && !hosts.includes(parsed.hostname)) throw new FileRefused('the host of the file is not allowed');
  return simulatorUrl === undefined ? parsed.href : new URL(parsed.pathname + parsed.search, simulatorUrl).href;
}

function requestOptions(rules: FetchRules, network: Network) {
  const isSimulator = rules.simulatorUrl !== undefined;
  const { agent, stepMs, lookup, certificateAuthority } = network;
  return {
    timeout: {
      lookup: stepMs,
      connect: stepMs,
      secureConnect: stepMs,
      response: stepMs,
      socket: stepMs,
      request: rules.timeoutMs,
    },
    retry: { limit: 0 },
    maxRedirects,
    // Redirects of a simulator are not followed.
    followRedirect: !isSimulator,
    strictContentLength: true,
    ...(!isSimulator && { agent }),
    dnsLookup: rejectIPv4Compatible(lookup),
    ...(certificateAuthority && { https: { certificateAuthority } }),
    hooks: { beforeRedirect: [({ url }: { url?: URL | string | undefined }) => void checkUrl(String(url), rules)] },
  };
}

/** Rejects a response by its status and length before the body is read. */
function checkResponse(stream: Request, maxBytes: number): void {
  stream.once('response', ({ statusCode, headers }: Response) => {
    if (statusCode !== 200) stream.destroy(statusError(statusCode));
    else if (Number(headers['content-length']) > maxBytes) stream.destroy(tooLargeError(maxBytes));
  });
}

function statusError(status: number): FileRefused | FileUnavailable {
  const message = `${refusal}: expected status 200, received ${status}`;
  return status >= 500 || retryableStatuses.has(status) ? new FileUnavailable(message) : new FileRefused(message);
}

/** Maps got's errors, which contain the URL, to errors that do not. */
function toFileError(error: unknown): unknown {
  if (isFileError(error)) return error;
  if (!(error instanceof RequestError)) return error;
  if (isFileError(error.cause)) return error.cause;
  if (error instanceof HTTPError) return statusError(error.response.statusCode);
  if (retryableCodes.has(error.code))
    return new FileUnavailable(`${refusal}: the server sent no complete response (${error.code})`);
  return new FileRefused(notPublic);
}

/** LiveChat's own limit for an upload. */
const defaultMaxBytes = 10 * 1024 * 1024;
const storeTimeoutMs = 30_000;

/** The rules for fetching a message's file to store it. @throws ConfigurationError */
export function storingRules(carrierHosts: readonly string[], environment: Environment = process.env): FetchRules {
  return {
    hosts: parseHosts('MEDIA_HOSTS', environment) ?? carrierHosts,
    maxBytes: readMaxBytes(environment),
    timeoutMs: storeTimeoutMs,
    simulatorUrl: parseSimulatorUrl(environment),
  };
}

/**
 * The rules for fetching a file to send: any public host, unless the setting names hosts.
 *
 * @param timeoutMs timeout of the whole download, in ms
 * @throws ConfigurationError
 */
export function sendingRules(timeoutMs: number, environment: Environment = process.env): FetchRules {
  return {
    hosts: parseHosts('MEDIA_OUTBOUND_HOSTS', environment),
    maxBytes: readMaxBytes(environment),
    timeoutMs,
  };
}

const readMaxBytes = (environment: Environment) => wholeNumber('MEDIA_MAX_BYTES', defaultMaxBytes, 1, environment);

const hostName = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/;

function parseHosts(name: string, environment: Environment): readonly string[] | undefined {
  const given = environment[name];
  if (!given) return undefined;
  const hosts = given.split(',').map((host) => host.trim().toLowerCase());
  if (hosts.every((host) => hostName.test(host))) return hosts;
  throw new ConfigurationError(name, 'host names with commas between them, such as cdn.livechat-files.com');
}

/**
 * The origin of the simulator, which serves as LiveChat's CDN without https or a public address. Only valid with a local AWS
 * endpoint: a deployed function with this setting does not start.
 */
function parseSimulatorUrl({ MEDIA_SIMULATOR_URL: given, AWS_ENDPOINT_URL: aws }: Environment): string | undefined {
  if (!given) return undefined;
  if (!isLoopbackHost(URL.parse(aws ?? '')?.hostname)) {
    throw new ConfigurationError('MEDIA_SIMULATOR_URL', 'not to be set: it is for the local engine only');
  }
  const url = URL.parse(given);
  if (url?.protocol === 'http:' && isLoopbackHost(url.hostname)) return url.origin;
  throw new ConfigurationError('MEDIA_SIMULATOR_URL', 'the address of a simulator on this machine');
}
