import { useMemo, useState } from 'preact/hooks';
import * as z from 'zod/mini';
import type { DeadLetter, DeadLetterAnswer, DeadLetterPage } from '../../responses.ts';
import { get, useResource } from '../app/api.ts';
import { linkTo, type Route } from '../app/route.ts';
import { useChanges } from '../app/stream.ts';
import { ago, wholeTime } from '../parts/time.ts';
import { Badge, Copyable, Empty, Loaded, type Tone } from '../parts/ui.tsx';
import { VirtualList } from '../parts/virtual-list.tsx';
import { Redrive, RedriveBar } from './redrive.tsx';

export function DeadLettersPage({ route }: { route: Route }) {
  return route.id === undefined ? (
    <DeadLetterList query={route.query} />
  ) : (
    <DeadLetterView key={route.id} id={route.id} />
  );
}

const statuses = ['open', 'redriven', 'settled'] as const;
const ages = [
  ['', 'any age'],
  ['3600000', 'last hour'],
  ['86400000', 'last day'],
  ['604800000', 'last week'],
] as const;
/** More than this is the command line's work: `livechat dead-letters redrive`. */
const mostRead = 1_000;

export const toneOfLetter: Readonly<Record<DeadLetter['status'], Tone>> = {
  open: 'bad',
  redriven: 'busy',
  settled: 'good',
};

/** Hundreds of letters with what they hold: not to be read again for each of a busy stage's messages. */
const rereadMs = 2_000;

async function letters(status: string): Promise<DeadLetterPage> {
  const found: DeadLetter[] = [];
  let after: string | undefined;
  do {
    const page: DeadLetterPage = await get('/dead-letters', { status, limit: 500, after });
    found.push(...page.deadLetters);
    after = page.next;
  } while (after !== undefined && found.length < mostRead);
  return { deadLetters: found, next: after };
}

export function DeadLetterList({ query }: { query: URLSearchParams }) {
  const status = query.get('status') ?? 'open';
  const loaded = useResource(`letters ${status}`, () => letters(status));
  useChanges(({ type }) => /^(message\.(failed|sent|delivered)|alert\.)/.test(type), loaded.reload, rereadMs);
  return (
    <div class="fill">
      <div class="head">
        <h1>Dead letters</h1>
        <p>What was given up. Redriving sends it again, under the same custom_id, so that nobody gets it twice.</p>
      </div>
      <Loaded from={loaded}>{(page) => <Letters page={page} query={query} reload={loaded.reload} />}</Loaded>
    </div>
  );
}

interface LettersProps {
  readonly page: DeadLetterPage;
  readonly query: URLSearchParams;
  readonly reload: () => void;
}

function Letters({ page, query, reload }: LettersProps) {
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const chosen = Object.fromEntries(
    ['status', 'category', 'age', 'chat', 'request'].map((name) => [name, query.get(name) ?? '']),
  );
  const { category = '', age = '', chat = '', request = '' } = chosen;
  const go = (changed: Record<string, string>) => {
    setSelected(new Set());
    location.replace(linkTo('dead-letters', undefined, { ...chosen, ...changed }));
  };
  const categories = useMemo(() => [...new Set(page.deadLetters.map((one) => one.category))].sort(), [page]);
  const shown = page.deadLetters.filter(
    (one) =>
      (!category || one.category === category) &&
      (!age || Date.parse(one.createdAt) >= Date.now() - Number(age)) &&
      (!chat || one.conversationId.toLowerCase().includes(chat.toLowerCase())) &&
      (!request || one.requestId === request),
  );
  const open = shown.filter((one) => one.status === 'open');
  const ids = open.filter(({ id }) => selected.has(id)).map(({ id }) => id);
  const toggle = (id: string, on: boolean) => {
    const changed = new Set(selected);
    if (on) changed.add(id);
    else changed.delete(id);
    setSelected(changed);
  };
  return (
    <>
      <form class="filters" onSubmit={(submit) => submit.preventDefault()}>
        <label>
          Status
          <select value={chosen.status || 'open'} onChange={({ currentTarget: { value } }) => go({ status: value })}>
            {statuses.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label>
          Category
          <select value={category} onChange={({ currentTarget: { value } }) => go({ category: value })}>
            <option value="">any</option>
            {categories.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <label>
          Age
          <select value={age} onChange={({ currentTarget: { value } }) => go({ age: value })}>
            {ages.map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        </label>
        <label>
          Chat
          <input type="search" value={chat} onInput={({ currentTarget: { value } }) => go({ chat: value })} />
        </label>
      </form>
      {page.next !== undefined && (
        <p class="notice">
          The latest {mostRead} are shown. <code>npx livechat dead-letters list</code> shows all.
        </p>
      )}
      {open.length > 0 && (
        <RedriveBar
          ids={ids}
          all={open.length}
          onAll={() => setSelected(new Set(ids.length === open.length ? [] : open.map(({ id }) => id)))}
          onDone={() => {
            setSelected(new Set());
            reload();
          }}
        />
      )}
      {shown.length === 0 ? (
        <None filtered={Boolean(category || age || chat || request)} status={chosen.status || 'open'} />
      ) : (
        <VirtualList
          items={shown}
          keyOf={({ id }) => id}
          estimate={69}
          label="Dead letters"
          render={(letter) => (
            <Row letter={letter} selected={selected.has(letter.id)} onSelect={(on) => toggle(letter.id, on)} />
          )}
        />
      )}
    </>
  );
}

function None({ filtered, status }: { filtered: boolean; status: string }) {
  if (filtered) {
    return (
      <Empty title="No dead letter matches">
        Change the filter, or <a href={linkTo('dead-letters')}>see all that are open</a>.
      </Empty>
    );
  }
  return (
    <Empty title={`No dead letter is ${status}`}>
      {status === 'open'
        ? 'Everything that was sent has arrived, or is on its way.'
        : 'They come here from the open ones.'}
    </Empty>
  );
}

function Row({
  letter,
  selected,
  onSelect,
}: {
  letter: DeadLetter;
  selected: boolean;
  onSelect: (on: boolean) => void;
}) {
  const { id, category, status, errorName, errorMessage, conversationId, createdAt } = letter;
  return (
    <div class="row letter">
      <input
        type="checkbox"
        aria-label={`Select ${errorName} of chat ${conversationId || 'unknown'}`}
        checked={selected}
        disabled={status !== 'open'}
        onChange={({ currentTarget: { checked } }) => onSelect(checked)}
      />
      <a href={linkTo('dead-letters', id)} class="who">
        <b>{category}</b>
        <span class="cause">{errorMessage || errorName}</span>
      </a>
      <code class="with">{conversationId}</code>
      <Badge tone={toneOfLetter[status]}>{status}</Badge>
      <time dateTime={createdAt} title={wholeTime(createdAt)}>
        {ago(createdAt)}
      </time>
    </div>
  );
}

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
