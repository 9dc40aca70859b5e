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
      {placed.edges.map(({ key, path, label, at, style }) => (
        <g key={key} class={`edge ${style ?? ''}`}>
          <path d={path} marker-end={style === 'taken' ? 'url(#arrow-taken)' : 'url(#arrow)'} />
          {label && (
            <text x={at.x} y={at.y} text-anchor="middle" dominant-baseline="middle">
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
    edges: edges.map(({ from, to, label, style }, index) => {
      const placed = graph.edge(from, to, String(index));
      return {
        key: `${index}`,
        label,
        style,
        ...drawEdge(graph.node(from), graph.node(to), placed.points ?? [], direction),
      };
    }),
  };
}

const margin = 4;

/** The rectangle that contains all nodes and edges; dagre's own leaves out edges that run backwards. */
function bounds(graph: DagreGraph): Box {
  const { width = 0, height = 0 } = graph.graph();
  const points = graph.edges().flatMap((edge) => graph.edge(edge).points ?? []);
  const x = Math.min(0, ...points.map((point) => point.x - margin));
  const y = Math.min(0, ...points.map((point) => point.y - margin));
  const right = Math.max(width, ...points.map((point) => point.x + margin));
  const bottom = Math.max(height, ...points.map((point) => point.y + margin));
  return { x, y, width: right - x, height: bottom - y };
}

type Box = Point & Pick<GraphNode, 'width' | 'height'>;

/** An edge's path and the position of its label. A forward edge joins the middles of the facing sides; dagre joins any border points. */
function drawEdge(from: Box, to: Box, points: readonly Point[], direction: 'LR' | 'TB'): { path: string; at: Point } {
  const across = direction === 'LR';
  const half = (box: Box): Point => (across ? { x: box.width / 2, y: 0 } : { x: 0, y: box.height / 2 });
  const start = { x: from.x + half(from).x, y: from.y + half(from).y };
  const end = { x: to.x - half(to).x, y: to.y - half(to).y };
  const middle = { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 };
  const forward = across ? end.x > start.x : end.y > start.y;
  if (!forward || points.length > 3)
    return { path: smoothPath(points), at: points[Math.floor(points.length / 2)] ?? middle };
  const control = across
    ? `${middle.x} ${start.y} ${middle.x} ${end.y}`
    : `${start.x} ${middle.y} ${end.x} ${middle.y}`;
  return { path: `M${start.x} ${start.y}C${control} ${end.x} ${end.y}`, at: middle };
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
