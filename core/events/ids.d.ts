/** A stable identifier of 32 hex digits for a list of parts. Parts are serialized as JSON, so lists cannot collide by joining. */
export declare function deriveId(...parts: readonly (string | number)[]): string;
/** A hash of a JSON value in 32 hex digits, independent of key order. */
export declare function contentHash(value: unknown): string;
/** JSON with sorted keys: equal values give equal strings. */
export declare function canonicalJson(value: unknown): string;
