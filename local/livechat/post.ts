import { type ClientRequest, Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

export interface Poster {
  /** Posts JSON and gives the answer's status. @throws Error when there was no answer */
  readonly post: (body: string) => Promise<number>;
  /** Cuts off whatever is under way or waits for a connection. */
  readonly close: () => void;
}

const connections = { keepAlive: true, maxSockets: 128 };

/** Keeps its connections open from one call to the next, and never more than a bounded number of them: hundreds of chats speak at once. */
export const createPoster = (url: string, timeoutMs: number): Poster => {
  const target = new URL(url);
  const secure = target.protocol === 'https:';
  const agent = secure ? new HttpsAgent(connections) : new HttpAgent(connections);
  const open = secure ? httpsRequest : httpRequest;
  const underWay = new Set<ClientRequest>();

  const post = (body: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      const signal = AbortSignal.timeout(timeoutMs);
      const call = open(target, { method: 'POST', agent, headers, signal }, (response) => {
        // The answer's text is of no interest, but the connection is only free once it was read.
        response
          .on('end', () => resolve(response.statusCode ?? 0))
          .on('error', reject)
          .resume();
      });
      underWay.add(call);
      call
        .on('error', reject)
        .on('close', () => underWay.delete(call))
        .end(body);
    });

  const close = () => {
    for (const call of underWay) call.destroy();
    agent.destroy();
  };

  return { post, close };
};
