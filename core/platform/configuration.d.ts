import * as z from 'zod/mini';
/** A missing or malformed setting. The message holds its name and the expected value, never the actual one. */
export declare class ConfigurationError extends Error {
    readonly name = "ConfigurationError";
    constructor(setting: string, expected: string);
}
export type Environment = Readonly<Record<string, string | undefined>>;
/**
 * The environment variables that name resources. stacks/functions.ts maps each one to its resource; a function gets those of
 * its permissions.
 */
export type ResourceVariable = 'CONVERSATIONS_TABLE' | 'MESSAGES_TABLE' | 'CONTROL_TABLE' | 'BUS_NAME' | 'SECRET_PREFIX' | 'MEDIA_BUCKET' | 'DEAD_LETTER_QUEUE_URL' | 'SEND_MACHINE_ARN' | 'AUDIT_LOG_GROUP';
/** The name, URL or ARN of a resource. Throws {@link ConfigurationError} if it is not set. */
export declare function required(name: ResourceVariable, environment?: Environment): string;
/** A setting that is a whole number of at least `min`, or `fallback` if it is not set. */
export declare function wholeNumber(name: string, fallback: number, min?: number, environment?: Environment): number;
/**
 * The optional edge in front of the webhook: the header that CloudFront adds to each request, and the variable with the SHA-256
 * digest of its value.
 */
export declare const edgeKey: {
    readonly header: 'x-edge-key';
    readonly variable: 'WEBHOOK_EDGE_KEY_SHA256';
};
/** The outputs of a stage, stored as JSON in an SSM parameter. The command line and the console find the stage by them. */
export declare const stageOutputs: z.ZodMiniObject<{
    version: z.ZodMiniLiteral<1>;
    webhookUrl: z.ZodMiniString<string>;
    environment: z.ZodMiniRecord<z.ZodMiniString<string>, z.ZodMiniString<string>>;
}, z.core.$loose>;
export type StageOutputs = z.infer<typeof stageOutputs>;
/** The stage name of the local engine. */
export declare const localStage = "local";
/** The name of the SSM parameter that holds a stage's outputs. */
export declare function outputsParameter(stage: string): string;
