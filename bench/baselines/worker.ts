import { setTimeout as sleep } from 'node:timers/promises';
import CircuitBreaker from 'opossum';
import pLimit from 'p-limit';
import { type Job, job, type Message, type Result } from './job.ts';

/** One process of a baseline: sends its messages straight to LiveChat, and tries again without looking. */

const retries = 3;
const baseMs = 1_000;
/** As the original specification has it; everything else is opossum's default. */
const breakerOptions = { errorThresholdPercentage: 50, resetTimeout: 30_000 };

type Send = (message: Message) => Promise<void>;

async function run({ messages, concurrency, ...rest }: Job): Promise<Result> {
  const send = sender(rest);
  const limit = pLimit(concurrency ?? messages.length);
  const outcomes = await Promise.all(messages.map((message) => limit(() => retrying(() => send(message)))));
  const sent = outcomes.filter((outcome) => outcome).length;
  return { sent, givenUp: outcomes.length - sent };
}

function sender({ url, authorization, callsPerSecond, breaker }: Omit<Job, 'messages' | 'concurrency'>): Send {
  const post: Send = async ({ chat, text }) => {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ chat_id: chat, event: { type: 'message', text } }),
    });
    const body = await answer.text();
    if (!answer.ok) throw new Error(`${answer.status} ${body}`);
  };
  const guarded = breaker ? new CircuitBreaker(post, breakerOptions) : undefined;
  const wait = pace(callsPerSecond);
  return async (message) => {
    await wait();
    await (guarded ? guarded.fire(message) : post(message));
  };
}

/** Whatever fails here may be tried again: the simulator refuses nothing for good. */
async function retrying(call: () => Promise<void>): Promise<boolean> {
  for (let retry = 0; ; retry += 1) {
    try {
      await call();
      return true;
    } catch {
      if (retry === retries) return false;
      await sleep(baseMs * 2 ** retry);
    }
  }
}

/** Lets one through every so often, in the order in which they ask. */
function pace(perSecond: number | null): () => Promise<void> {
  let next = 0;
  return async () => {
    if (perSecond === null) return;
    const now = performance.now();
    const at = Math.max(now, next);
    next = at + 1000 / perSecond;
    if (at > now) await sleep(at - now);
  };
}

process.once('message', (given) => {
  void run(job.parse(given)).then((result) => process.send?.(result, () => process.disconnect()));
});
