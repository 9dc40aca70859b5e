import pLimit from 'p-limit';
import * as z from 'zod/mini';
import { percentile, round1 } from '../cli/simulate/timing.ts';
import type { Local } from '../test/local.ts';
import { createSeeder } from '../test/seed.ts';
import { reportProgress, round2 } from './engine.ts';

const few = 100;
const many = 10_000;
const messages = 2_000;
const turns = 9;

const listPath = '/api/conversations?limit=100';
const searchPath = `${listPath}&search=nobody`;
/** How many times more items there are with many conversations. A good ratio of response times is much lower. */
const growth = many / few;

/** With `allPages`, all pages are requested, as the console does. */
const queriesFor = (chat: string) => [
  { what: 'first page of the list', growth, path: listPath, allPages: false },
  { what: 'search without a match, first page', growth, path: searchPath, allPages: false },
  { what: 'search without a match, all pages', growth, path: searchPath, allPages: true },
  { what: 'opening a chat', growth: messages / few, path: `/api/conversations/${chat}?`, allPages: true },
];

/** Compares the response times of the console's API with 100 and with 10,000 conversations; of a chat, with 100 and 2,000 messages. */
export async function consoleTimes(local: Local) {
  const seed = await createSeeder(local);
  await seed.conversations(few);
  await seed.messages('C1', few);
  const before = await measureQueries(local, 'C1');
  reportProgress(`console: ${many} conversations are being stored`);
  await seed.conversations(many - few, { prefix: 'OLD', latest: Date.now() - few * 1_000 });
  await seed.messages('C11', messages);
  const after = await measureQueries(local, 'C11');
  return after.map(({ what, growth, ms, requests }, index) => {
    const fewMs = before[index]?.ms ?? 0;
    return { what, fewMs: round1(fewMs), manyMs: round1(ms), ratio: round2(ms / fewMs), growth, requests };
  });
}

/** The median response time of each query, and its number of HTTP requests. */
async function measureQueries(local: Local, chat: string) {
  const inTurn = pLimit(1);
  const measure = async ({ path, allPages, ...query }: ReturnType<typeof queriesFor>[number]) => {
    // The first request is a warm-up and not counted.
    const { requests } = await measureOnce(local, path, allPages);
    const times: number[] = [];
    for (let turn = 0; turn < turns; turn += 1) times.push((await measureOnce(local, path, allPages)).ms);
    return { ...query, ms: percentile(times, 50), requests };
  };
  return Promise.all(queriesFor(chat).map((query) => inTurn(measure, query)));
}

const page = z.object({ next: z.optional(z.string()) });

async function measureOnce(local: Local, path: string, allPages: boolean) {
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
