import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { afterEach, vi } from 'vitest';
import * as z from 'zod/mini';
import { createCdn } from './events.ts';
import { type Clock, createIdSource } from './objects.ts';
import { type SimulatorOptions, startSimulator } from './server.ts';
import { createSimulator, type Simulator } from './simulator.ts';
import { registrationId, type Target, type Webhook, type WebhookAction } from './webhooks.ts';

/** Shared by the tests: a webhook receiver, and a simulator without network. */

const receivedBody = z.looseObject({
  webhook_id: z.string(),
  secret_key: z.string(),
  action: z.string(),
  organization_id: z.string(),
  payload: z.looseObject({}),
});

export type ReceivedBody = z.infer<typeof receivedBody>;

export interface Receiver {
  readonly url: string;
  readonly bodies: readonly ReceivedBody[];
}

const cleanups: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

export const cleanUp = (cleanup: () => void | Promise<void>): void => {
  cleanups.push(cleanup);
};

/** Waits for a condition, with a timeout that suits a busy machine. */
export const until = (condition: () => boolean): Promise<boolean> =>
  vi.waitUntil(condition, { timeout: 20_000, interval: 2 });

/** Receives webhooks until the end of the test. `answer` returns a status, or `null` to close the connection. */
export const startReceiver = (
  answer: (body: ReceivedBody, count: number) => number | null | Promise<number> = () => 200,
): Promise<Receiver> => {
  const bodies: ReceivedBody[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = receivedBody.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
    const status = answer(body, bodies.push(body));
    if (status === null) return request.socket.destroy();
    response.writeHead(await status).end('{"success":true}');
  });
  cleanUp(() => {
    server.closeAllConnections();
    server.close();
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      resolve({ url: `http://127.0.0.1:${port}/livechat/webhook`, bodies });
    });
  });
};

export const nina = 'nina.kowal@acme.example';
export const tomas = 'tomas.reyes@acme.example';
export const organizationId = '7d1b0c52-9e44-4f0a-8a6e-2f63c1e0b9d4';
export const ownClientId = '9a0d3c7741be4f6e8d52c0f1a7be2e60';

/** Every path in a value with its type. The elements of a list share a path. */
export const outline = (value: unknown, path = ''): string[] => {
  if (Array.isArray(value)) return value.flatMap((item) => outline(item, `${path}[]`));
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, inner]) => outline(inner, `${path}.${key}`));
  }
  return [`${path}: ${value === null ? 'null' : typeof value}`];
};

/** The target of webhooks without a registration. */
export const createTarget = (url: string, action: WebhookAction): Target => ({
  webhookId: registrationId(action),
  url,
  secretKey: 'whsec-test',
  additionalData: ['chat_properties', 'chat_presence_user_ids'],
});

/** A simulator that collects its webhooks. The clock does not advance by default. */
export const quietSimulator = (
  now: () => number = () => Date.UTC(2026, 2, 11, 9, 14),
): Simulator & { webhooks: Webhook[] } => {
  const webhooks: Webhook[] = [];
  const source = createIdSource(now);
  const settings = { source, cdn: createCdn(source), clientId: ownClientId, agentId: nina };
  const simulator = createSimulator(settings, (webhook) => webhooks.push(webhook));
  return { ...simulator, webhooks };
};

/** Shared by the tests of the APIs: a simulator on a port, and functions to call it. */

export const apiFixture = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../test/fixtures/livechat/api/${name}.json`, import.meta.url), 'utf8'));

const anything = z.record(z.string(), z.unknown());

/** A fixture with some fields replaced, such as the chat id. */
export const requestFixture = (name: string, changes: object) => ({
  ...anything.parse(apiFixture(`${name}.request`)),
  ...changes,
});

/** Reads a string from a response. */
export const readText = (json: unknown, name: string): string => z.string().parse(anything.parse(json)[name]);

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly json: unknown;
}

export interface CallOptions {
  readonly version?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface Running {
  readonly base: string;
  readonly receiver: Receiver;
  /** Calls a method of the Agent Chat API, or of the Configuration API as `configuration/<name>`. */
  readonly api: (method: string, body: unknown, options?: CallOptions) => Promise<Answer>;
  /** Calls the simulator's own API. */
  readonly simulatorApi: (path: string, body?: unknown, method?: string) => Promise<Answer>;
  /** Starts a chat with the customer Dana and returns its id. */
  readonly startChat: (request?: object) => Promise<string>;
  readonly act: (chatId: string, body: object) => Promise<Answer>;
  /** Sends a message into the chat. */
  readonly send: (chatId: string, event?: object, options?: CallOptions) => Promise<Answer>;
}

const toAnswer = async (response: Response): Promise<Answer> => {
  const json: unknown = await response.json();
  return { status: response.status, headers: response.headers, json };
};

const started = z.object({ chat_id: z.string() });

export const startApi = async (options: Partial<SimulatorOptions> = {}): Promise<Running> => {
  const receiver = await startReceiver();
  const simulator = await startSimulator({
    port: 0,
    webhookUrl: receiver.url,
    secretKey: 'whsec-test',
    organizationId,
    clientId: ownClientId,
    agentId: nina,
    ...options,
  });
  cleanUp(simulator.stop);
  const base = `http://127.0.0.1:${simulator.port}`;

  const api: Running['api'] = async (name, body, { version = 'v3.6', headers, signal } = {}) => {
    const path = name.includes('/') ? name.replace('/', '/action/') : `agent/action/${name}`;
    const multipart = body instanceof FormData;
    const response = await fetch(`${base}/${version}/${path}`, {
      method: 'POST',
      headers: { authorization: 'Bearer any', ...(!multipart && { 'content-type': 'application/json' }), ...headers },
      body: multipart ? body : JSON.stringify(body),
      ...(signal && { signal }),
    });
    return toAnswer(response);
  };

  const simulatorApi: Running['simulatorApi'] = async (path, body, method = body === undefined ? 'GET' : 'POST') =>
    toAnswer(
      await fetch(`${base}/simulator/${path}`, { method, ...(body !== undefined && { body: JSON.stringify(body) }) }),
    );

  const startChat = async (request: object = {}) => {
    const { json } = await simulatorApi('chats', { customer: { name: 'Dana' }, text: 'Hello', ...request });
    return started.parse(json).chat_id;
  };

  return {
    base,
    receiver,
    api,
    simulatorApi,
    startChat,
    act: (chatId, body) => simulatorApi(`chats/${chatId}/events`, body),
    send: (chat_id, event, call) =>
      api('send_event', { chat_id, event: { type: 'message', text: 'Hi', ...event } }, call),
  };
};

/** A clock that advances only by `advance`. */
export const manualClock = (): Clock & { advance: (ms: number) => void } => {
  let at = Date.UTC(2026, 2, 11, 9, 14);
  let waiting: { readonly until: number; readonly done: () => void }[] = [];
  return {
    now: () => at,
    wait: (ms) => new Promise<void>((done) => (ms === 0 ? done() : waiting.push({ until: at + ms, done }))),
    advance: (ms) => {
      at += ms;
      const due = waiting.filter(({ until }) => until <= at);
      waiting = waiting.filter(({ until }) => until > at);
      for (const { done } of due) done();
    },
  };
};
