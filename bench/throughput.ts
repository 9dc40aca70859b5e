import { randomUUID } from 'node:crypto';
import pLimit from 'p-limit';
import { latency } from '../cli/simulate/timing.ts';
import { fixture } from '../test/fixtures.ts';
import { type Local, post } from '../test/local.ts';
import { measureCpu, round2 } from './engine.ts';

const concurrency = 32;
const customer = '5f0c1d7e-2a84-4c39-9b61-7c2e9d1a4b55';

/** Sends messages of many open chats to the webhook, and waits until all state is stored. */
export async function throughput(local: Local, chats: number, messagesEach: number) {
  const organization_id = randomUUID();
  const starts = Array.from({ length: chats }, (_, chat) => chatStarted(organization_id, chat));
  await sendAll(local, starts);
  await local.idle();
  const bodies = Array.from({ length: chats * messagesEach }, (_, index) =>
    customerMessage(organization_id, index % chats, Math.floor(index / chats)),
  );
  const stopCpu = await measureCpu(local);
  const start = performance.now();
  const times = await sendAll(local, bodies);
  await local.idle();
  const seconds = (performance.now() - start) / 1000;
  const { ms } = await stopCpu();
  return {
    webhooks: bodies.length,
    chats,
    // Until all their state is stored, as for cpuMs.
    webhooksPerSecond: Math.round(bodies.length / seconds),
    ...latency(times),
    // CPU time of the local engine for each webhook.
    cpuMs: round2(ms / bodies.length),
  };
}

async function sendAll(local: Local, bodies: readonly object[]): Promise<number[]> {
  const limit = pLimit(concurrency);
  return Promise.all(
    bodies.map((body) =>
      limit(async () => {
        const start = performance.now();
        const { status } = await post(local, body);
        if (status !== 200) throw new Error(`the webhook answered ${status}`);
        return performance.now() - start;
      }),
    ),
  );
}

const thread = (chat: number) => `THREAD${chat}`;

export function chatStarted(organization_id: string, chat: number): object {
  const users = [{ id: customer, type: 'customer', present: true }];
  const started = { id: thread(chat), active: true, created_at: '2026-03-11T09:00:00.000000Z', events: [] };
  const payload = { chat: { id: `CHAT${chat}`, users, thread: started } };
  return { ...fixture('incoming_chat.json'), organization_id, payload };
}

export function customerMessage(organization_id: string, chat: number, number: number): object {
  const created_at = new Date(Date.UTC(2026, 2, 11, 9, 0, 1) + number * 1000).toISOString();
  const message = { type: 'message', text: 'Where is my order 4711?', author_id: customer, visibility: 'all' };
  const event = { id: `${thread(chat)}_${number + 1}`, created_at, ...message };
  const payload = { chat_id: `CHAT${chat}`, thread_id: thread(chat), event };
  return { ...fixture('incoming_event.message.customer.json'), organization_id, payload };
}
