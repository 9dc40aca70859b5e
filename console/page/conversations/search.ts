import type { ConversationSummary } from '../../../core/conversations/queries.ts';
import type { ConversationPage } from '../../responses.ts';

export interface Progress {
  readonly found: readonly ConversationSummary[];
  /** How many conversations were examined, latest activity first. */
  readonly searched: number;
  /** The last activity of the last examined conversation. */
  readonly searchedTo?: string | undefined;
  /** `full`: a screen of matches was found; `waiting`: the search examined its maximum, was stopped or failed. */
  readonly state: 'searching' | 'full' | 'waiting' | 'ended';
  /** Why the last request failed; continuing the search retries it. */
  readonly problem?: string;
}

/** Requests the next part of the search. */
type FetchPage = (after: string | undefined, signal: AbortSignal) => Promise<ConversationPage>;

export interface Search {
  /** Searches for more matches; does nothing during a search and at its end. */
  continueSearch(): Promise<void>;
  stop(): void;
}

/** Matches to find before the search pauses: more than a screen shows. */
const maxMatches = 40;
/** Conversations to examine before the search pauses, which takes ten requests. The user decides whether to read more of the table. */
const maxSearched = 20_000;

/** A search over several requests that reports its progress. */
export function startSearch(fetchPage: FetchPage, onProgress: (progress: Progress) => void): Search {
  const found: ConversationSummary[] = [];
  let next: string | undefined;
  let searched = 0;
  let searchedTo: string | undefined;
  let state: Progress['state'] = 'waiting';
  let controller: AbortController | undefined;

  const update = (now: Progress['state'], problem?: string) => {
    state = now;
    onProgress({ found: [...found], searched, searchedTo, state, ...(problem !== undefined && { problem }) });
  };

  const addPage = (page: ConversationPage) => {
    found.push(...page.conversations);
    searched += page.searched ?? 0;
    searchedTo = page.searchedTo ?? searchedTo;
    next = page.next;
  };

  /** Searches until enough matches are found or enough conversations are examined. */
  const searchPart = async (signal: AbortSignal): Promise<Progress['state']> => {
    const targetMatches = found.length + maxMatches;
    const targetSearched = searched + maxSearched;
    while (found.length < targetMatches && searched < targetSearched) {
      update('searching');
      const page = await fetchPage(next, signal);
      // A stopped search has reported its state and may have been continued since.
      signal.throwIfAborted();
      addPage(page);
      if (next === undefined) return 'ended';
    }
    return found.length < targetMatches ? 'waiting' : 'full';
  };

  return {
    async continueSearch() {
      if (controller || state === 'ended') return;
      const current = new AbortController();
      controller = current;
      try {
        update(await searchPart(current.signal));
      } catch (error) {
        if (current.signal.aborted) return;
        update('waiting', error instanceof Error ? error.message : String(error));
      }
      controller = undefined;
    },
    stop() {
      if (!controller) return;
      controller.abort();
      controller = undefined;
      update('waiting');
    },
  };
}
