import { type ServerType, serve } from '@hono/node-server';
import { createDelivery, defaultRetryDelaysMs, type WebhookActivity } from './delivery.ts';
import { createSource } from './ids.ts';
import { createPoster } from './post.ts';
import { simulatorRoutes } from './routes.ts';
import { createSimulator } from './simulator.ts';

export interface SimulatorOptions {
  /** 0 takes any free port. */
  readonly port: number;
  /** Where LiveChat would send its webhooks. */
  readonly webhookUrl: string;
  readonly secretKey: string;
  readonly organizationId: string;
  /** Our own application's client id. */
  readonly clientId: string;
  /** Who gets a chat when nobody is named: an agent's e-mail address or a bot's id. */
  readonly agentId: string;
  readonly retryDelaysMs?: readonly number[];
  readonly onActivity?: (activity: WebhookActivity) => void;
}

export interface RunningSimulator {
  readonly port: number;
  /** Ends at once: pending retries are dropped, open connections are cut. */
  readonly stop: () => Promise<void>;
}

/** LiveChat takes an answer after about 10 s for none. */
const webhookTimeoutMs = 10_000;

export const startSimulator = async (options: SimulatorOptions): Promise<RunningSimulator> => {
  const { secretKey, organizationId, clientId, agentId } = options;
  const source = createSource();
  const delivery = createDelivery({
    secretKey,
    organizationId,
    poster: createPoster(options.webhookUrl, webhookTimeoutMs),
    retryDelaysMs: options.retryDelaysMs ?? defaultRetryDelaysMs,
    now: source.now,
    onActivity: options.onActivity ?? (() => {}),
  });
  const simulator = createSimulator({ source, clientId, agentId }, delivery.send);
  const { server, port } = await listen(simulatorRoutes(simulator).fetch, options.port);

  const stop = async () => {
    delivery.stop();
    await close(server);
  };
  return { port, stop };
};

const listen = (
  fetch: Parameters<typeof serve>[0]['fetch'],
  port: number,
): Promise<{ server: ServerType; port: number }> =>
  new Promise((resolve, reject) => {
    const server = serve({ fetch, port, hostname: '127.0.0.1' }, (address) => resolve({ server, port: address.port }));
    server.on('error', reject);
  });

const close = (server: ServerType): Promise<void> =>
  new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
