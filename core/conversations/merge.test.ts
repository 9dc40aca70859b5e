import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { merged } from './merge.ts';

const descending = (a: number, b: number) => b - a;

/** A list in pages of any sizes, some of them empty, as DynamoDB may answer. */
const paged = fc
  .tuple(fc.array(fc.nat(1_000), { maxLength: 30 }), fc.array(fc.nat(4), { minLength: 1, maxLength: 5 }))
  .map(([numbers, sizes]) => ({ numbers: numbers.toSorted(descending), sizes }));

function* pagesOf(numbers: readonly number[], sizes: readonly number[]): Generator<readonly number[]> {
  let place = 0;
  for (let turn = 0; place < numbers.length; turn += 1) {
    // One that is not empty comes at last.
    const size = turn < 50 ? (sizes[turn % sizes.length] ?? 1) : 1;
    yield numbers.slice(place, place + size);
    place += size;
  }
}

async function* asked(pages: Iterable<readonly number[]>, onPage = () => {}): AsyncGenerator<readonly number[]> {
  for (const page of pages) {
    onPage();
    yield page;
  }
}

describe('merged', () => {
  it('gives everything once, in order, whatever the pages', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(paged, { maxLength: 6 }), async (lists) => {
        const walk = merged(
          lists.map(({ numbers, sizes }) => asked(pagesOf(numbers, sizes))),
          descending,
        );
        const given: number[] = [];
        for await (const one of walk) given.push(one);
        expect(given).toEqual(lists.flatMap(({ numbers }) => numbers).toSorted(descending));
      }),
    );
  });

  it('reads no further than it must: a page of each list, and another only when one is used up', async () => {
    let pages = 0;
    const hundred = Array.from({ length: 100 }, (_, index) => 1_000 - index);
    const lists = [hundred, hundred.map((one) => one - 500), [7]];
    const walk = merged(
      lists.map((numbers) =>
        asked(pagesOf(numbers, [10]), () => {
          pages += 1;
        }),
      ),
      descending,
    );
    const taken: number[] = [];
    for await (const one of walk) if (taken.push(one) === 25) break;
    expect(taken).toEqual(hundred.slice(0, 25));
    expect(pages).toBe(3 + 2);
  });
});
