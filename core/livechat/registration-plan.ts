import { scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import type { WebhookRegistration } from './api.ts';
import { type Action, isAction, payloads } from './schemas.ts';

/** LiveChat's limit of registrations per action and client id. Source: reference of register_webhook. */
export const maxPerAction = 3;

/** The v3 minor version that introduced an action, if not all versions have it. */
const since: Partial<Record<Action, number>> = { event_deleted: 6 };
/** Named in the original specification only; LiveChat has no such webhook. */
const specificationOnly: ReadonlySet<string> = new Set<Action>(['agent_changed']);

/** The webhook actions that the bridge supports in an API version, such as `v3.6`. */
export function supportedActions(version: string): Action[] {
  const [major = 0, minor = 0] = version.slice(1).split('.').map(Number);
  const isAvailable = (action: Action) => major > 3 || minor >= (since[action] ?? 0);
  return Object.keys(payloads).filter(
    (name): name is Action => isAction(name) && !specificationOnly.has(name) && isAvailable(name),
  );
}

export interface DesiredRegistrations {
  readonly url: string;
  readonly actions: readonly string[];
  readonly mark: RegistrationMark;
}

/** What is wrong with a registration. `unmarked`: its description does not say which secret it has. */
export type Mismatch = 'type' | 'filters' | 'version' | 'secret' | 'unmarked';

export interface Creation {
  readonly action: string;
  /** What is wrong with the existing registrations; empty if there are none. */
  readonly mismatches: readonly Mismatch[];
}

export interface Removal {
  readonly id: string;
  readonly action: string;
  readonly reason: 'replaced' | 'duplicate' | 'not supported';
}

export interface RegistrationPlan {
  readonly keep: readonly WebhookRegistration[];
  /** Removed before creation because the limit is reached. The action has no webhooks until the new one takes effect. */
  readonly removeFirst: readonly Removal[];
  readonly create: readonly Creation[];
  /** Removed after the new ones have taken effect. */
  readonly remove: readonly Removal[];
  /** Actions whose limit is reached by registrations for other URLs. */
  readonly blocked: readonly { readonly action: string; readonly others: readonly WebhookRegistration[] }[];
  /** Whether the license's webhooks are disabled and must be enabled. */
  readonly enable: boolean;
}

export interface RegistrationState {
  readonly registrations: readonly WebhookRegistration[];
  readonly enabled: boolean;
}

/** Plans the changes after which every desired webhook is registered once. Registrations for other URLs are not touched. */
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
    keep: parts.flatMap(({ keep = [] }) => keep),
    removeFirst: parts.flatMap(({ removeFirst = [] }) => removeFirst),
    create: parts.flatMap(({ create = [] }) => create),
    remove: [...parts.flatMap(({ remove = [] }) => remove), ...unsupported.map(removal('not supported'))],
    blocked: parts.flatMap(({ blocked = [] }) => blocked),
    enable: !enabled,
  };
}

export function isUpToDate({ removeFirst, create, remove, blocked, enable }: RegistrationPlan): boolean {
  return [removeFirst, create, remove, blocked].every((list) => list.length === 0) && !enable;
}

function planActionChanges(
  action: string,
  ours: readonly WebhookRegistration[],
  others: readonly WebhookRegistration[],
  mark: RegistrationMark,
): Partial<RegistrationPlan> {
  const valid = ours.filter((one) => findMismatches(one, mark).length === 0);
  const invalid = ours.filter((one) => !valid.includes(one));
  const [keep, ...duplicates] = valid;
  if (keep) {
    const replaced = invalid.map(removal('replaced'));
    return { keep: [keep], remove: [...replaced, ...duplicates.map(removal('duplicate'))] };
  }
  const free = maxPerAction - ours.length - others.length;
  if (free <= 0 && invalid.length === 0) return { blocked: [{ action, others }] };
  const mismatches = [...new Set(invalid.flatMap((one) => findMismatches(one, mark)))];
  const removedFirst = free > 0 ? [] : invalid.slice(0, 1);
  return {
    removeFirst: removedFirst.map(removal('replaced')),
    create: [{ action, mismatches }],
    remove: invalid.slice(removedFirst.length).map(removal('replaced')),
  };
}

/** Fields that LiveChat leaves out are not mismatches. */
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
  return mismatches.flatMap(([mismatch, isPresent]) => (isPresent ? [mismatch] : []));
}

function removal(reason: Removal['reason']) {
  return ({ id, action }: WebhookRegistration): Removal => ({ id, action: action ?? '', reason });
}

export function isSameUrl(one: string | null | undefined, other: string): boolean {
  return one !== undefined && one !== null && (URL.parse(one)?.href ?? one) === (URL.parse(other)?.href ?? other);
}

/**
 * The API version and the secret's fingerprint, stored in a registration's description because LiveChat returns neither.
 */
export interface RegistrationMark {
  readonly version: string;
  readonly secret: string;
}

const markPattern = /^livechat-bridge, API (v\d+\.\d+), secret ([0-9a-f]{8})$/;
const fingerprintBytes = 4;

export function formatMark({ version, secret }: RegistrationMark): string {
  return `livechat-bridge, API ${version}, secret ${secret}`;
}

export function parseMark(description: string | null | undefined): RegistrationMark | undefined {
  const [, version, secret] = markPattern.exec(description ?? '') ?? [];
  return version !== undefined && secret !== undefined ? { version, secret } : undefined;
}

const derive = promisify<string, string, number, Buffer>(scrypt);

/** Identifies a secret without revealing it. Short, and slow to compute against guessing. */
export async function fingerprint(secret: string, clientId: string): Promise<string> {
  return (await derive(secret, `livechat-bridge ${clientId}`, fingerprintBytes)).toString('hex');
}

/**
 * Decides by the fingerprints of the registrations for our URL whether a rotation of the webhook secret begins with a new
 * secret, or resumes one that was interrupted: then some have the previous secret. Undefined if some have neither.
 */
export function nextRotationStep(
  registrations: readonly WebhookRegistration[],
  url: string,
  fingerprints: { readonly current: string; readonly previous: string | undefined },
): 'begin' | 'resume' | undefined {
  const ours = registrations.filter((one) => isSameUrl(one.url, url));
  const secrets = ours.map(({ description }) => parseMark(description)?.secret);
  if (secrets.every((secret) => secret === fingerprints.current)) return 'begin';
  const known = [fingerprints.current, fingerprints.previous];
  return secrets.every((secret) => secret !== undefined && known.includes(secret)) ? 'resume' : undefined;
}

/** Why a rotation would miss webhooks; undefined if it would not. */
export function findRotationGap({ removeFirst, blocked }: RegistrationPlan): string | undefined {
  const actions = [...removeFirst, ...blocked].map(({ action }) => action);
  if (actions.length === 0) return undefined;
  return `${maxPerAction} registrations already exist for ${[...new Set(actions)].join(', ')}, which is LiveChat's limit: remove one for each action, then rotate`;
}
