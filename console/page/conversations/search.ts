import type { ConversationSummary } from '../../../core/conversations/queries.ts';
import type { ConversationPage } from '../../responses.ts';

export interface Progress {
  readonly found: readonly ConversationSummary[];
  /** How many conversations were looked through, those with the latest activity first. */
  readonly searched: number;
  /** Down to which time of last activity. */
  readonly searchedTo?: string | undefined;
  /** `full` when there is more than a screen of hits, `waiting` when it has looked far and asks whether to go on. */
  readonly state: 'looking' | 'full' | 'waiting' | 'ended';
  /** Why the last step did not succeed; it can be tried again by going on. */
  readonly problem?: string;
}

/** One request's worth, on from where the one before ended. */
export type Ask = (after: string | undefined, signal: AbortSignal) => Promise<ConversationPage>;

export interface Searching {
  /** Looks for more hits, and further; while it looks, and at the end, nothing. */
  goOn(): Promise<void>;
  stop(): void;
}

/** More than a screen shows. */
const hitsAtOnce = 40;
/** Ten requests: beyond that somebody should want it, since each reads the table. */
const searchedAtOnce = 20_000;

/** A search that goes on by itself, request by request, telling how far it is. */
export function startSearch(ask: Ask, tell: (progress: Progress) => void): Searching {
  const found: ConversationSummary[] = [];
  let next: string | undefined;
  let searched = 0;
  let searchedTo: string | undefined;
  let state: Progress['state'] = 'waiting';
  let looking: AbortController | undefined;

  const become = (now: Progress['state'], problem?: string) => {
    state = now;
    tell({ found: [...found], searched, searchedTo, state, ...(problem !== undefined && { problem }) });
  };

  const take = (page: ConversationPage) => {
    found.push(...page.conversations);
    searched += page.searched ?? 0;
    searchedTo = page.searchedTo ?? searchedTo;
    next = page.next;
  };

  /** Until there are more hits, or it has looked that much further. */
  const look = async (signal: AbortSignal): Promise<Progress['state']> => {
    const enough = found.length + hitsAtOnce;
    const far = searched + searchedAtOnce;
    while (found.length < enough && searched < far) {
      become('looking');
      const page = await ask(next, signal);
      // Whoever stopped it has told so, and may have gone on since.
      signal.throwIfAborted();
      take(page);
      if (next === undefined) return 'ended';
    }
    return found.length < enough ? 'waiting' : 'full';
  };

  return {
    async goOn() {
      if (looking || state === 'ended') return;
      const mine = new AbortController();
      looking = mine;
      try {
        become(await look(mine.signal));
      } catch (error) {
        if (mine.signal.aborted) return;
        become('waiting', error instanceof Error ? error.message : String(error));
      }
      looking = undefined;
    },
    stop() {
      if (!looking) return;
      looking.abort();
      looking = undefined;
      become('waiting');
    },
  };
}
