import { scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import type { AnsweredWebhook, Version } from './api.ts';
import { type Action, isAction, payloads } from './schemas.ts';

/** LiveChat takes so many registrations of one action and client. Source: reference of register_webhook. */
export const mostPerAction = 3;

/** From which minor version of v3 on LiveChat knows an action, where not all do. */
const since: Partial<Record<Action, number>> = { event_deleted: 6 };
/** The original specification of this bridge imagines it; LiveChat would refuse it. */
const imagined: ReadonlySet<string> = new Set<Action>(['agent_changed']);

/** The webhooks that this bridge understands, by the names under which LiveChat registers them. */
export function wantedActions({ major, minor }: Version): Action[] {
  const known = (action: Action) => major > 3 || minor >= (since[action] ?? 0);
  return Object.keys(payloads).filter((name): name is Action => isAction(name) && !imagined.has(name) && known(name));
}

export interface Wish {
  readonly url: string;
  readonly actions: readonly string[];
  readonly mark: Mark;
}

/** Why a registration of ours is not what it should be. `unmarked`: nobody can tell with which secret it was made. */
export type Flaw = 'type' | 'filters' | 'version' | 'secret' | 'unmarked';

export interface Creation {
  readonly action: string;
  /** Why those that are there do not do; empty where there is none. */
  readonly flaws: readonly Flaw[];
}

export interface Removal {
  readonly id: string;
  readonly action: string;
  readonly reason: 'replaced' | 'duplicate' | 'not supported';
}

export interface Plan {
  readonly kept: readonly AnsweredWebhook[];
  /** To make room where three are there already: no webhook of the action comes until the new one is in effect. */
  readonly first: readonly Removal[];
  readonly create: readonly Creation[];
  /** Once the new ones are in effect. */
  readonly remove: readonly Removal[];
  /** Actions for which LiveChat takes no further registration, since others, which are not ours, are there. */
  readonly full: readonly { readonly action: string; readonly others: readonly AnsweredWebhook[] }[];
  /** Whether the license's webhooks are switched off and must be switched on. */
  readonly enable: boolean;
}

export interface Seen {
  readonly registrations: readonly AnsweredWebhook[];
  readonly enabled: boolean;
}

/** What has to change so that every wanted webhook is registered once. Registrations of other addresses are left alone. */
export function planOf({ registrations, enabled }: Seen, wish: Wish): Plan {
  const ours = registrations.filter(({ url }) => sameAddress(url, wish.url));
  const unsupported = ours.filter(({ action }) => !wish.actions.includes(action ?? ''));
  const parts = wish.actions.map((action) =>
    planOfAction(
      action,
      ours.filter((one) => one.action === action),
      registrations.filter((one) => one.action === action && !ours.includes(one)),
      wish.mark,
    ),
  );
  return {
    kept: parts.flatMap(({ kept }) => kept ?? []),
    first: parts.flatMap(({ first }) => first ?? []),
    create: parts.flatMap(({ create }) => create ?? []),
    remove: [...parts.flatMap(({ remove }) => remove ?? []), ...unsupported.map(removal('not supported'))],
    full: parts.flatMap(({ full }) => full ?? []),
    enable: !enabled,
  };
}

export function isDone({ first, create, remove, full, enable }: Plan): boolean {
  return [first, create, remove, full].every((list) => list.length === 0) && !enable;
}

type Part = Partial<Pick<Plan, 'first' | 'remove'>> & {
  readonly kept?: AnsweredWebhook;
  readonly create?: Creation;
  readonly full?: Plan['full'][number];
};

function planOfAction(
  action: string,
  ours: readonly AnsweredWebhook[],
  others: readonly AnsweredWebhook[],
  mark: Mark,
): Part {
  const good = ours.filter((one) => flawsOf(one, mark).length === 0);
  const bad = ours.filter((one) => !good.includes(one));
  const [kept, ...duplicates] = good;
  if (kept) return { kept, remove: [...bad.map(removal('replaced')), ...duplicates.map(removal('duplicate'))] };
  const room = mostPerAction - ours.length - others.length;
  if (room <= 0 && bad.length === 0) return { full: { action, others } };
  const flaws = [...new Set(bad.flatMap((one) => flawsOf(one, mark)))];
  const first = room > 0 ? [] : bad.slice(0, 1);
  return {
    first: first.map(removal('replaced')),
    create: { action, flaws },
    remove: bad.slice(first.length).map(removal('replaced')),
  };
}

/** What LiveChat leaves out of its list is not held against a registration. */
export function flawsOf({ type, filters, description }: AnsweredWebhook, wanted: Mark): Flaw[] {
  const mark = readMark(description);
  const flaws: readonly (readonly [Flaw, boolean])[] = [
    ['type', type === 'bot'],
    ['filters', Object.keys(filters ?? {}).length > 0],
    ['unmarked', !mark],
    ['version', mark !== undefined && mark.version !== wanted.version],
    ['secret', mark !== undefined && mark.secret !== wanted.secret],
  ];
  return flaws.flatMap(([flaw, there]) => (there ? [flaw] : []));
}

function removal(reason: Removal['reason']) {
  return ({ id, action }: AnsweredWebhook): Removal => ({ id, action: action ?? '', reason });
}

export function sameAddress(one: string | null | undefined, other: string): boolean {
  return one !== undefined && one !== null && (URL.parse(one)?.href ?? one) === (URL.parse(other)?.href ?? other);
}

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
