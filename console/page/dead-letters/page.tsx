import { useEffect, useMemo, useState } from 'preact/hooks';
import type { ApiResponses } from '../../api.ts';
import type { DeadLetter } from '../../operations.ts';
import { get } from '../app/api.ts';
import { linkTo } from '../app/route.ts';
import { Filters, SearchFilter, SelectFilter } from '../parts/filters.tsx';
import { ago, count, fullTime } from '../parts/format.ts';
import { Badge, Card, Empty, Head, Ids, Loaded, Time, type Tone } from '../parts/ui.tsx';
import { VirtualList } from '../parts/virtual-list.tsx';
import { Redrive } from './redrive.tsx';

type DeadLetterPage = ApiResponses['/dead-letters'];

const statuses = ['open', 'redriven', 'dismissed', 'resolved'] as const;
/** Maximum ages in ms, as text, with their names. */
const ages: ReadonlyMap<string, string> = new Map([
  ['', 'any age'],
  ['3600000', 'last hour'],
  ['86400000', 'last day'],
  ['604800000', 'last week'],
]);
/** For more dead letters, use the command line. */
const maxLoaded = 1_000;

const statusTones: Readonly<Record<DeadLetter['status'], Tone>> = {
  open: 'bad',
  redriven: 'busy',
  dismissed: 'calm',
  resolved: 'good',
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

export function DeadLetterList({ query }: { query: URLSearchParams }) {
  const status = query.get('status') ?? 'open';
  return (
    <div class="fill">
      <Head title="Dead letters">
        <p>
          Requests and events that failed, and unreadable messages. Before a redrive sends a message again, it looks the
          message up in LiveChat by custom_id, so the customer does not receive it twice.
        </p>
      </Head>
      <Loaded
        id={status}
        load={() => loadDeadLetters(status)}
        changedBy={({ type }) => /^(message\.(failed|sent|delivered)|alert\.)/.test(type)}
        minIntervalMs={reloadIntervalMs}
      >
        {(page, reload) => <DeadLetterRows page={page} query={query} reload={reload} />}
      </Loaded>
    </div>
  );
}

interface DeadLetterRowsProps {
  readonly page: DeadLetterPage;
  readonly query: URLSearchParams;
  readonly reload: () => void;
}

function DeadLetterRows({ page: { deadLetters, next }, query, reload }: DeadLetterRowsProps) {
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const { status = 'open', category, age, conversation, request } = Object.fromEntries(query);
  const clear = () => setSelected(new Set());
  useEffect(clear, [query]);
  const categories = useMemo(
    () => ['', ...[...new Set(deadLetters.map((deadLetter) => deadLetter.category))].sort()],
    [deadLetters],
  );
  const shown = deadLetters.filter(
    (deadLetter) =>
      (!category || deadLetter.category === category) &&
      (!age || Date.parse(deadLetter.createdAt) >= Date.now() - Number(age)) &&
      (!conversation || deadLetter.conversationId.toLowerCase().includes(conversation.toLowerCase())) &&
      (!request || deadLetter.requestId === request),
  );
  const open = shown.filter((deadLetter) => deadLetter.status === 'open').map(({ id }) => id);
  const ids = open.filter((id) => selected.has(id));
  const allSelected = ids.length > 0 && ids.length === open.length;
  const select = (id: string, on: boolean) =>
    setSelected(new Set(on ? [...selected, id] : [...selected].filter((other) => other !== id)));
  return (
    <>
      <Filters>
        <SelectFilter name="status" label="Status" options={statuses} />
        <SelectFilter name="category" label="Category" options={categories} />
        <SelectFilter name="age" label="Age" options={[...ages.keys()]} text={(value) => ages.get(value) ?? value} />
        <SearchFilter name="conversation" label="Conversation" placeholder="Part of its id" />
      </Filters>
      {next !== undefined && (
        <p class="notice">
          Only the latest {maxLoaded} are shown. To list all, run <code>npx livechat dead-letters list</code>.
        </p>
      )}
      {open.length > 0 && (
        <div class="selection">
          <label>
            <input
              type="checkbox"
              checked={allSelected}
              onChange={() => setSelected(new Set(allSelected ? [] : open))}
            />{' '}
            Select all {open.length}
          </label>
          <Redrive
            ids={ids}
            onDone={() => {
              clear();
              reload();
            }}
          />
        </div>
      )}
      {shown.length === 0 ? (
        <NoDeadLetters filtered={Boolean(category || age || conversation || request)} status={status} />
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
              onSelect={(on) => select(deadLetter.id, on)}
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
  return <Empty title={`No ${status} dead letters`}>{emptyTexts.get(status)}</Empty>;
}

const emptyTexts: ReadonlyMap<string, string> = new Map([
  ['open', 'Send requests and events appear here when they fail.'],
  ['redriven', 'Dead letters appear here after a redrive.'],
  ['dismissed', 'Dead letters appear here when an operator dismisses them.'],
  ['resolved', 'A dead letter appears here if all of its messages turn out to have been sent.'],
]);

interface RowProps {
  readonly deadLetter: DeadLetter;
  readonly selected: boolean;
  readonly onSelect: (on: boolean) => void;
}

function Row({ deadLetter, selected, onSelect }: RowProps) {
  const { id, category, status, errorName, errorMessage, conversationId, failedCalls, createdAt } = deadLetter;
  return (
    <div class="row dead-letter">
      <input
        type="checkbox"
        aria-label={`Select ${errorName} of conversation ${conversationId || 'unknown'}`}
        checked={selected}
        disabled={status !== 'open'}
        onChange={({ currentTarget: { checked } }) => onSelect(checked)}
      />
      <a href={linkTo('dead-letters', id)} class="who">
        <b>{category}</b>
        <span class="cause">
          {failedCalls > 0 && `${count(failedCalls, 'failed call')}: `}
          {errorMessage || errorName}
        </span>
      </a>
      <code class="with">{conversationId}</code>
      <Badge tone={statusTones[status]}>{status}</Badge>
      <Time at={createdAt} format={ago} />
    </div>
  );
}

export function DeadLetterView({ id }: { id: string }) {
  return (
    <Loaded
      id={id}
      load={() => get('/dead-letters/:id', { id })}
      changedBy={({ type }) => /^message\.(failed|sent|delivered)/.test(type)}
    >
      {(response, reload) => <DeadLetterDetails {...response} reload={reload} />}
    </Loaded>
  );
}

/** Why a dead letter of this kind cannot be redriven. */
const notRedrivableTexts: Partial<Readonly<Record<DeadLetter['kind'], string>>> = {
  rejected: 'A rejected request cannot be redriven. Its sender must publish a corrected one with a new requestId.',
  unreadable: 'An unreadable message cannot be redriven.',
};

type DetailsProps = ApiResponses['/dead-letters/:id'] & { readonly reload: () => void };

function DeadLetterDetails({ deadLetter, content, execution, reload }: DetailsProps) {
  const { id, category, kind, status, errorName, errorMessage, conversationId, requestId, createdAt } = deadLetter;
  const notRedrivable = notRedrivableTexts[kind];
  return (
    <>
      <Head title={`Dead letter: ${category}`}>
        <p>
          <Badge tone={statusTones[status]}>{status}</Badge> Failed {ago(createdAt)}, {fullTime(createdAt)}
          {conversationId && (
            <>
              , for conversation <a href={linkTo('conversations', conversationId)}>{conversationId}</a>
            </>
          )}
        </p>
      </Head>
      <Card title="Cause">
        <p>
          <b>{errorName}</b>: {errorMessage}
        </p>
        {kind === 'send' && (
          <p>
            {describeFailure(deadLetter)}{' '}
            {execution && <a href={linkTo('executions', execution)}>Show all attempts of this execution</a>}
          </p>
        )}
        {notRedrivable ? <p>{notRedrivable}</p> : <Redrive ids={status === 'open' ? [id] : []} onDone={reload} />}
        {status === 'redriven' && conversationId && (
          <p>
            It was redriven: <a href={linkTo('conversations', conversationId)}>show it in the transcript</a>.
          </p>
        )}
      </Card>
      {content.kind !== 'send' && (
        <Card title={contentTitles[content.kind]}>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region must be focusable. */}
          <pre tabIndex={0} class="code">
            {JSON.stringify(content.kind === 'unreadable' ? content.body : content.event, null, 2)}
          </pre>
        </Card>
      )}
      <Card title="IDs for searching the logs">
        <Ids
          ids={[
            ['Dead letter', id],
            ['Request', requestId],
            ['Execution ARN', execution],
          ]}
        />
      </Card>
    </>
  );
}

const contentTitles = { rejected: 'Request', event: 'Event', unreadable: 'Message' } as const;

function describeFailure({ redrives, failedCalls }: DeadLetter): string {
  const execution = redrives === 0 ? 'It failed in its first execution' : `It failed again after redrive ${redrives}`;
  return `${execution}, with ${failedCalls === 0 ? 'no failed calls' : count(failedCalls, 'failed call')} to LiveChat.`;
}
