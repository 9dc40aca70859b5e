import { useMemo } from 'preact/hooks';
import type { Flow, FlowSlice, Station } from '../flow.ts';
import { allChannels } from './app/api.ts';
import { linkTo } from './app/route.ts';
import { events, flow, type StreamedEvent } from './app/stream.ts';
import { clockTime } from './parts/format.ts';
import { Graph, type GraphNode, narrow } from './parts/graph.tsx';
import { Plot } from './parts/plot.tsx';
import { Badge, Card, Head, HowToStart, Time } from './parts/ui.tsx';

/** Counts and plots of the message flow, and the latest events. */
export function FlowPage() {
  const current = flow.value;
  const running = current?.running ?? 0;
  return (
    <>
      <Head title="Live flow">
        <p>
          Webhooks become events on the bus, and functions store them. A function accepts each send request, and a state
          machine delivers it to the channel; a request that fails becomes a dead letter.
        </p>
      </Head>
      <section class="card pipeline" aria-label="Pipeline">
        <Pipeline flow={current} />
        <p class="footnote">
          Counted since this console started. {running} {running === 1 ? 'execution is' : 'executions are'} running.
          {current && current.notMeasured.length > 0 && <span role="status"> {describeSource(current)}</span>}
        </p>
      </section>
      <Card title="The last 15 minutes">
        <Plots flow={current} />
      </Card>
      <Card title="Events">
        <EventList list={events.value} />
      </Card>
    </>
  );
}

const minuteMs = 60_000;

/** On a stage, the tables are polled and each poll reads a limited number of changes. */
function describeSource({ slices, sampledAt }: Flow): string {
  const latestMs = (slices.at(-1)?.at ?? 0) * 1000;
  return sampledAt !== null && latestMs - sampledAt < minuteMs
    ? 'The activity exceeds what one poll reads: the counts are a sample.'
    : "Read from the stage's tables every 2 seconds.";
}

function EventList({ list }: { list: readonly StreamedEvent[] }) {
  if (list.length === 0) {
    return (
      <p class="hint">
        No events since this page was opened. <HowToStart />
      </p>
    );
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region must be focusable.
    <ol class="event-list" tabIndex={0} aria-label="Events, latest first">
      {list.map(({ key, at, type, conversationId, recovered }) => (
        <li key={key}>
          <Time at={at} format={clockTime} />
          <span class={`kind ${/^(alert|webhook)\./.test(type) ? 'bad' : ''}`}>
            {type} {recovered && <Badge tone="busy">recovered</Badge>}
          </span>
          <EventLink type={type} conversationId={conversationId} />
        </li>
      ))}
    </ol>
  );
}

function EventLink({ type, conversationId }: Pick<StreamedEvent, 'type' | 'conversationId'>) {
  if (conversationId) return <a href={linkTo('conversations', conversationId)}>{conversationId}</a>;
  return type.startsWith('reconciliation.') ? <a href={linkTo('reconciliation')}>Reconciliation</a> : <span />;
}

interface StationNode {
  /** The station whose counts it shows, or where messages come from. */
  readonly id: Station | 'from-livechat';
  readonly name: string;
  readonly about: string;
  readonly to?: readonly Station[];
}

const size = { width: 152, height: 76 };
/** Three fit side by side on a narrow screen. */
const smallSize = { width: 110, height: 62 };

const stationNodes = (): readonly StationNode[] => [
  { id: 'from-livechat', name: `From ${allChannels()}`, about: 'webhooks', to: ['webhook'] },
  { id: 'webhook', name: 'Webhook', about: 'verified, translated', to: ['bus'] },
  { id: 'bus', name: 'Event bus', about: 'domain events', to: ['functions'] },
  { id: 'functions', name: 'Functions', about: 'one per event type', to: ['tables', 'machine', 'dead-letters'] },
  { id: 'tables', name: 'Tables', about: 'writes' },
  { id: 'machine', name: 'State machine', about: 'send requests', to: ['livechat', 'dead-letters'] },
  { id: 'livechat', name: `To ${allChannels()}`, about: 'messages accepted' },
  { id: 'dead-letters', name: 'Dead letters', about: 'requests and events' },
];

const edges = stationNodes().flatMap(({ id: from, to = [] }) => to.map((station) => ({ from, to: station })));

type StationCounts = Flow['stations'][Station];

/** The counts of a node; undefined if it has none or they are not measured. */
function nodeCounts({ id }: StationNode, flow: Flow | undefined): StationCounts | undefined {
  return id === 'from-livechat' || flow?.notMeasured.includes(id) ? undefined : flow?.stations[id];
}

