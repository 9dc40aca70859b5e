import { Entity, type EntityItem } from 'electrodb';
import * as z from 'zod/mini';
import { type StoredItem } from '../platform/dynamodb.ts';
import { type ExecutionInput } from './request.ts';
/**
 * A message of the dead-letter queue: a failed send request, a rejected one, an event that a function failed to handle, or
 * neither. `wasStopped`: the execution ended while its function may have been running.
 */
export type DeadLetter = {
    /** Derives from the failure, so a duplicate message of the queue is the same dead letter. */
    readonly id: string;
    readonly error: {
        readonly name: string;
        readonly message: string;
    };
} & ({
    readonly kind: 'send';
    readonly request: ExecutionInput;
    readonly wasStopped: boolean;
} | {
    readonly kind: 'rejected' | 'event';
    readonly event: BusEvent;
} | {
    readonly kind: 'unreadable';
    readonly body: unknown;
});
export type DeadLetterKind = DeadLetter['kind'];
declare const busEvent: z.ZodMiniObject<{
    id: z.ZodMiniString<string>;
    source: z.ZodMiniString<string>;
    'detail-type': z.ZodMiniString<string>;
    time: z.ZodMiniString<string>;
    detail: z.ZodMiniUnknown;
}, z.core.$loose>;
type BusEvent = z.infer<typeof busEvent>;
/** The id of a dead letter. It derives from the name of the execution (`send`), or from the id of the event. */
export declare const deriveDeadLetterId: (kind: DeadLetterKind, ...identity: readonly string[]) => string;
/** Parses a message of the dead-letter queue. `attributes` hold EventBridge's reason. Never throws. */
export declare function parseDeadLetter(message: string, attributes?: {
    readonly [Name in 'ERROR_CODE' | 'ERROR_MESSAGE']?: string | undefined;
}): DeadLetter;
/**
 * Whether a message is the status change of an execution whose dead letter the state machine has sent: the cause is Lambda's
 * JSON of the error that the execution failed with. An error of the state machine itself has another cause.
 */
export declare function isAlreadyReported(message: string): boolean;
export declare const deadLetterStatuses: readonly ['open', 'redriven', 'dismissed', 'resolved'];
declare const DeadLetterEntity: Entity<string, string, string, {
    model: {
        entity: string;
        version: string;
        service: string;
    };
    attributes: {
        id: {
            readonly type: 'string';
            readonly required: true;
        };
        kind: {
            type: readonly ['send', 'rejected', 'event', 'unreadable'];
            required: true;
        };
        /** `dismissed`: an operator decided that nothing remains to be done. `resolved`: every message of it was sent after all. */
        status: {
            type: readonly ["open", "redriven", "dismissed", "resolved"];
            required: true;
        };
        errorName: {
            readonly type: 'string';
            readonly required: true;
        };
        errorMessage: {
            readonly type: 'string';
            readonly required: true;
        };
        /** What it concerns; empty where it does not say. */
        organizationId: {
            readonly type: 'string';
            readonly required: true;
        };
        conversationId: {
            readonly type: 'string';
            readonly required: true;
        };
        requestId: {
            readonly type: 'string';
            readonly required: true;
        };
        /** The number of the redrive that failed, 0 for the first execution. */
        redrives: {
            readonly type: 'number';
            readonly required: true;
        };
        /** Failed calls to LiveChat, since the last redrive. */
        failedCalls: {
            readonly type: 'number';
            readonly required: true;
        };
        /** When the last redrive started, ms since 1970. */
        redriveStartedAt: {
            type: "number";
        };
        /** Why and when (ISO 8601) it was dismissed. */
        dismissReason: {
            type: "string";
        };
        dismissedAt: {
            type: "string";
        };
        /** ISO 8601 */
        createdAt: {
            readonly type: 'string';
            readonly required: true;
        };
        /** The {@link DeadLetter}, as JSON. */
        deadLetter: {
            readonly type: 'string';
            readonly required: true;
        };
        expires: {
            readonly type: 'number';
            readonly required: true;
        };
    };
    indexes: {
        primary: {
            readonly pk: {
                readonly field: `${string}pk`;
                readonly composite: readonly ["id"];
                readonly casing: 'none';
            };
            readonly sk: {
                readonly field: `${string}sk`;
                readonly composite: readonly [];
                readonly casing: 'none';
            };
        };
        byStatus: {
            pk: {
                readonly field: `${string}pk`;
                readonly composite: readonly ["status"];
                readonly casing: 'none';
            };
            sk: {
                readonly field: `${string}sk`;
                readonly composite: readonly ["createdAt", "id"];
                readonly casing: 'none';
            };
            index: string;
        };
    };
}, string>;
/** An archived dead letter, without its content. */
export type DeadLetterSummary = Omit<EntityItem<typeof DeadLetterEntity>, 'deadLetter' | 'expires' | 'redriveStartedAt'>;
/** What a dead letter concerns, and what remains to be done. */
export type DeadLetterSubject = Pick<DeadLetterSummary, 'status' | 'organizationId' | 'conversationId' | 'requestId' | 'redrives' | 'failedCalls'>;
/** Archives a dead letter. Returns false if it exists. */
export declare function archiveDeadLetter(deadLetter: DeadLetter, subject: DeadLetterSubject, now: number): Promise<boolean>;
export declare function findDeadLetter(id: string): Promise<{
    readonly summary: DeadLetterSummary;
    readonly deadLetter: DeadLetter;
} | undefined>;
/** Starts the redrive of an open dead letter, which cannot be dismissed meanwhile. Returns false if it is not open. */
export declare function startRedrive(id: string, now: number): Promise<boolean>;
/** Marks a dead letter as redriven, also if it was dismissed because its redrive took too long. Returns false if it was marked already. */
export declare function markRedriven(id: string): Promise<boolean>;
/** Marks an open dead letter as dismissed. Returns undefined if it is not open or is being redriven. */
export declare function markDismissed(id: string, reason: string, now: number): Promise<DeadLetterSummary | undefined>;
/** Undefined matches everything. */
export interface DeadLetterFilter {
    readonly kind?: DeadLetterKind | undefined;
    /** The name of the error. */
    readonly error?: string | undefined;
    /** As {@link deadLetterCategory} assigns it. */
    readonly category?: string | undefined;
    readonly organization?: string | undefined;
    readonly conversation?: string | undefined;
    readonly request?: string | undefined;
}
interface DeadLetterPage {
    readonly limit: number;
    /** The `next` of the previous page. */
    readonly from?: string | null;
    /** Only those created then or later, ISO 8601. */
    readonly since?: string | undefined;
    readonly filter?: DeadLetterFilter | undefined;
}
/** A page of the dead letters of a status that match, newest first. */
export declare function listDeadLetters(status: DeadLetterSummary['status'], { limit, from, since, filter }: DeadLetterPage): Promise<{
    deadLetters: DeadLetterSummary[];
    next?: string;
}>;
/** The items of the dead letters that contain one of the texts. Reads every dead letter. */
export declare function findDeadLetterItems(texts: readonly string[]): Promise<StoredItem[]>;
export {};
