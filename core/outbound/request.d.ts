import * as z from 'zod/mini';
import type { Compose, Part } from '../channel/channel.ts';
import { type EventData } from '../events/catalogue.ts';
export type SendRequestData = EventData<'message.send.requested'>;
/** Which message of its request a part belongs to, and which part of it. */
export type PartPlace = Pick<Part<unknown>, 'messageIndex' | 'splitIndex'>;
/** A valid request, with the parts to send. Its other fields become the input of its execution. */
export interface SendRequest<Content> extends Omit<ExecutionInput, 'version' | 'deliveries' | 'orderKey' | 'expiresAt' | 'redrive' | 'redrivenAt'> {
    /** The sender's own time, ms since 1970. */
    readonly sentAt: number | undefined;
    /** A hash of the whole request. */
    readonly hash: string;
    readonly parts: readonly (Part<Content> & {
        readonly id: string;
    })[];
}
/** The place of a delivery in its request. Undefined if the id is not one of this bridge. */
export declare function parsePartPlace(id: string): PartPlace | undefined;
/** Parses an event `message.send.requested`. Throws {@link RequestInvalid}, which names every invalid field. */
export declare function parseSendRequested<Content>(event: unknown, compose: Compose<Content>): SendRequest<Content>;
/** Validates a request before it is published. Throws {@link RequestInvalid}. */
export declare function validateRequest<Content>(data: SendRequestData, compose: Compose<Content>, now: number): SendRequest<Content>;
/**
 * The input of an execution. It holds ids and times (ms since 1970), never content: the history of an execution is kept for 90 days and
 * cannot be deleted.
 */
export declare const executionInput: z.ZodMiniObject<{
    version: z.ZodMiniLiteral<1>;
    organizationId: z.ZodMiniString<string>;
    conversationId: z.ZodMiniString<string>;
    requestId: z.ZodMiniString<string>;
    deliveries: z.ZodMiniArray<z.ZodMiniObject<{
        id: z.ZodMiniString<string>;
        hasFile: z.ZodMiniOptional<z.ZodMiniLiteral<true>>;
    }, z.core.$strip>>;
    options: z.ZodMiniObject<{
        onInactive: z.ZodMiniEnum<{
            append: "append";
            fail: "fail";
            resume: "resume";
        }>;
        onAbsent: z.ZodMiniEnum<{
            join: "join";
            transfer: "transfer";
        }>;
    }, z.core.$strip>;
    orderKey: z.ZodMiniNumber<number>;
    requestedAt: z.ZodMiniNumber<number>;
    expiresAt: z.ZodMiniNumber<number>;
    expiresInMs: z.ZodMiniNumber<number>;
    redrive: z.ZodMiniNumber<number>;
    redrivenAt: z.ZodMiniOptional<z.ZodMiniNumber<number>>;
    correlationId: z.ZodMiniString<string>;
    causationId: z.ZodMiniString<string>;
}, z.core.$strip>;
export type ExecutionInput = z.infer<typeof executionInput>;
export type SendOptions = ExecutionInput['options'];
declare const stepInput: z.ZodMiniObject<{
    request: z.ZodMiniObject<{
        version: z.ZodMiniLiteral<1>;
        organizationId: z.ZodMiniString<string>;
        conversationId: z.ZodMiniString<string>;
        requestId: z.ZodMiniString<string>;
        deliveries: z.ZodMiniArray<z.ZodMiniObject<{
            id: z.ZodMiniString<string>;
            hasFile: z.ZodMiniOptional<z.ZodMiniLiteral<true>>;
        }, z.core.$strip>>;
        options: z.ZodMiniObject<{
            onInactive: z.ZodMiniEnum<{
                append: "append";
                fail: "fail";
                resume: "resume";
            }>;
            onAbsent: z.ZodMiniEnum<{
                join: "join";
                transfer: "transfer";
            }>;
        }, z.core.$strip>;
        orderKey: z.ZodMiniNumber<number>;
        requestedAt: z.ZodMiniNumber<number>;
        expiresAt: z.ZodMiniNumber<number>;
        expiresInMs: z.ZodMiniNumber<number>;
        redrive: z.ZodMiniNumber<number>;
        redrivenAt: z.ZodMiniOptional<z.ZodMiniNumber<number>>;
        correlationId: z.ZodMiniString<string>;
        causationId: z.ZodMiniString<string>;
    }, z.core.$strip>;
    turn: z.ZodMiniOptional<z.ZodMiniObject<{
        slot: z.ZodMiniOptional<z.ZodMiniObject<{
            at: z.ZodMiniNumber<number>;
            epoch: z.ZodMiniNumber<number>;
            missed: z.ZodMiniOptional<z.ZodMiniNumber<number>>;
        }, z.core.$strip>>;
        Error: z.ZodMiniOptional<z.ZodMiniString<string>>;
    }, z.core.$loose>>;
}, z.core.$strip>;
/** Parses the input of the functions of the state machine. */
export declare function parseStepInput(raw: unknown): z.infer<typeof stepInput>;
/** Parses the input of an execution; undefined if it is not one. */
export declare function parseExecutionInput(raw: unknown): ExecutionInput | undefined;
/** The name of the execution of a request. A name can be used once, so a duplicate event starts no second execution. */
export declare function executionName({ organizationId, requestId, redrive, }: Pick<ExecutionInput, 'organizationId' | 'requestId' | 'redrive'>): string;
export {};
