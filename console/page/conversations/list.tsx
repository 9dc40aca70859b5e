import { displayName } from '../../../core/conversations/projection.ts';
import type { ConversationPage, ConversationRow } from '../../conversation-list.ts';
import { matchesSearch } from '../../search.ts';
import { get, organizationName } from '../app/api.ts';
import { type Progress, usePager } from '../app/pager.ts';
import { linkTo } from '../app/route.ts';
import { Filters, OrganizationFilter, SearchFilter, SelectFilter, useOrganizations } from '../parts/filters.tsx';
import { count, fullTime } from '../parts/format.ts';
import { RelativeTime } from '../parts/relative-time.tsx';
import { Badge, Empty, Head, HowToStart, Loaded, Loading, Problem } from '../parts/ui.tsx';
import { VirtualList } from '../parts/virtual-list.tsx';
import { agentNames, customerName, statusTones } from './people.ts';

const statuses = ['', 'queued', 'open', 'idle', 'closed'] as const;
const pageSize = 100;

export function ConversationList({ query }: { query: URLSearchParams }) {
  const status = query.get('status') ?? '';
  const search = query.get('search')?.trim() ?? '';
  const organizationId = query.get('organizationId') ?? '';
  const filter = { status, organizationId };
  const key = `${status} ${organizationId}`;
  const { organizations, keep } = useOrganizations();
  const load = async () => keep(await get('/conversations', { ...filter, limit: pageSize }));
  return (
    <div class="fill">
      <Head title="Conversations">
        <Filters>
          <SearchFilter name="search" label="Search" placeholder="Name, e-mail or ID" />
          <SelectFilter name="status" label="Status" options={statuses} />
          <OrganizationFilter organizations={organizations} />
        </Filters>
      </Head>
      <Loaded id={key} load={load} changedBy={({ type }) => /^(chat|message|agent|participant)\./.test(type)}>
        {(page) => <Rows key={`${key} ${search}`} first={page} filter={filter} search={search} />}
      </Loaded>
    </div>
  );
}

interface RowsProps {
  /** The latest conversations. In a search, matches among them are shown immediately and kept up to date. */
  readonly first: ConversationPage;
  readonly filter: { readonly status: string; readonly organizationId: string };
  readonly search: string;
}

function Rows({ first, filter, search }: RowsProps) {
  const hasSeveral = first.organizations.length > 1;
  const isSearch = search !== '';
  const { items, progress, readMore, onEnd, stop } = usePager({
    first: isSearch
      ? { items: first.conversations.filter((conversation) => matchesSearch(conversation, search)) }
      : { items: first.conversations, next: first.next },
    read: async (after, signal) => {
      const query = { ...filter, search, limit: pageSize, after };
      const { conversations, organizations: _, ...page } = await get('/conversations', query, signal);
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
        <>
          <div class={`row chat headers ${hasSeveral ? 'several' : ''}`} aria-hidden="true">
            <span>Customer</span>
            <span>Last message</span>
            <span>Assigned to</span>
            {hasSeveral && <span>Organization</span>}
            <span>Status</span>
            <span>Last activity</span>
          </div>
          <VirtualList
            items={items}
            itemKey={conversationKey}
            estimate={61}
            label="Conversations"
            render={(conversation) => <Row conversation={conversation} hasSeveral={hasSeveral} />}
            onEnd={onEnd}
          />
        </>
      ) : isSearch ? (
        <NoMatches state={state} />
      ) : (
        <NoConversations filtered={filter.status !== '' || filter.organizationId !== ''} />
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

function conversationKey({ organizationId, id }: ConversationRow): string {
  return `${organizationId}/${id}`;
}

function Row({ conversation, hasSeveral }: { conversation: ConversationRow; hasSeveral: boolean }) {
  const { id, organizationId, status, lastActivityAt, unread, failedSends } = conversation;
  return (
    <a
      class={`row chat ${hasSeveral ? 'several' : ''} ${unread ? 'unread' : ''}`}
      href={linkTo('conversations', id, { organizationId })}
    >
      <span class="who">
        <b>{customerName(conversation)}</b>
        <code>{id}</code>
      </span>
      <span class="last">
        <span>{describeLastMessage(conversation)}</span>
        {(unread || failedSends > 0) && (
          <span class="markers">
            {unread && <Badge tone="busy">unread</Badge>}{' '}
            {failedSends > 0 && <Badge tone="bad">{failedSends} failed</Badge>}
          </span>
        )}
      </span>
      <span class="with">{agentNames(conversation) || 'Unassigned'}</span>
      {hasSeveral && (
        <code class="organization" title={organizationId}>
          {organizationName(organizationId)}
        </code>
      )}
      <Badge tone={statusTones[status]}>{status}</Badge>
      <RelativeTime at={lastActivityAt} />
    </a>
  );
}

/** The names of messages without a text. */
const contentNames = {
  text: 'Text',
  media: 'File',
  interactive: 'Rich message',
  form: 'Form',
  system: 'System message',
  custom: 'Custom event',
  unknown: 'Unknown event',
} as const;

/** The text of the last message, after the name of its author if it is not the customer. */
function describeLastMessage({ lastMessage, participants }: ConversationRow): string {
  if (!lastMessage) return '–';
  const { author, direction, type, text, deleted } = lastMessage;
  const name = displayName(participants.find(({ id }) => id === author.id) ?? author);
  const content = deleted ? 'deleted' : type === 'text' ? text : [contentNames[type], text].filter(Boolean).join(': ');
  return direction === 'outbound' ? `${name}: ${content}` : content;
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
