import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { type Local, organizationId, startLocal } from '../test/local.ts';
import { meter } from '../test/read-units.ts';
import { createSeeder } from '../test/seed.ts';

/** Read units that the console uses on tables with ten thousand conversations. */

const total = 10_000;
const bucketMs = 5 * 60_000;
const page = z.object({
  conversations: z.array(z.object({ id: z.string(), status: z.string(), lastActivityAt: z.string() })),
  next: z.optional(z.string()),
  searched: z.optional(z.number()),
});
type Page = z.infer<typeof page>;

let local: Local;
let readApi: (path: string) => Promise<unknown>;
let units: ReturnType<typeof meter>;
let seed: Awaited<ReturnType<typeof createSeeder>>;

beforeAll(async () => {
  local = await startLocal();
  seed = await createSeeder(local);
  // The latest is the last of its bucket: the position of a page in the buckets does not depend on the clock.
  await seed.conversations(total, { latest: Math.floor(Date.now() / bucketMs) * bucketMs - 1 });
  await Promise.all([seed.messages('C1', 2_000), seed.messages('C9001', 3)]);
  const [{ api }, { documents }] = await Promise.all([import('./api.ts'), import('../core/platform/dynamodb.ts')]);
  units = meter(documents);
  const app = api({ bus: local.bus });
  readApi = async (path) => (await app.request(path)).json();
}, 120_000);
afterAll(() => local?.stop());

const list = async (query: Readonly<Record<string, string>> = {}): Promise<Page> =>
  page.parse(await readApi(`/conversations?${new URLSearchParams(query)}`));

/** Reads all pages. */
async function all(query: Readonly<Record<string, string>>): Promise<Page[]> {
  const pages = [await list(query)];
  for (let next = pages[0]?.next; next !== undefined; next = pages.at(-1)?.next) {
    pages.push(await list({ ...query, after: next }));
  }
  return pages;
}

const idsIn = (pages: readonly Page[]) => pages.flatMap(({ conversations }) => conversations.map(({ id }) => id));

describe('with ten thousand conversations', () => {
  it('reads about one page of items for a page, at any position', async () => {
    const first = await units.of(() => list({ limit: '100' }));
    expect(first.value.conversations).toHaveLength(100);
    // The index orders by five minutes: up to 300 conversations, one a second, and a page of each status, half a unit each.
    expect(first.readUnits).toBeLessThan(350);
    expect(first.queries).toBeLessThanOrEqual(30);
    const later = await units.of(() => list({ limit: '100', after: first.value.next ?? '' }));
    expect(later.value.conversations[0]?.id).toBe('C100');
    expect(later.readUnits).toBeLessThan(350);
    const filtered = await units.of(() => list({ limit: '100', status: 'open' }));
    expect(filtered.value.conversations.every(({ status }) => status === 'open')).toBe(true);
    expect(filtered.readUnits).toBeLessThan(150);
  });

  it('reads two buckets for a page that spans both', async () => {
    const { next = '' } = await list({ limit: '250' });
    const { value, readUnits } = await units.of(() => list({ limit: '100', after: next }));
    expect(idsIn([value])).toEqual(Array.from({ length: 100 }, (_, index) => `C${250 + index}`));
    expect(readUnits).toBeLessThan(500);
  });

  it('returns all in order, each once, and reads each about once', async () => {
    const { value: pages, readUnits } = await units.of(() => all({ limit: '2000' }));
    expect(idsIn(pages)).toEqual(Array.from({ length: total }, (_, index) => `C${index}`));
    const single = await units.of(() => list({ limit: '1000' }));
    expect(readUnits).toBeLessThan(1.3 * 10 * single.readUnits);
  });

  it('examines a bounded number of conversations in each search request and finds the last one', async () => {
    const first = await units.of(() => list({ search: 'customer9999@' }));
    expect(first.value).toMatchObject({ conversations: [], searched: 2_000 });
    const whole = await units.of(() => list({ limit: '2000' }));
    expect(first.readUnits).toBeLessThan(1.5 * whole.readUnits);
    const pages = await all({ search: 'customer9999@' });
    expect(idsIn(pages)).toEqual(['C9999']);
    expect(pages).toHaveLength(6);
    expect(pages.reduce((sum, { searched = 0 }) => sum + searched, 0)).toBe(total);
  });

  it('stops a search at the limit and continues from there', async () => {
    const pages = await all({ search: 'customer 99', limit: '40' });
    const matches = Array.from({ length: total }, (_, index) => index).filter((index) => `${index}`.startsWith('99'));
    expect(idsIn(pages)).toEqual(matches.map((index) => `C${index}`));
    for (const { conversations } of pages) expect(conversations.length).toBeLessThanOrEqual(40);
  });

  it.each([
    ['chat', 'C9001'],
    ['message', 'TC9001_2'],
  ])('finds the full id of a %s in the first request and applies the filters', async (_, search) => {
    const found = async (filter: Readonly<Record<string, string>>) => idsIn([await list({ search, ...filter })]);
    expect(await found({})).toEqual(['C9001']);
    expect(await found({ status: 'open', organizationId })).toEqual(['C9001']);
    expect(await found({ status: 'closed' })).toEqual([]);
    expect(await found({ organizationId: 'another' })).toEqual([]);
  });

  it('returns the conversation with the searched id once in all pages', async () => {
    expect(idsIn(await all({ search: 'C9001' }))).toEqual(['C9001']);
  });

  it('reads a chat of two thousand messages once, and with `since` only its end', async () => {
    const whole = await units.of(() => readApi('/conversations/C1'));
    const { messages } = z.object({ messages: z.array(z.object({ timestamp: z.string() })) }).parse(whole.value);
    expect(messages).toHaveLength(2_000);
    const since = messages.at(-200)?.timestamp ?? '';
    const end = await units.of(() => readApi(`/conversations/C1?${new URLSearchParams({ since, organizationId })}`));
    expect(z.object({ messages: z.array(z.unknown()) }).parse(end.value).messages).toHaveLength(199);
    expect(end.readUnits).toBeLessThan(whole.readUnits / 5);
  });

  it('reads few items for dead letters, rate limits and a single message', async () => {
    for (const path of ['/dead-letters?limit=500', '/rate-limits', '/messages/TC1_7']) {
      const { readUnits } = await units.of(() => readApi(path));
      expect(readUnits).toBeLessThan(4);
    }
  });
});

