/** Header names may come in any case, and a value more than once. */
export type AnswerHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The first value of a header, trimmed. */
export function header(headers: AnswerHeaders, name: string): string | undefined {
  const [, value] = Object.entries(headers).find(([given]) => given.toLowerCase() === name) ?? [];
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === 'string' ? first.trim() : undefined;
}

/** `X-Debug-Id`, where it has the form of an id: it goes into logs. */
export function debugIdOf(headers: AnswerHeaders): string | undefined {
  const id = header(headers, 'x-debug-id');
  return id !== undefined && /^[\w.:-]{1,128}$/.test(id) ? id : undefined;
}
