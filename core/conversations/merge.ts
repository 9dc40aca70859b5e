/** Pages of one list, in its order; an empty page does not end it. */
export type Pages<T> = AsyncIterator<readonly T[]>;

interface Source<T> {
  readonly pages: Pages<T>;
  page: readonly T[];
  place: number;
  ended: boolean;
}

/**
 * One list out of several, each in order already. A page is read when the one before it is used up, those that are
 * wanted at the same time together; so nothing is read twice, nor much sooner than it is needed.
 */
export async function* merged<T>(lists: readonly Pages<T>[], order: (a: T, b: T) => number): AsyncGenerator<T> {
  const sources = lists.map((pages): Source<T> => ({ pages, page: [], place: 0, ended: false }));
  while (true) {
    const usedUp = sources.filter(({ ended, page, place }) => !ended && place >= page.length);
    if (usedUp.length > 0) await Promise.all(usedUp.map(fill));
    const first = sources
      .flatMap((source) => headOf(source))
      .reduce<Head<T> | undefined>((best, head) => (best && order(best.item, head.item) <= 0 ? best : head), undefined);
    if (!first) return;
    first.source.place += 1;
    yield first.item;
  }
}

interface Head<T> {
  readonly source: Source<T>;
  readonly item: T;
}

function headOf<T>(source: Source<T>): Head<T>[] {
  return source.page.slice(source.place, source.place + 1).map((item) => ({ source, item }));
}

async function fill<T>(source: Source<T>): Promise<void> {
  while (!source.ended && source.place >= source.page.length) {
    const { done, value } = await source.pages.next();
    if (done) source.ended = true;
    else Object.assign(source, { page: value, place: 0 });
  }
}
