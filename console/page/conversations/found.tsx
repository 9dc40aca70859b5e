import { useEffect, useRef, useState } from 'preact/hooks';
import type { ConversationSummary } from '../../../core/conversations/queries.ts';
import { isMeant } from '../../meant.ts';
import { Empty } from '../parts/states.tsx';
import { wholeTime } from '../parts/time.ts';
import { get } from '../shell/api.ts';
import { linkTo } from '../shell/route.ts';
import { ConversationRows, once } from './row.tsx';
import { type Progress, type Searching, startSearch } from './search.ts';

interface FoundProps {
  /** Those with the latest activity, as they are now: what matches among them shows at once, and stays up to date. */
  readonly latest: readonly ConversationSummary[];
  readonly search: string;
  readonly status: string;
}

const begun: Progress = { found: [], searched: 0, state: 'looking' };
const number = new Intl.NumberFormat();

/** What a search finds; another text is another search, which ends this one. */
export function Found({ latest, search, status }: FoundProps) {
  const [progress, setProgress] = useState<Progress>(begun);
  const searching = useRef<Searching>(undefined);
  useEffect(() => {
    const filter = { search, status, limit: 100 };
    const mine = startSearch((after, signal) => get('/conversations', { ...filter, after }, signal), setProgress);
    searching.current = mine;
    void mine.goOn();
    return mine.stop;
  }, [search, status]);
  const { found, state, problem } = progress;
  const list = once([...latest.filter((one) => isMeant(one, search)), ...found]);
  const goOn = () => void searching.current?.goOn();
  return (
    <>
      <div class="searched">
        <p role="status">{wordsOf(progress)}</p>
        {state === 'looking' && (
          <button type="button" onClick={() => searching.current?.stop()}>
            Stop
          </button>
        )}
        {(state === 'waiting' || state === 'full') && (
          <button type="button" onClick={goOn}>
            Search on
          </button>
        )}
      </div>
      {problem && (
        <p class="notice bad" role="alert">
          The search could not go on: {problem}
        </p>
      )}
      {list.length > 0 ? (
        <ConversationRows list={list} onEnd={state === 'full' ? goOn : undefined} />
      ) : (
        <Nothing state={state} />
      )}
    </>
  );
}

function Nothing({ state }: { state: Progress['state'] }) {
  if (state === 'looking') {
    return (
      <div class="state" aria-busy="true">
        <p class="loading">Nothing yet…</p>
      </div>
    );
  }
  return (
    <Empty title={state === 'ended' ? 'No conversation matches' : 'None of these matches'}>
      {state !== 'ended' && 'Search on, or change the search. '}
      Part of a name, an e-mail or an id is enough. <a href={linkTo('conversations')}>See all</a>
    </Empty>
  );
}

function wordsOf({ searched, searchedTo, state, found }: Progress): string {
  const hits = found.length === 0 ? '' : `${number.format(found.length)} found. `;
  if (state === 'ended') return `${hits}All ${number.format(searched)} conversations were searched.`;
  if (!searchedTo) return 'Searching…';
  const far = `${number.format(searched)} searched, back to ${wholeTime(searchedTo)}`;
  return state === 'looking' ? `${hits}Searching: ${far}…` : `${hits}${far}.`;
}
