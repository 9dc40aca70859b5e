import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { ConversationSummary } from '../../../core/conversations/queries.ts';
import type { ConversationPage } from '../../answers.ts';
import { Badge } from '../parts/badge.tsx';
import { Empty, Loaded } from '../parts/states.tsx';
import { shortTime, wholeTime } from '../parts/time.ts';
import { VirtualList } from '../parts/virtual-list.tsx';
import { get } from '../shell/api.ts';
import { useResource } from '../shell/resource.ts';
import { linkTo } from '../shell/route.ts';
import { useChanges } from '../shell/stream.ts';
import { agentsOf, customerOf, toneOfStatus } from './people.ts';

const statuses = ['', 'queued', 'open', 'idle', 'closed'] as const;
const typingMs = 300;

export function ConversationList({ query }: { query: URLSearchParams }) {
  const status = query.get('status') ?? '';
  const search = query.get('search') ?? '';
  const [typed, setTyped] = useState(search);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const go = (changed: Record<string, string>) => {
    location.replace(linkTo('conversations', undefined, { status, search, ...changed }));
  };
  const filter = { status, search, limit: 100 };
  const first = useResource(JSON.stringify(filter), () => get('/conversations', filter));
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
              go({ search: typed });
            }}
          >
            <label>
              Search
              <input
                type="search"
                placeholder="Name, e-mail or chat id"
                value={typed}
                onInput={({ currentTarget: { value } }) => {
                  setTyped(value);
                  clearTimeout(timer.current);
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
      <Loaded from={first}>{(page) => <Pages key={JSON.stringify(filter)} first={page} filter={filter} />}</Loaded>
    </div>
  );
}

interface PagesProps {
  readonly first: ConversationPage;
  readonly filter: Readonly<Record<string, string | number>>;
}

/** The first page, which is read again while live, and those that scrolling has brought. */
function Pages({ first, filter }: PagesProps) {
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
    get('/conversations', { ...filter, after: next }).then(
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
  }, [next, filter]);
  const fresh = new Set(first.conversations.map(keyOf));
  const list = [...first.conversations, ...more.filter((one) => !fresh.has(keyOf(one)))];
  if (list.length === 0) return <None filtered={Boolean(filter.status || filter.search)} more={next !== undefined} />;
  return (
    <>
      {problem && (
        <p class="notice bad" role="alert">
          The rest could not be loaded: {problem}
        </p>
      )}
      <VirtualList items={list} keyOf={keyOf} estimate={61} label="Conversations" render={Row} onEnd={readOn} />
    </>
  );
}

function keyOf({ organizationId, id }: ConversationSummary): string {
  return `${organizationId}/${id}`;
}

function Row(conversation: ConversationSummary) {
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

function None({ filtered, more }: { filtered: boolean; more: boolean }) {
  if (filtered) {
    return (
      <Empty title="No conversation matches">
        {more ? 'The 2,000 with the latest activity were searched. ' : ''}
        Change the search, or <a href={linkTo('conversations')}>see all</a>.
      </Empty>
    );
  }
  return (
    <Empty title="No conversation yet">
      They appear when LiveChat's first webhook has come. To see one now: <code>npx livechat simulate chat</code>
    </Empty>
  );
}
