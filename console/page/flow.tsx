import { useMemo } from 'preact/hooks';
import type { Flow, FlowSlice, Passed, Quantiles, Station } from '../flow.ts';
import { get, useResource } from './app/api.ts';
import { linkTo } from './app/route.ts';
import { events, flow, type PassedEvent } from './app/stream.ts';
import { Graph, type GraphEdge, type GraphNode, useNarrow } from './parts/graph.tsx';
import { Plot } from './parts/plot.tsx';
import { clockOf } from './parts/time.ts';

/** What passes now, and what has passed in the last fifteen minutes. */
export function FlowPage() {
  const first = useResource('flow', () => get('/flow'));
  const now = flow.value ?? first.value;
  return (
    <>
      <div class="head">
        <h1>Live flow</h1>
        <p>
          LiveChat's webhooks become events on the bus, which functions store; send requests on the bus go back to
          LiveChat through a state machine, or end as dead letters.
        </p>
      </div>
      <section class="card pipeline" aria-label="Pipeline">
        <Pipeline flow={now} />
        <p class="footnote">
          Counted since this console was started; {now?.running ?? 0} {now?.running === 1 ? 'run is' : 'runs are'} under
          way.
          {now && now.unseen.length > 0 && <span role="status"> {readFrom(now)}</span>}
        </p>
      </section>
      <section class="card" aria-labelledby="plots-title">
        <h2 id="plots-title">The last 15 minutes</h2>
        <Plots flow={now} />
      </section>
      <section class="card" aria-labelledby="events-title">
        <h2 id="events-title">Events as they pass</h2>
        <Passing list={events.value} />
      </section>
    </>
  );
}

const minuteMs = 60_000;

/** A stage's tables are read now and then, and not without end. */
function readFrom({ slices, sampledAt }: Flow): string {
  const now = (slices.at(-1)?.at ?? 0) * 1000;
  return sampledAt !== null && now - sampledAt < minuteMs
    ? 'So much passes that not all of it could be counted in time: this is a sample.'
    : "Read from the stage's tables every two seconds.";
}

function Passing({ list }: { list: readonly PassedEvent[] }) {
  if (list.length === 0) {
    return (
      <p class="hint">
        Nothing has passed since this page was opened. Let a chat pass: <code>npx livechat simulate chat</code>
      </p>
    );
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard.
    <ol class="passing" tabIndex={0} aria-label="Events, latest first">
      {list.map(({ key, at, type, conversationId }) => (
        <li key={key}>
          <time dateTime={at}>{clockOf(at)}</time>
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
/** Three beside each other on a telephone. */
const smallSize = { width: 110, height: 62 };

const nodes: readonly StationNode[] = [
  { id: 'customer', name: 'LiveChat', about: 'its webhooks', counts: undefined, ...size },
  { id: 'webhook', name: 'Webhook', about: 'verified, translated', counts: 'webhook', ...size },
  { id: 'bus', name: 'Event bus', about: 'domain events', counts: 'bus', ...size },
  { id: 'functions', name: 'Functions', about: 'one for each event', counts: 'functions', ...size },
  { id: 'tables', name: 'Tables', about: 'writes', counts: 'tables', ...size },
  { id: 'machine', name: 'State machine', about: 'send requests', counts: 'machine', ...size },
  { id: 'livechat', name: 'LiveChat', about: 'messages taken', counts: 'livechat', ...size },
  { id: 'dead-letters', name: 'Dead letters', about: 'given up', counts: 'dead-letters', ...size },
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

/** The pipeline as it is, with what has passed at each station since the console was started. */
export function Pipeline({ flow }: { flow: Flow | undefined }) {
  const narrow = useNarrow();
  return (
    <Graph
      title={described(flow)}
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
  const unseen = isUnseen(node.counts, flow);
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
      {node.counts && !unseen ? (
        <Counts node={node} counts={counts} narrow={narrow} left={left} />
      ) : (
        <text class="about" x={left} y="44">
          {unseen ? 'not seen here' : node.about}
        </text>
      )}
    </g>
  );
}

const short = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });

interface CountsProps extends Omit<StationBoxProps, 'flow'> {
  readonly counts: Passed | undefined;
  readonly left: number;
}

function Counts({ node, counts, narrow, left }: CountsProps) {
  const total = counts?.total ?? 0;
  return (
    <>
      <text class="total" x={left} y="48">
        {total < 100_000 ? total : short.format(total)}
      </text>
      {(!narrow || total < 1_000) && (
        <text class="rate" x={node.width - left} y="48" text-anchor="end">
          {rateOf(counts?.lastMinute ?? 0)}
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

function isUnseen(station: Station | undefined, flow: Flow | undefined): boolean {
  return station !== undefined && (flow?.unseen.includes(station) ?? false);
}

function rateOf(lastMinute: number): string {
  return `${lastMinute} /min`;
}

function described(flow: Flow | undefined): string {
  const counted = nodes.flatMap(({ name, about, counts }) =>
    counts && !isUnseen(counts, flow) ? [`${name} (${about}): ${flow?.stations[counts].total ?? 0}`] : [],
  );
  return `The way of a message. ${counted.join(', ')}.`;
}

const sliceSeconds = 5;

const none: readonly FlowSlice[] = [];

/** The last fifteen minutes. */
export function Plots({ flow }: { flow: Flow | undefined }) {
  const slices = flow?.slices ?? none;
  const seesWebhooks = !flow?.unseen.includes('webhook');
  const { times, throughput, inboundMs, sendMs, pace } = useMemo(
    () => seriesOf(slices, seesWebhooks),
    [slices, seesWebhooks],
  );
  return (
    <div class="plots">
      <Plot title="Throughput, a second" times={times} lines={throughput} atLeast={1} />
      <Plot
        title={seesWebhooks ? 'Webhook answered in, ms' : 'Message stored after, ms'}
        times={times}
        lines={inboundMs}
        atLeast={50}
      />
      <Plot title="Sent after the request, ms" times={times} lines={sendMs} atLeast={100} />
      <Plot title="Gate, calls a second" times={times} lines={pace} atLeast={10} />
    </div>
  );
}

function seriesOf(slices: readonly FlowSlice[], seesWebhooks: boolean) {
  const perSecond = (pick: (slice: FlowSlice) => number) => slices.map((slice) => pick(slice) / sliceSeconds);
  const quantiles = (pick: (slice: FlowSlice) => Quantiles | null) => [
    { label: 'p50', colour: 'accent', values: slices.map((slice) => pick(slice)?.p50 ?? null) },
    { label: 'p99', colour: 'third', values: slices.map((slice) => pick(slice)?.p99 ?? null) },
  ];
  return {
    times: slices.map(({ at }) => at),
    throughput: [
      ...(seesWebhooks ? [{ label: 'webhooks', colour: 'accent', values: perSecond(({ webhooks }) => webhooks) }] : []),
      { label: 'events', colour: 'second', values: perSecond(({ events }) => events) },
      { label: 'sent', colour: 'third', values: perSecond(({ sent }) => sent) },
    ],
    inboundMs: quantiles(({ inboundMs }) => inboundMs),
    sendMs: quantiles(({ sendMs }) => sendMs),
    pace: [
      { label: 'pace', colour: 'accent', steps: true, values: slices.map(({ pace }) => pace) },
      {
        label: 'passing',
        colour: 'third',
        steps: true,
        values: slices.map(({ pace, breaker }) => (breaker === null ? null : breaker === 'closed' ? pace : 0)),
      },
    ],
  };
}
