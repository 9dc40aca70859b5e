import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeSorted } from './merge.ts';

const descending = (a: number, b: number) => b - a;

/** A sorted list in pages of any sizes, empty ones included, as DynamoDB may return them. */
const paged = fc
  .tuple(fc.array(fc.nat(1_000), { maxLength: 30 }), fc.array(fc.nat(4), { minLength: 1, maxLength: 5 }))
  .map(([numbers, sizes]) => ({ numbers: numbers.toSorted(descending), sizes }));

function* pagesOf(numbers: readonly number[], sizes: readonly number[]): Generator<readonly number[]> {
  let offset = 0;
  for (let turn = 0; offset < numbers.length; turn += 1) {
    // After 50 pages, none is empty.
    const size = turn < 50 ? (sizes[turn % sizes.length] ?? 1) : 1;
    yield numbers.slice(offset, offset + size);
    offset += size;
  }
}

async function* readItems(pages: Iterable<readonly number[]>, onPage = () => {}): AsyncGenerator<number> {
  for (const page of pages) {
    onPage();
    yield* page;
  }
}

describe('mergeSorted', () => {
  it('yields each item once, in order, for any pages', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(paged, { maxLength: 6 }), async (lists) => {
        const items = mergeSorted(
          lists.map(({ numbers, sizes }) => readItems(pagesOf(numbers, sizes))),
          descending,
        );
        const taken: number[] = [];
        for await (const one of items) taken.push(one);
        expect(taken).toEqual(lists.flatMap(({ numbers }) => numbers).toSorted(descending));
      }),
    );
  });

  it('reads one page of each list, and another only when one is used up', async () => {
    let pages = 0;
    const hundred = Array.from({ length: 100 }, (_, index) => 1_000 - index);
    const lists = [hundred, hundred.map((one) => one - 500), [7]];
    const items = mergeSorted(
      lists.map((numbers) =>
        readItems(pagesOf(numbers, [10]), () => {
          pages += 1;
        }),
      ),
      descending,
    );
    const taken: number[] = [];
    for await (const one of items) if (taken.push(one) === 25) break;
    expect(taken).toEqual(hundred.slice(0, 25));
    expect(pages).toBe(3 + 2);
  });
});
