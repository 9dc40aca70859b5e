import { useMemo } from 'preact/hooks';
import type { Flow, FlowSlice } from '../../flow.ts';
import { Plot } from '../parts/plot.tsx';

const sliceSeconds = 5;

const none: readonly FlowSlice[] = [];

/** The last fifteen minutes. */
export function Plots({ flow }: { flow: Flow | undefined }) {
  const slices = flow?.slices ?? none;
  const { times, throughput, latency, pace } = useMemo(() => seriesOf(slices), [slices]);
  return (
    <div class="plots">
      <Plot title="Throughput, a second" times={times} lines={throughput} atLeast={1} />
      <Plot
        title={flow?.unseen.includes('webhook') ? 'Message stored after, ms' : 'Webhook answered in, ms'}
        times={times}
        lines={latency}
        atLeast={50}
      />
      <Plot title="Gate, calls a second" times={times} lines={pace} atLeast={10} />
    </div>
  );
}

function seriesOf(slices: readonly FlowSlice[]) {
  const perSecond = (pick: (slice: FlowSlice) => number) => slices.map((slice) => pick(slice) / sliceSeconds);
  return {
    times: slices.map(({ at }) => at),
    throughput: [
      { label: 'webhooks', colour: 'accent', values: perSecond(({ webhooks }) => webhooks) },
      { label: 'events', colour: 'second', values: perSecond(({ events }) => events) },
      { label: 'sent', colour: 'third', values: perSecond(({ sent }) => sent) },
    ],
    latency: [
      { label: 'p50', colour: 'accent', values: slices.map(({ p50 }) => p50) },
      { label: 'p99', colour: 'third', values: slices.map(({ p99 }) => p99) },
    ],
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