describe('polling a stage with ten thousand conversations', () => {
  it('reads almost nothing while the stage is idle', async () => {
    const { pollConversations } = await import('./stage/conversations.ts');
    const { pollDeadLetters } = await import('./stage/poll.ts');
    const polls = [pollConversations(), pollDeadLetters()];
    const pollAll = () => units.of(() => Promise.all(polls.map((poll) => poll(Date.now()))));
    const first = await pollAll();
    expect(first.value.map(({ found }) => found)).toEqual([[], []]);
    const idle = await pollAll();
    expect(idle.value.map(({ found }) => found)).toEqual([[], []]);
    // The conversations of the last five minutes, one a second, and one query for dead letters.
    expect(idle.queries).toBeLessThanOrEqual(25);
    expect(idle.readUnits).toBeLessThan(300);
  });

  it('reads up to the maximum, reports that it is a sample, and reads the rest in the next poll', async () => {
    const { pollConversations } = await import('./stage/conversations.ts');
    const poll = pollConversations(50);
    await poll(Date.now());
    await seed.burst(80, 'BURST');
    const results = [await poll(Date.now()), await poll(Date.now()), await poll(Date.now())];
    expect(results.map(({ found, sampled }) => [found.length, sampled])).toEqual([
      [50, true],
      [30, false],
      [0, false],
    ]);
    expect(new Set(results.flatMap(({ found }) => found.map(({ detail }) => JSON.stringify(detail)))).size).toBe(80);
  });

  it('reports a message stored after its conversation changed, and a change without a message once', async () => {
    const { pollConversations } = await import('./stage/conversations.ts');
    const poll = pollConversations();
    await poll(Date.now());
    const latest = Date.now();
    await seed.conversations(1, { prefix: 'LATE', latest });
    const readTypes = async () => (await poll(Date.now())).found.map(({ detailType }) => detailType);
    expect(await readTypes()).toEqual(['chat.updated']);
    await seed.messages('LATE0', 2, latest);
    expect(await readTypes()).toEqual(['message.received', 'message.received']);
    expect(await readTypes()).toEqual([]);
  });
});

describe('listing conversations with messages', () => {
  it('reads the last messages and read marks of a page in batches', async () => {
    await seed.burst(100, 'LAST');
    const { value, readUnits, queries } = await units.of(() => readApi('/conversations?limit=100'));
    const row = z.object({ lastMessage: z.object({ text: z.string() }) });
    expect(z.object({ conversations: z.array(row) }).parse(value).conversations).toHaveLength(100);
    expect(queries).toBeLessThanOrEqual(30);
    expect(readUnits).toBeLessThan(450);
  });
});
