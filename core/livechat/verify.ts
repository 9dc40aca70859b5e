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
