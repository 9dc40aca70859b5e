import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Local } from '../../test/local.ts';
import { authorization, messageText } from '../livechat.ts';
import { type Job, type Message, type Result, result } from './job.ts';

export type Design = Pick<Job, 'callsPerSecond' | 'breaker' | 'concurrency'>;

const processes = 4;

/**
 * The design of the original specification: every process has a limiter of the whole rate and a breaker of its own, since
 * neither is shared.
 */
export const limiterPerProcess = (callsPerSecond: number): Design => ({
  callsPerSecond,
  breaker: true,
  concurrency: null,
});

export const noLimiter: Design = { callsPerSecond: null, breaker: false, concurrency: 64 };

/** Sends the same burst straight to LiveChat, dealt out to four processes in turn, and returns when all have ended. */
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
    shares.map((share) => inProcess({ url, authorization, ...design, messages: share })),
  );
  return {
    sent: results.reduce((sum, { sent }) => sum + sent, 0),
    givenUp: results.reduce((sum, { givenUp }) => sum + givenUp, 0),
  };
}

async function inProcess(job: Job): Promise<Result> {
  const child = fork(fileURLToPath(new URL('worker.ts', import.meta.url)));
  child.send(job);
  const [answer] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`a process of the baseline ended with ${code}`);
    }),
  ]);
  return result.parse(answer);
}
