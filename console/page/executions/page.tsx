import type { ApiResponses } from '../../api.ts';
import type { ExecutionSummary } from '../../operations.ts';
import { get } from '../app/api.ts';
import { usePager } from '../app/pager.ts';
import { linkTo } from '../app/route.ts';
import type { StreamedEvent } from '../app/stream.ts';
import { Filters, SelectFilter } from '../parts/filters.tsx';
import { count, duration, fullTime } from '../parts/format.ts';
import { Steps } from '../parts/steps.tsx';
import { Badge, Card, Empty, Head, Ids, Loaded, Problem, Time, type Tone } from '../parts/ui.tsx';
import { VirtualList } from '../parts/virtual-list.tsx';
import { MachineDiagram } from './diagram.tsx';
import { describeHistory, formatCause } from './history.ts';

const statuses = ['', 'RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'] as const;
const pageSize = 200;

const isMessageEvent = ({ type }: StreamedEvent) => type.startsWith('message.');

export function ExecutionList({ query }: { query: URLSearchParams }) {
  const status = query.get('status') ?? '';
  return (
    <div class="fill">
      <Head title="Executions">
        <p>Each send request, and each redrive of one, starts one execution of the send state machine.</p>
        <Filters>
          <SelectFilter
            name="status"
            label="Status"
            options={statuses}
            text={(option) => statusText(option) || 'any'}
          />
        </Filters>
      </Head>
      <Loaded id={status} load={() => get('/executions', { status, limit: pageSize })} changedBy={isMessageEvent}>
        {(page) => <Rows key={status} first={page} status={status} />}
      </Loaded>
    </div>
  );
}

function Rows({ first, status }: { first: ApiResponses['/executions']; status: string }) {
  const { items, progress, readMore, onEnd } = usePager({
    first: { items: first.executions, next: first.next },
    read: async (after, signal) => {
      const { executions, next } = await get('/executions', { status, limit: pageSize, after }, signal);
      return { items: executions, next };
    },
    itemKey: ({ id }) => id,
  });
  if (items.length === 0) {
    return status ? (
      <Empty title={`No executions with status “${statusText(status)}”`}>
        <a href={linkTo('executions')}>Show all</a>
      </Empty>
    ) : (
      <Empty title="No executions yet">
        An execution starts when a service publishes <code>message.send.requested</code> on the bus.
      </Empty>
    );
  }
  const { problem } = progress;
  return (
    <>
      <Problem text={problem && `Older executions could not be loaded: ${problem}`} retry={readMore} />
      <VirtualList items={items} itemKey={({ id }) => id} estimate={53} label="Executions" render={Row} onEnd={onEnd} />
    </>
  );
}

function Row({ id, name, status, startDate, stopDate }: ExecutionSummary) {
  const took = stopDate ? duration(Date.parse(stopDate) - Date.parse(startDate)) : '–';
  return (
    <a class="row execution" href={linkTo('executions', id)}>
      <code class="who">{name}</code>
      <span class="with">{took}</span>
      <Badge tone={statusTone(status)}>{statusText(status)}</Badge>
      <Time at={startDate} />
    </a>
  );
}

export function ExecutionView({ id }: { id: string }) {
  return (
    <Loaded id={id} item={['execution', id]} load={() => get('/executions/:id', { id })} changedBy={isMessageEvent}>
      {(response, reload) => <ExecutionDetails {...response} reload={reload} />}
    </Loaded>
  );
}

type DetailsProps = ApiResponses['/executions/:id'] & { readonly reload: () => void };

function ExecutionDetails({ execution, request, history, hasEarlierEvents, reload }: DetailsProps) {
  const { name, status, startDate, stopDate, id } = execution;
  const cause = formatCause(execution);
  return (
    <>
      <Head title="Execution">
        <p>
          <Badge tone={statusTone(status)}>{statusText(status)}</Badge> Started {fullTime(startDate)}
          {stopDate && ` · ${duration(Date.parse(stopDate) - Date.parse(startDate))}`}
          {request && (
            <>
              {' '}
              · {count(request.deliveries.length, 'message')} to{' '}
              <a href={linkTo('conversations', request.conversationId, { organizationId: request.organizationId })}>
                {request.conversationId}
              </a>
              {request.redrive > 0 && ` · redrive ${request.redrive}`}
            </>
          )}
        </p>
        {cause && <p class="bad">{cause}</p>}
        {status === 'RUNNING' && (
          <p>
            <button type="button" onClick={reload}>
              Refresh
            </button>
          </p>
        )}
      </Head>
      <section class="card" aria-label="State machine">
        <MachineDiagram history={history} status={status} />
      </section>
      <Card title="History">
        {hasEarlierEvents && <p>The last {history.length.toLocaleString()} events. Earlier events are not shown.</p>}
        <Steps steps={describeHistory(history)} timesFirst />
      </Card>
      <Card title="IDs for searching the logs">
        <Ids
          ids={[
            ['Execution name', name],
            ['Execution ARN', id],
            ['Request', request?.requestId],
            ['Conversation', request?.conversationId],
            ['Organization', request?.organizationId],
          ]}
        />
      </Card>
    </>
  );
}

function statusTone(status: string): Tone {
  if (status === 'SUCCEEDED') return 'good';
  return status === 'RUNNING' ? 'busy' : 'bad';
}

function statusText(status: string): string {
  return status.toLowerCase().replace('_', ' ');
}
