import { useEffect, useMemo, useState } from 'preact/hooks';
import type { ApiResponses } from '../../api.ts';
import type { DeadLetter } from '../../operations.ts';
import { get } from '../app/api.ts';
import { linkTo } from '../app/route.ts';
import { Filters, SearchFilter, SelectFilter } from '../parts/filters.tsx';
import { count } from '../parts/format.ts';
import { RelativeTime } from '../parts/relative-time.tsx';
import { Badge, Empty, Head, Loaded, type Tone } from '../parts/ui.tsx';
import { VirtualList } from '../parts/virtual-list.tsx';
import { Actions } from './actions.tsx';

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

export const statusTones: Readonly<Record<DeadLetter['status'], Tone>> = {
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
          message up in the channel, so the customer does not receive it twice.
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
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set());
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
  const groups = groupByError(shown);
  const toggle = (key: string) =>
    setToggled(new Set(toggled.has(key) ? [...toggled].filter((other) => other !== key) : [...toggled, key]));
  const isOpen = ({ key, deadLetters: { length } }: Group) =>
    (groups.length === 1 || length <= maxUnfolded) !== toggled.has(key);
  const ids = idsOfOpen(shown).filter((id) => selected.has(id));
  const selection: Selection = {
    selected,
    select: (changed, on) =>
      setSelected(new Set(on ? [...selected, ...changed] : [...selected].filter((id) => !changed.includes(id)))),
  };
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
          Only the latest {count(maxLoaded, 'dead letter')} are shown and counted. To list all, run{' '}
          <code>npx livechat dead-letters list</code>.
        </p>
      )}
      {status === 'open' && shown.length > 0 && (
        <div class="selection">
          <SelectBox ids={idsOfOpen(shown)} {...selection} text={`Select all ${shown.length}`} />
          <Actions
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
          items={groups.flatMap((group): Item[] => [{ group }, ...(isOpen(group) ? group.deadLetters : [])])}
          itemKey={(item) => ('group' in item ? item.group.key : item.id)}
          estimate={69}
          label="Dead letters"
          render={(item) =>
            'group' in item ? (
              <GroupRow
                group={item.group}
                open={isOpen(item.group)}
                onToggle={() => toggle(item.group.key)}
                selection={selection}
              />
            ) : (
              <Row deadLetter={item} selection={selection} />
            )
          }
        />
      )}
    </>
  );
}

/** Dead letters with the same error, latest first. */
interface Group {
  readonly key: string;
  readonly error: string;
  readonly category: string;
  readonly deadLetters: readonly DeadLetter[];
}

type Item = DeadLetter | { readonly group: Group };

/** A larger group is folded at first, if there are others. */
const maxUnfolded = 5;

/** Groups by the name of the error, largest group first. */
function groupByError(deadLetters: readonly DeadLetter[]): Group[] {
  const groups = Map.groupBy(deadLetters, ({ category, errorName }) => `${category} ${errorName}`);
  return [...groups]
    .flatMap(([key, found]) => {
      const [latest] = found;
      return latest ? [{ key, error: latest.errorName, category: latest.category, deadLetters: found }] : [];
    })
    .toSorted((a, b) => b.deadLetters.length - a.deadLetters.length);
}

const idsOfOpen = (deadLetters: readonly DeadLetter[]) =>
  deadLetters.filter(({ status }) => status === 'open').map(({ id }) => id);

interface Selection {
  readonly selected: ReadonlySet<string>;
  readonly select: (ids: readonly string[], on: boolean) => void;
}

interface SelectBoxProps extends Selection {
  readonly ids: readonly string[];
  /** A visible label, or one for screen readers. */
  readonly text?: string;
  readonly label?: string;
}

/** Selects some dead letters together. */
function SelectBox({ ids, selected, select, text, label }: SelectBoxProps) {
  const found = ids.filter((id) => selected.has(id)).length;
  return (
    <label>
      <input
        type="checkbox"
        aria-label={label}
        checked={found > 0 && found === ids.length}
        indeterminate={found > 0 && found < ids.length}
        disabled={ids.length === 0}
        onChange={({ currentTarget: { checked } }) => select(ids, checked)}
      />{' '}
      {text}
    </label>
  );
}

interface GroupRowProps {
  readonly group: Group;
  readonly open: boolean;
  readonly onToggle: () => void;
  readonly selection: Selection;
}

function GroupRow({ group: { error, category, deadLetters }, open, onToggle, selection }: GroupRowProps) {
  const [latest] = deadLetters;
  return (
    <div class="row dead-letter group">
      <SelectBox ids={idsOfOpen(deadLetters)} {...selection} label={`Select all of ${error}`} />
      <button type="button" class="fold" aria-expanded={open} onClick={onToggle}>
        <b>{error}</b> <span class="count">{deadLetters.length.toLocaleString()}</span>
      </button>
      <span class="with">Category {category}</span>
      {latest && <RelativeTime at={latest.createdAt} prefix="latest " />}
    </div>
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

function Row({ deadLetter, selection }: { deadLetter: DeadLetter; selection: Selection }) {
  const { id, status, errorName, errorMessage, conversationId, failedCalls, createdAt, dismissReason } = deadLetter;
  return (
    <div class="row dead-letter">
      <SelectBox
        ids={status === 'open' ? [id] : []}
        {...selection}
        label={`Select ${errorName} of conversation ${conversationId || 'unknown'}`}
      />
      <a href={linkTo('dead-letters', id)} class="who">
        <b>{errorName}</b>
        <span class="cause">{errorMessage || 'no message'}</span>
        {dismissReason && <span class="cause">Dismissed: {dismissReason}</span>}
      </a>
      <span class="with">
        <code>{conversationId}</code>
        {failedCalls > 0 && <small>{count(failedCalls, 'failed call')}</small>}
      </span>
      <Badge tone={statusTones[status]}>{status}</Badge>
      <RelativeTime at={createdAt} />
    </div>
  );
}
