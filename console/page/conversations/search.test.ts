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

/** A console with these steps before it; `after` counts them. */
function answering(steps: readonly Step[]) {
  const asked: (string | undefined)[] = [];
  const ask = async (after: string | undefined): Promise<ConversationPage> => {
    asked.push(after);
    const place = Number(after ?? 0);
    const before = steps.slice(0, place).reduce((sum, { hits }) => sum + hits, 0);
    const { hits, searched } = steps[place] ?? { hits: 0, searched: 0 };
    const conversations = Array.from({ length: hits }, (_, index) => hit(before + index));
    return { conversations, searched, ...(place + 1 < steps.length && { next: String(place + 1) }) };
  };
  return { ask, asked };
}

const idsOf = ({ found }: Progress) => found.map(({ id }) => id);

describe('a search on the page', () => {
  it('goes on until it has ended, whoever asks it to, and shows each hit once', async () => {
    const step = fc.record({ hits: fc.nat(100), searched: fc.integer({ min: 1, max: 2_000 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        const { ask, asked } = answering(steps);
        const told: Progress[] = [];
        const { goOn } = startSearch(ask, (progress) => told.push(progress));
        for (let turns = 0; told.at(-1)?.state !== 'ended'; turns += 1) {
          expect(turns).toBeLessThanOrEqual(steps.length);
          await goOn();
        }
        await goOn();
        const all = steps.reduce((sum, { hits }) => sum + hits, 0);
        const last = told.at(-1) ?? { found: [], searched: 0 };
        expect(last.found.map(({ id }) => id)).toEqual(Array.from({ length: all }, (_, index) => `C${index}`));
        expect(last.searched).toBe(steps.reduce((sum, { searched }) => sum + searched, 0));
        expect(asked).toEqual(steps.map((_, place) => (place === 0 ? undefined : String(place))));
      }),
    );
  });

  it('stops by itself with a screen full of hits, and far back, and says which', async () => {
    const told: Progress[] = [];
    const full = startSearch(
      answering([
        { hits: 100, searched: 300 },
        { hits: 0, searched: 1 },
      ]).ask,
      (now) => told.push(now),
    );
    await full.goOn();
    expect(told.at(-1)).toMatchObject({ state: 'full', searched: 300 });
    const nothing = Array.from({ length: 30 }, () => ({ hits: 0, searched: 2_000 }));
    const far = startSearch(answering(nothing).ask, (now) => told.push(now));
    await far.goOn();
    expect(told.at(-1)).toMatchObject({ state: 'waiting', searched: 20_000 });
    await far.goOn();
    expect(told.at(-1)).toMatchObject({ state: 'waiting', searched: 40_000 });
  });

  it('one that is stopped tells nothing of the answer that was on its way, and can go on', async () => {
    const told: Progress[] = [];
    const arrived = Promise.withResolvers<ConversationPage>();
    const signals: AbortSignal[] = [];
    const searching = startSearch(
      (_, signal) => {
        signals.push(signal);
        return signals.length === 1 ? arrived.promise : Promise.resolve({ conversations: [hit(2)], searched: 7 });
      },
      (now) => told.push(now),
    );
    const first = searching.goOn();
    searching.stop();
    expect(signals[0]?.aborted).toBe(true);
    arrived.resolve({ conversations: [hit(1)], searched: 5 });
    await first;
    expect(told.map(({ state }) => state)).toEqual(['looking', 'waiting']);
    await searching.goOn();
    expect(told.at(-1)).toMatchObject({ state: 'ended', searched: 7 });
    expect(told.flatMap(idsOf)).toEqual(['C2']);
  });

  it('what fails is told, and tried again by going on', async () => {
    const told: Progress[] = [];
    let tries = 0;
    const searching = startSearch(
      async () => {
        tries += 1;
        if (tries === 1) throw new Error('the tables cannot be read');
        return { conversations: [hit(1)], searched: 3 };
      },
      (now) => told.push(now),
    );
    await searching.goOn();
    expect(told.at(-1)).toMatchObject({ state: 'waiting', problem: 'the tables cannot be read' });
    await searching.goOn();
    expect(told.at(-1)).toEqual({ found: [hit(1)], searched: 3, searchedTo: undefined, state: 'ended' });
  });
});
