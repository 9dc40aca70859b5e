import { randomBytes, randomUUID } from 'node:crypto';
import { isLoopbackHost } from '../core/platform/loopback.ts';
import type * as topology from '../stacks/topology.ts';
import { region, stateMachineArn } from './aws/arn.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Picks these settings, none of which is secret. The console and the CLI use the same values as the functions. */
export function pickSettings(settings: readonly string[], environment: Environment): Environment {
  return Object.fromEntries(settings.map((name) => [name, environment[name]]));
}

/** The resources of the topology that environment variables name. */
export type EnvironmentTopology = Pick<typeof topology, 'tables' | 'bucket'> & {
  readonly busName: string;
};

export interface EnvironmentOptions {
  readonly topology: EnvironmentTopology;
  readonly inherited: Environment;
  readonly endpoint: string;
  readonly secretPrefix: string;
  readonly deadLetterQueueUrl: string;
  readonly liveChatUrl: string;
}

/**
 * The environment of the functions and the console.
 *
 * No AWS setting of the machine is inherited: a profile or a service-specific endpoint would send calls to the real AWS.
 */
export function functionEnvironment(options: EnvironmentOptions): Record<string, string> {
  const { topology, inherited } = options;
  const inheritedEntries = Object.entries(inherited).flatMap(([name, value]): [string, string][] =>
    value === undefined || name.startsWith('AWS_') ? [] : [[name, value]],
  );
  const tables = Object.entries(topology.tables).map(([name, { variable }]) => [variable, name] as const);
  return {
    LOG_LEVEL: 'INFO',
    ...Object.fromEntries(inheritedEntries),
    AWS_ENDPOINT_URL: options.endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_LAMBDA_LOG_FORMAT: 'JSON',
    POWERTOOLS_SERVICE_NAME: 'livechat',
    ...Object.fromEntries(tables),
    SEND_MACHINE_ARN: stateMachineArn('send'),
    BUS_NAME: topology.busName,
    SECRET_PREFIX: options.secretPrefix,
    MEDIA_BUCKET: topology.bucket.name,
    DEAD_LETTER_QUEUE_URL: options.deadLetterQueueUrl,
    LIVECHAT_API_BASE_URL: options.liveChatUrl,
    ...simulatorUrl(options),
  };
}

/** The simulator also serves LiveChat's files, so they are not fetched from the web. */
function simulatorUrl({ liveChatUrl, inherited }: EnvironmentOptions): { MEDIA_SIMULATOR_URL?: string } {
  const isLocal = isLoopbackHost(URL.parse(liveChatUrl)?.host);
  return isLocal && !inherited.MEDIA_SIMULATOR_URL ? { MEDIA_SIMULATOR_URL: new URL(liveChatUrl).origin } : {};
}

/** Replaces this process's environment. The returned function restores it. */
export function replaceProcessEnvironment(environment: Readonly<Record<string, string>>): () => void {
  const before = { ...process.env };
  replaceEnvironment(environment);
  return () => replaceEnvironment(before);
}

function replaceEnvironment(environment: Environment): void {
  for (const name of Object.keys(process.env)) {
    if (environment[name] === undefined) delete process.env[name];
  }
  Object.assign(process.env, environment);
}

/** The webhook rejects shorter secrets. */
const minSecretLength = 8;

/**
 * Credentials from the environment, else generated. An empty variable counts as absent.
 *
 * @throws Error that names the invalid setting and what it should be.
 */
export function localCredentials(environment: Environment) {
  /** The values that were generated for this run. */
  const generated: Record<string, string> = {};
  const setting = (name: string, fallback: string): string => {
    const configured = environment[name];
    if (configured) return configured;
    generated[name] = fallback;
    return fallback;
  };
  const randomHex = (bytes: number) => randomBytes(bytes).toString('hex');
  /** The content of the secret. */
  const secret = {
    LIVECHAT_WEBHOOK_SECRET: setting('LIVECHAT_WEBHOOK_SECRET', `whsec-${randomHex(24)}`),
    LIVECHAT_API_KEY: setting('LIVECHAT_API_KEY', `local-${randomHex(24)}`),
    LIVECHAT_ACCOUNT_ID: setting('LIVECHAT_ACCOUNT_ID', randomUUID()),
    LIVECHAT_CLIENT_ID: setting('LIVECHAT_CLIENT_ID', randomHex(16)),
    LIVECHAT_AGENT_ID: setting('LIVECHAT_AGENT_ID', 'bridge@local.example'),
  };
  /** The simulator's organization. */
  const organizationId = setting('LIVECHAT_ORGANIZATION_ID', randomUUID());
  const { length } = secret.LIVECHAT_WEBHOOK_SECRET;
  if (length < minSecretLength) {
    throw new Error(`LIVECHAT_WEBHOOK_SECRET must have at least ${minSecretLength} characters; it has ${length}`);
  }
  // A real account has another organization than the generated one.
  const isKnown = environment.LIVECHAT_ORGANIZATION_ID || !environment.LIVECHAT_API_BASE_URL;
  const owner = isKnown ? { LIVECHAT_ORGANIZATION_ID: organizationId } : {};
  return { secret: { ...secret, ...owner }, organizationId, generated };
}
