import { useMemo } from 'preact/hooks';
import type { Flow, FlowSlice, Percentiles, Station, StationCounts } from '../flow.ts';
import { get, useResource } from './app/api.ts';
import { linkTo } from './app/route.ts';
import { events, flow, type StreamedEvent } from './app/stream.ts';
import { Graph, type GraphEdge, type GraphNode, useNarrow } from './parts/graph.tsx';
import { Plot } from './parts/plot.tsx';
import { clockTime } from './parts/time.ts';
import { Card } from './parts/ui.tsx';

/** Counts and plots of the message flow, and the latest events. */
export function FlowPage() {
  const loaded = useResource('flow', () => get('/flow'));
  const now = flow.value ?? loaded.value;
  return (
    <>
      <div class="head">
        <h1>Live flow</h1>
        <p>
          LiveChat's webhooks become events on the bus, and functions store them. A state machine delivers send requests
          to LiveChat; a request that fails becomes a dead letter.
        </p>
      </div>
      <section class="card pipeline" aria-label="Pipeline">
        <Pipeline flow={now} />
        <p class="footnote">
          Counted since this console started. {now?.running ?? 0}{' '}
          {now?.running === 1 ? 'execution is' : 'executions are'} running.
          {now && now.notMeasured.length > 0 && <span role="status"> {countSource(now)}</span>}
        </p>
      </section>
      <Card title="The last 15 minutes">
        <Plots flow={now} />
      </Card>
      <Card title="Events">
        <EventList list={events.value} />
      </Card>
    </>
  );
}

const minuteMs = 60_000;

/** On a stage, the tables are polled and each poll reads a limited number of changes. */
function countSource({ slices, sampledAt }: Flow): string {
  const now = (slices.at(-1)?.at ?? 0) * 1000;
  return sampledAt !== null && now - sampledAt < minuteMs
    ? 'The activity exceeds what one poll reads: the counts are a sample.'
    : "Read from the stage's tables every 2 seconds.";
}

function EventList({ list }: { list: readonly StreamedEvent[] }) {
  if (list.length === 0) {
    return (
      <p class="hint">
        No events since this page was opened. To start a chat, run <code>npx livechat simulate chat</code>
      </p>
    );
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region must be focusable.
    <ol class="event-list" tabIndex={0} aria-label="Events, latest first">
      {list.map(({ key, at, type, conversationId }) => (
        <li key={key}>
          <time dateTime={at}>{clockTime(at)}</time>
          <span class={`kind ${type.split('.')[0] ?? ''}`}>{type}</span>
          {conversationId ? <a href={linkTo('conversations', conversationId)}>{conversationId}</a> : <span />}
        </li>
      ))}
    </ol>
  );
}

interface StationNode extends GraphNode {
  readonly name: string;
  readonly about: string;
  readonly counts: Station | undefined;
}

const size = { width: 152, height: 76 };
/** Three fit side by side on a narrow screen. */
const smallSize = { width: 110, height: 62 };

const nodes: readonly StationNode[] = [
  { id: 'customer', name: 'LiveChat', about: 'sends webhooks', counts: undefined, ...size },
  { id: 'webhook', name: 'Webhook', about: 'verified, translated', counts: 'webhook', ...size },
  { id: 'bus', name: 'Event bus', about: 'domain events', counts: 'bus', ...size },
  { id: 'functions', name: 'Functions', about: 'one per event type', counts: 'functions', ...size },
  { id: 'tables', name: 'Tables', about: 'writes', counts: 'tables', ...size },
  { id: 'machine', name: 'State machine', about: 'send requests', counts: 'machine', ...size },
  { id: 'livechat', name: 'LiveChat', about: 'messages accepted', counts: 'livechat', ...size },
  { id: 'dead-letters', name: 'Dead letters', about: 'failed requests', counts: 'dead-letters', ...size },
];

const edges: readonly GraphEdge[] = [
  { from: 'customer', to: 'webhook' },
  { from: 'webhook', to: 'bus' },
  { from: 'bus', to: 'functions' },
  { from: 'functions', to: 'tables' },
  { from: 'bus', to: 'machine' },
  { from: 'machine', to: 'livechat' },
  { from: 'machine', to: 'dead-letters' },
];

/** The components of the bridge, with the counts since the console started. */
function Pipeline({ flow }: { flow: Flow | undefined }) {
  const narrow = useNarrow();
  return (
    <Graph
      title={describeFlow(flow)}
      nodes={narrow ? nodes.map((node) => ({ ...node, ...smallSize })) : nodes}
      edges={edges}
      direction={narrow ? 'TB' : 'LR'}
      gap={narrow ? 6 : 28}
      draw={(node) => <StationBox node={node} flow={flow} narrow={narrow} />}
    />
  );
}

interface StationBoxProps {
  readonly node: StationNode;
  readonly flow: Flow | undefined;
  readonly narrow: boolean;
}

