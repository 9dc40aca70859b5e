import type { ApiResponses } from '../../api.ts';
import { channelName, get } from '../app/api.ts';
import { linkTo } from '../app/route.ts';
import type { StreamedEvent } from '../app/stream.ts';
import { count, duration, fullTime } from '../parts/format.ts';
import { Steps } from '../parts/steps.tsx';
import { Badge, Card, Head, Ids, Loaded, type Tone } from '../parts/ui.tsx';
import { MachineDiagram } from './diagram.tsx';
import { describeHistory, formatCause } from './history.ts';

export const isMessageEvent = ({ type }: StreamedEvent) => type.startsWith('message.');

export function ExecutionView({ id }: { id: string }) {
  return (
    <Loaded id={id} item={['execution', id]} load={() => get('/executions/:id', { id })} changedBy={isMessageEvent}>
      {(response, reload) => <ExecutionDetails {...response} reload={reload} />}
    </Loaded>
  );
}

type DetailsProps = ApiResponses['/executions/:id'] & { readonly reload: () => void };

function ExecutionDetails({ execution, request, history, hasEarlierEvents, reload }: DetailsProps) {
  const { name, status, startDate, stopDate, id, customer, text, attempts, deadLetterId } = execution;
  const cause = formatCause(execution);
  return (
    <>
      <Head title="Execution" item={[customer, request?.requestId ?? name].filter(Boolean).join(' ')}>
        <p>
          <Badge tone={statusTone(status)}>{statusText(status)}</Badge> Started {fullTime(startDate)}
          {stopDate && ` · ${duration(Date.parse(stopDate) - Date.parse(startDate))}`}
          {request && (
            <>
              {' '}
              · {count(request.deliveries.length, 'message')} to {customer && `${customer} in `}
              <a href={linkTo('conversations', request.conversationId, { organizationId: request.organizationId })}>
                {request.conversationId}
              </a>
              {attempts !== undefined && ` · ${count(attempts, 'attempt')}`}
              {request.redrive > 0 && ` · redrive ${request.redrive}`}
            </>
          )}
        </p>
        {text && <blockquote class="excerpt">{text}</blockquote>}
        {cause && (
          <p class="bad">
            {cause} {deadLetterId && <a href={linkTo('dead-letters', deadLetterId)}>dead letter</a>}
          </p>
        )}
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
        <Steps steps={describeHistory(history, channelName(request?.organizationId ?? ''))} timesFirst />
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

export function statusTone(status: string): Tone {
  if (status === 'SUCCEEDED') return 'good';
  return status === 'RUNNING' ? 'busy' : 'bad';
}

export function statusText(status: string): string {
  return status.toLowerCase().replace('_', ' ');
}
