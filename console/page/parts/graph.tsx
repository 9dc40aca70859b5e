import { Graph as DagreGraph, layout } from '@dagrejs/dagre';
import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';

export interface GraphNode {
  readonly id: string;
  readonly width: number;
  readonly height: number;
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly label?: string;
  /** CSS class, such as `taken`. */
  readonly style?: string;
}

interface GraphProps<Node extends GraphNode> {
  readonly title: string;
  readonly nodes: readonly Node[];
  readonly edges: readonly GraphEdge[];
  readonly direction: 'LR' | 'TB';
  /** Distance between neighbouring nodes, in pixels. */
  readonly gap?: number;
  /** Draws a node; the origin is its upper left corner. */
  readonly draw: (node: Node) => ComponentChildren;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** A directed graph, laid out by dagre. */
export function Graph<Node extends GraphNode>({ title, nodes, edges, direction, gap = 28, draw }: GraphProps<Node>) {
  // The layout depends on sizes and edges only, not on the live content.
  const shape = JSON.stringify([nodes.map(({ id, width, height }) => [id, width, height]), edges, direction, gap]);
  const placed = useMemo(() => place(nodes, edges, direction, gap), [shape]);
  return (
    <svg
      class="graph"
      viewBox={`${placed.x} ${placed.y} ${placed.width} ${placed.height}`}
      style={{ maxWidth: `${placed.width}px` }}
      role="img"
      aria-label={title}
    >
      <defs>
        <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
          <path d="M0 0.5 7.5 4 0 7.5z" class="arrow" />
        </marker>
        <marker id="arrow-taken" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
          <path d="M0 0.5 7.5 4 0 7.5z" class="arrow taken" />
        </marker>
      </defs>
      {placed.edges.map(({ key, path, label, x, y, style }) => (
        <g key={key} class={`edge ${style ?? ''}`}>
          <path d={path} marker-end={style === 'taken' ? 'url(#arrow-taken)' : 'url(#arrow)'} />
          {label && (
            <text x={x} y={y} text-anchor="middle" dominant-baseline="middle">
              {label}
            </text>
          )}
        </g>
      ))}
      {nodes.map((node) => {
        const { x = 0, y = 0 } = placed.at.get(node.id) ?? {};
        return (
          <g key={node.id} transform={`translate(${x - node.width / 2} ${y - node.height / 2})`}>
            {draw(node)}
          </g>
        );
      })}
    </svg>
  );
}

function place(nodes: readonly GraphNode[], edges: readonly GraphEdge[], direction: 'LR' | 'TB', gap: number) {
  const graph = new DagreGraph({ multigraph: true });
  graph.setGraph({ rankdir: direction, nodesep: gap, ranksep: direction === 'LR' ? 52 : 40, marginx: 4, marginy: 4 });
  for (const { id, width, height } of nodes) graph.setNode(id, { width, height });
  for (const [index, { from, to, label }] of edges.entries()) {
    const size = { width: label ? label.length * 6.5 : 0, height: label ? 16 : 0 };
    graph.setEdge(from, to, { ...size, labelpos: 'c' }, String(index));
  }
  layout(graph);
  return {
    ...bounds(graph),
    at: new Map<string, Point>(nodes.map(({ id }) => [id, graph.node(id)])),
    edges: edges.map((edge, index) => {
      const { points = [], x, y } = graph.edge(edge.from, edge.to, String(index));
      return { ...edge, key: index, path: smoothPath(points), x, y };
    }),
  };
}

const margin = 4;

/** The rectangle that contains all nodes and edges; dagre's own leaves out edges that run backwards. */
function bounds(graph: DagreGraph) {
  const { width = 0, height = 0 } = graph.graph();
  const points = graph.edges().flatMap((edge) => graph.edge(edge).points ?? []);
  const x = Math.min(0, ...points.map((point) => point.x - margin));
  const y = Math.min(0, ...points.map((point) => point.y - margin));
  const right = Math.max(width, ...points.map((point) => point.x + margin));
  const bottom = Math.max(height, ...points.map((point) => point.y + margin));
  return { x, y, width: right - x, height: bottom - y };
}

function smoothPath([first, ...rest]: readonly Point[]): string {
  if (!first) return '';
  const middles = rest.slice(0, -1).map((point, index) => {
    const next = rest[index + 1] ?? point;
    return `Q${point.x} ${point.y} ${(point.x + next.x) / 2} ${(point.y + next.y) / 2}`;
  });
  const last = rest.at(-1);
  return [`M${first.x} ${first.y}`, ...middles, last && `L${last.x} ${last.y}`].filter(Boolean).join('');
}

const narrowScreen = matchMedia('(max-width: 720px)');

/** Whether the screen is narrow. */
export const narrow = signal(narrowScreen.matches);

narrowScreen.addEventListener('change', ({ matches }) => {
  narrow.value = matches;
});
