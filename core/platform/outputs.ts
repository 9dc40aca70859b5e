import * as z from 'zod/mini';

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
