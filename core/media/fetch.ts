import got, { HTTPError, type Request, RequestError } from 'got';
import { type Download, tooLarge, withDownload } from './download.ts';
import { FileRefused, FileUnavailable, isFileError } from './errors.ts';
import { isDisguised, type Network, publicNetwork, undisguised } from './network.ts';

export { FileRefused, FileUnavailable } from './errors.ts';

export interface FetchRules {
  /** Host names that a file may come from, also by redirect; any public one when left out. */
  readonly hosts?: readonly string[] | undefined;
  readonly maxBytes: number;
  /** For the whole download, in ms. */
  readonly timeoutMs: number;
  /** A simulator's origin, where files are fetched instead, without the rules on addresses. settings.ts says who may set it. */
  readonly simulatorUrl?: string | undefined;
}

export interface FetchedFile extends Download {
  /** As the server says it. */
  readonly contentType: string | undefined;
}

/** Downloads a file from the web and hands it to `use`; it is gone afterwards. */
export type FetchFile = <T>(url: string, rules: FetchRules, use: (file: FetchedFile) => Promise<T>) => Promise<T>;

const mostRedirects = 3;
const refusal = 'the file cannot be fetched';
const notPublic = `${refusal}: expected a whole answer from a public https address, at most ${mostRedirects} redirects away`;
/** What may be better at another time: Node's and got's codes. */
const passing: ReadonlySet<string> = new Set([
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
const passingStatuses: ReadonlySet<number> = new Set([408, 425, 429]);

/**
 * Fetches over https from public addresses only, at most three redirects, each under the same rules.
 *
 * @throws FileRefused, FileUnavailable
 */
export const fetchFile = fetcher(publicNetwork);

export function fetcher(network: Network): FetchFile {
  return async (url, rules, use) => {
    const from = allowed(url, rules);
    let stream: Request | undefined;
    let contentType: string | undefined;
    let downloaded = false;
    const open = () => {
      stream = got.stream(from, requestOptions(rules, network));
      onAnswer(stream, rules, (type) => {
        contentType = type;
      });
      return stream;
    };
    try {
      return await withDownload(open, rules.maxBytes, async (file) => {
        downloaded = true;
        return use({ ...file, contentType });
      });
    } catch (error) {
      // What `use` throws is not the download's.
      throw downloaded ? error : classified(error);
    } finally {
      stream?.destroy();
    }
  };
}

/** The address to fetch from; a stand-in's where there is one. */
function allowed(url: string, { hosts, simulatorUrl }: FetchRules): URL {
  const parsed = URL.parse(url);
  if (parsed?.protocol !== 'https:') throw new FileRefused('a file is fetched from an https address only');
  if (isDisguised(parsed.hostname.slice(1, -1))) throw new FileRefused(notPublic);
  if (hosts && !hosts.includes(parsed.hostname)) throw new FileRefused('a file is not fetched from this host');
  return simulatorUrl === undefined ? parsed : new URL(parsed.pathname + parsed.search, simulatorUrl);
}

function requestOptions(rules: FetchRules, network: Network) {
  const simulatorUrl = rules.simulatorUrl !== undefined;
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
    maxRedirects: mostRedirects,
    // A stand-in is trusted with its own answers, not with where it leads.
    followRedirect: !simulatorUrl,
    strictContentLength: true,
    ...(!simulatorUrl && { agent }),
    dnsLookup: undisguised(lookup),
    ...(certificateAuthority && { https: { certificateAuthority } }),
    hooks: { beforeRedirect: [({ url }: { url?: URL | string | undefined }) => void allowed(String(url), rules)] },
  };
}

/** Refuses an answer by its head, before its body is read; tells what type the body is said to be. */
function onAnswer(stream: Request, { maxBytes }: FetchRules, tell: (contentType: string | undefined) => void): void {
  stream.once('response', ({ statusCode, headers }: Response) => {
    tell(headers['content-type']);
    if (statusCode !== 200) stream.destroy(answered(statusCode));
    else if (Number(headers['content-length']) > maxBytes) stream.destroy(tooLarge(maxBytes));
  });
}

type Response = Readonly<{ statusCode: number; headers: Readonly<Record<string, string | undefined>> }>;

function answered(status: number): FileRefused | FileUnavailable {
  const message = `${refusal}: expected the answer 200 from its server, which gave ${status}`;
  return status >= 500 || passingStatuses.has(status) ? new FileUnavailable(message) : new FileRefused(message);
}

/** The library's own errors would quote the address. */
function classified(error: unknown): unknown {
  if (isFileError(error)) return error;
  if (!(error instanceof RequestError)) return error;
  if (isFileError(error.cause)) return error.cause;
  if (error instanceof HTTPError) return answered(error.response.statusCode);
  if (passing.has(error.code))
    return new FileUnavailable(`${refusal}: its server gave no whole answer (${error.code})`);
  return new FileRefused(notPublic);
}
