import { createHash, timingSafeEqual } from 'node:crypto';

/** The webhook has no valid secret or signature of the channel. The response is 401. */
export class InvalidSignatureError extends Error {
  override readonly name = 'InvalidSignature';
}

/** Compares secrets in constant time. It compares digests, whose equal lengths do not reveal the secret's length. */
export function isEqualSecret(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
