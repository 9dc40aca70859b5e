/**
 * Where a message stands in its thread, by its id alone: an edit or a deletion names nothing else. Most ids have the form
 * `<thread>_<number>`.
 */
/** The number in an id of that form; undefined for another. */
export declare function messageNumber(threadId: string, messageId: string): number | undefined;
/** The thread and the number in an id of that form. */
export declare function parseMessageId(messageId: string): {
    readonly threadId: string;
    readonly number: number;
} | undefined;
/** Sorts the messages of a thread by number, those without one last. Different ids have different positions. */
export declare function messagePosition(threadId: string, messageId: string): string;
export declare function isNumbered(position: string): boolean;
