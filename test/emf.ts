import * as z from 'zod/mini';
import type { Local } from './local.ts';

const directive = z.object({
  Namespace: z.string(),
  Dimensions: z.array(z.array(z.string())),
  Metrics: z.tuple([z.object({ Name: z.string(), Unit: z.string() })]),
});
const line = z.looseObject({ _aws: z.object({ Timestamp: z.number(), CloudWatchMetrics: z.tuple([directive]) }) });

/** One value of a metric, as CloudWatch extracts it from a log line. */
export interface EmittedMetric {
  readonly name: string;
  readonly namespace: string;
  readonly unit: string;
  readonly value: unknown;
  /** The dimension sets. */
  readonly dimensions: readonly (readonly string[])[];
  /** The other members of the line: the values of the dimensions, and the properties. */
  readonly keys: Readonly<Record<string, unknown>>;
}

/** The metrics that an engine with `--verbose` has printed. */
export function emittedMetrics(local: Pick<Local, 'output'>): EmittedMetric[] {
  return local
    .output()
    .split('\n')
    .filter((text) => text.startsWith('{"_aws"'))
    .map((text) => {
      const { _aws, ...rest } = line.parse(JSON.parse(text));
      const [{ Namespace, Dimensions, Metrics }] = _aws.CloudWatchMetrics;
      const [{ Name, Unit }] = Metrics;
      const { [Name]: value, ...keys } = rest;
      return { name: Name, namespace: Namespace, unit: Unit, value, dimensions: Dimensions, keys };
    });
}
