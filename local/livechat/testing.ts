import { createServer } from 'node:http';
import { afterEach, vi } from 'vitest';
import * as z from 'zod/mini';
import { createSource } from './ids.ts';
import { createSimulator, type Simulator } from './simulator.ts';
import { registrationId, type Target, type Webhook, type WebhookAction } from './webhooks.ts';

/** What the tests of the simulator share: a receiving server, and a simulator without any network. */

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

/** Waits for a condition; long enough for a busy machine, since nothing is wrong with being slow. */
export const until = (condition: () => boolean): Promise<boolean> =>
  vi.waitUntil(condition, { timeout: 20_000, interval: 2 });

/** Answers each webhook as `answer` says: a status, or `null` to cut the line. Ends with the test. */
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

/** Every path in a value with the type of what stands there; the elements of a list are laid over each other. */
export const outline = (value: unknown, path = ''): string[] => {
  if (Array.isArray(value)) return value.flatMap((item) => outline(item, `${path}[]`));
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, inner]) => outline(inner, `${path}.${key}`));
  }
  return [`${path}: ${value === null ? 'null' : typeof value}`];
};

/** Where everything goes when nothing is registered. */
export const targetOf = (url: string, action: WebhookAction): Target => ({
  webhookId: registrationId(action),
  url,
  secretKey: 'whsec-test',
  additionalData: ['chat_properties', 'chat_presence_user_ids'],
});

/** A simulator whose webhooks are merely kept. The clock stands still unless the test moves it. */
export const quietSimulator = (
  now: () => number = () => Date.UTC(2026, 2, 11, 9, 14),
): Simulator & { webhooks: Webhook[] } => {
  const webhooks: Webhook[] = [];
  const settings = { source: createSource(now), clientId: ownClientId, agentId: nina };
  const simulator = createSimulator(settings, (webhook) => webhooks.push(webhook));
  return { ...simulator, webhooks };
};
