import { type HttpBindings, type ServerType, serve } from '@hono/node-server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { findForeignHeader } from '../../core/platform/loopback.ts';
import { parse, parseAction, startRequest } from './actions.ts';
import { type ApiState, type CallLog, createCallLog, createJoinDelays } from './api/method.ts';
import { createRegistrations } from './api/registrations.ts';
import { apiRoutes, createCallHandler, createLimiter } from './api/routes.ts';
import { allThreads, type Chat, getCustomer } from './chats.ts';
import { InvalidField, SimulatorError } from './errors.ts';
import { cdnRoutes, createCdn, createUploads } from './events.ts';
import { createFaults, type Faults, faultRequest, viewFault } from './faults.ts';
import { type Clock, createIdSource, systemClock } from './objects.ts';
import {
  createSettings,
  createSimulator,
  defaultSettings,
  type SettingsStore,
  type Simulator,
  settingsRequest,
  viewSettings,
} from './simulator.ts';
import { createDelivery, defaultRetryDelaysMs, registrationId, type WebhookActivity } from './webhooks.ts';

export interface SimulatorOptions {
  /** 0 takes any free port. */
  readonly port: number;
  /** The URL that receives the webhooks. */
  readonly webhookUrl: string;
  readonly secretKey: string;
  readonly organizationId: string;
  /** The client id of our application. */
  readonly clientId: string;
  /** The default agent of new chats and the owner of the credentials: an e-mail address or a bot's id. */
  readonly agentId: string;
  /** A personal access token with its account. Without any credentials, every Authorization header is accepted. */
  readonly accountId?: string;
  readonly apiKey?: string;
  /** An OAuth token. */
  readonly accessToken?: string;
  readonly clock?: Clock;
  /** A number from 0 to below 1, for faults with a probability. */
  readonly random?: () => number;
  readonly retryDelaysMs?: readonly number[];
  readonly onActivity?: (activity: WebhookActivity) => void;
  /** Called for each pending webhook; returns a function to call when the delivery ends. */
  readonly track?: () => () => void;
}

export interface RunningSimulator {
  readonly port: number;
  /** Stops immediately: drops pending retries and closes open connections. */
  readonly stop: () => Promise<void>;
}

/** LiveChat waits about 10 s for a response. */
const webhookTimeoutMs = 10_000;

export const startSimulator = async (options: SimulatorOptions): Promise<RunningSimulator> => {
  const { secretKey, organizationId, clientId, agentId, clock = systemClock, random = Math.random } = options;
  const source = createIdSource(clock.now);
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
    ...(options.track && { track: options.track }),
  });
  const cdn = createCdn();
  const state: ApiState = {
    simulator: createSimulator({ source, clientId, agentId }, delivery.send, cdn),
    source,
    settings,
    uploads: createUploads(source.now, source.uuid),
    cdn,
    joinDelays: createJoinDelays(source.now),
    registrations,
    calls: createCallLog(),
    clientId,
  };
  const { server, port } = await listen(createApp(state, clock, random).fetch, options.port);

  const stop = async () => {
    delivery.stop();
    await close(server);
  };
  return { port, stop };
};

const createApp = (state: ApiState, clock: Clock, random: () => number) => {
  const { simulator, settings, calls } = state;
  const faults = createFaults(random);
  const handleCall = createCallHandler({ state, faults, limiter: createLimiter(clock.now), clock, random });
  return new Hono<{ Bindings: HttpBindings }>()
    .use((c, next) => {
      const foreign = findForeignHeader({ host: c.req.header('host'), origin: c.req.header('origin') });
      return foreign ? Promise.resolve(c.json({ error: foreign }, 403)) : next();
    })
    .route('/simulator', simulatorRoutes(simulator, controlRoutes(faults, calls, settings)))
    .route('/api/file/lc', cdnRoutes(state.cdn))
    .route('/', apiRoutes(handleCall, state.source.uuid));
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

const mebibyte = 1024 * 1024;

/**
 * The simulator's own API, for acting as a customer, an agent or the router.
 *
 * @param control the routes of faults, calls and settings
 */
export const simulatorRoutes = (simulator: Simulator, control: Hono): Hono => {
  const app = new Hono();

  app.use(bodyLimit({ maxSize: mebibyte, onError: (c) => c.json({ error: { message: 'More than 1 MiB' } }, 413) }));

  app.onError((error, c) => {
    if (error instanceof SimulatorError) return c.json(error.body, error.status);
    console.error('The simulator failed:', error);
    return c.json({ error: { message: 'The simulator failed; its log says why.' } }, 500);
  });

  app.post('/chats', async (c) => {
    const { chat } = simulator.start(parse(startRequest, await readJson(c.req.raw)));
    return c.json({ chat_id: chat.id, thread_id: chat.thread.id });
  });

  app.post('/chats/:id/events', async (c) => {
    const chatId = c.req.param('id');
    simulator.chat(chatId);
    const { chat, eventId } = simulator.act(chatId, parseAction(await readJson(c.req.raw)));
    return c.json({ ...(eventId !== undefined && { event_id: eventId }), thread_id: chat.thread.id });
  });

  app.get('/chats', (c) => c.json(viewChats(simulator.chats())));
  app.get('/chats/:id', (c) => c.json(viewChat(simulator.chat(c.req.param('id')))));

  app.route('/', control);
  app.all('*', (c) => c.json({ error: { message: `There is no ${c.req.method} ${c.req.path} here.` } }, 404));

  return app;
};

const summary = (chat: Chat) => {
  const { id, name, email } = getCustomer(chat);
  return {
    chat_id: chat.id,
    active: chat.thread.active,
    customer: { id, name, ...(email !== undefined && { email }) },
  };
};

export const viewChats = (chats: readonly Chat[]) => ({ chats: chats.map(summary) });

/** The customer's view: without notes, and with tombstones for deleted events. */
export const viewChat = (chat: Chat) => ({
  ...summary(chat),
  thread_ids: allThreads(chat).map(({ id }) => id),
  users: chat.users,
  events: allThreads(chat).flatMap(({ id, events }) =>
    events.filter(({ visibility }) => visibility === 'all').map((event) => ({ thread_id: id, ...event })),
  ),
});

/** @throws InvalidField */
export const readJson = async (request: Request): Promise<unknown> => {
  try {
    return await request.json();
  } catch (cause) {
    throw new InvalidField(
      'body',
      `JSON; it cannot be read: ${cause instanceof Error ? cause.message : 'unknown cause'}`,
    );
  }
};

/** Fault injection, the call log and the settings. */
export const controlRoutes = (faults: Faults, calls: CallLog, settings: SettingsStore): Hono => {
  const app = new Hono();

  app.post('/faults', async (c) => c.json(viewFault(faults.add(parse(faultRequest, await readJson(c.req.raw))))));
  app.get('/faults', (c) => c.json({ faults: faults.list().map(viewFault) }));
  app.delete('/faults', (c) => {
    const cleared = faults.list().length;
    faults.clear();
    return c.json({ cleared });
  });

  app.get('/calls', (c) => c.json(calls.view()));
  app.delete('/calls', (c) => {
    const cleared = calls.view().arrivals.length;
    calls.reset();
    return c.json({ cleared });
  });

  app.get('/settings', (c) => c.json(viewSettings(settings.current())));
  app.post('/settings', async (c) => {
    settings.change(parse(settingsRequest, await readJson(c.req.raw)));
    return c.json(viewSettings(settings.current()));
  });

  return app;
};
