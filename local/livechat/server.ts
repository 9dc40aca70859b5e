import { once } from 'node:events';
import { createServer } from 'node:http';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import * as z from 'zod/mini';
import { type Clock, systemClock } from '../../core/platform/clock.ts';
import { findForeignHeader } from '../../core/platform/loopback.ts';
import { createInFlight } from '../in-flight.ts';
import { close, listen } from '../listen.ts';
import { openState } from '../state.ts';
import { type ApiState, createCallLog, createSettings } from './api/method.ts';
import { createRegistrations } from './api/registrations.ts';
import { apiRoutes, createCallHandler } from './api/routes.ts';
import { allThreads, type Chat, getCustomer } from './chats.ts';
import { invalidField, SimulatorError } from './errors.ts';
import { cdnRoutes, createCdn } from './events.ts';
import { createFaults, type Faults } from './faults.ts';
import { createIdSource } from './objects.ts';
import { createSimulator } from './simulator.ts';
import { createDelivery } from './webhooks.ts';

export interface SimulatorOptions {
  /** 0 selects a free port. */
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
  /** The folder of the stored state. Default: the state is in memory only. */
  readonly dataFolder?: string | undefined;
  /** The counter of pending webhooks, see `createInFlight`. */
  readonly pendingWebhooks?: SharedArrayBuffer;
}

export interface RunningSimulator {
  readonly port: number;
  /** Stops immediately: closes open connections. Pending webhooks continue after a restart on the same folder. */
  readonly stop: () => Promise<void>;
}

/** LiveChat waits about 10 s for a response. */
const webhookTimeoutMs = 10_000;

/** @throws PortTakenError */
export const startSimulator = async (options: SimulatorOptions): Promise<RunningSimulator> => {
  const { secretKey, organizationId, clientId, agentId, accountId, apiKey, accessToken } = options;
  const { clock = systemClock, webhookUrl } = options;
  const stored = openState(options.dataFolder, { file: 'simulator.db' });
  const source = createIdSource(clock.now);
  const settings = createSettings({ agentId, accountId, apiKey, accessToken }, stored);
  const registrations = createRegistrations({
    now: clock.now,
    delayMs: () => settings.current().registrationDelayMs,
    defaultReceiver: { url: webhookUrl, secretKey },
    state: stored,
  });
  const addresses = stored.collection<string>('addresses');
  registrations.moveReceiver(addresses.get('webhook') ?? webhookUrl, webhookUrl);
  addresses.put('webhook', webhookUrl);
  const faults = createFaults(clock, stored);
  const delivery = createDelivery({
    organizationId,
    targets: registrations.targets,
    shouldDrop: faults.shouldDropWebhook,
    timeoutMs: webhookTimeoutMs,
    inFlight: createInFlight(options.pendingWebhooks),
    state: stored,
  });
  const cdn = createCdn(clock.now, stored);
  const state: ApiState = {
    simulator: createSimulator({ source, cdn, clientId, agentId }, delivery.send, stored),
    source,
    settings,
    cdn,
    sendableFrom: new Map(),
    registrations,
    calls: createCallLog(),
    clientId,
  };
  const handleCall = createCallHandler(state, faults);
  const app = new Hono<{ Bindings: HttpBindings }>()
    .use((c, next) => {
      const foreign = findForeignHeader({ host: c.req.header('host'), origin: c.req.header('origin') });
      return foreign ? Promise.resolve(c.json({ error: foreign }, 403)) : next();
    })
    .route('/simulator', simulatorRoutes(state, faults))
    .route('/api/file/lc', cdnRoutes(cdn))
    .route('/', apiRoutes(handleCall));
  const server = createServer(getRequestListener(app.fetch));
  const port = await listen(server, options.port, '--livechat-port');
  delivery.resume();

  const stop = async () => {
    delivery.stop();
    await close(server);
    stored.close();
  };
  return { port, stop };
};

const mebibyte = 1024 * 1024;

/** The simulator's own API: acts as a customer, an agent or the router, injects faults, and changes the settings. */
const simulatorRoutes = ({ simulator, calls, settings }: ApiState, faults: Faults): Hono => {
  const app = new Hono();

  app.use(bodyLimit({ maxSize: mebibyte, onError: (c) => c.json({ error: { message: 'More than 1 MiB' } }, 413) }));

  app.onError((thrown, c) => {
    const error =
      thrown instanceof SyntaxError ? invalidField('body', `JSON; parsing failed: ${thrown.message}`) : thrown;
    if (error instanceof SimulatorError) return c.json(error.body, error.status);
    console.error('The simulator failed:', error);
    return c.json({ error: { message: 'Internal error of the simulator. See its log.' } }, 500);
  });

  app.post('/chats', async (c) => {
    const { chat } = simulator.start(await c.req.json());
    return c.json({ chat_id: chat.id, thread_id: chat.thread.id });
  });
  app.post('/chats/:id/events', async (c) => {
    const { chat, eventId } = simulator.act(c.req.param('id'), await c.req.json());
    return c.json({ event_id: eventId, thread_id: chat.thread.id });
  });
  app.get('/chats', (c) => c.json({ chats: simulator.chats().map(summarize) }));
  app.get('/chats/:id', (c) => c.json(viewChat(simulator.chat(c.req.param('id')))));

  app.post('/faults', async (c) => c.json(faults.add(await c.req.json())));
  app.get('/faults', (c) => c.json({ faults: faults.list() }));
  app.delete('/faults', (c) => c.json({ cleared: faults.clear() }));

  app.get('/calls', (c) => c.json(calls.view()));
  app.delete('/calls', (c) => c.json({ cleared: calls.clear() }));

  app.get('/settings', (c) => c.json(settings.view()));
  app.post('/settings', async (c) => {
    settings.change(await c.req.json());
    return c.json(settings.view());
  });

  app.all('*', (c) => c.json({ error: { message: `There is no route ${c.req.method} ${c.req.path}.` } }, 404));

  return app;
};

const summarize = (chat: Chat) => {
  const { id, name, email } = getCustomer(chat);
  return {
    chat_id: chat.id,
    active: chat.thread.active,
    customer: { id, name, email },
  };
};

/** The customer's view: without notes, and with tombstones for deleted events. */
const viewChat = (chat: Chat) => ({
  ...summarize(chat),
  thread_ids: allThreads(chat).map(({ id }) => id),
  users: chat.users,
  events: allThreads(chat).flatMap(({ id, events }) =>
    events.filter(({ visibility }) => visibility === 'all').map((event) => ({ thread_id: id, ...event })),
  ),
});

/** The options of the simulator in a worker thread. */
export type SimulatorSettings = Omit<SimulatorOptions, 'clock'>;

const listening = z.object({ port: z.number() });

/**
 * Starts the simulator in a worker thread. Otherwise load on the main thread would delay calls, and the simulated rate
 * limit would reject calls that were sent far enough apart.
 */
export const startSimulatorThread = async (settings: SimulatorSettings): Promise<RunningSimulator> => {
  const worker = new Worker(new URL(import.meta.url), {
    name: 'livechat',
    workerData: { simulator: settings },
    execArgv: [],
  });
  const [message] = await once(worker, 'message');
  const stop = async () => {
    await worker.terminate();
  };
  return { port: listening.parse(message).port, stop };
};

/** Set in the thread that `startSimulatorThread` starts. */
const settings: SimulatorSettings | undefined = workerData?.simulator;

if (settings) {
  const { port } = await startSimulator(settings);
  parentPort?.postMessage({ port });
}
