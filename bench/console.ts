import * as z from 'zod/mini';
import { percentile } from '../cli/simulate/timing.ts';
import type { Local } from '../test/local.ts';
import { createSeeder } from '../test/seed.ts';
import { round1, round2 } from './cold-start.ts';
import { reportProgress } from './with-local.ts';

export interface ConsoleTimes {
  readonly what: string;
  /** With a hundred conversations, and a hundred messages in the chat: the median. */
  readonly fewMs: number;
  /** With ten thousand, and two thousand messages in the chat: the median. */
  readonly manyMs: number;
  readonly ratio: number;
  /** How much more there is: a ratio well below it is what is hoped for. */
  readonly more: number;
  /** HTTP requests with ten thousand. */
  readonly requests: number;
}

const few = 100;
const many = 10_000;
const messages = 2_000;
const turns = 9;

interface Question {
  readonly what: string;
  readonly more: number;
  readonly path: (chat: string) => string;
  /** Whether it is asked on until the end, as the page does by itself. */
  readonly toTheEnd: boolean;
}

const questions: readonly Question[] = [
  {
    what: 'first page of the list',
    more: many / few,
    path: () => '/api/conversations?limit=100',
    toTheEnd: false,
  },
  {
    what: 'search without a hit, first request',
    more: many / few,
    path: () => '/api/conversations?limit=100&search=nobody',
    toTheEnd: false,
  },
  {
    what: 'search without a hit, to the end',
    more: many / few,
    path: () => '/api/conversations?limit=100&search=nobody',
    toTheEnd: true,
  },
  {
    what: 'opening a chat',
    more: messages / few,
    path: (chat) => `/api/conversations/${chat}?`,
    toTheEnd: true,
  },
];

interface Timed {
  readonly ms: number;
  readonly requests: number;
}

/** How much longer the console's API takes where there is a lot: the same questions before and after ten thousand conversations. */
export async function consoleTimes(local: Local): Promise<ConsoleTimes[]> {
  const seed = await createSeeder(local);
  await seed.conversations(few);
  await seed.messages('C1', few);
  const before = await ask(local, 'C1');
  reportProgress(`console: ${many} conversations are put into the tables`);
  await seed.conversations(many - few, { prefix: 'OLD', latest: Date.now() - few * 1_000 });
  await seed.messages('C11', messages);
  const after = await ask(local, 'C11');
  return questions.map(({ what, more }, index) => {
    const { ms: fewMs } = before[index] ?? { ms: 0 };
    const { ms: manyMs, requests } = after[index] ?? { ms: 0, requests: 0 };
    return { what, fewMs: round1(fewMs), manyMs: round1(manyMs), ratio: round2(manyMs / fewMs), more, requests };
  });
}

async function ask(local: Local, chat: string): Promise<Timed[]> {
  const answers: Timed[] = [];
  for (const question of questions) {
    const all: Timed[] = [];
    // What is done for the first time takes longer: that is another table.
    for (let turn = 0; turn <= turns; turn += 1) all.push(await once(local, question.path(chat), question.toTheEnd));
    const times = all.slice(1).map(({ ms }) => ms);
    answers.push({ ms: percentile(times, 50), requests: all[0]?.requests ?? 0 });
  }
  return answers;
}

const page = z.object({ next: z.optional(z.string()) });

async function once(local: Local, path: string, toTheEnd: boolean): Promise<Timed> {
  const start = performance.now();
  let requests = 0;
  let next: string | undefined;
  do {
    const { status, body } = await local.api(next === undefined ? path : `${path}&after=${next}`);
    if (status !== 200) throw new Error(`${path} was answered ${status}`);
    requests += 1;
    next = page.parse(body).next;
  } while (toTheEnd && next !== undefined);
  return { ms: performance.now() - start, requests };
}
