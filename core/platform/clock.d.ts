/** Time and randomness, injectable for tests. Times are in ms since 1970. */
export interface Clock {
    now(): number;
    sleep(ms: number): Promise<void>;
    /** From 0 (inclusive) to 1 (exclusive). */
    random(): number;
}
export declare const systemClock: Clock;