function StationBox({ node, flow, narrow }: StationBoxProps) {
  const notMeasured = isNotMeasured(node.counts, flow);
  const counts = node.counts && flow?.stations[node.counts];
  const failed = counts !== undefined && (counts.failed > 0 || (node.counts === 'dead-letters' && counts.total > 0));
  const left = narrow ? 9 : 14;
  return (
    <g class={`station ${failed ? 'failed' : ''}`} data-station={node.counts}>
      <rect width={node.width} height={node.height} rx="10" />
      {counts && counts.total > 0 && (
        <rect key={counts.total} class="pulse" width={node.width} height={node.height} rx="10" />
      )}
      <text class="name" x={left} y="24">
        {node.name}
      </text>
      {node.counts && !notMeasured ? (
        <Counts node={node} counts={counts} narrow={narrow} left={left} />
      ) : (
        <text class="about" x={left} y="44">
          {notMeasured ? 'not measured' : node.about}
        </text>
      )}
    </g>
  );
}

const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });

interface CountsProps extends Omit<StationBoxProps, 'flow'> {
  readonly counts: StationCounts | undefined;
  readonly left: number;
}

function Counts({ node, counts, narrow, left }: CountsProps) {
  const total = counts?.total ?? 0;
  return (
    <>
      <text class="total" x={left} y="48">
        {total < 100_000 ? total : compact.format(total)}
      </text>
      {(!narrow || total < 1_000) && (
        <text class="rate" x={node.width - left} y="48" text-anchor="end">
          {formatRate(counts?.lastMinute ?? 0)}
        </text>
      )}
      {!narrow && (
        <text class="about" x={left} y="65">
          {counts && counts.failed > 0 ? `${counts.failed} failed` : node.about}
        </text>
      )}
    </>
  );
}

function isNotMeasured(station: Station | undefined, flow: Flow | undefined): boolean {
  return station !== undefined && (flow?.notMeasured.includes(station) ?? false);
}

function formatRate(lastMinute: number): string {
  return `${lastMinute} /min`;
}

function describeFlow(flow: Flow | undefined): string {
  const counted = nodes.flatMap(({ name, about, counts }) =>
    counts && !isNotMeasured(counts, flow) ? [`${name} (${about}): ${flow?.stations[counts].total ?? 0}`] : [],
  );
  return `Message flow. ${counted.join(', ')}.`;
}

const sliceSeconds = 5;

const noSlices: readonly FlowSlice[] = [];

function Plots({ flow }: { flow: Flow | undefined }) {
  const slices = flow?.slices ?? noSlices;
  const hasWebhooks = !flow?.notMeasured.includes('webhook');
  const { times, throughput, inboundMs, sendMs, rate } = useMemo(
    () => createSeries(slices, hasWebhooks),
    [slices, hasWebhooks],
  );
  return (
    <div class="plots">
      <Plot title="Throughput, per second" times={times} lines={throughput} minScale={1} />
      <Plot
        title={hasWebhooks ? 'Webhook response time, ms' : 'Time to store, ms'}
        times={times}
        lines={inboundMs}
        minScale={50}
      />
      <Plot title="Time to send, ms" times={times} lines={sendMs} minScale={100} />
      <Plot title="LiveChat calls, per second" times={times} lines={rate} minScale={10} />
    </div>
  );
}

function createSeries(slices: readonly FlowSlice[], hasWebhooks: boolean) {
  const perSecond = (pick: (slice: FlowSlice) => number) => slices.map((slice) => pick(slice) / sliceSeconds);
  const percentiles = (pick: (slice: FlowSlice) => Percentiles | null) => [
    { label: 'p50', colour: 'accent', values: slices.map((slice) => pick(slice)?.p50 ?? null) },
    { label: 'p99', colour: 'third', values: slices.map((slice) => pick(slice)?.p99 ?? null) },
  ];
  return {
    times: slices.map(({ at }) => at),
    throughput: [
      ...(hasWebhooks ? [{ label: 'webhooks', colour: 'accent', values: perSecond(({ webhooks }) => webhooks) }] : []),
      { label: 'events', colour: 'second', values: perSecond(({ events }) => events) },
      { label: 'sent', colour: 'third', values: perSecond(({ sent }) => sent) },
    ],
    inboundMs: percentiles(({ inboundMs }) => inboundMs),
    sendMs: percentiles(({ sendMs }) => sendMs),
    rate: [
      { label: 'rate', colour: 'accent', steps: true, values: slices.map(({ callsPerSecond }) => callsPerSecond) },
      {
        label: 'allowed',
        colour: 'third',
        steps: true,
        values: slices.map(({ callsPerSecond, breaker }) =>
          breaker === null ? null : breaker === 'closed' ? callsPerSecond : 0,
        ),
      },
    ],
  };
}
