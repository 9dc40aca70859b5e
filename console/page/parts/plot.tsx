import { useEffect, useRef } from 'preact/hooks';
import UPlot from 'uplot';

export interface Line {
  readonly label: string;
  /** The name of a colour in colours.css. */
  readonly colour: string;
  readonly values: readonly (number | null)[];
  /** Each value holds until the next. */
  readonly steps?: boolean;
}

export interface PlotProps {
  /** With the unit. */
  readonly title: string;
  /** Seconds since 1970, one for each value. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  /** The scale reaches at least this far. */
  readonly atLeast: number;
}

const dark = matchMedia('(prefers-color-scheme: dark)');
const height = 132;

/** One small plot over time; its text says what the latest values are. */
export function Plot({ title, times, lines, atLeast }: PlotProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>(undefined);
  const data = useRef<UPlot.AlignedData>([[]]);
  data.current = [[...times], ...lines.map(({ values }) => [...values])];
  const looks = JSON.stringify(lines.map(({ label, colour, steps }) => [label, colour, steps]));

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const draw = () => {
      plot.current?.destroy();
      plot.current = new UPlot(optionsFor(element, lines, atLeast), data.current, element);
    };
    draw();
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
    resized.observe(element);
    dark.addEventListener('change', draw);
    return () => {
      resized.disconnect();
      dark.removeEventListener('change', draw);
      plot.current?.destroy();
    };
  }, [looks, atLeast]);

  useEffect(() => plot.current?.setData(data.current), [times, lines]);

  return (
    <figure class="plot">
      <figcaption>
        <b>{title}</b>
        {lines.map(({ label, colour, values }) => (
          <span key={label} class="key">
            <i class={`swatch ${colour}`} aria-hidden="true" />
            {label} <b>{latestOf(values)}</b>
          </span>
        ))}
      </figcaption>
      <div ref={box} class="canvas" aria-hidden="true" />
    </figure>
  );
}

function latestOf(values: readonly (number | null)[]): string {
  const latest = values.findLast((value) => value !== null);
  return latest === undefined || latest === null ? '–' : String(Math.round(latest * 10) / 10);
}

function optionsFor(element: HTMLElement, lines: readonly Line[], atLeast: number): UPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const axis: UPlot.Axis = {
    stroke: colour('muted'),
    grid: { stroke: colour('line'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  };
  return {
    width: element.clientWidth,
    height,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 8, 0, 0],
    scales: { y: { range: (_, __, most) => [0, Math.max(atLeast, most * 1.1)] } },
    axes: [
      { ...axis, space: 70, size: 24, values: [[60, '{HH}:{mm}', null, null, null, null, null, null, 1]] },
      { ...axis, size: 38, space: 36 },
    ],
    series: [
      {},
      ...lines.map(
        (line): UPlot.Series => ({
          label: line.label,
          stroke: colour(line.colour),
          width: 1.6,
          points: { show: false },
          spanGaps: true,
          ...(line.steps && UPlot.paths.stepped && { paths: UPlot.paths.stepped({ align: 1 }) }),
        }),
      ),
    ],
  };
}
