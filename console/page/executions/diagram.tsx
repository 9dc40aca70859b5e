import type { HistoryEvent } from '../../../core/executions/history.ts';
import { sendStateMachine } from '../../../core/outbound/state-machine.ts';
import { Graph, type GraphEdge, type GraphNode, narrow } from '../parts/graph.tsx';
import { executionPath } from './history.ts';

interface State {
  readonly Type: string;
  readonly Next?: string;
  readonly End?: boolean;
  readonly Catch?: readonly { readonly ErrorEquals: readonly string[]; readonly Next: string }[];
}

const machine = sendStateMachine({ sendFunctionArn: '', waitForTurnFunctionArn: '', deadLetterQueueUrl: '' });
const states: readonly (readonly [string, State])[] = Object.entries(machine.States);
const end = 'End';

const labels: Readonly<Record<string, string>> = {
  Deferred: 'deferred',
  NotFirst: 'not first',
  'States.Timeout': 'timed out',
  'States.ALL': 'failed',
};

const edges: readonly GraphEdge[] = states.flatMap(([from, { Next, End, Catch = [] }]) => [
  ...(Next ? [{ from, to: Next }] : []),
  ...(End ? [{ from, to: end, label: 'done' }] : []),
  ...Catch.map(({ ErrorEquals, Next: to }) => ({
    from,
    to,
    label: ErrorEquals.map((error) => labels[error] ?? error).join(),
  })),
]);

const nodes: readonly (GraphNode & { readonly kind: string })[] = [
  ...states.map(([id, { Type }]) => ({ id, kind: Type, width: 124, height: 46 })),
  { id: end, kind: '', width: 64, height: 34 },
];

/** The deployed state machine, with the path of one execution highlighted. */
export function MachineDiagram({ history, status }: { history: readonly HistoryEvent[]; status: string }) {
  const path = executionPath(history);
  const ended = status === 'SUCCEEDED';
  const isTaken = (from: string, to: string) => path.steps.has(`${from}>${to}`) || (to === end && ended);
  const current =
    status === 'RUNNING' ? history.findLast(({ type }) => type.endsWith('StateEntered'))?.name : undefined;
  const stateStyle = (id: string) => {
    if (id === current) return 'current';
    return path.states.has(id) || (id === end && ended) ? 'taken' : '';
  };
  return (
    <Graph
      title={`The state machine. Path of this execution: ${[...path.states].join(', ') || 'no state yet'}.`}
      nodes={nodes}
      edges={edges.map((edge) => (isTaken(edge.from, edge.to) ? { ...edge, style: 'taken' } : edge))}
      direction={narrow.value ? 'TB' : 'LR'}
      draw={({ id, kind, width, height }) => (
        <g class={`machine-state ${stateStyle(id)} ${id === 'Failed' || id === 'DeadLetter' ? 'failure' : ''}`}>
          <rect width={width} height={height} rx={id === end ? height / 2 : 8} />
          <text x={width / 2} y={kind ? 20 : height / 2 + 4} text-anchor="middle">
            {id}
          </text>
          {kind && (
            <text class="about" x={width / 2} y="36" text-anchor="middle">
              {kind}
            </text>
          )}
        </g>
      )}
    />
  );
}
