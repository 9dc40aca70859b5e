import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';

/** What is run: a stage of each kind, the settings of one of them made by hand, and `sst dev`. */
export const stages = {
  production: { stage: 'production', mode: 'deploy', environment: {} },
  development: {
    stage: 'development',
    mode: 'deploy',
    environment: {
      AWS_REGION: 'eu-central-1',
      LOG_LEVEL: 'DEBUG',
      MESSAGES_RETENTION_DAYS: '30',
      ARCHIVE_DAYS: '3',
      ALERT_EMAIL: 'on-call@example.com',
      QUIET_MINUTES: '15',
    },
  },
  live: { stage: 'ada', mode: 'dev', environment: {} },
} as const;

export function emittedFile(name: string): string {
  return join(import.meta.dirname, '..', '..', '.sst', 'test', `${name}.json`);
}

/** One resource as it would be made. */
export interface Emitted {
  readonly type: string;
  /** Its name in Pulumi: what the app calls it. */
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** The name of what it is part of. */
  readonly parent?: string | undefined;
  /** Whether it outlives the app. */
  readonly retained: boolean;
}

export interface App {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly resources: readonly Emitted[];
  /** What SST was asked to bundle, or to take as a bundle. */
  readonly builds: readonly Build[];
}

export interface Build {
  readonly functionID: string;
  readonly handler: string;
  readonly bundle?: string | undefined;
  readonly links: Readonly<Record<string, unknown>>;
}

const record = z.record(z.string(), z.unknown());
const schema = z.object({
  app: record,
  resources: z.array(
    z.object({
      type: z.string(),
      name: z.string(),
      inputs: record,
      parent: z.optional(z.string()),
      retained: z.boolean(),
    }),
  ),
  builds: z.array(
    z.object({
      functionID: z.string(),
      handler: z.string(),
      bundle: z.optional(z.string()),
      links: z.record(z.string(), z.unknown()),
    }),
  ),
  failures: z.array(z.string()),
});

export function emitted(name: keyof typeof stages): App {
  const { app, resources, builds, failures } = schema.parse(JSON.parse(readFileSync(emittedFile(name), 'utf8')));
  if (failures.length > 0) throw new Error(`${name} failed:\n${failures.join('\n')}`);
  return {
    settings: app,
    resources: resources.map((one) => ({ ...one, inputs: record.parse(plain(one.inputs)) })),
    builds,
  };
}

/** By this key Pulumi marks what it keeps encrypted in its state. */
const secretKey = '4dabf18193072939515e22adb298388d';

/** Secrets as what they hold. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  if (secretKey in value && 'value' in value) return value.value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}
