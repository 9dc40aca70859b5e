/** Past this nothing is a LiveChat body, and walking it would risk the stack. */
export const deepestNesting = 100;

export class TooDeepError extends Error {
  override readonly name = 'TooDeep';
}

/**
 * The value without a top-level `secret_key`, and with each of the secrets blotted out wherever else it stands,
 * in names as well as in text. Throws {@link TooDeepError} past {@link deepestNesting} levels.
 */
export function redact(value: unknown, secrets: readonly string[]): unknown {
  const clean = (text: string) => secrets.reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), text);
  const walk = (inner: unknown, depth: number): unknown => {
    if (depth > deepestNesting) throw new TooDeepError(`nested more than ${deepestNesting} levels deep`);
    if (typeof inner === 'string') return clean(inner);
    if (Array.isArray(inner)) return inner.map((item) => walk(item, depth + 1));
    if (typeof inner !== 'object' || inner === null) return inner;
    return Object.fromEntries(
      Object.entries(inner).flatMap(([name, item]) =>
        depth === 0 && name === 'secret_key' ? [] : [[clean(name), walk(item, depth + 1)]],
      ),
    );
  };
  return walk(value, 0);
}
