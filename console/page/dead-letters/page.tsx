import { useMemo, useState } from 'preact/hooks';
import * as z from 'zod/mini';
import type { DeadLetter, DeadLetterPage, DeadLetterResponse } from '../../responses.ts';
import { get, useResource } from '../app/api.ts';
import { linkTo, type Route } from '../app/route.ts';
import { useChanges } from '../app/stream.ts';
import { ago, fullTime } from '../parts/time.ts';
import { Badge, Card, Copyable, Empty, Loaded, Select, type Tone } from '../parts/ui.tsx';
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
/** Maximum ages in ms, as text, with their names. */
const ages: ReadonlyMap<string, string> = new Map([
  ['', 'any age'],
  ['3600000', 'last hour'],
  ['86400000', 'last day'],
  ['604800000', 'last week'],
]);
/** For more dead letters, use the command line. */
const maxLoaded = 1_000;

export const statusTones: Readonly<Record<DeadLetter['status'], Tone>> = {
  open: 'bad',
  redriven: 'busy',
  settled: 'good',
};

/** Minimum time between reloads: a page holds hundreds of dead letters. */
const reloadIntervalMs = 2_000;

async function loadDeadLetters(status: string): Promise<DeadLetterPage> {
  const found: DeadLetter[] = [];
  let after: string | undefined;
  do {
    const page: DeadLetterPage = await get('/dead-letters', { status, limit: 500, after });
    found.push(...page.deadLetters);
    after = page.next;
  } while (after !== undefined && found.length < maxLoaded);
  return { deadLetters: found, next: after };
}

function DeadLetterList({ query }: { query: URLSearchParams }) {
  const status = query.get('status') ?? 'open';
  const loaded = useResource(`dead-letters ${status}`, () => loadDeadLetters(status));
  useChanges(({ type }) => /^(message\.(failed|sent|delivered)|alert\.)/.test(type), loaded.reload, reloadIntervalMs);
  return (
    <div class="fill">
      <div class="head">
        <h1>Dead letters</h1>
        <p>
          Requests and events that failed. A redrive sends a message again with the same custom_id, so a customer never
          receives it twice.
        </p>
      </div>
      <Loaded from={loaded}>{(page) => <DeadLetterRows page={page} query={query} reload={loaded.reload} />}</Loaded>
    </div>
  );
}

interface DeadLetterRowsProps {
  readonly page: DeadLetterPage;
  readonly query: URLSearchParams;
  readonly reload: () => void;
}

function DeadLetterRows({ page, query, reload }: DeadLetterRowsProps) {
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const chosen = Object.fromEntries(
    ['status', 'category', 'age', 'chat', 'request'].map((name) => [name, query.get(name) ?? '']),
  );
  const { category = '', age = '', chat = '', request = '' } = chosen;
  const status = chosen.status || 'open';
  const go = (changed: Record<string, string>) => {
    setSelected(new Set());
    location.replace(linkTo('dead-letters', undefined, { ...chosen, ...changed }));
  };
  const categories = useMemo(
    () => ['', ...[...new Set(page.deadLetters.map((deadLetter) => deadLetter.category))].sort()],
    [page],
  );
  const shown = page.deadLetters.filter(
    (deadLetter) =>
      (!category || deadLetter.category === category) &&
      (!age || Date.parse(deadLetter.createdAt) >= Date.now() - Number(age)) &&
      (!chat || deadLetter.conversationId.toLowerCase().includes(chat.toLowerCase())) &&
      (!request || deadLetter.requestId === request),
  );
  const open = shown.filter((deadLetter) => deadLetter.status === 'open');
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
        <Select label="Status" value={status} options={statuses} onChange={(value) => go({ status: value })} />
        <Select label="Category" value={category} options={categories} onChange={(value) => go({ category: value })} />
        <Select
          label="Age"
          value={age}
          options={[...ages.keys()]}
          text={(value) => ages.get(value) ?? value}
          onChange={(value) => go({ age: value })}
        />
        <label>
          Chat
          <input type="search" value={chat} onInput={({ currentTarget: { value } }) => go({ chat: value })} />
        </label>
      </form>
      {page.next !== undefined && (
        <p class="notice">
          Only the latest {maxLoaded} are shown. To list all, run <code>npx livechat dead-letters list</code>.
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
        <NoDeadLetters filtered={Boolean(category || age || chat || request)} status={status} />
      ) : (
        <VirtualList
          items={shown}
          itemKey={({ id }) => id}
          estimate={69}
          label="Dead letters"
          render={(deadLetter) => (
            <Row
              deadLetter={deadLetter}
              selected={selected.has(deadLetter.id)}
              onSelect={(on) => toggle(deadLetter.id, on)}
            />
          )}
        />
      )}
    </>
  );
}

