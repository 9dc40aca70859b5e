import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import * as z from 'zod/mini';
import type { Local } from '../test/local.ts';
import { authorization, messageText } from './livechat.ts';

/** The input of a worker process. */
export const job = z.object({
  url: z.string(),
  authorization: z.string(),
  /** For each process; null for no limiter. */
  callsPerSecond: z.nullable(z.number()),
  breaker: z.boolean(),
  /** The number of messages at the same time in each process; null for all. */
  concurrency: z.nullable(z.number()),
  messages: z.array(z.object({ chat: z.string(), text: z.string() })),
});
export type Job = z.infer<typeof job>;
export type Message = Job['messages'][number];

const result = z.object({ sent: z.number(), failed: z.number() });
export type Result = z.infer<typeof result>;

export type Design = Pick<Job, 'callsPerSecond' | 'breaker' | 'concurrency'>;

const processes = 4;

/** The design of the original specification: each process has its own limiter with the whole rate, and its own breaker. */
export const limiterPerProcess = (callsPerSecond: number): Design => ({
  callsPerSecond,
  breaker: true,
  concurrency: null,
});

export const noLimiter: Design = { callsPerSecond: null, breaker: false, concurrency: 64 };

/** Sends a burst directly to LiveChat, distributed over four processes. */
export async function runBaseline(
  local: Local,
  design: Design,
  { chats, each }: { chats: readonly string[]; each: number },
): Promise<Result> {
  const messages = Array.from({ length: each }, (_, number) =>
    chats.map((chat): Message => ({ chat, text: messageText(number) })),
  ).flat();
  const url = new URL('/v3.6/agent/action/send_event', local.livechat).href;
  const shares = Array.from({ length: processes }, (_, process) =>
    messages.filter((_message, index) => index % processes === process),
  );
  const results = await Promise.all(
    shares.map((share) => runWorker({ url, authorization, ...design, messages: share })),
  );
  return {
    sent: results.reduce((sum, { sent }) => sum + sent, 0),
    failed: results.reduce((sum, { failed }) => sum + failed, 0),
  };
}

async function runWorker(input: Job): Promise<Result> {
  const child = fork(fileURLToPath(new URL('baseline-worker.ts', import.meta.url)));
  child.send(input);
  const [output] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`a worker of the baseline exited with ${code}`);
    }),
  ]);
  return result.parse(output);
}
