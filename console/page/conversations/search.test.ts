import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConversationSummary } from '../../../core/conversations/queries.ts';
import type { ConversationPage } from '../../responses.ts';
import { type Progress, startSearch } from './search.ts';

const hit = (number: number): ConversationSummary => ({
  id: `C${number}`,
  organizationId: 'o',
  status: 'open',
  lastActivityAt: '2026-03-11T09:00:00.000000Z',
  participants: [],
  assigned: { agents: [], groups: [] },
});

interface Step {
  readonly hits: number;
  readonly searched: number;
}

/** An API that responds with these steps; `after` is the index of a step. */
function searchApi(steps: readonly Step[]) {
  const cursors: (string | undefined)[] = [];
  const fetchPage = async (after: string | undefined): Promise<ConversationPage> => {
    cursors.push(after);
    const step = Number(after ?? 0);
    const before = steps.slice(0, step).reduce((sum, { hits }) => sum + hits, 0);
    const { hits, searched } = steps[step] ?? { hits: 0, searched: 0 };
    const conversations = Array.from({ length: hits }, (_, index) => hit(before + index));
    return { conversations, searched, ...(step + 1 < steps.length && { next: String(step + 1) }) };
  };
  return { fetchPage, cursors };
}

const idsOf = ({ found }: Progress) => found.map(({ id }) => id);

describe('startSearch', () => {
  it('continues to the end and returns each match once', async () => {
    const step = fc.record({ hits: fc.nat(100), searched: fc.integer({ min: 1, max: 2_000 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        const { fetchPage, cursors } = searchApi(steps);
        const reports: Progress[] = [];
        const { continueSearch } = startSearch(fetchPage, (progress) => reports.push(progress));
        for (let turns = 0; reports.at(-1)?.state !== 'ended'; turns += 1) {
          expect(turns).toBeLessThanOrEqual(steps.length);
          await continueSearch();
        }
        await continueSearch();
        const all = steps.reduce((sum, { hits }) => sum + hits, 0);
        const last = reports.at(-1) ?? { found: [], searched: 0 };
        expect(last.found.map(({ id }) => id)).toEqual(Array.from({ length: all }, (_, index) => `C${index}`));
        expect(last.searched).toBe(steps.reduce((sum, { searched }) => sum + searched, 0));
        expect(cursors).toEqual(steps.map((_, index) => (index === 0 ? undefined : String(index))));
      }),
    );
  });

  it('stops after a screen of matches, and after its maximum of examined conversations', async () => {
    const reports: Progress[] = [];
    const full = startSearch(
      searchApi([
        { hits: 100, searched: 300 },
        { hits: 0, searched: 1 },
      ]).fetchPage,
      (now) => reports.push(now),
    );
    await full.continueSearch();
    expect(reports.at(-1)).toMatchObject({ state: 'full', searched: 300 });
    const nothing = Array.from({ length: 30 }, () => ({ hits: 0, searched: 2_000 }));
    const far = startSearch(searchApi(nothing).fetchPage, (now) => reports.push(now));
    await far.continueSearch();
    expect(reports.at(-1)).toMatchObject({ state: 'waiting', searched: 20_000 });
    await far.continueSearch();
    expect(reports.at(-1)).toMatchObject({ state: 'waiting', searched: 40_000 });
  });

  it('ignores the pending response after a stop, and can continue', async () => {
    const reports: Progress[] = [];
    const arrived = Promise.withResolvers<ConversationPage>();
    const signals: AbortSignal[] = [];
    const searching = startSearch(
      (_, signal) => {
        signals.push(signal);
        return signals.length === 1 ? arrived.promise : Promise.resolve({ conversations: [hit(2)], searched: 7 });
      },
      (now) => reports.push(now),
    );
    const first = searching.continueSearch();
    searching.stop();
    expect(signals[0]?.aborted).toBe(true);
    arrived.resolve({ conversations: [hit(1)], searched: 5 });
    await first;
    expect(reports.map(({ state }) => state)).toEqual(['searching', 'waiting']);
    await searching.continueSearch();
    expect(reports.at(-1)).toMatchObject({ state: 'ended', searched: 7 });
    expect(reports.flatMap(idsOf)).toEqual(['C2']);
  });

  it('reports a failed request and retries it', async () => {
    const reports: Progress[] = [];
    let requests = 0;
    const searching = startSearch(
      async () => {
        requests += 1;
        if (requests === 1) throw new Error('Cannot read the tables');
        return { conversations: [hit(1)], searched: 3 };
      },
      (now) => reports.push(now),
    );
    await searching.continueSearch();
    expect(reports.at(-1)).toMatchObject({ state: 'waiting', problem: 'Cannot read the tables' });
    await searching.continueSearch();
    expect(reports.at(-1)).toEqual({ found: [hit(1)], searched: 3, searchedTo: undefined, state: 'ended' });
  });
});
