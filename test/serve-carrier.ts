import { Readable } from 'node:stream';
import type { Channel } from '../core/channel/channel.ts';
import { liveChatChannel } from '../core/livechat/carrier.ts';
import { createLiveChatClient, type LiveChatClient } from '../core/livechat/client.ts';
import type { Part } from '../core/livechat/compose.ts';
import type { Connection } from '../core/livechat/connection.ts';
import { withDownload } from '../core/media/fetch.ts';
import { type Respond, respondWith, startServer } from './http-server.ts';

export interface ReceivedRequest {
  readonly path: string;
  readonly region: string | undefined;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

interface Setting {
  readonly agentId?: string | undefined;
  readonly refreshed?: boolean;
}

/** A carrier for a LiveChat server that gives these responses in order, and then repeats the last. */
export async function serveCarrier(
  responses: readonly unknown[],
  { agentId = 'nina@acme.example', refreshed = false }: Setting = {},
) {
  let received = 0;
  const respond: Respond = (response, request) => {
    const body = responses[Math.min(received, responses.length - 1)];
    received += 1;
    respondWith(200, body)(response, request);
  };
  const server = await startServer(respond);
  const regions: string[] = [];
  const fetched: string[] = [];
  const connection = (client: LiveChatClient): Connection => ({
    client,
    agentId,
    inRegion(region) {
      regions.push(region);
      return connection(client.inRegion(region));
    },
    refresh: async () => (refreshed ? connection(createClient('new')) : undefined),
  });
  const createClient = (apiKey: string) =>
    createLiveChatClient({
      authorization: `Basic ${apiKey}`,
      baseUrl: server.url,
      version: 'v3.6',
    });
  const carrier: Channel<Part> = liveChatChannel({
    ...connection(createClient('old')),
    withFile: (source, use) => {
      fetched.push('key' in source ? source.key : source.url);
      const picture = () => Readable.from([Buffer.from('PNG')]);
      return withDownload(picture, 3, ({ path }) => use({ path, contentType: 'image/png', name: 'plan.png' }));
    },
  });
  const requests = (): ReceivedRequest[] =>
    server.received.map(({ path = '', headers, body }) => ({
      path: path.replace('/v3.6/agent/action/', ''),
      region: headers['x-region']?.toString(),
      authorization: headers.authorization,
      body: headers['content-type']?.startsWith('application/json') ? JSON.parse(body.toString()) : body.toString(),
    }));
  return { carrier, requests, regions, fetched, stop: server.stop };
}
