import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';

/** The synthesized stages: production, development with custom settings, `sst dev`, and one without schedules. */
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
      SEND_CONCURRENCY: '12',
      WEBHOOK_THROTTLE_PER_SECOND: '20',
      RECONCILIATION_MINUTES: '60',
      WEBHOOK_EDGE: 'on',
      WEBHOOK_EDGE_KEY_VERSION: '2',
      KMS_KEY: 'create',
      SCHEMA_REGISTRY: 'on',
      WEBHOOK_ALLOWED_IPS: '203.0.113.0/24, 198.51.100.7/32',
    },
  },
  live: { stage: 'ada', mode: 'dev', environment: {} },
  unscheduled: {
    stage: 'qa',
    mode: 'deploy',
    environment: { RECONCILIATION_MINUTES: '0', TRACING: 'off', WEBHOOK_EDGE: 'prepare', WEBHOOK_RATE_PER_IP: '50' },
  },
} as const;

export function appFile(name: string): string {
  return join(import.meta.dirname, '..', '..', '.sst', 'test', `${name}.json`);
}

/** A resource with the inputs that it would be created with. */
export interface Resource {
  readonly type: string;
  /** The name in Pulumi. */
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** The name of the parent component. */
  readonly parent?: string | undefined;
  /** `retainOnDelete`. */
  readonly retained: boolean;
}

export interface App {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly resources: readonly Resource[];
  /** The calls to SST to bundle a function. */
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

export function loadApp(name: string): App {
  const { app, resources, builds, failures } = schema.parse(JSON.parse(readFileSync(appFile(name), 'utf8')));
  if (failures.length > 0) throw new Error(`${name} failed:\n${failures.join('\n')}`);
  return {
    settings: app,
    resources: resources.map((one) => ({ ...one, inputs: record.parse(unwrapSecrets(one.inputs)) })),
    builds,
  };
}

/** The key by which Pulumi marks secrets in its state. */
const secretKey = '4dabf18193072939515e22adb298388d';

/** Replaces secrets by their values. */
function unwrapSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unwrapSecrets);
  if (typeof value !== 'object' || value === null) return value;
  if (secretKey in value && 'value' in value) return value.value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unwrapSecrets(inner)]));
}
