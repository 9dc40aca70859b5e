import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPager, type Part, type Progress } from './pager.ts';

const createItem = (number: number) => `C${number}`;

/** The matches and the number of examined items of one response. */
interface Step {
  readonly hits: number;
  readonly searched: number;
}

/** An API that responds with these steps; `after` is the index of a step. */
function createApi(steps: readonly Step[]) {
  const cursors: (string | undefined)[] = [];
  const readPart = async (after: string | undefined): Promise<Part<string>> => {
    cursors.push(after);
    const step = Number(after ?? 0);
    const before = steps.slice(0, step).reduce((sum, { hits }) => sum + hits, 0);
    const { hits, searched } = steps[step] ?? { hits: 0, searched: 0 };
    const items = Array.from({ length: hits }, (_, index) => createItem(before + index));
    return { items, searched, ...(step + 1 < steps.length && { next: String(step + 1) }) };
  };
  return { readPart, cursors };
}

describe('createPager', () => {
  it('continues to the end and returns each match once', async () => {
    const step = fc.record({ hits: fc.nat(100), searched: fc.integer({ min: 1, max: 2_000 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        const { readPart, cursors } = createApi(steps);
        const reports: Progress<string>[] = [];
        const { readMore } = createPager(readPart, (progress) => reports.push(progress));
        for (let turns = 0; reports.at(-1)?.state !== 'ended'; turns += 1) {
          expect(turns).toBeLessThanOrEqual(steps.length);
          await readMore();
        }
        await readMore();
        const all = steps.reduce((sum, { hits }) => sum + hits, 0);
        const last = reports.at(-1) ?? { items: [], searched: 0 };
        expect(last.items).toEqual(Array.from({ length: all }, (_, index) => `C${index}`));
        expect(last.searched).toBe(steps.reduce((sum, { searched }) => sum + searched, 0));
        expect(cursors).toEqual(steps.map((_, index) => (index === 0 ? undefined : String(index))));
      }),
    );
  });

  it('stops after a screen of matches, and after its maximum of examined conversations', async () => {
    const reports: Progress<string>[] = [];
    const full = createPager(
      createApi([
        { hits: 100, searched: 300 },
        { hits: 0, searched: 1 },
      ]).readPart,
      (progress) => reports.push(progress),
    );
    await full.readMore();
    expect(reports.at(-1)).toMatchObject({ state: 'full', searched: 300 });
    const nothing = Array.from({ length: 30 }, () => ({ hits: 0, searched: 2_000 }));
    const far = createPager(createApi(nothing).readPart, (progress) => reports.push(progress));
    await far.readMore();
    expect(reports.at(-1)).toMatchObject({ state: 'waiting', searched: 20_000 });
    await far.readMore();
    expect(reports.at(-1)).toMatchObject({ state: 'waiting', searched: 40_000 });
  });

  it('ignores the pending response after a stop, and can continue', async () => {
    const reports: Progress<string>[] = [];
    const arrived = Promise.withResolvers<Part<string>>();
    const signals: AbortSignal[] = [];
    const pager = createPager(
      (_, signal) => {
        signals.push(signal);
        return signals.length === 1 ? arrived.promise : Promise.resolve({ items: ['C2'], searched: 7 });
      },
      (progress) => reports.push(progress),
    );
    const first = pager.readMore();
    pager.stop();
    expect(signals[0]?.aborted).toBe(true);
    arrived.resolve({ items: ['C1'], searched: 5 });
    await first;
    expect(reports.map(({ state }) => state)).toEqual(['reading', 'waiting']);
    await pager.readMore();
    expect(reports.at(-1)).toMatchObject({ state: 'ended', searched: 7 });
    expect(reports.flatMap(({ items }) => items)).toEqual(['C2']);
  });

  it('reports a failed request and retries it', async () => {
    const reports: Progress<string>[] = [];
    let requests = 0;
    const pager = createPager(
      async () => {
        requests += 1;
        if (requests === 1) throw new Error('Cannot read the tables');
        return { items: ['C1'], searched: 3 };
      },
      (progress) => reports.push(progress),
    );
    await pager.readMore();
    expect(reports.at(-1)).toMatchObject({ state: 'waiting', problem: 'Cannot read the tables' });
    await pager.readMore();
    expect(reports.at(-1)).toEqual({ items: ['C1'], searched: 3, searchedTo: undefined, state: 'ended' });
  });
});
