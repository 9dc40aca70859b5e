import { Metrics } from '@aws-lambda-powertools/metrics';
import { type MetricName, type MetricSpec, metrics, namespace } from './metric-catalogue.ts';

/** Made when the first thing is counted, to keep a cold start short. */
let shared: Metrics | undefined;

type Unit<N extends MetricName> = (typeof metrics)[N]['unit'];
/** Metrics that are counted, and those that are measured in another unit. */
export type Counted = { [N in MetricName]: Unit<N> extends 'Count' ? N : never }[MetricName];
export type Measured = Exclude<MetricName, Counted>;

/** What a metric must be given: a value for each of its dimensions and properties. */
export type Keys<N extends MetricName> = Readonly<
  Record<(typeof metrics)[N]['dimensions' | 'properties'][number], string>
>;

/** Counts by CloudWatch's embedded metric format, one log line each. */
export function count<N extends Counted>(name: N, keys: Keys<N>, times = 1): void {
  emit(name, keys, times);
}

/** Measures a value, in the metric's unit. */
export function measure<N extends Measured>(name: N, keys: Keys<N>, value: number): void {
  emit(name, keys, value);
}

function emit(name: MetricName, keys: Readonly<Record<string, string>>, value: number): void {
  const { unit, dimensions, properties }: MetricSpec = metrics[name];
  const pick = (names: readonly string[]) =>
    names.flatMap((key): [string, string][] => (keys[key] ? [[key, keys[key]]] : []));
  shared ??= new Metrics({ namespace });
  // Two sets of dimensions: an alarm cannot add up over the values of one.
  shared.addDimensions({});
  if (dimensions.length > 0) shared.addDimensions(Object.fromEntries(pick(dimensions)));
  for (const [key, text] of pick(properties)) shared.addMetadata(key, text);
  shared.addMetric(name, unit, value).publishStoredMetrics();
}