/** The components of the bridge, with the counts since the console started. */
function Pipeline({ flow }: { flow: Flow | undefined }) {
  const isNarrow = narrow.value;
  const nodes = stationNodes();
  const counted = nodes.flatMap((node) => {
    const counts = nodeCounts(node, flow);
    return counts ? [`${node.name} (${describeStation(node, counts)}): ${counts.total}`] : [];
  });
  return (
    <Graph
      title={`Message flow. ${counted.join(', ')}.`}
      nodes={nodes.map((node) => ({ ...node, ...(isNarrow ? smallSize : size) }))}
      edges={edges}
      direction={isNarrow ? 'TB' : 'LR'}
      gap={isNarrow ? 6 : 28}
      draw={(node) => <StationBox node={node} counts={nodeCounts(node, flow)} narrow={isNarrow} />}
    />
  );
}

const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });

interface StationBoxProps {
  readonly node: StationNode & GraphNode;
  readonly counts: StationCounts | undefined;
  readonly narrow: boolean;
}

function describeStation({ id, about }: StationNode, counts: StationCounts | undefined): string {
  if (id !== 'from-livechat' && !counts) return 'not measured';
  return counts && counts.failed > 0 ? `${counts.failed} failed` : about;
}

function StationBox({ node, counts, narrow }: StationBoxProps) {
  const { id, name, width, height } = node;
  const { total = 0, failed = 0 } = counts ?? {};
  const isFailing = failed > 0 || (id === 'dead-letters' && total > 0);
  const left = narrow ? 9 : 14;
  return (
    <g class={`station ${isFailing ? 'failed' : ''}`} data-station={id}>
      <rect width={width} height={height} rx="10" />
      {total > 0 && <rect key={total} class="pulse" width={width} height={height} rx="10" />}
      <text class="name" x={left} y="24">
        {name}
      </text>
      {counts && (
        <text class="total" x={left} y="48">
          {total < 100_000 ? total : compact.format(total)}
        </text>
      )}
      {counts && <StationRate counts={counts} narrow={narrow} x={width - left} />}
      {(!counts || !narrow) && (
        <text class="about" x={left} y={counts ? 65 : 44}>
          {describeStation(node, counts)}
        </text>
      )}
    </g>
  );
}

/** The rate of a node. On a narrow screen, shows failures instead of the rate. */
function StationRate({ counts, narrow, x }: { counts: StationCounts; narrow: boolean; x: number }) {
  const { total, failed, lastMinute } = counts;
  if (narrow && total >= 1_000) return null;
  const isFailing = narrow && failed > 0;
  return (
    <text class={isFailing ? 'about' : 'rate'} x={x} y="48" text-anchor="end">
      {isFailing ? `${failed} failed` : `${lastMinute} /min`}
    </text>
  );
}

const sliceSeconds = 5;

function Plots({ flow }: { flow: Flow | undefined }) {
  const hasWebhooks = !flow?.notMeasured.includes('webhook');
  const series = useMemo(() => createSeries(flow?.slices ?? [], hasWebhooks), [flow]);
  const { times, throughput, inboundMs, sendMs, rateLimit } = series;
  const inboundTitle = hasWebhooks ? 'Webhook response time, ms' : 'Time to store, ms';
  return (
    <div class="plots">
      <Plot title="Throughput, per second" times={times} lines={throughput} minScale={1} />
      <Plot title={inboundTitle} times={times} lines={inboundMs} minScale={50} />
      <Plot title="Time to send, ms" times={times} lines={sendMs} minScale={100} />
      <Plot title="Rate limit of calls, per second" times={times} lines={rateLimit} minScale={10} />
    </div>
  );
}

function createSeries(slices: readonly FlowSlice[], hasWebhooks: boolean) {
  const perSecond = (pick: (slice: FlowSlice) => number | null) =>
    slices.map((slice) => {
      const total = pick(slice);
      return total === null ? null : total / sliceSeconds;
    });
  const percentiles = (pick: (slice: FlowSlice) => FlowSlice['sendMs']) => [
    { label: 'p50', colour: 'accent', values: slices.map((slice) => pick(slice)?.p50 ?? null) },
    { label: 'p99', colour: 'third', values: slices.map((slice) => pick(slice)?.p99 ?? null) },
  ];
  const limits = slices.map(({ callsPerSecond, breaker }) =>
    breaker === null || breaker === 'closed' ? callsPerSecond : 0,
  );
  return {
    times: slices.map(({ at }) => at),
    throughput: [
      ...(hasWebhooks ? [{ label: 'webhooks', colour: 'accent', values: perSecond(({ webhooks }) => webhooks) }] : []),
      { label: 'events', colour: 'second', values: perSecond(({ events }) => events) },
      { label: 'sent', colour: 'third', values: perSecond(({ sent }) => sent) },
    ],
    inboundMs: percentiles(({ inboundMs }) => inboundMs),
    sendMs: percentiles(({ sendMs }) => sendMs),
    rateLimit: [{ label: 'limit (0 while calls are stopped)', colour: 'accent', steps: true, values: limits }],
  };
}
