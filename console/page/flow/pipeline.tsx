import type { Flow, Passed, Station } from '../../flow.ts';
import { Graph, type GraphEdge, type GraphNode, useNarrow } from '../parts/graph.tsx';

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
