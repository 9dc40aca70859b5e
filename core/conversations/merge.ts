/**
 * Merges sorted lists into one. Reads the first items of all lists concurrently, and another item of a list only when its
 * previous one is taken.
 */
export async function* mergeSorted<T>(
  lists: readonly AsyncIterator<T>[],
  compareItems: (a: T, b: T) => number,
): AsyncGenerator<T> {
  const readHead = async (list: AsyncIterator<T>) => {
    const { done, value } = await list.next();
    return done ? undefined : { list, item: value };
  };
  const heads = await Promise.all(lists.map(readHead));
  for (;;) {
    let first: (typeof heads)[number];
    for (const head of heads) if (head && (!first || compareItems(head.item, first.item) < 0)) first = head;
    if (!first) return;
    yield first.item;
    heads[heads.indexOf(first)] = await readHead(first.list);
  }
}
