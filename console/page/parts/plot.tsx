import { useEffect, useRef } from 'preact/hooks';
import UPlot from 'uplot';

export interface Line {
  readonly label: string;
  /** A colour name of colours.css. */
  readonly colour: string;
  readonly values: readonly (number | null)[];
  /** Draws a step line: each value holds until the next. */
  readonly steps?: boolean;
}

interface PlotProps {
  /** With the unit. */
  readonly title: string;
  /** Seconds since 1970, one for each value. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  /** The smallest upper end of the scale. */
  readonly minScale: number;
}

const dark = matchMedia('(prefers-color-scheme: dark)');
const height = 132;

/** A small plot over time, with the latest values as text. */
export function Plot({ title, times, lines, minScale }: PlotProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>(undefined);
  const data = useRef<UPlot.AlignedData>([[]]);
  data.current = [[...times], ...lines.map(({ values }) => [...values])];
  const appearance = JSON.stringify(lines.map(({ label, colour, steps }) => [label, colour, steps]));

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const draw = () => {
      plot.current?.destroy();
      plot.current = new UPlot(optionsFor(element, lines, minScale), data.current, element);
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
  }, [appearance, minScale]);

  useEffect(() => plot.current?.setData(data.current), [times, lines]);

  return (
    <figure class="plot">
      <figcaption>
        <b>{title}</b>
        {lines.map(({ label, colour, values }) => (
          <span key={label} class="key">
            <i class="swatch" style={{ background: `var(--${colour})` }} aria-hidden="true" />
            {label} <b>{formatLatest(values)}</b>
          </span>
        ))}
      </figcaption>
      <div ref={box} class="canvas" aria-hidden="true" />
    </figure>
  );
}

function formatLatest(values: readonly (number | null)[]): string {
  const latest = values.findLast((value) => value !== null);
  return latest === undefined || latest === null ? '–' : String(Math.round(latest * 10) / 10);
}

/** The indexes of values between two gaps, which have no line. */
function isolatedValues({ data }: UPlot, series: number): number[] {
  const values = data[series] ?? [];
  return Array.from(values).flatMap((value, index, all) =>
    value !== null && all[index - 1] == null && all[index + 1] == null ? [index] : [],
  );
}

function optionsFor(element: HTMLElement, lines: readonly Line[], minScale: number): UPlot.Options {
  // A canvas does not resolve variables.
  const colour = (name: string) => {
    element.style.color = `var(--${name})`;
    return getComputedStyle(element).color;
  };
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
    padding: [8, 16, 0, 0],
    scales: { y: { range: (_, __, max) => [0, Math.max(minScale, max * 1.1)] } },
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
          // A value between two gaps has no line.
          points: { show: true, size: 4, fill: colour(line.colour), filter: isolatedValues },
          ...(line.steps && UPlot.paths.stepped && { paths: UPlot.paths.stepped({ align: 1 }) }),
        }),
      ),
    ],
  };
}
