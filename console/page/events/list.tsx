import type { ApiResponses } from '../../api.ts';
import { type EventEntry, eventStatuses } from '../../event-source.ts';
import { get, stage, useResource } from '../app/api.ts';
import { usePager } from '../app/pager.ts';
import { linkTo } from '../app/route.ts';
import { AgeFilter, Filters, OrganizationFilter, SearchFilter, SelectFilter, sinceAge } from '../parts/filters.tsx';
import { duration } from '../parts/format.ts';
import { Badge, Empty, Head, Loaded, Problem, Time, type Tone } from '../parts/ui.tsx';
import { VirtualList } from '../parts/virtual-list.tsx';

const statuses = ['', ...eventStatuses];
const pageSize = 100;
const names = ['type', 'status', 'organizationId', 'conversationId', 'age'] as const;
/** The minimum time between reloads. On a stage, each reload queries the logs, which AWS bills. */
export const reloadIntervalMs = (localMs: number): number => (stage.value === undefined ? localMs : 30_000);

/** The webhooks and the domain events, newest first. */
export function EventList({ query }: { query: URLSearchParams }) {
  const { value: filters } = useResource('', () => get('/event-filters'));
  const [type, status, organizationId, conversationId, age] = names.map((name) => query.get(name)?.trim() ?? '');
  const filter = () => ({ type, status, organizationId, conversationId, since: sinceAge(age ?? '') });
  const key = names.map((name) => query.get(name)).join(' ');
  return (
    <div class="fill">
      <Head title="Events">
        <p>Accepted and refused webhooks, and the events on the bus.</p>
        <Filters>
          <SelectFilter name="type" label="Type" options={['', ...(filters?.types ?? [])]} text={typeText} />
          <SelectFilter name="status" label="Status" options={statuses} />
          <OrganizationFilter organizations={filters?.organizations ?? []} />
          <SearchFilter name="conversationId" label="Chat" placeholder="Chat ID" />
          <AgeFilter label="Received" />
        </Filters>
      </Head>
      <Loaded
        id={key}
        load={() => get('/events', { ...filter(), limit: pageSize })}
        changedBy={() => true}
        minIntervalMs={reloadIntervalMs(2_000)}
      >
        {(page) => <Rows key={key} first={page} filter={filter} />}
      </Loaded>
    </div>
  );
}

function typeText(type: string): string {
  if (type === 'webhook') return 'all webhooks';
  return type === 'event' ? 'all events' : type || 'any';
}

interface RowsProps {
  readonly first: ApiResponses['/events'];
  readonly filter: () => Readonly<Record<string, string | undefined>>;
}

function Rows({ first, filter }: RowsProps) {
  const { items, progress, readMore, onEnd } = usePager({
    first: { items: first.entries, next: first.next },
    read: async (after, signal) => {
      const { entries, next } = await get('/events', { ...filter(), limit: pageSize, after }, signal);
      return { items: entries, next };
    },
    itemKey: ({ id }) => id,
  });
  const limits = first.limits.length > 0 && <p class="limits">{first.limits.join(' ')}</p>;
  if (items.length === 0 && !progress.problem) {
    return (
      <>
        {limits}
        <NoEvents filtered={Object.values(filter()).some(Boolean)} />
      </>
    );
  }
  return (
    <>
      <Problem text={progress.problem && `Events could not be loaded: ${progress.problem}`} retry={readMore} />
      <div class="row event headers" aria-hidden="true">
        <span>Type</span>
        <span>Chat and organization</span>
        <span>Status</span>
        <span>Duration</span>
        <span>Time</span>
      </div>
      <VirtualList
        items={items}
        itemKey={({ id }) => id}
        estimate={57}
        label="Events"
        render={EventRow}
        onEnd={onEnd}
      />
      {limits}
    </>
  );
}

function NoEvents({ filtered }: { filtered: boolean }) {
  if (filtered) {
    return (
      <Empty title="No matching webhooks or events">
        Change the filters, or <a href={linkTo('events')}>show all</a>.
      </Empty>
    );
  }
  return (
    <Empty title="No webhooks or events yet">
      {stage.value === undefined ? (
        <>
          To receive the first, run <code>npx livechat simulate chat</code>
        </>
      ) : (
        <>
          To register the webhooks, run <code>npx livechat webhooks sync</code>
        </>
      )}
    </Empty>
  );
}

/** A webhook or event, as a link to its page. */
export function EventRow(entry: EventEntry) {
  const { id, kind, at, type, organizationId, conversationId, source, response } = entry;
  return (
    <a class="row event" href={linkTo('events', id)}>
      <span class="who">
        <b>{type || 'Webhook without an action'}</b>
        <span class="cause">{kind === 'webhook' ? 'webhook' : (source ?? 'event')}</span>
      </span>
      <span class="ids-of">
        <code>{conversationId}</code>
        <code>{organizationId}</code>
      </span>
      <span class="outcome">
        <EventBadge entry={entry} />
        {response?.reason && <small>{response.reason}</small>}
      </span>
      <span class="number">{response?.ms === undefined ? '' : duration(response.ms)}</span>
      <Time at={at} />
    </a>
  );
}

const tones: Readonly<Record<EventEntry['status'], Tone>> = {
  accepted: 'good',
  refused: 'bad',
  published: 'calm',
  handled: 'good',
  failed: 'bad',
};

export function EventBadge({ entry: { status, response } }: { entry: Pick<EventEntry, 'status' | 'response'> }) {
  return (
    <Badge tone={tones[status]}>
      {status}
      {response && ` ${response.status}`}
    </Badge>
  );
}
