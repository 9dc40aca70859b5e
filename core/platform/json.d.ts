declare global {
    interface JSON {
        rawJSON(text: string): object;
        isRawJSON(value: unknown): boolean;
        parse(text: string, reviver: (key: string, value: unknown, context: {
            readonly source?: string;
        }) => unknown): unknown;
    }
}
/** Parses JSON. Undefined if the text is not JSON: the error of `JSON.parse` quotes the text, which may be content. */
export declare function parseJson(json: string | null | undefined): unknown;
/**
 * As {@link parseJson}, but a number that JavaScript does not represent exactly, such as a snowflake id, becomes an object that
 * `JSON.stringify` writes with its digits.
 */
export declare function parseJsonExactly(json: string | null | undefined): unknown;
/** Whether a value contains a number that {@link parseJsonExactly} kept. */
export declare function hasExactNumber(value: unknown): boolean;
