import { Graph as DagreGraph, layout } from '@dagrejs/dagre';
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';

export interface GraphNode {
  readonly id: string;
  readonly width: number;
  readonly height: number;
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly label?: string;
  /** Such as `taken`. */
  readonly look?: string;
}

export interface GraphProps<Node extends GraphNode> {
  readonly title: string;
  readonly nodes: readonly Node[];
  readonly edges: readonly GraphEdge[];
  readonly direction: 'LR' | 'TB';
  /** Between boxes beside each other, in pixels. */
  readonly gap?: number;
  /** Drawn around the node's upper left corner. */
  readonly draw: (node: Node) => ComponentChildren;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Boxes and arrows, laid out by dagre. */
export function Graph<Node extends GraphNode>({ title, nodes, edges, direction, gap = 28, draw }: GraphProps<Node>) {
  // What is in the boxes changes while live; where they stand does not.
  const shape = JSON.stringify([nodes.map(({ id, width, height }) => [id, width, height]), edges, direction, gap]);
  const placed = useMemo(() => place(nodes, edges, direction, gap), [shape]);
  return (
    <svg
      class="graph"
      viewBox={`0 0 ${placed.width} ${placed.height}`}
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
      {placed.edges.map(({ key, path, label, at, look }) => (
        <g key={key} class={`edge ${look ?? ''}`}>
          <path d={path} marker-end={look === 'taken' ? 'url(#arrow-taken)' : 'url(#arrow)'} />
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
    graph.setEdge(from, to, { width: label ? label.length * 6.5 : 0, height: label ? 16 : 0 }, String(index));
  }
  layout(graph);
  const { width = 0, height = 0 } = graph.graph();
  return {
    width,
    height,
    at: new Map<string, Point>(nodes.map(({ id }) => [id, graph.node(id)])),
    edges: edges.map(({ from, to, label, look }, index) => {
      const laid = graph.edge(from, to, String(index));
      return {
        key: `${index}`,
        label,
        look,
        ...drawn(graph.node(from), graph.node(to), laid.points ?? [], direction),
      };
    }),
  };
}

type Box = Point & Pick<GraphNode, 'width' | 'height'>;

/**
 * The line and the place of its label. Forward it goes from the middle of one side to the middle of the other, where dagre
 * would begin and end anywhere on the border.
 */
function drawn(from: Box, to: Box, points: readonly Point[], direction: 'LR' | 'TB'): { path: string; at: Point } {
  const across = direction === 'LR';
  const half = (box: Box): Point => (across ? { x: box.width / 2, y: 0 } : { x: 0, y: box.height / 2 });
  const start = { x: from.x + half(from).x, y: from.y + half(from).y };
  const end = { x: to.x - half(to).x, y: to.y - half(to).y };
  const middle = { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 };
  const forward = across ? end.x > start.x : end.y > start.y;
  if (!forward || points.length > 3)
    return { path: pathOf(points), at: points[Math.floor(points.length / 2)] ?? middle };
  const control = across
    ? `${middle.x} ${start.y} ${middle.x} ${end.y}`
    : `${start.x} ${middle.y} ${end.x} ${middle.y}`;
  return { path: `M${start.x} ${start.y}C${control} ${end.x} ${end.y}`, at: middle };
}

/** A smooth line through the points. */
function pathOf([first, ...rest]: readonly Point[]): string {
  if (!first) return '';
  const middles = rest.slice(0, -1).map((point, index) => {
    const next = rest[index + 1] ?? point;
    return `Q${point.x} ${point.y} ${(point.x + next.x) / 2} ${(point.y + next.y) / 2}`;
  });
  const last = rest.at(-1);
  return [`M${first.x} ${first.y}`, ...middles, last && `L${last.x} ${last.y}`].filter(Boolean).join('');
}

const narrow = matchMedia('(max-width: 720px)');

export function useNarrow(): boolean {
  const [is, setIs] = useState(narrow.matches);
  useEffect(() => {
    const change = () => setIs(narrow.matches);
    narrow.addEventListener('change', change);
    return () => narrow.removeEventListener('change', change);
  }, []);
  return is;
}
