import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { type Local, organizationId, startLocal } from '../test/local.ts';
import { meter } from '../test/read-units.ts';
import { seedOf } from '../test/seed.ts';

/** What the console reads of tables with ten thousand conversations in them: what is asked for, and little beside. */

const total = 10_000;
const page = z.object({
  conversations: z.array(z.object({ id: z.string(), status: z.string(), lastActivityAt: z.string() })),
  next: z.optional(z.string()),
  searched: z.optional(z.number()),
});
type Page = z.infer<typeof page>;

let local: Local;
let ask: (path: string) => Promise<unknown>;
let units: ReturnType<typeof meter>;
let seed: Awaited<ReturnType<typeof seedOf>>;

beforeAll(async () => {
  local = await startLocal();
  seed = await seedOf(local);
  await seed.conversations(total);
  await Promise.all([seed.messages('C1', 2_000), seed.messages('C9001', 3)]);
  const [{ api }, { documents }] = await Promise.all([import('./api.ts'), import('../core/platform/dynamodb.ts')]);
  units = meter(documents);
  const app = api({ bus: local.bus });
  ask = async (path) => (await app.request(path)).json();
}, 120_000);
afterAll(() => local?.stop());

const list = async (query: Readonly<Record<string, string>> = {}): Promise<Page> =>
  page.parse(await ask(`/conversations?${new URLSearchParams(query)}`));

/** Reads on until the end. */
async function all(query: Readonly<Record<string, string>>): Promise<Page[]> {
  const pages = [await list(query)];
  for (let next = pages[0]?.next; next !== undefined; next = pages.at(-1)?.next) {
    pages.push(await list({ ...query, after: next }));
  }
  return pages;
}

const idsOf = (pages: readonly Page[]) => pages.flatMap(({ conversations }) => conversations.map(({ id }) => id));

describe('of ten thousand conversations', () => {
  it('a page reads a page, wherever it begins', async () => {
    const first = await units.of(() => list({ limit: '100' }));
    expect(first.value.conversations).toHaveLength(100);
    // A stored conversation is about half a kilobyte: a hundred, and fifty in vain of each status.
    expect(first.readUnits).toBeLessThan(40);
    expect(first.queries).toBeLessThanOrEqual(10);
    const later = await units.of(() => list({ limit: '100', after: first.value.next ?? '' }));
    expect(later.value.conversations[0]?.id).toBe('C100');
    expect(later.readUnits).toBeLessThan(40);
    const filtered = await units.of(() => list({ limit: '100', status: 'open' }));
    expect(filtered.value.conversations.every(({ status }) => status === 'open')).toBe(true);
    expect(filtered.readUnits).toBeLessThan(15);
  });

  it('all are met once, in order, reading each about once', async () => {
    const { value: pages, readUnits } = await units.of(() => all({ limit: '2000' }));
    expect(idsOf(pages)).toEqual(Array.from({ length: total }, (_, index) => `C${index}`));
    const one = await units.of(() => list({ limit: '1000' }));
    expect(readUnits).toBeLessThan(1.3 * 10 * one.readUnits);
  });

  it('a search looks through a bounded part at a time, each about once, and finds the one at the end', async () => {
    const first = await units.of(() => list({ search: 'customer9999@' }));
    expect(first.value).toMatchObject({ conversations: [], searched: 2_000 });
    const whole = await units.of(() => list({ limit: '2000' }));
    expect(first.readUnits).toBeLessThan(1.5 * whole.readUnits);
    const pages = await all({ search: 'customer9999@' });
    expect(idsOf(pages)).toEqual(['C9999']);
    expect(pages).toHaveLength(6);
    expect(pages.reduce((sum, { searched = 0 }) => sum + searched, 0)).toBe(total);
  });

  it('a search with many hits stops when it has enough, and goes on where it stopped', async () => {
    const pages = await all({ search: 'customer 99', limit: '40' });
    const meant = Array.from({ length: total }, (_, index) => index).filter((index) => `${index}`.startsWith('99'));
    expect(idsOf(pages)).toEqual(meant.map((index) => `C${index}`));
    for (const { conversations } of pages) expect(conversations.length).toBeLessThanOrEqual(40);
  });

  it.each([
    ['chat', 'C9001'],
    ['message', 'TC9001_2'],
  ])('the whole id of a %s finds it at once, however old, and keeps to the filter', async (_, search) => {
    const found = async (filter: Readonly<Record<string, string>>) => idsOf([await list({ search, ...filter })]);
    expect(await found({})).toEqual(['C9001']);
    expect(await found({ status: 'open', organizationId })).toEqual(['C9001']);
    expect(await found({ status: 'closed' })).toEqual([]);
    expect(await found({ organizationId: 'another' })).toEqual([]);
  });

  it('a chat of two thousand messages is read once, and while it goes on only its end', async () => {
    const whole = await units.of(() => ask('/conversations/C1'));
    const { messages } = z.object({ messages: z.array(z.object({ timestamp: z.string() })) }).parse(whole.value);
    expect(messages).toHaveLength(2_000);
    const since = messages.at(-200)?.timestamp ?? '';
    const end = await units.of(() => ask(`/conversations/C1?${new URLSearchParams({ since, organizationId })}`));
    expect(z.object({ messages: z.array(z.unknown()) }).parse(end.value).messages).toHaveLength(199);
    expect(end.readUnits).toBeLessThan(whole.readUnits / 5);
  });

  it('dead letters, gates and a single message read no table', async () => {
    for (const path of ['/dead-letters?limit=500', '/gate', '/messages/TC1_7']) {
      const { readUnits } = await units.of(() => ask(path));
      expect(readUnits).toBeLessThan(4);
    }
  });
});

