import type { ConversationSummary } from '../../../core/conversations/queries.ts';
import type { ConversationPage } from '../../api.ts';
import { matchesSearch } from '../../search.ts';
import { get } from '../app/api.ts';
import { type Progress, usePager } from '../app/pager.ts';
import { linkTo } from '../app/route.ts';
import { Filters, SearchFilter, SelectFilter } from '../parts/filters.tsx';
import { count, fullTime } from '../parts/format.ts';
import { Badge, Empty, Head, HowToStart, Loaded, Loading, Problem, Time } from '../parts/ui.tsx';
import { VirtualList } from '../parts/virtual-list.tsx';
import { agentNames, customerName, statusTones } from './people.ts';

const statuses = ['', 'queued', 'open', 'idle', 'closed'] as const;
const pageSize = 100;

export function ConversationList({ query }: { query: URLSearchParams }) {
  const status = query.get('status') ?? '';
  const search = query.get('search')?.trim() ?? '';
  return (
    <div class="fill">
      <Head title="Conversations">
        <Filters>
          <SearchFilter name="search" label="Search" placeholder="Name, e-mail or ID" />
          <SelectFilter name="status" label="Status" options={statuses} />
        </Filters>
      </Head>
      <Loaded
        id={status}
        load={() => get('/conversations', { status, limit: pageSize })}
        changedBy={({ type }) => /^(chat|message|agent|participant)\./.test(type)}
      >
        {(page) => <Rows key={`${status} ${search}`} first={page} status={status} search={search} />}
      </Loaded>
    </div>
  );
}

interface RowsProps {
  /** The latest conversations. In a search, matches among them are shown immediately and kept up to date. */
  readonly first: ConversationPage;
  readonly status: string;
  readonly search: string;
}

function Rows({ first, status, search }: RowsProps) {
  const isSearch = search !== '';
  const { items, progress, readMore, onEnd, stop } = usePager({
    first: isSearch
      ? { items: first.conversations.filter((conversation) => matchesSearch(conversation, search)) }
      : { items: first.conversations, next: first.next },
    read: async (after, signal) => {
      const query = { status, search, limit: pageSize, after };
      const { conversations, ...page } = await get('/conversations', query, signal);
      return { items: conversations, ...page };
    },
    itemKey: conversationKey,
    search: isSearch,
  });
  const { state, problem } = progress;
  return (
    <>
      {isSearch && (
        <div class="searched">
          <p role="status">{describeProgress(progress)}</p>
          {state === 'reading' && (
            <button type="button" onClick={stop}>
              Stop
            </button>
          )}
          {(state === 'waiting' || state === 'full') && (
            <button type="button" onClick={readMore}>
              Continue search
            </button>
          )}
        </div>
      )}
      <Problem text={problem && `More conversations could not be loaded: ${problem}`} retry={readMore} />
      {items.length > 0 ? (
        <VirtualList
          items={items}
          itemKey={conversationKey}
          estimate={61}
          label="Conversations"
          render={Row}
          onEnd={onEnd}
        />
      ) : isSearch ? (
        <NoMatches state={state} />
      ) : (
        <NoConversations filtered={status !== ''} />
      )}
    </>
  );
}

function NoConversations({ filtered }: { filtered: boolean }) {
  if (filtered) {
    return (
      <Empty title="No matching conversations">
        Change the filter, or <a href={linkTo('conversations')}>show all</a>.
      </Empty>
    );
  }
  return (
    <Empty title="No conversations yet">
      Conversations appear after LiveChat's first webhook. <HowToStart />
    </Empty>
  );
}

function conversationKey({ organizationId, id }: ConversationSummary): string {
  return `${organizationId}/${id}`;
}

function Row(conversation: ConversationSummary) {
  const { id, organizationId, status, lastActivityAt } = conversation;
  return (
    <a class="row" href={linkTo('conversations', id, { organizationId })}>
      <span class="who">
        <b>{customerName(conversation)}</b>
        <code>{id}</code>
      </span>
      <span class="with">{agentNames(conversation) || 'Unassigned'}</span>
      <Badge tone={statusTones[status]}>{status}</Badge>
      <Time at={lastActivityAt} />
    </a>
  );
}

function NoMatches({ state }: { state: Progress<unknown>['state'] }) {
  if (state === 'reading') return <Loading text="No results yet…" />;
  return (
    <Empty title={state === 'ended' ? 'No matching conversations' : 'No matches yet'}>
      {state !== 'ended' && 'Continue search, or change the search. '}
      Part of a name, an e-mail or an ID is enough. <a href={linkTo('conversations')}>Show all</a>
    </Empty>
  );
}

const number = new Intl.NumberFormat();

function describeProgress({ searched, searchedTo, state, items }: Progress<unknown>): string {
  const hits = items.length === 0 ? '' : `${number.format(items.length)} found. `;
  if (state === 'ended') return `${hits}Search complete: ${count(searched, 'conversation')} searched.`;
  if (!searchedTo) return 'Searching…';
  const extent = `${number.format(searched)} searched, back to ${fullTime(searchedTo)}`;
  return state === 'reading' ? `${hits}Searching: ${extent}…` : `${hits}${extent}.`;
}
