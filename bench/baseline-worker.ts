import { setTimeout as sleep } from 'node:timers/promises';
import CircuitBreaker from 'opossum';
import pLimit from 'p-limit';
import { createThrottle, systemClock } from '../cli/simulate/timing.ts';
import { type Job, job, type Message, type Result } from './baselines.ts';

/** One process of a baseline: sends its messages to LiveChat and retries without checking whether they arrived. */

const retries = 3;
const baseDelayMs = 1_000;
/** From the original specification; otherwise opossum's defaults. */
const breakerOptions = { errorThresholdPercentage: 50, resetTimeout: 30_000 };

type Send = (message: Message) => Promise<void>;

async function run({ messages, concurrency, ...settings }: Job): Promise<Result> {
  const send = createSender(settings);
  const limit = pLimit(concurrency ?? messages.length);
  const succeeded = await Promise.all(messages.map((message) => limit(() => retry(() => send(message)))));
  const sent = succeeded.filter(Boolean).length;
  return { sent, failed: messages.length - sent };
}

function createSender({ url, authorization, callsPerSecond, breaker }: Omit<Job, 'messages' | 'concurrency'>): Send {
  const post: Send = async ({ chat, text }) => {
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
  return async (message) => {
    await throttle();
    await (circuit ? circuit.fire(message) : post(message));
  };
}

/** Retries every error, since the simulator has no permanent ones here. Returns false after the last retry. */
async function retry(call: () => Promise<void>): Promise<boolean> {
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

process.once('message', (input) => {
  void run(job.parse(input)).then((result) => process.send?.(result, () => process.disconnect()));
});
