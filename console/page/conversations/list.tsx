import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ConversationSummary } from '../../../core/conversations/queries.ts';
import type { ConversationPage } from '../../responses.ts';
import { matchesSearch } from '../../search.ts';
import { get, useResource } from '../app/api.ts';
import { linkTo } from '../app/route.ts';
import { useChanges } from '../app/stream.ts';
import { fullTime, shortTime } from '../parts/time.ts';
import { Badge, Empty, Loaded, Problem, Select } from '../parts/ui.tsx';
import { VirtualList } from '../parts/virtual-list.tsx';
import { agentNames, customerName, statusTones } from './people.ts';
import { type Progress, type Search, startSearch } from './search.ts';

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
  // Follows the URL after a link or back navigation, but not while the user types.
  useEffect(() => {
    if (timer.current === undefined) setTyped(search);
  }, [search]);
  const go = (changed: Record<string, string>) => {
    stopTyping();
    location.replace(linkTo('conversations', undefined, { status, search: typed, ...changed }));
  };
  const text = search.trim();
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
            <Select label="Status" value={status} options={statuses} onChange={(value) => go({ status: value })} />
          </form>
        </search>
      </div>
      <Loaded from={first}>
        {(page) =>
          text === '' ? (
            <Pages key={status} first={page} status={status} />
          ) : (
            <SearchResults key={`${status} ${text}`} latest={page.conversations} search={text} status={status} />
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

/** The first page, which live updates reload, and the pages loaded by scrolling. */
function Pages({ first, status }: PagesProps) {
  const [more, setMore] = useState<readonly ConversationSummary[]>([]);
  const [next, setNext] = useState(first.next);
  const [problem, setProblem] = useState('');
  const busy = useRef(false);
  const scrolled = more.length > 0;
  useEffect(() => {
    if (!scrolled) setNext(first.next);
  }, [first.next, scrolled]);
  const loadMore = useCallback(() => {
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
  const list = useMemo(() => unique([...first.conversations, ...more]), [first, more]);
  if (list.length === 0) return <NoConversations filtered={status !== ''} />;
  return (
    <>
      <Problem text={problem && `More conversations could not be loaded: ${problem}`} notice />
      <ConversationRows list={list} onEnd={loadMore} />
    </>
  );
}

function NoConversations({ filtered }: { filtered: boolean }) {
  if (filtered) {
    return (
      <Empty title="No conversation matches">
        Change the filter, or <a href={linkTo('conversations')}>show all</a>.
      </Empty>
    );
  }
  return (
    <Empty title="No conversation yet">
      Conversations appear after LiveChat's first webhook. To create one, run <code>npx livechat simulate chat</code>
    </Empty>
  );
}

function conversationKey({ organizationId, id }: ConversationSummary): string {
  return `${organizationId}/${id}`;
}

/** Removes duplicates: a conversation that became active between two pages is on both. */
function unique(list: readonly ConversationSummary[]): ConversationSummary[] {
  const seen = new Set<string>();
  return list.filter((conversation) => seen.size < seen.add(conversationKey(conversation)).size);
}

interface ConversationRowsProps {
  readonly list: readonly ConversationSummary[];
  /** Called when the last row becomes visible. */
  readonly onEnd?: (() => void) | undefined;
}

function ConversationRows({ list, onEnd }: ConversationRowsProps) {
  return (
    <VirtualList
      items={list}
      itemKey={conversationKey}
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
        <b>{customerName(conversation)}</b>
        <code>{id}</code>
      </span>
      <span class="with">{agentNames(conversation) || 'no agent'}</span>
      <Badge tone={statusTones[status]}>{status}</Badge>
      <time dateTime={lastActivityAt} title={fullTime(lastActivityAt)}>
        {shortTime(lastActivityAt)}
      </time>
    </a>
  );
}

interface SearchResultsProps {
  /** The latest conversations: matches among them are shown immediately and kept up to date. */
  readonly latest: readonly ConversationSummary[];
  readonly search: string;
  readonly status: string;
}

const initialProgress: Progress = { found: [], searched: 0, state: 'searching' };
const number = new Intl.NumberFormat();

/** The results of a search. A change of the text or filter starts a new search. */
function SearchResults({ latest, search, status }: SearchResultsProps) {
  const [progress, setProgress] = useState<Progress>(initialProgress);
  const searching = useRef<Search>(undefined);
  useEffect(() => {
    const filter = { search, status, limit: 100 };
    const started = startSearch((after, signal) => get('/conversations', { ...filter, after }, signal), setProgress);
    searching.current = started;
    void started.continueSearch();
    return started.stop;
  }, [search, status]);
  const { found, state, problem } = progress;
  const list = unique([...latest.filter((conversation) => matchesSearch(conversation, search)), ...found]);
  const continueSearch = () => void searching.current?.continueSearch();
  return (
    <>
      <div class="searched">
        <p role="status">{describeProgress(progress)}</p>
        {state === 'searching' && (
          <button type="button" onClick={() => searching.current?.stop()}>
            Stop
          </button>
        )}
        {(state === 'waiting' || state === 'full') && (
          <button type="button" onClick={continueSearch}>
            Continue search
          </button>
        )}
      </div>
      <Problem text={problem && `The search failed: ${problem}`} notice />
      {list.length > 0 ? (
        <ConversationRows list={list} onEnd={state === 'full' ? continueSearch : undefined} />
      ) : (
        <NoResults state={state} />
      )}
    </>
  );
}

function NoResults({ state }: { state: Progress['state'] }) {
  if (state === 'searching') {
    return (
      <div class="state" aria-busy="true">
        <p class="loading">No results yet…</p>
      </div>
    );
  }
  return (
    <Empty title={state === 'ended' ? 'No conversation matches' : 'No matches yet'}>
      {state !== 'ended' && 'Continue search, or change the search. '}
      Part of a name, an e-mail or an id is enough. <a href={linkTo('conversations')}>Show all</a>
    </Empty>
  );
}

function describeProgress({ searched, searchedTo, state, found }: Progress): string {
  const hits = found.length === 0 ? '' : `${number.format(found.length)} found. `;
  if (state === 'ended') return `${hits}All ${number.format(searched)} conversations were searched.`;
  if (!searchedTo) return 'Searching…';
  const extent = `${number.format(searched)} searched, back to ${fullTime(searchedTo)}`;
  return state === 'searching' ? `${hits}Searching: ${extent}…` : `${hits}${extent}.`;
}
