import { scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import type { Version, WebhookRegistration } from './api.ts';
import { type Action, isAction, payloads } from './schemas.ts';

/** LiveChat takes so many registrations of one action and client. Source: reference of register_webhook. */
export const maxPerAction = 3;

/** From which minor version of v3 on LiveChat knows an action, where not all do. */
const since: Partial<Record<Action, number>> = { event_deleted: 6 };
/** The original specification of this bridge imagines it; LiveChat would refuse it. */
const imagined: ReadonlySet<string> = new Set<Action>(['agent_changed']);

/** The webhooks that this bridge understands, by the names under which LiveChat registers them. */
export function supportedActions({ major, minor }: Version): Action[] {
  const known = (action: Action) => major > 3 || minor >= (since[action] ?? 0);
  return Object.keys(payloads).filter((name): name is Action => isAction(name) && !imagined.has(name) && known(name));
}

export interface DesiredRegistrations {
  readonly url: string;
  readonly actions: readonly string[];
  readonly mark: RegistrationMark;
}

/** Why a registration of ours is not what it should be. `unmarked`: nobody can tell with which secret it was made. */
export type Mismatch = 'type' | 'filters' | 'version' | 'secret' | 'unmarked';

export interface Creation {
  readonly action: string;
  /** Why those that are there do not do; empty where there is none. */
  readonly mismatches: readonly Mismatch[];
}

export interface Removal {
  readonly id: string;
  readonly action: string;
  readonly reason: 'replaced' | 'duplicate' | 'not supported';
}

export interface RegistrationPlan {
  readonly keep: readonly WebhookRegistration[];
  /** To make room where three are there already: no webhook of the action comes until the new one is in effect. */
  readonly removeFirst: readonly Removal[];
  readonly create: readonly Creation[];
  /** Once the new ones are in effect. */
  readonly remove: readonly Removal[];
  /** Actions for which LiveChat takes no further registration, since others, which are not ours, are there. */
  readonly blocked: readonly { readonly action: string; readonly others: readonly WebhookRegistration[] }[];
  /** Whether the license's webhooks are switched off and must be switched on. */
  readonly enable: boolean;
}

export interface RegistrationState {
  readonly registrations: readonly WebhookRegistration[];
  readonly enabled: boolean;
}

/** What has to change so that every wanted webhook is registered once. Registrations of other addresses are left alone. */
export function planChanges(
  { registrations, enabled }: RegistrationState,
  desired: DesiredRegistrations,
): RegistrationPlan {
  const ours = registrations.filter(({ url }) => isSameUrl(url, desired.url));
  const unsupported = ours.filter(({ action }) => !desired.actions.includes(action ?? ''));
  const parts = desired.actions.map((action) =>
    planActionChanges(
      action,
      ours.filter((one) => one.action === action),
      registrations.filter((one) => one.action === action && !ours.includes(one)),
      desired.mark,
    ),
  );
  return {
    keep: parts.flatMap(({ keep }) => keep ?? []),
    removeFirst: parts.flatMap(({ removeFirst }) => removeFirst ?? []),
    create: parts.flatMap(({ create }) => create ?? []),
    remove: [...parts.flatMap(({ remove }) => remove ?? []), ...unsupported.map(removal('not supported'))],
    blocked: parts.flatMap(({ blocked }) => blocked ?? []),
    enable: !enabled,
  };
}

export function isUpToDate({ removeFirst, create, remove, blocked, enable }: RegistrationPlan): boolean {
  return [removeFirst, create, remove, blocked].every((list) => list.length === 0) && !enable;
}

type Part = Partial<Pick<RegistrationPlan, 'removeFirst' | 'remove'>> & {
  readonly keep?: WebhookRegistration;
  readonly create?: Creation;
  readonly blocked?: RegistrationPlan['blocked'][number];
};

function planActionChanges(
  action: string,
  ours: readonly WebhookRegistration[],
  others: readonly WebhookRegistration[],
  mark: RegistrationMark,
): Part {
  const good = ours.filter((one) => findMismatches(one, mark).length === 0);
  const bad = ours.filter((one) => !good.includes(one));
  const [keep, ...duplicates] = good;
  if (keep) return { keep, remove: [...bad.map(removal('replaced')), ...duplicates.map(removal('duplicate'))] };
  const room = maxPerAction - ours.length - others.length;
  if (room <= 0 && bad.length === 0) return { blocked: { action, others } };
  const mismatches = [...new Set(bad.flatMap((one) => findMismatches(one, mark)))];
  const first = room > 0 ? [] : bad.slice(0, 1);
  return {
    removeFirst: first.map(removal('replaced')),
    create: { action, mismatches },
    remove: bad.slice(first.length).map(removal('replaced')),
  };
}

/** What LiveChat leaves out of its list is not held against a registration. */
export function findMismatches(
  { type, filters, description }: WebhookRegistration,
  wanted: RegistrationMark,
): Mismatch[] {
  const mark = parseMark(description);
  const mismatches: readonly (readonly [Mismatch, boolean])[] = [
    ['type', type === 'bot'],
    ['filters', Object.keys(filters ?? {}).length > 0],
    ['unmarked', !mark],
    ['version', mark !== undefined && mark.version !== wanted.version],
    ['secret', mark !== undefined && mark.secret !== wanted.secret],
  ];
  return mismatches.flatMap(([mismatch, there]) => (there ? [mismatch] : []));
}

function removal(reason: Removal['reason']) {
  return ({ id, action }: WebhookRegistration): Removal => ({ id, action: action ?? '', reason });
}

export function isSameUrl(one: string | null | undefined, other: string): boolean {
  return one !== undefined && one !== null && (URL.parse(one)?.href ?? one) === (URL.parse(other)?.href ?? other);
}

/**
 * What a registration's description says of how it was made, since LiveChat tells neither its secret nor its version.
 * `secret` is a fingerprint.
 */
export interface RegistrationMark {
  readonly version: string;
  readonly secret: string;
}

const form = /^livechat-bridge, API (v\d+\.\d+), secret ([0-9a-f]{8})$/;
const fingerprintBytes = 4;

export function formatMark({ version, secret }: RegistrationMark): string {
  return `livechat-bridge, API ${version}, secret ${secret}`;
}

export function parseMark(description: string | null | undefined): RegistrationMark | undefined {
  const [, version, secret] = form.exec(description ?? '') ?? [];
  return version !== undefined && secret !== undefined ? { version, secret } : undefined;
}

const derive = promisify<string, string, number, Buffer>(scrypt);

/**
 * Tells secrets apart without telling what they are: too short to be one, and slow to compute, so that who reads it
 * cannot try many guesses.
 */
export async function fingerprint(secret: string, clientId: string): Promise<string> {
  return (await derive(secret, `livechat-bridge ${clientId}`, fingerprintBytes)).toString('hex');
}

export function formatVersion({ major, minor }: Version): string {
  return `v${major}.${minor}`;
}

/** How a rotation of the webhook secret goes on. */
export type RotationStep =
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
export function nextRotationStep(
  registrations: readonly WebhookRegistration[],
  url: string,
  fingerprints: { readonly current: string; readonly previous: string | undefined },
): RotationStep {
  const ours = registrations.filter((one) => isSameUrl(one.url, url));
  const secrets = ours.map(({ description }) => parseMark(description)?.secret);
  if (secrets.every((secret) => secret === fingerprints.current)) return { next: 'begin' };
  const known = [fingerprints.current, fingerprints.previous];
  if (secrets.every((secret) => secret !== undefined && known.includes(secret))) return { next: 'resume' };
  const reason =
    'some registrations carry a secret that is neither the stored one nor the one before: run `webhooks sync` first';
  return { next: 'stop', reason };
}

/** Why a rotation cannot be done without a gap; undefined where it can. */
export function findRotationGap({ removeFirst, blocked }: RegistrationPlan): string | undefined {
  const actions = [...removeFirst, ...blocked].map(({ action }) => action);
  if (actions.length === 0) return undefined;
  return `${maxPerAction} registrations are there already of ${[...new Set(actions)].join(', ')}, and LiveChat takes no more: remove one of each, then rotate`;
}
