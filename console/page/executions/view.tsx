import * as z from 'zod/mini';
import type { ExecutionAnswer } from '../../answers.ts';
import { Badge } from '../parts/badge.tsx';
import { Copyable } from '../parts/copyable.tsx';
import { Loaded } from '../parts/states.tsx';
import { clockOf, duration, wholeTime } from '../parts/time.ts';
import { get } from '../shell/api.ts';
import { useResource } from '../shell/resource.ts';
import { linkTo } from '../shell/route.ts';
import { useChanges } from '../shell/stream.ts';
import { MachineDiagram } from './diagram.tsx';
import { causeOf, tellHistory } from './history.ts';
import { toneOfRun, wordsOfRun } from './status.ts';

const request = z.object({
  detail: z.object({ data: z.object({ conversationId: z.string(), requestId: z.string() }) }),
});

function requestOf(input: string | undefined) {
  try {
    return request.safeParse(JSON.parse(input ?? '')).data?.detail.data;
  } catch {
    return undefined;
  }
}

export function ExecutionView({ id }: { id: string }) {
  const loaded = useResource(id, () => get('/executions/:id', { id }));
  useChanges(({ type }) => type.startsWith('message.'), loaded.reload);
  return (
    <>
      <p class="back">
        <a href={linkTo('executions')}>← Executions</a>
      </p>
      <Loaded from={loaded}>{(answer) => <Shown answer={answer} reload={loaded.reload} />}</Loaded>
    </>
  );
}

function Shown({ answer: { execution, history }, reload }: { answer: ExecutionAnswer; reload: () => void }) {
  const { name, status, startDate, stopDate, input, id } = execution;
  const about = requestOf(input);
  const told = tellHistory(history);
  const cause = causeOf(execution);
  return (
    <>
      <div class="head">
        <h1>Execution</h1>
        <p>
          <Badge tone={toneOfRun(status)}>{wordsOfRun(status)}</Badge> began {wholeTime(startDate)}
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
              Look again
            </button>
          </p>
        )}
      </div>
      <section class="card" aria-label="State machine">
        <MachineDiagram history={history} status={status} />
      </section>
      <section class="card" aria-labelledby="history-title">
        <h2 id="history-title">What happened</h2>
        <ol class="steps times">
          {told.map(({ id: event, at, text, tone, because }) => (
            <li key={event} class={tone}>
              <time dateTime={at} title={wholeTime(at)}>
                {clockOf(at)}
              </time>{' '}
              {text}
              {because && <small>{because}</small>}
            </li>
          ))}
        </ol>
      </section>
      <section class="card" aria-labelledby="ids-title">
        <h2 id="ids-title">Search logs by</h2>
        <dl class="ids">
          <Copyable label="Execution" value={name} />
          <Copyable label="ARN" value={id} />
          {about && <Copyable label="Request" value={about.requestId} />}
          {about && <Copyable label="Chat" value={about.conversationId} />}
        </dl>
      </section>
    </>
  );
}
