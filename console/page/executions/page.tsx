import { useState } from 'preact/hooks';
import * as z from 'zod/mini';
import type { ExecutionPage, ExecutionResponse, ExecutionSummary } from '../../responses.ts';
import { get, useResource } from '../app/api.ts';
import { linkTo, type Route } from '../app/route.ts';
import { useChanges } from '../app/stream.ts';
import { clockTime, duration, fullTime, shortTime } from '../parts/time.ts';
import { Badge, Card, Copyable, Empty, Loaded, Problem, Select, type Tone } from '../parts/ui.tsx';
import { VirtualList } from '../parts/virtual-list.tsx';
import { MachineDiagram } from './diagram.tsx';
import { describeHistory, formatCause } from './history.ts';

const statuses = ['', 'RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'] as const;

export function ExecutionsPage({ route }: { route: Route }) {
  return route.id === undefined ? (
    <ExecutionList query={route.query} />
  ) : (
    <ExecutionView key={route.id} id={route.id} />
  );
}

function ExecutionList({ query }: { query: URLSearchParams }) {
  const status = query.get('status') ?? '';
  const loaded = useResource(`executions ${status}`, () => get('/executions', { status, limit: 200 }));
  useChanges(({ type }) => type.startsWith('message.'), loaded.reload);
  return (
    <div class="fill">
      <div class="head">
        <h1>Executions</h1>
        <p>Each send request on the bus starts one execution of the send state machine.</p>
        <form class="filters">
          <Select
            label="Status"
            value={status}
            options={statuses}
            text={(option) => statusText(option) || 'any'}
            onChange={(value) => location.replace(linkTo('executions', undefined, { status: value }))}
          />
        </form>
      </div>
      <Loaded from={loaded}>{(page) => <ExecutionRows key={status} first={page} status={status} />}</Loaded>
    </div>
  );
}

function ExecutionRows({ first, status }: { first: ExecutionPage; status: string }) {
  const [more, setMore] = useState<ExecutionPage>();
  const [problem, setProblem] = useState('');
  const next = more ? more.next : first.next;
  const fresh = new Set(first.executions.map(({ id }) => id));
  const list = [...first.executions, ...(more?.executions ?? []).filter(({ id }) => !fresh.has(id))];
  if (list.length === 0) {
    return (
      <Empty title={status ? `No execution is ${statusText(status)}` : 'No executions yet'}>
        {status ? (
          <a href={linkTo('executions')}>Show all</a>
        ) : (
          <>
            An execution starts when a service publishes <code>message.send.requested</code> on the bus.
          </>
        )}
      </Empty>
    );
  }
  const loadMore = () =>
    get('/executions', { status, limit: 200, after: next }).then(
      (page) => setMore((before) => ({ ...page, executions: [...(before?.executions ?? []), ...page.executions] })),
      (error: Error) => setProblem(error.message),
    );
  return (
    <>
      <VirtualList items={list} itemKey={({ id }) => id} estimate={53} label="Executions" render={Row} />
      <Problem text={problem} notice />
      {next !== undefined && (
        <p class="more">
          <button type="button" onClick={loadMore}>
            Show older executions
          </button>
        </p>
      )}
    </>
  );
}

function Row({ id, name, status, startDate, stopDate }: ExecutionSummary) {
  const took = stopDate ? duration(Date.parse(stopDate) - Date.parse(startDate)) : 'running';
  return (
    <a class="row execution" href={linkTo('executions', id)}>
      <code class="who">{name}</code>
      <span class="with">{took}</span>
      <Badge tone={statusTone(status)}>{statusText(status)}</Badge>
      <time dateTime={startDate} title={fullTime(startDate)}>
        {shortTime(startDate)}
      </time>
    </a>
  );
}

const request = z.object({
  detail: z.object({ data: z.object({ conversationId: z.string(), requestId: z.string() }) }),
});

function parseRequest(input: string | undefined) {
  try {
    return request.safeParse(JSON.parse(input ?? '')).data?.detail.data;
  } catch {
    return undefined;
  }
}

function ExecutionView({ id }: { id: string }) {
  const loaded = useResource(id, () => get('/executions/:id', { id }));
  useChanges(({ type }) => type.startsWith('message.'), loaded.reload);
  return (
    <>
      <p class="back">
        <a href={linkTo('executions')}>← Executions</a>
      </p>
      <Loaded from={loaded}>{(response) => <ExecutionDetails response={response} reload={loaded.reload} />}</Loaded>
    </>
  );
}

function ExecutionDetails({
  response: { execution, history },
  reload,
}: {
  response: ExecutionResponse;
  reload: () => void;
}) {
  const { name, status, startDate, stopDate, input, id } = execution;
  const about = parseRequest(input);
  const steps = describeHistory(history);
  const cause = formatCause(execution);
  return (
    <>
      <div class="head">
        <h1>Execution</h1>
        <p>
          <Badge tone={statusTone(status)}>{statusText(status)}</Badge> Started {fullTime(startDate)}
          {stopDate && `, took ${duration(Date.parse(stopDate) - Date.parse(startDate))}`}
          {about && (
            <>
              , sends to <a href={linkTo('conversations', about.conversationId)}>{about.conversationId}</a>
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
      </div>
      <section class="card" aria-label="State machine">
        <MachineDiagram history={history} status={status} />
      </section>
      <Card title="History">
        <ol class="steps times">
          {steps.map(({ id: event, at, text, tone, reason }) => (
            <li key={event} class={tone}>
              <time dateTime={at} title={fullTime(at)}>
                {clockTime(at)}
              </time>{' '}
              {text}
              {reason && <small>{reason}</small>}
            </li>
          ))}
        </ol>
      </Card>
      <Card title="Search logs by">
        <dl class="ids">
          <Copyable label="Execution" value={name} />
          <Copyable label="ARN" value={id} />
          {about && <Copyable label="Request" value={about.requestId} />}
          {about && <Copyable label="Chat" value={about.conversationId} />}
        </dl>
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
