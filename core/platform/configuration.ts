import * as z from 'zod/mini';

/** A setting that is missing or malformed; the message names it and says what it should be, never what it was. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  constructor(setting: string, expected: string) {
    super(`${setting}: expected ${expected}`);
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The variables by which a function finds what it is linked to. stacks/topology.ts says what each one names, and gives a
 * function those of what it uses.
 */
export type ResourceVariable =
  | 'BUS_NAME'
  | 'SECRET_PREFIX'
  | 'CONVERSATIONS_TABLE'
  | 'MESSAGES_TABLE'
  | 'CONTROL_TABLE'
  | 'MEDIA_BUCKET'
  | 'DEAD_LETTER_QUEUE_URL'
  | 'SEND_MACHINE_ARN';

/** What the function is linked to. `expected` completes "expected …". */
export function required(name: ResourceVariable, expected: string, environment: Environment = process.env): string {
  const value = environment[name];
  if (!value) throw new ConfigurationError(name, expected);
  return value;
}

/** A whole number from `min` on, or the fallback where it is not set. */
export function wholeNumber(name: string, fallback: number, min = 0, environment: Environment = process.env): number {
  const text = environment[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < min) throw new ConfigurationError(name, `a whole number from ${min} on`);
  return value;
}

/** What a stage tells of itself, as JSON in an SSM parameter: whoever operates it finds everything else by this. */
export const stageOutputs = z.looseObject({
  version: z.literal(1),
  /** Where LiveChat calls. */
  webhookUrl: z.string(),
  /** The environment variables that core reads: names as they are deployed, and settings that are no secret. */
  environment: z.record(z.string(), z.string()),
});
export type StageOutputs = z.infer<typeof stageOutputs>;

/** The stage that the local engine is. */
export const localStage = 'local';

/** The name of the SSM parameter that holds a stage's outputs. */
export function outputsParameter(stage: string): string {
  return `/livechat/${stage}/outputs`;
}
