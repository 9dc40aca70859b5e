/** Parses JSON. Undefined if the text is not JSON: the error of `JSON.parse` quotes the text, which may be content. */
export function parseJson(json: string | null | undefined): unknown {
  try {
    return JSON.parse(json ?? '');
  } catch {
    return undefined;
  }
}
