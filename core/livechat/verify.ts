import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Credentials, OrganizationSecret } from './credentials.ts';

/** What authenticates a request: the `X-Signature` header if present, otherwise the body's `secret_key`. */
export type Proof =
  | { readonly signature: string; readonly rawBody: Uint8Array }
  | { readonly signature?: undefined; readonly bodySecret: unknown };

export class InvalidSignatureError extends Error {
  override readonly name = 'InvalidSignature';
}

/**
 * The credentials whose webhook secret the proof matches. After a mismatch the secret is read again, since it may have
 * been rotated. Throws {@link InvalidSignatureError}. `now` is in ms.
 */
export async function verifyProof(
  proof: Proof,
  organizationId: string | undefined,
  credentials: Credentials,
  now: () => number,
): Promise<OrganizationSecret> {
  const cached = await credentials.get(organizationId);
  if (isAuthentic(proof, acceptedSecrets(cached, now()))) return cached;
  const current = await credentials.refresh(organizationId);
  if (current && isAuthentic(proof, acceptedSecrets(current, now()))) return current;
  throw new InvalidSignatureError('neither X-Signature nor secret_key matches the webhook secret');
}

/** The webhook secrets accepted at `now` (ms): the current one and, for 24 h after a rotation, the previous one. */
export function acceptedSecrets({ current, previous }: Omit<OrganizationSecret, 'source'>, now: number): string[] {
  const secrets = [current.LIVECHAT_WEBHOOK_SECRET];
  if (previous && now < previous.until) secrets.push(previous.credentials.LIVECHAT_WEBHOOK_SECRET);
  return secrets;
}

/** Compares with every secret in constant time, independent of lengths and of which one matches. */
export function isAuthentic(proof: Proof, secrets: readonly string[]): boolean {
  const matches = secrets.map((secret) => {
    if (proof.signature === undefined) return typeof proof.bodySecret === 'string' && equal(proof.bodySecret, secret);
    const expected = createHmac('sha256', secret).update(proof.rawBody).digest('hex');
    return equal(proof.signature.toLowerCase(), expected);
  });
  return matches.includes(true);
}

function equal(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

/** Hashed values have one length, so the comparison does not reveal the secret's length. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** LiveChat bodies are nested far less; the limit protects the stack. */
export const maxNesting = 100;

export class TooDeepError extends Error {
  override readonly name = 'TooDeep';
}

/**
 * The value without a top-level `secret_key`, and with every other occurrence of the secrets replaced, in names as well
 * as in text. Throws {@link TooDeepError} beyond {@link maxNesting} levels.
 */
export function redact(value: unknown, secrets: readonly string[]): unknown {
  const clean = (text: string) => secrets.reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), text);
  const redactValue = (inner: unknown, depth: number): unknown => {
    if (depth > maxNesting) throw new TooDeepError(`nested more than ${maxNesting} levels deep`);
    if (typeof inner === 'string') return clean(inner);
    if (Array.isArray(inner)) return inner.map((item) => redactValue(item, depth + 1));
    if (typeof inner !== 'object' || inner === null) return inner;
    return Object.fromEntries(
      Object.entries(inner).flatMap(([name, item]) =>
        depth === 0 && name === 'secret_key' ? [] : [[clean(name), redactValue(item, depth + 1)]],
      ),
    );
  };
  return redactValue(value, 0);
}
