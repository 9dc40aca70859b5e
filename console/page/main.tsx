import { type ComponentChild, render } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { about, get, useResource } from './app/api.ts';
import { itemTitle, linkTo, type Route, route } from './app/route.ts';
import { connected, lostAt, openStream } from './app/stream.ts';
import { ConversationList } from './conversations/list.tsx';
import { ConversationView } from './conversations/view.tsx';
import { DeadLetterList } from './dead-letters/list.tsx';
import { DeadLetterView } from './dead-letters/view.tsx';
import { EventList } from './events/list.tsx';
import { EventView } from './events/view.tsx';
import { ExecutionList } from './executions/list.tsx';
import { ExecutionView } from './executions/view.tsx';
import { FlowPage } from './flow.tsx';
import { timeInText, timeZone } from './parts/format.ts';
import { Head } from './parts/ui.tsx';
import { RateLimitsPage } from './rate-limits/page.tsx';
import { ReconciliationPage, RunView } from './reconciliation/page.tsx';
import { RoutingPage } from './routing/page.tsx';
import { SandboxPage } from './sandbox.tsx';
import { GlobalSearch } from './search.tsx';

interface Section {
  readonly name: string;
  readonly title: string;
  readonly page: (query: URLSearchParams) => ComponentChild;
  /** The page of one item of the section. */
  readonly item?: (id: string, query: URLSearchParams) => ComponentChild;
}

const sections: readonly Section[] = [
  { name: 'flow', title: 'Live flow', page: () => <FlowPage /> },
  {
    name: 'conversations',
    title: 'Conversations',
    page: (query) => <ConversationList query={query} />,
    item: (id, query) => <ConversationView id={id} query={query} />,
  },
  {
    name: 'events',
    title: 'Events',
    page: (query) => <EventList query={query} />,
    item: (id) => <EventView id={id} />,
  },
  {
    name: 'executions',
    title: 'Executions',
    page: (query) => <ExecutionList query={query} />,
    item: (id) => <ExecutionView id={id} />,
  },
  {
    name: 'dead-letters',
    title: 'Dead letters',
    page: (query) => <DeadLetterList query={query} />,
    item: (id) => <DeadLetterView id={id} />,
  },
  {
    name: 'reconciliation',
    title: 'Reconciliation',
    page: (query) => <ReconciliationPage organizationId={query.get('organizationId') ?? undefined} />,
    item: (id, query) => <RunView id={id} organizationId={query.get('organizationId') ?? undefined} />,
  },
  { name: 'routing', title: 'Routing', page: (query) => <RoutingPage query={query} /> },
  { name: 'rate-limits', title: 'Rate limits', page: (query) => <RateLimitsPage query={query} /> },
];

const sandboxSection: Section = { name: 'sandbox', title: 'Sandbox', page: () => <SandboxPage /> };

const icon = new URL('./icon.svg', import.meta.url).href;

const connection = {
  connecting: { tone: 'calm', text: 'Connecting' },
  live: { tone: 'good', text: 'Live' },
  lost: { tone: 'bad', text: 'Connection lost, reconnecting' },
} as const;

export function App() {
  const { failure } = useResource('', async () => {
    about.value = await get('/console');
  });
  const loaded = about.value;
  useEffect(openStream, []);
  const available = [
    ...sections.filter(({ name }) => name !== 'events' || loaded?.events),
    ...(loaded?.simulator ? [sandboxSection] : []),
  ];
  const at = route.value;
  const section = available.find(({ name }) => name === at.section);
  const main = useRef<HTMLElement>(null);
  const title = section?.title ?? 'Not found';
  const { tone, text } = connection[connected.value];
  const item = itemTitle.value;
  useEffect(() => {
    document.title = [item, title, 'LiveChat bridge'].filter(Boolean).join(' · ');
  }, [item, title]);
  useEffect(() => {
    // On a narrow screen the navigation scrolls.
    document.querySelector('.sections [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [title]);
  return (
    <div class="shell">
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the page
      </button>
      <header class="bar">
        <a class="brand" href={linkTo('flow')}>
          <img src={icon} alt="" width="24" height="24" />
          <span>LiveChat bridge</span>
        </a>
        <GlobalSearch />
        <nav class="sections" aria-label="Sections">
          {available.map(({ name, title: sectionTitle }) => (
            <a key={name} href={linkTo(name)} aria-current={name === at.section ? 'page' : undefined}>
              {sectionTitle}
            </a>
          ))}
        </nav>
        <p class="where">
          <span class={`dot ${tone}`} aria-hidden="true" />
          <span role="status">{text}</span>
          <span class="stage">{loaded?.stage ?? 'local'}</span>
          <span class="zone">Times in {timeZone()}</span>
        </p>
      </header>
      <main id="main" class={connected.value === 'lost' ? 'stale' : ''} tabIndex={-1} ref={main}>
        {section ? <SectionPage key={at.id} section={section} at={at} /> : (loaded || failure) && <NotFound />}
      </main>
      {connected.value === 'lost' && <LostConnection />}
    </div>
  );
}

const retryMs = 3_000;

/** Says why the page does not change. It covers the page, so that nothing moves. */
function LostConnection() {
  const { failure } = useResource('', () => get('/console'), { everyMs: retryMs });
  return (
    <p class="banner" role="alert">
      <b>Connection lost.</b> The page shows the state of {timeInText(lostAt.value)}.{' '}
      {failure?.message ?? 'Reconnecting…'}
    </p>
  );
}

function SectionPage({ section: { name, title, page, item }, at: { id, query } }: { section: Section; at: Route }) {
  if (id === undefined || !item) return page(query);
  return (
    <>
      <p class="back">
        <a href={linkTo(name)}>← {title}</a>
      </p>
      {item(id, query)}
    </>
  );
}

function NotFound() {
  return (
    <Head title="Page not found">
      <p>
        <a href={linkTo('flow')}>Go to the live flow</a>, or choose a section in the navigation.
      </p>
    </Head>
  );
}

const root = document.getElementById('app');
if (!root) throw new Error('index.html must have an element #app');
render(<App />, root);
