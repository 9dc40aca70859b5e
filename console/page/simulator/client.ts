import * as z from 'zod/mini';
import { call } from '../app/api.ts';

/** Client of the simulator's own API, through the console. */

const chat = z.object({
  active: z.boolean(),
  events: z.array(
    z.looseObject({
      id: z.string(),
      type: z.string(),
      text: z.optional(z.string()),
      author_id: z.optional(z.string()),
      custom_id: z.optional(z.string()),
      created_at: z.string(),
    }),
  ),
  customer: z.looseObject({ id: z.string(), name: z.string() }),
});
export type SimulatedChat = z.infer<typeof chat>;

export async function startChat(text: string): Promise<string> {
  const { chat_id } = await call<{ chat_id: string }>('POST', '/api/simulator/chats', {
    customer: { name: 'Ada Morgan', email: 'ada@example.com' },
    text,
  });
  return chat_id;
}

export async function readChat(id: string): Promise<SimulatedChat> {
  return chat.parse(await call('GET', `/api/simulator/chats/${encodeURIComponent(id)}`));
}

export function sendAction(id: string, action: object): Promise<unknown> {
  return call('POST', `/api/simulator/chats/${encodeURIComponent(id)}/events`, action);
}

export function sendThroughBus(conversationId: string, text: string): Promise<unknown> {
  return call('POST', '/api/simulator/messages', { conversationId, text });
}

export interface Fault {
  readonly name: string;
  readonly about: string;
  readonly request: object;
}

const send = { method: 'send_event' };

/** Faults for send_event, until they are cleared or as many times as `count`. */
export const faults: readonly Fault[] = [
  {
    name: '429',
    about: 'The next 3 sends exceed the rate limit',
    request: { kind: 'error', status: 429, type: 'too_many_requests', retryAfterSeconds: 1, count: 3, ...send },
  },
  {
    name: '500',
    about: 'The next 2 sends fail at LiveChat',
    request: { kind: 'error', status: 500, type: 'internal', count: 2, ...send },
  },
  {
    name: 'Timeout after accepting',
    about: 'The next send is accepted, but gets no response',
    request: { kind: 'accept-then-hang', count: 1, ...send },
  },
  {
    name: 'Chat inactive',
    about: 'The chat is inactive for the next send',
    request: { kind: 'chat-inactive', count: 1, ...send },
  },
  {
    name: 'Rejected',
    about: 'Every send is rejected and becomes a dead letter',
    request: { kind: 'error', status: 422, type: 'validation', ...send },
  },
];

const listed = z.object({ faults: z.array(z.looseObject({ remaining: z.optional(z.nullable(z.number())) })) });

export async function countFaults(): Promise<number> {
  return listed.parse(await call('GET', '/api/simulator/faults')).faults.filter(({ remaining }) => remaining !== 0)
    .length;
}

export function addFault(request: object): Promise<unknown> {
  return call('POST', '/api/simulator/faults', request);
}

export function clearFaults(): Promise<unknown> {
  return call('DELETE', '/api/simulator/faults');
}
