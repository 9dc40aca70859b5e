import { useState } from 'preact/hooks';
import type { ExecutionPage, ExecutionSummary } from '../../answers.ts';
import { Badge } from '../parts/badge.tsx';
import { Empty, Loaded } from '../parts/states.tsx';
import { duration, shortTime, wholeTime } from '../parts/time.ts';
import { VirtualList } from '../parts/virtual-list.tsx';
import { get } from '../shell/api.ts';
import { useResource } from '../shell/resource.ts';
import { linkTo, type Route } from '../shell/route.ts';
import { useChanges } from '../shell/stream.ts';
import { toneOfRun, wordsOfRun } from './status.ts';
import { ExecutionView } from './view.tsx';

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
        <p>Each send request on the bus is one run of the state machine.</p>
        <form class="filters">
          <label>
            Status
            <select
              value={status}
              onChange={({ currentTarget: { value } }) =>
                location.replace(linkTo('executions', undefined, { status: value }))
              }
            >
              {statuses.map((one) => (
                <option key={one} value={one}>
                  {one === '' ? 'any' : wordsOfRun(one)}
                </option>
              ))}
            </select>
          </label>
        </form>
      </div>
      <Loaded from={loaded}>{(page) => <Runs key={status} first={page} status={status} />}</Loaded>
    </div>
  );
}

function Runs({ first, status }: { first: ExecutionPage; status: string }) {
  const [more, setMore] = useState<ExecutionPage>();
  const [problem, setProblem] = useState('');
  const next = more ? more.next : first.next;
  const fresh = new Set(first.executions.map(({ id }) => id));
  const list = [...first.executions, ...(more?.executions ?? []).filter(({ id }) => !fresh.has(id))];
  if (list.length === 0) {
    return (
      <Empty title={status ? `No run is ${wordsOfRun(status)}` : 'Nothing has been sent yet'}>
        {status ? (
          <a href={linkTo('executions')}>See all</a>
        ) : (
          <>
            A run begins when a service puts <code>message.send.requested</code> on the bus.
          </>
        )}
      </Empty>
    );
  }
  const readOn = () =>
    get('/executions', { status, limit: 200, after: next }).then(
      (page) => setMore((before) => ({ ...page, executions: [...(before?.executions ?? []), ...page.executions] })),
      (error: Error) => setProblem(error.message),
    );
  return (
    <>
      <VirtualList items={list} keyOf={({ id }) => id} estimate={53} label="Executions" render={Row} />
      {problem && <p class="notice bad">{problem}</p>}
      {next !== undefined && (
        <p class="more">
          <button type="button" onClick={readOn}>
            Older runs
          </button>
        </p>
      )}
    </>
  );
}

function Row({ id, name, status, startDate, stopDate }: ExecutionSummary) {
  const took = stopDate ? duration(Date.parse(stopDate) - Date.parse(startDate)) : 'under way';
  return (
    <a class="row run" href={linkTo('executions', id)}>
      <code class="who">{name}</code>
      <span class="with">{took}</span>
      <Badge tone={toneOfRun(status)}>{wordsOfRun(status)}</Badge>
      <time dateTime={startDate} title={wholeTime(startDate)}>
        {shortTime(startDate)}
      </time>
    </a>
  );
}
