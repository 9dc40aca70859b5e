import { useMemo } from 'preact/hooks';
import type { Flow, FlowSlice, Quantiles } from '../../flow.ts';
import { Plot } from '../parts/plot.tsx';

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
