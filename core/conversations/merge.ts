/** The pages of a sorted list; an empty page does not end it. */
export type Pages<T> = AsyncIterator<readonly T[]>;

interface Source<T> {
  readonly pages: Pages<T>;
  page: readonly T[];
  offset: number;
  ended: boolean;
}

/**
 * Merges sorted lists into one. A page is read when the previous one is used up; pages needed at the same time are read
 * concurrently. Nothing is read twice or much earlier than needed.
 */
export async function* mergeSorted<T>(lists: readonly Pages<T>[], order: (a: T, b: T) => number): AsyncGenerator<T> {
  const sources = lists.map((pages): Source<T> => ({ pages, page: [], offset: 0, ended: false }));
  while (true) {
    const exhausted = sources.filter(({ ended, page, offset }) => !ended && offset >= page.length);
    if (exhausted.length > 0) await Promise.all(exhausted.map(fill));
    const first = sources
      .flatMap((source) => headOf(source))
      .reduce<Head<T> | undefined>((best, head) => (best && order(best.item, head.item) <= 0 ? best : head), undefined);
    if (!first) return;
    first.source.offset += 1;
    yield first.item;
  }
}

interface Head<T> {
  readonly source: Source<T>;
  readonly item: T;
}

function headOf<T>(source: Source<T>): Head<T>[] {
  return source.page.slice(source.offset, source.offset + 1).map((item) => ({ source, item }));
}

async function fill<T>(source: Source<T>): Promise<void> {
  while (!source.ended && source.offset >= source.page.length) {
    const { done, value } = await source.pages.next();
    if (done) source.ended = true;
    else Object.assign(source, { page: value, offset: 0 });
  }
}
