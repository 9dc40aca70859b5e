import * as z from 'zod/mini';
import type { DomainEvent } from './event.ts';
import { type EventMetadata } from './schemas.ts';
/** The data of an event that exceeds the size limit of the bus is stored in the media bucket; the detail refers to it. */
declare const claimCheck: z.ZodMiniObject<{
    metadata: z.ZodMiniObject<{
        id: z.ZodMiniString<string>;
        version: z.ZodMiniString<string>;
        correlationId: z.ZodMiniString<string>;
        causationId: z.ZodMiniOptional<z.ZodMiniString<string>>;
        organizationId: z.ZodMiniString<string>;
        carrier: z.ZodMiniLiteral<"livechat">;
        occurredAt: z.ZodMiniString<string>;
        receivedAt: z.ZodMiniString<string>;
        recovered: z.ZodMiniOptional<z.ZodMiniLiteral<true>>;
    }, z.core.$strip>;
    dataRef: z.ZodMiniObject<{
        bucket: z.ZodMiniString<string>;
        key: z.ZodMiniString<string>;
        bytes: z.ZodMiniNumber<number>;
    }, z.core.$strip>;
}, z.core.$strip>;
export type DataRef = z.infer<typeof claimCheck>['dataRef'];
/** The S3 key for the data of an event. */
export declare function largeEventKey({ organizationId, id }: EventMetadata): string;
/** Stores the data of an event. */
export declare function storeEventData({ metadata, data }: DomainEvent): Promise<DataRef>;
/** Parses a claim check: a detail with a reference in place of its data. Undefined if it is none. */
export declare function parseClaimCheck(detail: unknown): z.infer<typeof claimCheck> | undefined;
/** The detail of an event, with the stored data if it is a claim check. Validation rejects stored data that is not JSON. */
export declare function loadEventData(detail: unknown): Promise<unknown>;
export {};
