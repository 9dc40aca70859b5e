import * as z from 'zod/mini';
import { percentile, round1 } from '../cli/simulate/timing.ts';
import type { Local } from '../test/local.ts';
import { createSeeder } from '../test/seed.ts';
import { reportProgress, round2 } from './engine.ts';

export interface ConsoleTimes {
  readonly what: string;
  /** Median with 100 conversations, and 100 messages in the chat. */
  readonly fewMs: number;
  /** Median with 10,000 conversations, and 2,000 messages in the chat. */
  readonly manyMs: number;
  readonly ratio: number;
  /** How many times more items there are. A good ratio is much lower. */
  readonly growth: number;
  /** The number of HTTP requests with 10,000 conversations. */
  readonly requests: number;
}

const few = 100;
const many = 10_000;
const messages = 2_000;
const turns = 9;

interface Query {
  readonly what: string;
  readonly growth: number;
  readonly path: (chat: string) => string;
  /** Whether to request all pages, as the console does. */
  readonly allPages: boolean;
}

const queries: readonly Query[] = [
  {
    what: 'first page of the list',
    growth: many / few,
    path: () => '/api/conversations?limit=100',
    allPages: false,
  },
  {
    what: 'search without a match, first page',
    growth: many / few,
    path: () => '/api/conversations?limit=100&search=nobody',
    allPages: false,
  },
  {
    what: 'search without a match, all pages',
    growth: many / few,
    path: () => '/api/conversations?limit=100&search=nobody',
    allPages: true,
  },
  {
    what: 'opening a chat',
    growth: messages / few,
    path: (chat) => `/api/conversations/${chat}?`,
    allPages: true,
  },
];

interface Timing {
  readonly ms: number;
  readonly requests: number;
}

/** Compares the response times of the console's API with few and with many conversations. */
export async function consoleTimes(local: Local): Promise<ConsoleTimes[]> {
  const seed = await createSeeder(local);
  await seed.conversations(few);
  await seed.messages('C1', few);
  const before = await measureQueries(local, 'C1');
  reportProgress(`console: ${many} conversations are being stored`);
  await seed.conversations(many - few, { prefix: 'OLD', latest: Date.now() - few * 1_000 });
  await seed.messages('C11', messages);
  const after = await measureQueries(local, 'C11');
  return queries.map(({ what, growth }, index) => {
    const { ms: fewMs } = before[index] ?? { ms: 0 };
    const { ms: manyMs, requests } = after[index] ?? { ms: 0, requests: 0 };
    return { what, fewMs: round1(fewMs), manyMs: round1(manyMs), ratio: round2(manyMs / fewMs), growth, requests };
  });
}

async function measureQueries(local: Local, chat: string): Promise<Timing[]> {
  const medians: Timing[] = [];
  for (const query of queries) {
    const all: Timing[] = [];
    // The first request is a warm-up and not counted.
    for (let turn = 0; turn <= turns; turn += 1) all.push(await measureOnce(local, query.path(chat), query.allPages));
    const times = all.slice(1).map(({ ms }) => ms);
    medians.push({ ms: percentile(times, 50), requests: all[0]?.requests ?? 0 });
  }
  return medians;
}

const page = z.object({ next: z.optional(z.string()) });

async function measureOnce(local: Local, path: string, allPages: boolean): Promise<Timing> {
  const start = performance.now();
  let requests = 0;
  let next: string | undefined;
  do {
    const { status, body } = await local.api(next === undefined ? path : `${path}&after=${next}`);
    if (status !== 200) throw new Error(`${path} returned ${status}`);
    requests += 1;
    next = page.parse(body).next;
  } while (allPages && next !== undefined);
  return { ms: performance.now() - start, requests };
}
