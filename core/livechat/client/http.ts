import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import got, { RequestError } from 'got';
import type { AnswerHeaders } from './headers.ts';

export interface HttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | AsyncIterable<Uint8Array>;
  /** For the whole exchange, in ms. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: string;
}

/** One POST. Any status is an answer; a throw, best a {@link NoAnswer}, means that there was none. */
export type FetchLike = (request: HttpRequest) => Promise<HttpAnswer>;

/** Holds nothing of the request, unlike got's errors. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
  /** Node's or got's code, such as `ECONNRESET`. */
  readonly code: string;
  /** False where the request certainly never reached the other side whole. */
  readonly reached: boolean;
  constructor(code: string, reached: boolean) {
    super(`no answer: ${code}`);
    this.code = code;
    this.reached = reached;
  }
}

/**
 * Connections are kept over calls, and dropped after this idle time (ms): before LiveChat's side would drop them, and
 * after a Lambda sandbox was frozen, so that no request is written into a dead one.
 */
const idleMs = 4_000;
const agent = {
  http: new HttpAgent({ keepAlive: true, timeout: idleMs }),
  https: new HttpsAgent({ keepAlive: true, timeout: idleMs }),
};
/** A connection takes far less; to give up early leaves no doubt that nothing was sent. */
const mostConnectMs = 5_000;

/** HTTP by got, without its retries and redirects: who calls decides on another try, and no token goes elsewhere. */
export const post: FetchLike = async ({ url, headers, body, timeoutMs, signal }) => {
  const connect = Math.min(mostConnectMs, timeoutMs);
  try {
    const answer = await got.post(url, {
      headers,
      body,
      agent,
      signal,
      retry: { limit: 0 },
      timeout: { request: timeoutMs, lookup: connect, connect, secureConnect: connect },
      followRedirect: false,
      throwHttpErrors: false,
      responseType: 'text',
    });
    return { status: answer.statusCode, headers: answer.headers, body: answer.body };
  } catch (error) {
    throw noAnswer(error);
  }
};

/** An upload that broke off has not been taken, and without a connection nothing was written at all. */
function noAnswer(error: unknown): NoAnswer {
  if (!(error instanceof RequestError)) return new NoAnswer('UNKNOWN', true);
  return new NoAnswer(error.code, error.code !== 'ERR_UPLOAD' && error.timings?.connect !== undefined);
}
