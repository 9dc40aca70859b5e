import { scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import type { Version } from '../client/version.ts';

/**
 * What a registration's description says of how it was made, since LiveChat tells neither its secret nor its version.
 * `secret` is a fingerprint.
 */
export interface Mark {
  readonly version: string;
  readonly secret: string;
}

const form = /^livechat-bridge, API (v\d+\.\d+), secret ([0-9a-f]{8})$/;
const fingerprintBytes = 4;

export function describeMark({ version, secret }: Mark): string {
  return `livechat-bridge, API ${version}, secret ${secret}`;
}

export function readMark(description: string | null | undefined): Mark | undefined {
  const [, version, secret] = form.exec(description ?? '') ?? [];
  return version !== undefined && secret !== undefined ? { version, secret } : undefined;
}

const derive = promisify<string, string, number, Buffer>(scrypt);

/**
 * Tells secrets apart without telling what they are: too short to be one, and slow to compute, so that who reads it
 * cannot try many guesses.
 */
export async function fingerprintOf(secret: string, clientId: string): Promise<string> {
  return (await derive(secret, `livechat-bridge ${clientId}`, fingerprintBytes)).toString('hex');
}

export function versionName({ major, minor }: Version): string {
  return `v${major}.${minor}`;
}
