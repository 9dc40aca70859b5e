import type { AnsweredWebhook } from '../client/methods.ts';
import { readMark } from './mark.ts';
import { mostPerAction, type Plan, sameAddress } from './plan.ts';

/** How a rotation of the webhook secret goes on. */
export type Rotation =
  /** Make a new secret. */
  | { readonly next: 'begin' }
  /** One was made before, and has not replaced the old one everywhere. */
  | { readonly next: 'resume' }
  /** `reason` says what to do first. */
  | { readonly next: 'stop'; readonly reason: string };

/**
 * What the registrations of our address say about where a rotation stands: which secret they carry, by its fingerprint.
 * A rotation that was broken off left some with the secret before.
 */
export function rotationOf(
  registrations: readonly AnsweredWebhook[],
  url: string,
  fingerprints: { readonly current: string; readonly previous: string | undefined },
): Rotation {
  const ours = registrations.filter((one) => sameAddress(one.url, url));
  const secrets = ours.map(({ description }) => readMark(description)?.secret);
  if (secrets.every((secret) => secret === fingerprints.current)) return { next: 'begin' };
  const known = [fingerprints.current, fingerprints.previous];
  if (secrets.every((secret) => secret !== undefined && known.includes(secret))) return { next: 'resume' };
  const reason =
    'some registrations carry a secret that is neither the stored one nor the one before: run `webhooks sync` first';
  return { next: 'stop', reason };
}

/** Why a rotation cannot be done without a gap; undefined where it can. */
export function gapOf({ first, full }: Plan): string | undefined {
  const actions = [...first, ...full].map(({ action }) => action);
  if (actions.length === 0) return undefined;
  return `${mostPerAction} registrations are there already of ${[...new Set(actions)].join(', ')}, and LiveChat takes no more: remove one of each, then rotate`;
}
