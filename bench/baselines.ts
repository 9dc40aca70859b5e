import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import CircuitBreaker from 'opossum';
import pLimit from 'p-limit';
import * as z from 'zod/mini';
import { createThrottle, systemClock } from '../cli/simulate/timing.ts';
import type { Local } from '../test/local.ts';
import { authorization, messageText } from './livechat.ts';

/** Two common designs to compare the bridge with. Both send directly to LiveChat from four processes, started from this file. */

/** The input of a process. */
const job = z.object({
  url: z.string(),
  authorization: z.string(),
  /** For each process; null for no limiter. */
  callsPerSecond: z.nullable(z.number()),
  breaker: z.boolean(),
  /** The number of messages at the same time in each process; null for all. */
  concurrency: z.nullable(z.number()),
  messages: z.array(z.object({ chat: z.string(), text: z.string() })),
});
type Job = z.infer<typeof job>;
type Message = Job['messages'][number];

const result = z.object({ sent: z.number(), failed: z.number() });
type Result = z.infer<typeof result>;

export type Design = Pick<Job, 'callsPerSecond' | 'breaker' | 'concurrency'>;

const processes = 4;

/** The design of the original specification: each process has its own limiter with the whole rate, and its own breaker. */
export const limiterPerProcess = (callsPerSecond: number): Design => ({
  callsPerSecond,
  breaker: true,
  concurrency: null,
});

export const noLimiter: Design = { callsPerSecond: null, breaker: false, concurrency: 64 };

/** Sends a burst, distributed over the processes. */
export async function runBaseline(
  local: Local,
  design: Design,
  { chats, each }: { chats: readonly string[]; each: number },
): Promise<Result> {
  const messages = Array.from({ length: each }, (_, number) =>
    chats.map((chat): Message => ({ chat, text: messageText(number) })),
  ).flat();
  const url = new URL('/v3.6/agent/action/send_event', local.livechat).href;
  const results = await Promise.all(
    Array.from({ length: processes }, (_, process) => {
      const share = messages.filter((_message, index) => index % processes === process);
      return startProcess({ url, authorization, ...design, messages: share });
    }),
  );
  return {
    sent: results.reduce((sum, { sent }) => sum + sent, 0),
    failed: results.reduce((sum, { failed }) => sum + failed, 0),
  };
}

async function startProcess(input: Job): Promise<Result> {
  const child = fork(fileURLToPath(import.meta.url));
  child.send(input);
  const exited = once(child, 'exit').then(([code]) => {
    throw new Error(`a process of the baseline exited with ${code}`);
  });
  const [output] = await Promise.race([once(child, 'message'), exited]);
  return result.parse(output);
}

if (import.meta.main) {
  process.once('message', (input) => {
    void sendAll(job.parse(input)).then((sent) => process.send?.(sent, () => process.disconnect()));
  });
}

/** From the original specification; otherwise opossum's defaults. */
const breakerOptions = { errorThresholdPercentage: 50, resetTimeout: 30_000 };

async function sendAll({ url, authorization, callsPerSecond, breaker, concurrency, messages }: Job): Promise<Result> {
  const post = async ({ chat, text }: Message) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ chat_id: chat, event: { type: 'message', text } }),
    });
    const body = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${body}`);
  };
  const circuit = breaker ? new CircuitBreaker(post, breakerOptions) : undefined;
  const throttle = createThrottle(callsPerSecond ?? undefined, systemClock);
  const send = async (message: Message) => {
    await throttle();
    await (circuit ? circuit.fire(message) : post(message));
  };
  const limit = pLimit(concurrency ?? messages.length);
  const succeeded = await Promise.all(messages.map((message) => limit(() => retry(() => send(message)))));
  const sent = succeeded.filter(Boolean).length;
  return { sent, failed: messages.length - sent };
}

/**
 * Retries every error, since the simulator has no permanent ones here, without checking whether the message arrived. Returns
 * false after the last retry.
 */
async function retry(call: () => Promise<void>): Promise<boolean> {
  const [retries, baseDelayMs] = [3, 1_000];
  for (let attempt = 0; ; attempt += 1) {
    try {
      await call();
      return true;
    } catch {
      if (attempt === retries) return false;
      await sleep(baseDelayMs * 2 ** attempt);
    }
  }
}
