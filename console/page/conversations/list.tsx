import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ConversationSummary } from '../../../core/conversations/queries.ts';
import type { ConversationPage } from '../../responses.ts';
import { isMeant } from '../../search.ts';
import { get, useResource } from '../app/api.ts';
import { linkTo } from '../app/route.ts';
import { useChanges } from '../app/stream.ts';
import { shortTime, wholeTime } from '../parts/time.ts';
import { Badge, Empty, Loaded } from '../parts/ui.tsx';
import { VirtualList } from '../parts/virtual-list.tsx';
import { agentsOf, customerOf, toneOfStatus } from './people.ts';
import { type Progress, type Searching, startSearch } from './search.ts';

const statuses = ['', 'queued', 'open', 'idle', 'closed'] as const;
const typingMs = 300;
const pageSize = 100;

export function ConversationList({ query }: { query: URLSearchParams }) {
  const status = query.get('status') ?? '';
  const search = query.get('search') ?? '';
  const [typed, setTyped] = useState(search);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const stopTyping = () => {
    clearTimeout(timer.current);
    timer.current = undefined;
  };
  useEffect(() => stopTyping, []);
  // The address may change by a link, or by going back; not under the hands of somebody who types.
  useEffect(() => {
    if (timer.current === undefined) setTyped(search);
  }, [search]);
  const go = (changed: Record<string, string>) => {
    stopTyping();
    location.replace(linkTo('conversations', undefined, { status, search: typed, ...changed }));
  };
  const wanted = search.trim();
  const first = useResource(`conversations ${status}`, () => get('/conversations', { status, limit: pageSize }));
  useChanges(({ type }) => /^(chat|message|agent)\./.test(type), first.reload);
  return (
    <div class="fill">
      <div class="head">
        <h1>Conversations</h1>
        <search>
          <form
            class="filters"
            onSubmit={(submit) => {
              submit.preventDefault();
              go({});
            }}
          >
            <label>
              Search
              <input
                type="search"
                placeholder="Name, e-mail or id"
                value={typed}
                onInput={({ currentTarget: { value } }) => {
                  setTyped(value);
                  stopTyping();
                  timer.current = setTimeout(() => go({ search: value }), typingMs);
                }}
              />
            </label>
            <label>
              Status
              <select value={status} onChange={({ currentTarget: { value } }) => go({ status: value })}>
                {statuses.map((one) => (
                  <option key={one} value={one}>
                    {one === '' ? 'any' : one}
                  </option>
                ))}
              </select>
            </label>
          </form>
        </search>
      </div>
      <Loaded from={first}>
        {(page) =>
          wanted === '' ? (
            <Pages key={status} first={page} status={status} />
          ) : (
            <Found key={`${status} ${wanted}`} latest={page.conversations} search={wanted} status={status} />
          )
        }
      </Loaded>
    </div>
  );
}

interface PagesProps {
  readonly first: ConversationPage;
  readonly status: string;
}

/** The first page, which is read again while live, and those that scrolling has brought. */
function Pages({ first, status }: PagesProps) {
  const [more, setMore] = useState<readonly ConversationSummary[]>([]);
  const [next, setNext] = useState(first.next);
  const [problem, setProblem] = useState('');
  const busy = useRef(false);
  const scrolled = more.length > 0;
  useEffect(() => {
    if (!scrolled) setNext(first.next);
  }, [first.next, scrolled]);
  const readOn = useCallback(() => {
    if (busy.current || next === undefined) return;
    busy.current = true;
    get('/conversations', { status, limit: pageSize, after: next }).then(
      (page) => {
        busy.current = false;
        setMore((before) => [...before, ...page.conversations]);
        setNext(page.next);
      },
      (error: Error) => {
        busy.current = false;
        setProblem(error.message);
      },
    );
  }, [next, status]);
  const list = useMemo(() => once([...first.conversations, ...more]), [first, more]);
  if (list.length === 0) return <None filtered={status !== ''} />;
  return (
    <>
      {problem && (
        <p class="notice bad" role="alert">
          The rest could not be loaded: {problem}
        </p>
      )}
      <ConversationRows list={list} onEnd={readOn} />
    </>
  );
}

function None({ filtered }: { filtered: boolean }) {
  if (filtered) {
    return (
      <Empty title="No conversation matches">
        Change the filter, or <a href={linkTo('conversations')}>see all</a>.
      </Empty>
    );
  }
  return (
    <Empty title="No conversation yet">
      They appear when LiveChat's first webhook has come. To see one now: <code>npx livechat simulate chat</code>
    </Empty>
  );
}

function keyOf({ organizationId, id }: ConversationSummary): string {
  return `${organizationId}/${id}`;
}

/** Each conversation where it comes first: one that became active meanwhile is on a later page as well. */
export function once(list: readonly ConversationSummary[]): ConversationSummary[] {
  const seen = new Set<string>();
  return list.filter((one) => seen.size < seen.add(keyOf(one)).size);
}

interface ConversationRowsProps {
  readonly list: readonly ConversationSummary[];
  /** Called when the last of them comes into sight. */
  readonly onEnd?: (() => void) | undefined;
}

export function ConversationRows({ list, onEnd }: ConversationRowsProps) {
  return (
    <VirtualList
      items={list}
      keyOf={keyOf}
      estimate={61}
      label="Conversations"
      render={ConversationRow}
      onEnd={onEnd}
    />
  );
}

function ConversationRow(conversation: ConversationSummary) {
  const { id, organizationId, status, lastActivityAt } = conversation;
  return (
    <a class="row" href={linkTo('conversations', id, { organizationId })}>
      <span class="who">
        <b>{customerOf(conversation)}</b>
        <code>{id}</code>
      </span>
      <span class="with">{agentsOf(conversation) || 'nobody yet'}</span>
      <Badge tone={toneOfStatus[status]}>{status}</Badge>
      <time dateTime={lastActivityAt} title={wholeTime(lastActivityAt)}>
        {shortTime(lastActivityAt)}
      </time>
    </a>
  );
}

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
