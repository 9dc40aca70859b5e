import type { UserType } from '../events/schemas.ts';
/** Hosts of the files in LiveChat's events. LiveChat accepts a `file` event only with a URL on one of them. */
export declare const liveChatFileHosts: readonly string[];
export declare function isUuid(id: string): boolean;
/** Derives the user type from the id format. LiveChat's events have no author type. */
export declare function userTypeFromId(id: string | null | undefined): UserType;
/** The user type from LiveChat's `type`, otherwise from the id. LiveChat declares bots as agents. */
export declare function userType(id: string, declared: string | null | undefined): UserType;
export declare function authorFromId(id: string | null | undefined): {
    id: string;
    type: UserType;
};
/** An event id of a thread, and its time. */
export interface EventIdAndTime {
    readonly id: string;
    /** LiveChat's time; undefined for the tombstone of an event that was never received. */
    readonly at: string | undefined;
}
/**
 * Counts the gaps in the event numbers of a thread, whose ids have the form `<thread>_<n>`. Ids of another form are
 * ignored. A gap counts only between two received events, the later of which is older than a minute at `now`
 * (ms since 1970).
 */
export declare function countMissingEvents(threadId: string, events: readonly EventIdAndTime[], now: number): number;
