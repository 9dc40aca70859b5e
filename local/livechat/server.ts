import { type HttpBindings, type ServerType, serve } from '@hono/node-server';
import { Hono } from 'hono';
import { findForeignHeader } from '../../core/platform/loopback.ts';
import { createDispatch } from './api/dispatch.ts';
import { createJoins } from './api/joins.ts';
import { createLimiter } from './api/limiter.ts';
import { createRegistrations } from './api/registrations.ts';
import { apiRoutes } from './api/routes.ts';
import { createUploads } from './api/uploads.ts';
import type { World } from './api/world.ts';
import { cdnRoutes, createCdn } from './cdn.ts';
import { type Clock, systemClock } from './clock.ts';
import { createCallLog } from './control/calls.ts';
import { createFaults } from './control/faults.ts';
import { controlRoutes } from './control/routes.ts';
import { createDelivery, defaultRetryDelaysMs, type WebhookActivity } from './delivery.ts';
import { createSource } from './ids.ts';
import { simulatorRoutes } from './routes.ts';
import { createSettings, defaultSettings } from './settings.ts';
import { createSimulator } from './simulator.ts';
import { registrationId } from './webhooks.ts';

export interface SimulatorOptions {
  /** 0 takes any free port. */
  readonly port: number;
  /** Where LiveChat would send its webhooks. */
  readonly webhookUrl: string;
  readonly secretKey: string;
  readonly organizationId: string;
  /** Our own application's client id. */
  readonly clientId: string;
  /** Who gets a chat when nobody is named, and whose the credentials are: an agent's e-mail address or a bot's id. */
  readonly agentId: string;
  /** A personal access token with its account. Without any credentials, every Authorization header is accepted. */
  readonly accountId?: string;
  readonly apiKey?: string;
  /** An OAuth token. */
  readonly accessToken?: string;
  readonly clock?: Clock;
  /** A number from 0 to below 1, for the faults that strike by chance. */
  readonly random?: () => number;
  readonly retryDelaysMs?: readonly number[];
  readonly onActivity?: (activity: WebhookActivity) => void;
  /** Told of each webhook that is owed; answers how to say that it is done. */
  readonly begin?: () => () => void;
}

export interface RunningSimulator {
  readonly port: number;
  /** Ends at once: pending retries are dropped, open connections are cut. */
  readonly stop: () => Promise<void>;
}

/** LiveChat takes an answer after about 10 s for none. */
const webhookTimeoutMs = 10_000;

export const startSimulator = async (options: SimulatorOptions): Promise<RunningSimulator> => {
  const { secretKey, organizationId, clientId, agentId, clock = systemClock, random = Math.random } = options;
  const source = createSource(clock.now);
  const { accountId, apiKey, accessToken } = options;
  const settings = createSettings({ ...defaultSettings, agentId, accountId, apiKey, accessToken });
  const registrations = createRegistrations({
    uuid: source.uuid,
    now: source.now,
    delayMs: () => settings.current().registrationDelayMs,
    fallback: (action) => ({ webhookId: registrationId(action), url: options.webhookUrl, secretKey }),
  });
  const delivery = createDelivery({
    organizationId,
    targets: registrations.targets,
    timeoutMs: webhookTimeoutMs,
    retryDelaysMs: options.retryDelaysMs ?? defaultRetryDelaysMs,
    now: source.now,
    onActivity: options.onActivity ?? (() => {}),
    ...(options.begin && { begin: options.begin }),
  });
  const cdn = createCdn();
  const world: World = {
    simulator: createSimulator({ source, clientId, agentId }, delivery.send, cdn),
    source,
    settings,
    uploads: createUploads(source.now, source.uuid),
    cdn,
    joins: createJoins(source.now),
    registrations,
    calls: createCallLog(),
    clientId,
  };
  const { server, port } = await listen(appOf(world, clock, random).fetch, options.port);

  const stop = async () => {
    delivery.stop();
    await close(server);
  };
  return { port, stop };
};

const appOf = (world: World, clock: Clock, random: () => number) => {
  const { simulator, settings, calls } = world;
  const faults = createFaults(random);
  const dispatch = createDispatch({ world, faults, limiter: createLimiter(clock.now), clock, random });
  return new Hono<{ Bindings: HttpBindings }>()
    .use((c, next) => {
      const foreign = findForeignHeader({ host: c.req.header('host'), origin: c.req.header('origin') });
      return foreign ? Promise.resolve(c.json({ error: foreign }, 403)) : next();
    })
    .route('/simulator', simulatorRoutes(simulator, controlRoutes(faults, calls, settings)))
    .route('/api/file/lc', cdnRoutes(world.cdn))
    .route('/', apiRoutes(dispatch, world.source.uuid));
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
