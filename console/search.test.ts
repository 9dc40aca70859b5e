import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConversationSummary } from '../core/conversations/queries.ts';
import { matchesSearch, search } from './search.ts';

function conversation(index: number, name = `Customer ${index}`): ConversationSummary {
  return {
    id: `CHAT${index}`,
    organizationId: 'o',
    status: 'closed',
    lastActivityAt: new Date(1_790_000_000_000 - index * 1_000).toISOString(),
    participants: [{ id: `user-${index}`, type: 'customer', name, email: `${index}@Mail.example` }],
    assigned: { agents: [], groups: [] },
  };
}

async function* iterate(list: readonly ConversationSummary[], after?: ConversationSummary) {
  yield* list.slice(after ? list.indexOf(after) + 1 : 0);
}

const list = fc
  .array(fc.constantFrom('Dana', 'Kim'), { maxLength: 40 })
  .map((names) => names.map((name, index) => conversation(index, name)));
const atLeastOne = fc.integer({ min: 1, max: 12 });

describe('search', () => {
  it('ends and returns each match once, for any limit and budget', async () => {
    await fc.assert(
      fc.asyncProperty(list, atLeastOne, atLeastOne, async (all, limit, budget) => {
        const found: ConversationSummary[] = [];
        let searched = 0;
        let last: ConversationSummary | undefined;
        for (let requests = 0; ; requests += 1) {
          expect(requests).toBeLessThanOrEqual(all.length);
          const part = await search(iterate(all, last), { text: 'dana', limit, budget });
          expect(part.conversations.length).toBeLessThanOrEqual(limit);
          expect(part.searched).toBeLessThanOrEqual(budget);
          found.push(...part.conversations);
          searched += part.searched;
          last = part.last;
          if (!last) break;
          expect(part.searchedTo).toBe(last.lastActivityAt);
        }
        expect(searched).toBe(all.length);
        expect(found).toEqual(all.filter((candidate) => matchesSearch(candidate, 'dana')));
      }),
    );
  });

  it('stops when the client disconnects, and can continue from there', async () => {
    const all = [0, 1, 2, 3].map((index) => conversation(index));
    const { searched, last } = await search(iterate(all), {
      text: 'nobody',
      limit: 10,
      signal: AbortSignal.abort(),
    });
    expect({ searched, last }).toEqual({ searched: 1, last: all[0] });
  });

  it.each([
    ['CHAT7', true],
    ['chat7', true],
    ['  Dana ', true],
    ['7@mail.EXAMPLE', true],
    ['user-7', true],
    ['user-70', false],
    ['closed', false],
  ])('%j matches the conversation: %s', (text, matches) => {
    expect(matchesSearch(conversation(7, 'Dana Reyes'), text)).toBe(matches);
  });
});
