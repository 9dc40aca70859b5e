import * as z from 'zod/mini';
import { type EventData, type EventType } from './catalogue.ts';
import { type EventMetadata } from './schemas.ts';
/** An invalid field. The message says what was expected and never quotes the value. */
export interface Issue {
    readonly path: string;
    readonly message: string;
}
export declare function describeIssues(error: z.core.$ZodError, prefix?: string): Issue[];
/** Issues as the text of an error. */
export declare function issueText(issues: readonly Issue[]): string;
/** A domain event, published with `detail-type` (its type) and `detail` (metadata and data). */
export interface DomainEvent<T extends EventType = EventType> {
    readonly type: T;
    readonly metadata: EventMetadata;
    readonly data: EventData<T>;
}
/** Any event of the catalogue, as a union that narrows on `type`. */
export type AnyEvent = {
    [T in EventType]: DomainEvent<T>;
}[EventType];
/** The outcome of storing an event. `superseded`: the first delivery of a message that is already edited or deleted. */
export type StoreOutcome = 'stored' | 'duplicate' | 'superseded';
export declare class InvalidEventError extends Error {
    readonly name = "InvalidEvent";
    readonly issues: readonly Issue[];
    constructor(type: string, issues: readonly Issue[]);
}
/** Validates `detail` against the catalogue. Throws {@link InvalidEventError}, which lists every invalid field. */
export declare function parseEvent<T extends EventType>(type: T, detail: unknown): DomainEvent<T>;
/** What caused an event of this bridge. */
export interface Cause {
    readonly organizationId: string;
    readonly correlationId: string;
    readonly causationId: string;
}
/** Creates an event whose id is derived from its type, the organization and `identity`. */
export declare function createEvent<T extends EventType>(type: T, data: EventData<T>, { organizationId, correlationId, causationId }: Cause, identity: readonly string[], now: number): DomainEvent<T>;
