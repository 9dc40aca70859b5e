import * as z from 'zod/mini';

/** A missing or malformed setting. The message holds its name and the expected value, never the actual one. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  constructor(setting: string, expected: string) {
    super(`${setting}: expected ${expected}`);
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The environment variables that name resources. stacks/functions.ts maps each one to its resource; a function gets those of
 * its permissions.
 */
export type ResourceVariable =
  | 'CONVERSATIONS_TABLE'
  | 'MESSAGES_TABLE'
  | 'CONTROL_TABLE'
  | 'BUS_NAME'
  | 'SECRET_PREFIX'
  | 'MEDIA_BUCKET'
  | 'DEAD_LETTER_QUEUE_URL'
  | 'SEND_MACHINE_ARN'
  | 'AUDIT_LOG_GROUP'
  | 'FUNCTION_LOG_PREFIX';

/** The name, URL or ARN of a resource. Throws {@link ConfigurationError} if it is not set. */
export function required(name: ResourceVariable, environment: Environment = process.env): string {
  const value = environment[name];
  if (!value) throw new ConfigurationError(name, 'a value, which `npm start` or the deployment of a stage sets');
  return value;
}

/** The prefix of the names of all resources of a stage, such as `livechat-dev-`. Empty on the local engine. */
export function resourcePrefix(environment: Environment = process.env): string {
  return /([^:]*)send$/.exec(environment.SEND_MACHINE_ARN ?? '')?.[1] ?? '';
}

/** A setting that is a whole number of at least `min`, or `fallback` if it is not set. */
export function wholeNumber(name: string, fallback: number, min = 0, environment: Environment = process.env): number {
  const text = environment[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < min)
    throw new ConfigurationError(name, `a whole number of at least ${min}`);
  return value;
}

/**
 * The optional edge in front of the webhook: the header that CloudFront adds to each request, and the variable with the SHA-256
 * digest of its value. CloudFront does not accept custom origin headers whose names begin with
 * `X-Edge-` or `X-Amz-`.
 */
export const edgeKey = { header: 'x-origin-key', variable: 'WEBHOOK_EDGE_KEY_SHA256' } as const;

/** The outputs of a stage, stored as JSON in an SSM parameter. The command line and the console find the stage by them. */
export const stageOutputs = z.looseObject({
  version: z.literal(1),
  /** The URL to register at LiveChat. */
  webhookUrl: z.string(),
  /** The environment variables that core reads: names of deployed resources, and settings that are not secret. */
  environment: z.record(z.string(), z.string()),
});
export type StageOutputs = z.infer<typeof stageOutputs>;

/** The stage name of the local engine. */
export const localStage = 'local';

/** The name of the SSM parameter that holds a stage's outputs. */
export function outputsParameter(stage: string): string {
  return `/livechat/${stage}/outputs`;
}
