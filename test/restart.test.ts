import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { cpuMs, waitForExecutions } from '../bench/engine.ts';
import { chatStarted, customerMessage } from '../bench/throughput.ts';
import { createCdn } from '../local/livechat/events.ts';
import { createIdSource } from '../local/livechat/objects.ts';
import { createSimulator } from '../local/livechat/simulator.ts';
import { openState } from '../local/state.ts';
import { type Local, organizationId, post, startLocal } from './local.ts';
import { outbound } from './outbound.ts';
import { createSeeder } from './seed.ts';

const chatsOfOthers = 8;
const chatsOfSimulator = 8;
/** Per burst. */
const messagesPerChat = 20;
const requestsPerChat = 5;
/** More than the maximum lease of a claim, which a killed send function may hold, and the waits of the state machine. */
const settleMs = 180_000;

let folder: string;
let local: Local;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'livechat-data-'));
  await start();
});
afterEach(async () => {
  await local.stop();
  rmSync(folder, { recursive: true });
});

/** The ports differ in each run, so the seeder's address of the simulator is outdated. */
async function start(): Promise<void> {
  local = await startLocal({ LIVECHAT_CALLS_PER_SECOND: '5', LIVECHAT_API_BASE_URL: '' }, ['--data', folder]);
}

/** The messages and requests that the engine has acknowledged, by conversation. */
interface Acknowledged {
  /** The ids of messages whose webhooks were answered with 200. */
  readonly webhooks: Map<string, string[]>;
  /** The texts that customers wrote in the simulator. */
  readonly written: Map<string, string[]>;
  /** The texts of send requests that the bus accepted. */
  readonly requested: Map<string, string[]>;
}

const count = (acknowledged: Map<string, string[]>): number => [...acknowledged.values()].flat().length;

/** Repeats a call until it fails, at most `times` times, and records the results. */
async function repeat(results: string[], call: () => Promise<string>, times = Number.POSITIVE_INFINITY): Promise<void> {
  try {
    for (let number = 0; number < times; number += 1) results.push(await call());
  } catch {
    // The engine was killed: the call may have taken effect, but it was not acknowledged.
  }
}

/** Sends webhooks, messages of customers and send requests until the engine is killed. */
async function burst(acknowledged: Acknowledged, organization: string): Promise<void> {
  const { act, send, text } = outbound(local);
  const postMessage = async (chat: number, number: number) => {
    const { status } = await post(local, customerMessage(organization, chat, number));
    if (status !== 200) throw new Error(`the webhook answered ${status}`);
    return `THREAD${chat}_${number + 1}`;
  };
  const webhooks = [...acknowledged.webhooks.values()].map((ids, chat) => {
    // A call without a response is repeated in the next run, as LiveChat repeats a webhook.
    return repeat(ids, () => postMessage(chat, ids.length));
  });
  const messages = [...acknowledged.written].map(([chat, texts]) =>
    repeat(
      texts,
      async () => {
        const content = `customer ${randomUUID()}`;
        await act(chat, { action: 'message', text: content });
        return content;
      },
      messagesPerChat,
    ),
  );
  const requests = [...acknowledged.requested].map(([chat, texts]) =>
    repeat(
      texts,
      async () => {
        const content = `reply ${randomUUID()}`;
        await send(chat, text(content));
        return content;
      },
      requestsPerChat,
    ),
  );
  await Promise.all([...webhooks, ...messages, ...requests]);
}

const executionPage = z.object({ executions: z.array(z.unknown()) });

async function countRunning(): Promise<number> {
  return executionPage.parse((await local.api('/api/executions?status=RUNNING&limit=100')).body).executions.length;
}

const conversation = z.object({
  messages: z.array(z.object({ id: z.string(), content: z.string() })),
});

/** Returns the acknowledged messages of customers that are not stored exactly once. */
async function findMissing({ webhooks, written }: Acknowledged, organization: string): Promise<string[]> {
  const missing: string[] = [];
  const compare = async (chat: string, owner: string, field: 'id' | 'content', expected: readonly string[]) => {
    const { body } = await local.api(`/api/conversations/${chat}?organizationId=${owner}`);
    const stored = conversation.parse(body).messages.map((message) => message[field]);
    missing.push(...expected.filter((one) => stored.filter((other) => other === one).length !== 1));
  };
  for (const [chat, ids] of webhooks) await compare(chat, organization, 'id', ids);
  for (const [chat, texts] of written) await compare(chat, organizationId, 'content', texts);
  return missing;
}

it('loses no acknowledged call and sends nothing twice if it is killed during bursts', {
  timeout: 2 * settleMs,
}, async () => {
  const organization = randomUUID();
  const acknowledged: Acknowledged = { webhooks: new Map(), written: new Map(), requested: new Map() };
  for (let chat = 0; chat < chatsOfOthers; chat += 1) {
    await post(local, chatStarted(organization, chat));
    acknowledged.webhooks.set(`CHAT${chat}`, []);
  }
  for (let number = 0; number < chatsOfSimulator; number += 1) {
    const chat = await outbound(local).chat();
    acknowledged.written.set(chat, []);
    acknowledged.requested.set(chat, []);
  }
  const countSent = async () => {
    const texts = await Promise.all([...acknowledged.requested.keys()].map(outbound(local).sentTexts));
    return texts.flat().length;
  };

  for (const run of [1, 2]) {
    const sent = await countSent();
    const ended = burst(acknowledged, organization);
    const requested = run * chatsOfSimulator * requestsPerChat;
    await expect.poll(() => count(acknowledged.requested), { timeout: settleMs }).toBe(requested);
    await expect.poll(countSent, { timeout: settleMs }).toBeGreaterThan(sent);
    // More than one execution per chat: the others wait for their turn.
    await expect.poll(countRunning, { timeout: settleMs }).toBeGreaterThan(chatsOfSimulator);
    await local.kill();
    await ended;
    await start();
  }

  // LiveChat repeats unanswered webhooks after up to 30 s.
  await expect.poll(() => findMissing(acknowledged, organization), { timeout: settleMs, interval: 1_000 }).toEqual([]);
  await waitForExecutions(local);

  for (const [chat, texts] of acknowledged.requested) {
    const sent = await outbound(local).sentTexts(chat);
    expect(sent.toSorted()).toEqual(texts.toSorted());
    expect(await outbound(local).read(chat)).toMatchObject({ pending: [] });
    expect(await outbound(local).deadLetters(chat)).toEqual([]);
  }
});

it('starts in less than 5 s of CPU time with 10,000 conversations and as many chats of the simulator', {
  timeout: settleMs,
}, async () => {
  await (await createSeeder(local)).conversations(10_000);
  await local.stop();
  const state = openState(folder, { file: 'simulator.db' });
  const settings = { source: createIdSource(Date.now), cdn: createCdn(Date.now), clientId: 'client', agentId: 'bot' };
  const { start: startChat } = createSimulator(settings, () => {}, state);
  state.transaction(() => {
    for (let number = 0; number < 10_000; number += 1)
      startChat({ customer: { name: `Customer ${number}` }, text: 'Hello' });
  });
  state.close();

  await start();

  // Other tests that run in parallel affect the elapsed time, but not the CPU time of the engine.
  expect(await cpuMs(local)).toBeLessThan(5_000);
  expect((await local.api('/api/conversations?limit=1')).body).toMatchObject({ conversations: [{}] });
  expect(await outbound(local).simulator('GET', '/simulator/chats')).toMatchObject({ chats: { length: 10_000 } });
});
