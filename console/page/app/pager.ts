import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ConversationPage } from '../../conversation-list.ts';

/** Consecutive items of a list or of the results of a search. */
export interface Part<Item> extends Pick<ConversationPage, 'next' | 'searched' | 'searchedTo'> {
  readonly items: readonly Item[];
}

export interface Progress<Item> {
  readonly items: readonly Item[];
  readonly searched: number;
  readonly searchedTo?: string | undefined;
  /** `full`: a screen of items was read; `waiting`: the search examined its maximum, was stopped or failed. */
  readonly state: 'reading' | 'full' | 'waiting' | 'ended';
  /** Why the last request failed; reading more retries it. */
  readonly problem?: string;
}

/** Requests the part after a cursor. */
type ReadPart<Item> = (after: string | undefined, signal: AbortSignal) => Promise<Part<Item>>;

/** Items to read before the pager pauses: more than a screen shows. */
const maxItems = 40;
/** Items to examine in a search before the pager pauses, which takes ten requests. The user decides whether to read more of the table. */
const maxSearched = 20_000;

/** Reads a list or the results of a search with as many requests as needed, and reports the progress. */
export function createPager<Item>(read: ReadPart<Item>, onProgress: (progress: Progress<Item>) => void) {
  const items: Item[] = [];
  let next: string | undefined;
  let searched = 0;
  let searchedTo: string | undefined;
  let state: Progress<Item>['state'] = 'waiting';
  let controller: AbortController | undefined;

  const report = (newState: Progress<Item>['state'], problem?: string) => {
    state = newState;
    onProgress({ items: [...items], searched, searchedTo, state, ...(problem !== undefined && { problem }) });
  };

  /** Reads until enough items are found or enough are examined. */
  const readParts = async (signal: AbortSignal): Promise<Progress<Item>['state']> => {
    const targetItems = items.length + maxItems;
    const targetSearched = searched + maxSearched;
    while (items.length < targetItems && searched < targetSearched) {
      report('reading');
      const part = await read(next, signal);
      // A stopped pager has reported its state and may have been continued since.
      signal.throwIfAborted();
      items.push(...part.items);
      searched += part.searched ?? 0;
      searchedTo = part.searchedTo ?? searchedTo;
      next = part.next;
      if (next === undefined) return 'ended';
    }
    return items.length < targetItems ? 'waiting' : 'full';
  };

  return {
    /** Reads more items; does nothing while it reads and at the end. */
    async readMore() {
      if (controller || state === 'ended') return;
      const current = new AbortController();
      controller = current;
      try {
        report(await readParts(current.signal));
      } catch (error) {
        if (current.signal.aborted) return;
        report('waiting', error instanceof Error ? error.message : String(error));
      }
      controller = undefined;
    },
    stop() {
      if (!controller) return;
      controller.abort();
      controller = undefined;
      report('waiting');
    },
  };
}

/** A search starts after this time, because another character of its text may follow. */
const typingMs = 300;

interface PagerOptions<Item> {
  /** The first part, which live updates reload. */
  readonly first: Part<Item>;
  readonly read: ReadPart<Item>;
  readonly itemKey: (item: Item) => string;
  /** Reads from the start without a request: `first` has only some of the items. */
  readonly search?: boolean;
}

/** A list that is read part by part. A component with another list needs another `key`. */
export function usePager<Item>({ first, read, itemKey, search = false }: PagerOptions<Item>) {
  const [progress, setProgress] = useState<Progress<Item>>({
    items: [],
    searched: 0,
    state: search ? 'reading' : 'full',
  });
  const latest = useRef(first);
  latest.current = first;
  const { readMore, stop } = useMemo(() => {
    const readPart: ReadPart<Item> = async (after, signal) => {
      if (search || after !== undefined) return read(after, signal);
      // A reload may move items out of the first part.
      const { items, next } = latest.current;
      const part = await read(next, signal);
      return { ...part, items: [...items, ...part.items] };
    };
    return createPager(readPart, setProgress);
  }, []);
  useEffect(() => {
    const timer = search ? setTimeout(readMore, typingMs) : undefined;
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, []);
  // An item that changed between two requests is in both parts.
  const seen = new Set<string>();
  const items = [...first.items, ...progress.items].filter((item) => seen.size < seen.add(itemKey(item)).size);
  const isMore = search || progress.items.length > 0 || first.next !== undefined;
  return {
    items,
    progress,
    readMore,
    /** Reads more when the end of the list becomes visible. */
    onEnd: progress.state === 'full' && isMore ? readMore : undefined,
    stop,
  };
}
