import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ConversationSummary } from '../../../core/conversations/queries.ts';
import type { ConversationPage } from '../../answers.ts';
import { Empty, Loaded } from '../parts/states.tsx';
import { get } from '../shell/api.ts';
import { useResource } from '../shell/resource.ts';
import { linkTo } from '../shell/route.ts';
import { useChanges } from '../shell/stream.ts';
import { Found } from './found.tsx';
import { ConversationRows, once } from './row.tsx';

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
