import { onTestFinished, vi } from 'vitest';
import * as z from 'zod/mini';
import type { Clock } from '../core/platform/clock.ts';
import { createCdn } from '../local/livechat/events.ts';
import { createIdSource } from '../local/livechat/objects.ts';
import { type SimulatorOptions, startSimulator } from '../local/livechat/server.ts';
import { createSimulator, type Simulator } from '../local/livechat/simulator.ts';
import type { Webhook } from '../local/livechat/webhooks.ts';
import { fixture } from './fixtures.ts';
import { startServer } from './http-server.ts';

/** Shared by the tests: a webhook receiver, and a simulator without network. */

const receivedBody = z.looseObject({
  webhook_id: z.string(),
  secret_key: z.string(),
  action: z.string(),
  organization_id: z.string(),
  payload: z.looseObject({}),
});

export type ReceivedBody = z.infer<typeof receivedBody>;

export type Receiver = Awaited<ReturnType<typeof startReceiver>>;

/** Waits for a condition, with a timeout that suits a busy machine. */
export const until = (condition: () => boolean): Promise<boolean> =>
  vi.waitUntil(condition, { timeout: 20_000, interval: 2 });

/** Receives webhooks until the end of the test. `answer` returns a status, or `null` to close the connection. */
export const startReceiver = async (
  answer: (body: ReceivedBody, count: number) => number | null | Promise<number> = () => 200,
) => {
  const bodies: ReceivedBody[] = [];
  const { url, received, stop } = await startServer(async (response) => {
    const body = receivedBody.parse(JSON.parse(String(received.at(-1)?.body)));
    const status = answer(body, bodies.push(body));
    if (status === null) return response.destroy();
    response.writeHead(await status).end('{"success":true}');
  });
  onTestFinished(stop);
  return { url: `${url}/livechat/webhook`, bodies };
};

export const secretKey = 'whsec-test';
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

/** A simulator that collects its webhooks. The clock does not advance by default. */
export const quietSimulator = (
  now: () => number = () => Date.UTC(2026, 2, 11, 9, 14),
): Simulator & { webhooks: Webhook[] } => {
  const webhooks: Webhook[] = [];
  const source = createIdSource(now);
  const settings = { source, cdn: createCdn(now), clientId: ownClientId, agentId: nina };
  const simulator = createSimulator(settings, (webhook) => webhooks.push(webhook));
  return { ...simulator, webhooks };
};

/** Shared by the tests of the APIs: a simulator on a port, and functions to call it. */

export const apiFixture = (name: string) => fixture(`api/${name}.json`);

const anything = z.record(z.string(), z.unknown());

/** A fixture with some fields replaced, such as the chat id. */
export const requestFixture = (name: string, changes: object) => ({
  ...apiFixture(`${name}.request`),
  ...changes,
});

/** Reads a string from a response. */
export const readText = (json: unknown, name: string): string => z.string().parse(anything.parse(json)[name]);

export interface CallOptions {
  readonly version?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

const toAnswer = async (response: Response) => {
  const json: unknown = await response.json();
  return { status: response.status, headers: response.headers, json };
};

export type Running = Awaited<ReturnType<typeof startApi>>;

export const startApi = async (options: Partial<SimulatorOptions> = {}) => {
  const receiver = await startReceiver();
  const { port, stop } = await startSimulator({
    port: 0,
    webhookUrl: receiver.url,
    secretKey,
    organizationId,
    clientId: ownClientId,
    agentId: nina,
    ...options,
  });
  onTestFinished(stop);
  const base = `http://127.0.0.1:${port}`;

  /** Calls a method of the Agent Chat API, or of the Configuration API as `configuration/<name>`. */
  const api = async (name: string, body: unknown, { version = 'v3.6', headers, signal }: CallOptions = {}) => {
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

  /** Calls the simulator's own API. A text is sent as it is. */
  const simulatorApi = async (path: string, body?: unknown, method = body === undefined ? 'GET' : 'POST') => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return toAnswer(await fetch(`${base}/simulator/${path}`, { method, ...(body !== undefined && { body: text }) }));
  };

  /** Starts a chat with the customer Dana and returns its id. */
  const startChat = async (request: object = {}) => {
    const { json } = await simulatorApi('chats', { customer: { name: 'Dana' }, text: 'Hello', ...request });
    return readText(json, 'chat_id');
  };

  const act = (chatId: string, body: unknown) => simulatorApi(`chats/${chatId}/events`, body);

  /** Sends a message into the chat. */
  const send = (chat_id: string, event?: object, call?: CallOptions) =>
    api('send_event', { chat_id, event: { type: 'message', text: 'Hi', ...event } }, call);

  return { port, base, receiver, api, simulatorApi, startChat, act, send, stop };
};

/** A clock that advances only by `advance`. */
export const manualClock = ({ random = Math.random } = {}): Clock & { advance: (ms: number) => void } => {
  let at = Date.UTC(2026, 2, 11, 9, 14);
  let waiting: { readonly until: number; readonly done: () => void }[] = [];
  return {
    now: () => at,
    random,
    sleep: (ms) => new Promise<void>((done) => (ms === 0 ? done() : waiting.push({ until: at + ms, done }))),
    advance: (ms) => {
      at += ms;
      const due = waiting.filter(({ until }) => until <= at);
      waiting = waiting.filter(({ until }) => until > at);
      for (const { done } of due) done();
    },
  };
};
