import type { DeadLetterKind } from './dead-letter.ts';
/** The request is not first in its message group. The state machine waits for its turn, for at most `maxWaitMs`. */
export declare class NotFirst extends Error {
    readonly name = "NotFirst";
    constructor(now: number, maxWaitMs: number);
}
/** The request does not match its schema. The message names the fields, never their contents. */
export declare class RequestInvalid extends Error {
    readonly name = "RequestInvalid";
}
/** A requestId was used again with other content. */
export declare class RequestConflict extends Error {
    readonly name = "RequestConflict";
    constructor(requestId: string);
}
/** The request was not delivered within `expiresInSeconds`. */
export declare class RequestExpired extends Error {
    readonly name = "RequestExpired";
    /** @param options the failure after which no time is left, as `cause`; the name of an earlier one, as `lastError` */
    constructor(requestId: string, { lastError, ...options }?: ErrorOptions & {
        readonly lastError?: string;
    });
}
/** A delivery of the request is not in the messages table: it was erased or has expired. */
export declare class DeliveryMissing extends Error {
    readonly name = "DeliveryMissing";
    constructor(deliveryId: string);
}
/** An AWS call of the step failed. The state machine retries it. */
export declare class StepFailed extends Error {
    readonly name = "StepFailed";
    constructor(cause: unknown);
}
/** Whether the state machine or the dead-letter handler knows the error by its name. */
export declare function isKnown(error: unknown): boolean;
export declare const deadLetterCategories: readonly string[];
/** The category under which a dead letter is counted. The runbook has a section for each. */
export declare function deadLetterCategory(kind: DeadLetterKind, errorName: string): string;
/** The names of the errors in a category. `Internal` has all names that no other category has. */
export declare function errorNames(category: string): {
    readonly names: readonly string[];
} | {
    readonly except: readonly string[];
};
