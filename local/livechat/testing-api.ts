import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import type { Clock } from './clock.ts';
import { type SimulatorOptions, startSimulator } from './server.ts';
import { cleanUp, nina, organizationId, ownClientId, type Receiver, startReceiver } from './testing.ts';

/** What the tests of the APIs share: a simulator on a port, and its callers. */

export const apiFixture = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../test/fixtures/livechat/api/${name}.json`, import.meta.url), 'utf8'));

const anything = z.record(z.string(), z.unknown());

/** A fixture with some of its fields set, such as the id of a chat that there is. */
export const requestFixture = (name: string, changes: object) => ({
  ...anything.parse(apiFixture(`${name}.request`)),
  ...changes,
});

/** A text in an answer. */
export const textOf = (json: unknown, name: string): string => z.string().parse(anything.parse(json)[name]);

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
  /** Calls a method of the Agent Chat API, or with `configuration/<name>` of the other one. */
  readonly api: (method: string, body: unknown, options?: CallOptions) => Promise<Answer>;
  /** Calls the simulator's own API. */
  readonly own: (path: string, body?: unknown, method?: string) => Promise<Answer>;
  /** Starts a chat of which Dana is the customer, and gives its id. */
  readonly begin: (request?: object) => Promise<string>;
  readonly act: (chatId: string, body: object) => Promise<Answer>;
  /** Sends a message into the chat. */
  readonly send: (chatId: string, event?: object, options?: CallOptions) => Promise<Answer>;
}

const answerOf = async (response: Response): Promise<Answer> => {
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
    return answerOf(response);
  };

  const own: Running['own'] = async (path, body, method = body === undefined ? 'GET' : 'POST') =>
    answerOf(
      await fetch(`${base}/simulator/${path}`, { method, ...(body !== undefined && { body: JSON.stringify(body) }) }),
    );

  const begin = async (request: object = {}) => {
    const { json } = await own('chats', { customer: { name: 'Dana' }, text: 'Hello', ...request });
    return started.parse(json).chat_id;
  };

  return {
    base,
    receiver,
    api,
    own,
    begin,
    act: (chatId, body) => own(`chats/${chatId}/events`, body),
    send: (chat_id, event, call) =>
      api('send_event', { chat_id, event: { type: 'message', text: 'Hi', ...event } }, call),
  };
};

/** A clock that moves only when it is told to. */
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