describe('a look at a stage of ten thousand conversations', () => {
  it('reads next to nothing while nothing happens', async () => {
    const { watchConversations } = await import('./stage/conversations.ts');
    const { watchLetters } = await import('./stage/poll.ts');
    const watches = [watchConversations(), watchLetters()];
    const look = () => units.of(() => Promise.all(watches.map((watch) => watch(Date.now()))));
    const first = await look();
    expect(first.value.map(({ found }) => found)).toEqual([[], []]);
    const idle = await look();
    expect(idle.value.map(({ found }) => found)).toEqual([[], []]);
    // One of each status, over the last minute in which something happened, and one for dead letters.
    expect(idle.queries).toBe(5);
    expect(idle.readUnits).toBeLessThanOrEqual(10);
  });

  it('takes in no more than it may, says so, and has the rest the next time', async () => {
    const { watchConversations } = await import('./stage/conversations.ts');
    const watch = watchConversations(50);
    await watch(Date.now());
    await seed.burst(80, 'BURST');
    const looks = [await watch(Date.now()), await watch(Date.now()), await watch(Date.now())];
    expect(looks.map(({ found, sampled }) => [found.length, sampled])).toEqual([
      [50, true],
      [30, false],
      [0, false],
    ]);
    expect(new Set(looks.flatMap(({ found }) => found.map(({ detail }) => JSON.stringify(detail)))).size).toBe(80);
  });

  it('tells a message that is stored after its conversation has moved, and one without any message just once', async () => {
    const { watchConversations } = await import('./stage/conversations.ts');
    const watch = watchConversations();
    await watch(Date.now());
    const latest = Date.now();
    await seed.conversations(1, { prefix: 'LATE', latest });
    const typesOf = async () => (await watch(Date.now())).found.map(({ detailType }) => detailType);
    expect(await typesOf()).toEqual(['chat.updated']);
    await seed.messages('LATE0', 2, latest);
    expect(await typesOf()).toEqual(['message.received', 'message.received']);
    expect(await typesOf()).toEqual([]);
  });
});