function NoDeadLetters({ filtered, status }: { filtered: boolean; status: string }) {
  if (filtered) {
    return (
      <Empty title="No dead letter matches">
        Change the filter, or <a href={linkTo('dead-letters')}>show all open ones</a>.
      </Empty>
    );
  }
  return (
    <Empty title={`No dead letter is ${status}`}>
      {status === 'open'
        ? 'Every send request was delivered or is in progress.'
        : 'A dead letter gets this status after it was redriven or dismissed.'}
    </Empty>
  );
}

function Row({
  deadLetter,
  selected,
  onSelect,
}: {
  deadLetter: DeadLetter;
  selected: boolean;
  onSelect: (on: boolean) => void;
}) {
  const { id, category, status, errorName, errorMessage, conversationId, createdAt } = deadLetter;
  return (
    <div class="row dead-letter">
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
      <Badge tone={statusTones[status]}>{status}</Badge>
      <time dateTime={createdAt} title={fullTime(createdAt)}>
        {ago(createdAt)}
      </time>
    </div>
  );
}

function DeadLetterView({ id }: { id: string }) {
  const loaded = useResource(id, () => get('/dead-letters/:id', { id }));
  useChanges(({ type }) => /^message\.(failed|sent|delivered)/.test(type), loaded.reload);
  return (
    <>
      <p class="back">
        <a href={linkTo('dead-letters')}>← Dead letters</a>
      </p>
      <Loaded from={loaded}>{(response) => <DeadLetterDetails response={response} reload={loaded.reload} />}</Loaded>
    </>
  );
}

const archivedContent = z.object({
  execution: z.optional(z.string()),
  state: z.optional(z.looseObject({ detail: z.optional(z.looseObject({ data: z.unknown() })) })),
  event: z.optional(z.unknown()),
  body: z.optional(z.unknown()),
});

/** The request or event of a dead letter; the whole content if its shape is unknown. */
function parseContent(content: unknown): { readonly execution?: string | undefined; readonly request: unknown } {
  const { execution, state, event, body } = archivedContent.safeParse(content).data ?? {};
  return { execution, request: state?.detail?.data ?? event ?? body ?? content };
}

function DeadLetterDetails({
  response: { deadLetter, content },
  reload,
}: {
  response: DeadLetterResponse;
  reload: () => void;
}) {
  const { id, category, kind, status, errorName, errorMessage, conversationId, requestId, redrives, createdAt } =
    deadLetter;
  const { execution, request } = parseContent(content);
  return (
    <>
      <div class="head">
        <h1>Dead letter: {category}</h1>
        <p>
          <Badge tone={statusTones[status]}>{status}</Badge> Failed {ago(createdAt)}, {fullTime(createdAt)}
          {conversationId && (
            <>
              , for chat <a href={linkTo('conversations', conversationId)}>{conversationId}</a>
            </>
          )}
        </p>
      </div>
      <Card title="Cause">
        <p>
          <b>{errorName}</b>: {errorMessage}
        </p>
        <p>
          {redrives === 0 ? 'It failed in its first execution.' : `It failed again after redrive ${redrives}.`}{' '}
          {execution && <a href={linkTo('executions', execution)}>Show all attempts in the execution</a>}
        </p>
        {kind !== 'unread' && <Redrive ids={status === 'open' ? [id] : []} onDone={reload} />}
        {status === 'redriven' && conversationId && (
          <p>
            It was redriven: <a href={linkTo('conversations', conversationId)}>show it in the transcript</a>.
          </p>
        )}
      </Card>
      <Card title={kind === 'send' ? 'Request' : 'Event'}>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region must be focusable. */}
        <pre tabIndex={0} class="code">
          {JSON.stringify(request, null, 2)}
        </pre>
      </Card>
      <Card title="Search logs by">
        <dl class="ids">
          <Copyable label="Dead letter" value={id} />
          {requestId && <Copyable label="Request" value={requestId} />}
          {execution && <Copyable label="Execution" value={execution} />}
        </dl>
      </Card>
    </>
  );
}
