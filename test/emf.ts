import * as z from 'zod/mini';
import type { Local } from './local.ts';

const directive = z.object({
  Namespace: z.string(),
  Dimensions: z.array(z.array(z.string())),
  Metrics: z.tuple([z.object({ Name: z.string(), Unit: z.string() })]),
});
const line = z.looseObject({ _aws: z.object({ Timestamp: z.number(), CloudWatchMetrics: z.tuple([directive]) }) });

/** One value as CloudWatch reads it off a log line. */
export interface Emitted {
  readonly name: string;
  readonly namespace: string;
  readonly unit: string;
  readonly value: unknown;
  /** The sets of dimensions under which it is a metric. */
  readonly dimensions: readonly (readonly string[])[];
  /** All else that the line holds: the dimensions' values, and properties. */
  readonly keys: Readonly<Record<string, unknown>>;
}

/** The metrics among what the engine has printed, which must have been started with `--verbose`. */
export function emitted(local: Pick<Local, 'output'>): Emitted[] {
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
