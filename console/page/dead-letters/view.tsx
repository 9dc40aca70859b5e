import * as z from 'zod/mini';
import type { DeadLetterAnswer } from '../../answers.ts';
import { Badge } from '../parts/badge.tsx';
import { Copyable } from '../parts/copyable.tsx';
import { Loaded } from '../parts/states.tsx';
import { ago, wholeTime } from '../parts/time.ts';
import { get } from '../shell/api.ts';
import { useResource } from '../shell/resource.ts';
import { linkTo } from '../shell/route.ts';
import { useChanges } from '../shell/stream.ts';
import { toneOfLetter } from './list.tsx';
import { Redrive } from './redrive.tsx';

export function DeadLetterView({ id }: { id: string }) {
  const loaded = useResource(id, () => get('/dead-letters/:id', { id }));
  useChanges(({ type }) => /^message\.(failed|sent|delivered)/.test(type), loaded.reload);
  return (
    <>
      <p class="back">
        <a href={linkTo('dead-letters')}>← Dead letters</a>
      </p>
      <Loaded from={loaded}>{(answer) => <Shown answer={answer} reload={loaded.reload} />}</Loaded>
    </>
  );
}

const known = z.object({
  execution: z.optional(z.string()),
  state: z.optional(z.looseObject({ detail: z.optional(z.looseObject({ data: z.unknown() })) })),
  event: z.optional(z.unknown()),
  body: z.optional(z.unknown()),
});

/** What was asked for, as far as the letter holds it. */
function requestIn(letter: unknown): { readonly execution?: string | undefined; readonly request: unknown } {
  const { execution, state, event, body } = known.safeParse(letter).data ?? {};
  return { execution, request: state?.detail?.data ?? event ?? body ?? letter };
}

function Shown({ answer: { deadLetter, letter }, reload }: { answer: DeadLetterAnswer; reload: () => void }) {
  const { id, category, kind, status, errorName, errorMessage, conversationId, requestId, redrives, createdAt } =
    deadLetter;
  const { execution, request } = requestIn(letter);
  return (
    <>
      <div class="head">
        <h1>Dead letter: {category}</h1>
        <p>
          <Badge tone={toneOfLetter[status]}>{status}</Badge> given up {ago(createdAt)}, {wholeTime(createdAt)}
          {conversationId && (
            <>
              , for chat <a href={linkTo('conversations', conversationId)}>{conversationId}</a>
            </>
          )}
        </p>
      </div>
      <section class="card" aria-labelledby="cause-title">
        <h2 id="cause-title">Cause</h2>
        <p>
          <b>{errorName}</b>: {errorMessage}
        </p>
        <p>
          {redrives === 0 ? 'The first run gave it up.' : `It was given up after redrive ${redrives}.`}{' '}
          {execution && <a href={linkTo('executions', execution)}>Every attempt is in its execution</a>}
        </p>
        {kind !== 'unread' && <Redrive ids={status === 'open' ? [id] : []} onDone={reload} />}
        {status === 'redriven' && conversationId && (
          <p>
            It was sent again: <a href={linkTo('conversations', conversationId)}>see it in the transcript</a>.
          </p>
        )}
      </section>
      <section class="card" aria-labelledby="request-title">
        <h2 id="request-title">{kind === 'send' ? 'Request' : 'Event'}</h2>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard. */}
        <pre tabIndex={0} class="code">
          {JSON.stringify(request, null, 2)}
        </pre>
      </section>
      <section class="card" aria-labelledby="ids-title">
        <h2 id="ids-title">Search logs by</h2>
        <dl class="ids">
          <Copyable label="Dead letter" value={id} />
          {requestId && <Copyable label="Request" value={requestId} />}
          {execution && <Copyable label="Execution" value={execution} />}
        </dl>
      </section>
    </>
  );
}
