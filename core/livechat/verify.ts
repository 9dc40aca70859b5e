import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { OrganizationSecret } from './credentials.ts';

/** What a caller shows: the `X-Signature` header when there is one, otherwise the body's `secret_key`. */
export interface Proof {
  readonly raw: Uint8Array;
  readonly signature: string | undefined;
  readonly bodySecret: unknown;
}

/** The secrets that count at `now` (ms): the current one, and for a while after a rotation the one before. */
export function acceptedSecrets({ current, previous }: Omit<OrganizationSecret, 'source'>, now: number): string[] {
  const secrets = [current.LIVECHAT_WEBHOOK_SECRET];
  if (previous && now < previous.until) secrets.push(previous.credentials.LIVECHAT_WEBHOOK_SECRET);
  return secrets;
}

/** Compares in constant time, whatever the lengths, and against every secret, whichever fits. */
export function proves(proof: Proof, secrets: readonly string[]): boolean {
  const fits = secrets.map((secret) =>
    proof.signature === undefined
      ? typeof proof.bodySecret === 'string' && equal(proof.bodySecret, secret)
      : equal(proof.signature.toLowerCase(), createHmac('sha256', secret).update(proof.raw).digest('hex')),
  );
  return fits.includes(true);
}

function equal(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

// Hashing first makes the lengths equal, so that the comparison itself tells nothing of them.
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

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
