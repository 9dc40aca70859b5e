import type { ExecutionView } from '../../../core/executions/view.ts';
import type { ApiResponses } from '../../api.ts';
import { get } from '../app/api.ts';
import { usePager } from '../app/pager.ts';
import { linkTo } from '../app/route.ts';
import { sendErrors } from '../parts/errors.ts';
import { AgeFilter, Filters, SearchFilter, SelectFilter, sinceAge } from '../parts/filters.tsx';
import { duration } from '../parts/format.ts';
import { Badge, Empty, Head, Loaded, Loading, Problem, Time } from '../parts/ui.tsx';
import { VirtualList } from '../parts/virtual-list.tsx';
import { isMessageEvent, statusText, statusTone } from './view.tsx';

const statuses = ['', 'RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'] as const;
const pageSize = 50;
/** Minimum time between reloads: a page reads a hundred items. */
const reloadIntervalMs = 2_000;

interface Filter {
  readonly status: string;
  readonly error: string;
  readonly since: string | undefined;
}

export function ExecutionList({ query }: { query: URLSearchParams }) {
  const [status = '', error = '', age = ''] = ['status', 'error', 'age'].map((name) => query.get(name) ?? '');
  const search = query.get('search')?.trim() ?? '';
  const filter = () => ({ status, error, since: sinceAge(age) });
  const key = [status, error, age].join(' ');
  return (
    <div class="fill">
      <Head title="Executions">
        <p>Each send request, and each redrive of one, starts one execution of the send state machine.</p>
        <Filters>
          <SearchFilter name="search" label="Search" placeholder="Chat, request, message ID" />
          <SelectFilter
            name="status"
            label="Status"
            options={statuses}
            text={(option) => statusText(option) || 'any'}
          />
          <SelectFilter name="error" label="Failed with" options={['', ...sendErrors]} />
          <AgeFilter label="Started" />
        </Filters>
      </Head>
      <Loaded
        id={key}
        load={() => get('/executions', { ...filter(), limit: pageSize })}
        changedBy={isMessageEvent}
        minIntervalMs={reloadIntervalMs}
      >
        {(page) => <Rows key={`${key} ${search}`} first={page} filter={filter} search={search} />}
      </Loaded>
    </div>
  );
}

interface RowsProps {
  readonly first: ApiResponses['/executions'];
  readonly filter: () => Filter;
  readonly search: string;
}

function Rows({ first, filter, search }: RowsProps) {
  const isSearch = search !== '';
  const { items, progress, readMore, onEnd } = usePager({
    first: isSearch ? { items: [] } : { items: first.executions, next: first.next },
    read: async (after, signal) => {
      const { executions, next } = await get('/executions', { ...filter(), search, limit: pageSize, after }, signal);
      return { items: executions, next };
    },
    itemKey: ({ id }) => id,
    search: isSearch,
  });
  const { problem, state } = progress;
  const { status, error, since } = filter();
  if (items.length === 0 && !problem) {
    if (isSearch && state === 'reading') return <Loading text="Searching…" />;
    return <NoExecutions filtered={Boolean(status || error || since)} search={search} />;
  }
  return (
    <>
      <Problem text={problem && `Executions could not be loaded: ${problem}`} retry={readMore} />
      <div class="row execution headers" aria-hidden="true">
        <span>Customer and message</span>
        <span>Chat and request</span>
        <span>Status</span>
        <span>Attempts</span>
        <span>Duration</span>
        <span>Started</span>
      </div>
      <VirtualList items={items} itemKey={({ id }) => id} estimate={61} label="Executions" render={Row} onEnd={onEnd} />
    </>
  );
}

function NoExecutions({ filtered, search }: { filtered: boolean; search: string }) {
  if (search) {
    return (
      <Empty title={`No execution for “${search}”`}>
        The search finds complete IDs of requests, chats, messages and executions.{' '}
        {filtered && 'The filters also apply. '}
        <a href={linkTo('executions')}>Show all</a>
      </Empty>
    );
  }
  if (filtered) {
    return (
      <Empty title="No matching executions">
        Change the filters, or <a href={linkTo('executions')}>show all</a>.
      </Empty>
    );
  }
  return (
    <Empty title="No executions yet">
      An execution starts when a service publishes <code>message.send.requested</code> on the bus.
    </Empty>
  );
}

function Row(execution: ExecutionView) {
  const { id, status, startDate, stopDate, customer, conversationId, text, requestId, redrive, error } = execution;
  const { name, parts, attempts } = execution;
  return (
    <a class="row execution" href={linkTo('executions', id)}>
      <span class="who">
        <b>{customer ?? (conversationId || name)}</b>
        <span class="cause">
          {text ?? (parts > 0 ? 'The message is no longer stored' : 'The input is not a send request')}
          {parts > 1 && ` (and ${parts - 1} more)`}
        </span>
      </span>
      <span class="ids-of">
        <code>{conversationId}</code>
        <code>{requestId}</code>
      </span>
      <span class="outcome">
        <Badge tone={statusTone(status)}>{statusText(status)}</Badge>
        {redrive > 0 && <Badge tone="calm">redrive {redrive}</Badge>}
        {error && <small>{error}</small>}
      </span>
      <span class="number">
        {attempts}
        <span class="unit"> {attempts === 1 ? 'attempt' : 'attempts'}</span>
      </span>
      <span class="number">{stopDate ? duration(Date.parse(stopDate) - Date.parse(startDate)) : '–'}</span>
      <Time at={startDate} />
    </a>
  );
}
