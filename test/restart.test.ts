import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { waitForExecutions } from '../bench/engine.ts';
import { chatStarted, customerMessage } from '../bench/throughput.ts';
import { type Local, organizationId, post, startLocal } from './local.ts';
import { outbound } from './outbound.ts';

const chatsOfOthers = 8;
const chatsOfSimulator = 8;
/** In each burst. */
const messagesPerChat = 20;
const requestsPerChat = 5;
/** Above the maximum lease of a claim, which a killed send function holds, and the times of the state machine. */
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

/** The engine gets other ports in each run. */
async function start(): Promise<void> {
  local = await startLocal({ LIVECHAT_CALLS_PER_SECOND: '10' }, ['--data', folder]);
}

/** What the engine has acknowledged, by conversation. */
interface Acknowledged {
  /** The ids of messages whose webhooks were answered with 200. */
  readonly webhooks: Map<string, string[]>;
  /** The texts that customers wrote in the simulator. */
  readonly written: Map<string, string[]>;
  /** The texts of send requests that the bus accepted. */
  readonly requested: Map<string, string[]>;
}

const count = (acknowledged: Map<string, string[]>): number => [...acknowledged.values()].flat().length;

/** Records the results of a call that is repeated until it fails, or for a number of times. */
async function repeat(results: string[], call: () => Promise<string>, times = Number.POSITIVE_INFINITY): Promise<void> {
  try {
    for (let number = 0; number < times; number += 1) results.push(await call());
  } catch {
    // The engine was killed: the call may have had its effect, but it was not acknowledged.
  }
}

/** Sends to the engine until it is killed: webhooks, and some messages of customers, and send requests. */
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
  messages: z.array(z.object({ id: z.string(), content: z.string(), direction: z.string() })),
});

/** The messages of customers that the bridge has stored. */
async function received(chat: string, organization: string) {
  const { body } = await local.api(`/api/conversations/${chat}?organizationId=${organization}`);
  return conversation.parse(body).messages.filter(({ direction }) => direction === 'inbound');
}

it('loses nothing that it acknowledged and sends nothing twice if it is killed in bursts', {
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
    await expect.poll(countSent, { timeout: settleMs }).toBeGreaterThan(sent + 5);
    // Most of them wait for their turn.
    expect(await countRunning()).toBeGreaterThan(chatsOfSimulator);
    await local.kill();
    await ended;
    await start();
  }

  await expect
    .poll(
      async () => {
        const ids = (
          await Promise.all([...acknowledged.webhooks.keys()].map((chat) => received(chat, organization)))
        ).flat();
        return ids.length;
      },
      { timeout: settleMs, interval: 1_000 },
    )
    .toBeGreaterThanOrEqual(count(acknowledged.webhooks));
  await waitForExecutions(local);

  for (const [chat, ids] of acknowledged.webhooks) {
    const stored = (await received(chat, organization)).map(({ id }) => id);
    expect(stored).toEqual(expect.arrayContaining(ids));
  }
  for (const [chat, texts] of acknowledged.written) {
    const stored = (await received(chat, organizationId)).map(({ content }) => content);
    expect(stored).toEqual(expect.arrayContaining(texts));
    expect(new Set(stored).size).toBe(stored.length);
  }
  for (const [chat, texts] of acknowledged.requested) {
    const sent = await outbound(local).sentTexts(chat);
    expect(sent.toSorted()).toEqual(texts.toSorted());
    expect(await outbound(local).read(chat)).toMatchObject({ pending: [] });
    expect(await outbound(local).deadLetters(chat)).toEqual([]);
  }
});
