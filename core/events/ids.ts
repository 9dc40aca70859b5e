import { createHash } from 'node:crypto';

/** A stable identifier of 32 hex digits for a list of parts. Parts are serialized as JSON, so lists cannot collide by joining. */
export function deriveId(...parts: readonly (string | number)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}

/** A hash of a JSON value in 32 hex digits, independent of key order. */
export function contentHash(value: unknown): string {
  return deriveId(canonicalJson(value));
}

/** JSON with sorted keys: equal values give equal strings. */
export function canonicalJson(value: unknown): string {
  return (
    JSON.stringify(value, (_key, inner: unknown) => {
      if (typeof inner !== 'object' || inner === null || Array.isArray(inner) || JSON.isRawJSON(inner)) return inner;
      return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
    }) ?? 'undefined'
  );
}
