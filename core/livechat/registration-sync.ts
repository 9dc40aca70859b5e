import { randomBytes } from 'node:crypto';
import * as z from 'zod/mini';
import type { Clock } from '../platform/clock.ts';
import { ConfigurationError } from '../platform/configuration.ts';
import { writeSecret } from '../platform/secrets-manager.ts';
import type { Account } from './connection.ts';
import { type LiveChatCredentials, minRefreshIntervalMs } from './credentials.ts';
import { LiveChatClientError } from './errors.ts';
import {
  type DesiredRegistrations,
  findRotationGap,
  fingerprint,
  formatMark,
  formatVersion,
  nextRotationStep,
  planChanges,
  type RegistrationPlan,
  type RegistrationState,
  type Removal,
  supportedActions,
} from './registration-plan.ts';

/** How long changes take to take effect, in ms. */
export interface Delays {
  /** At LiveChat: up to two minutes, by its documentation. */
  readonly propagationMs: number;
  /** How long functions cache a secret. */
  readonly cacheMs: number;
}

export type Step =
  | { readonly did: 'created' | 'removed'; readonly action: string }
  | { readonly did: 'enabled' }
  /** ms since 1970 */
  | { readonly did: 'waiting'; readonly until: number };

export function requireClientId({ stored: { name, current } }: Pick<Account, 'stored'>): string {
  if (current.LIVECHAT_CLIENT_ID) return current.LIVECHAT_CLIENT_ID;
  throw new ConfigurationError(`secret ${name}: LIVECHAT_CLIENT_ID`, "the client id of this bridge's application");
}

/** Reads the current registrations and whether the license's webhooks are enabled. */
export async function readRegistrations(account: Account): Promise<RegistrationState> {
  const owner = { owner_client_id: requireClientId(account) };
  const registrations = await account.ask((client) => client.listWebhooks(owner));
  const { license_webhooks_enabled: enabled } = await account.ask((client) => client.getLicenseWebhooksState(owner));
  return { registrations, enabled };
}

/** The registrations desired for `url` and these credentials. */
export async function desiredRegistrations(
  account: Account,
  url: string,
  { LIVECHAT_WEBHOOK_SECRET: secret }: LiveChatCredentials = account.stored.current,
): Promise<DesiredRegistrations> {
  const mark = { version: formatVersion(account.version), secret: await fingerprint(secret, requireClientId(account)) };
  return { url, actions: supportedActions(account.version), mark };
}

export function generateWebhookSecret(): string {
  return `whsec-${randomBytes(24).toString('hex')}`;
}

const anything = z.record(z.string(), z.unknown());

/** Stores a new webhook secret and keeps the secret's other fields. The previous one is accepted for 24 h. */
export async function storeWebhookSecret({ stored }: Account, secret: string): Promise<void> {
  const content = anything.parse(JSON.parse(stored.text));
  await writeSecret(stored.name, JSON.stringify({ ...content, LIVECHAT_WEBHOOK_SECRET: secret }));
}

export interface Task {
  readonly account: Account;
  readonly desired: DesiredRegistrations;
  /** The webhook secret of new registrations, and when it was stored (ms since 1970). */
  readonly secret: string;
  readonly storedAt: number;
  readonly delays: Delays;
  readonly clock: Clock;
  onStep(step: Step): void;
}

/**
 * Applies a plan without rejected or missed webhooks: registers after every function can know the secret, and removes
 * old registrations after the new ones have taken effect. Safe to interrupt: the next plan continues.
 */
export async function applyChanges(plan: RegistrationPlan, task: Task): Promise<void> {
  const { account, desired, storedAt, delays, clock, onStep } = task;
  const owner = { owner_client_id: requireClientId(account) };
  if (plan.create.some(({ mismatches }) => mismatches.includes('secret'))) {
    await waitUntil(storedAt + Math.min(delays.cacheMs, minRefreshIntervalMs), task);
  }
  for (const removal of plan.removeFirst) await remove(removal, task);
  for (const { action } of plan.create) {
    const description = formatMark(desired.mark);
    const registration = { action, url: desired.url, secret_key: task.secret, type: 'license', description } as const;
    await account.ask((client) => client.registerWebhook({ ...registration, ...owner }));
    onStep({ did: 'created', action });
  }
  if (plan.enable) {
    await account.ask((client) => client.enableLicenseWebhooks(owner));
    onStep({ did: 'enabled' });
  }
  if (plan.remove.some(({ reason }) => reason === 'replaced')) {
    await waitUntil(Math.max(clock.now() + delays.propagationMs, storedAt + delays.cacheMs), task);
  }
  for (const removal of plan.remove) await remove(removal, task);
}

async function waitUntil(until: number, { clock, onStep }: Task): Promise<void> {
  const wait = until - clock.now();
  if (wait <= 0) return;
  onStep({ did: 'waiting', until });
  await clock.sleep(wait);
}

async function remove({ id, action }: Removal, { account, onStep }: Task): Promise<void> {
  await unregisterWebhook(account, id);
  onStep({ did: 'removed', action });
}

/** Removes a registration. Succeeds if it does not exist. */
export async function unregisterWebhook(account: Account, id: string): Promise<void> {
  try {
    await account.ask((client) => client.unregisterWebhook({ id, owner_client_id: requireClientId(account) }));
  } catch (error) {
    if (!(error instanceof LiveChatClientError) || error.type !== 'not_found') throw error;
  }
}

/** A plan with the webhook secret that it uses. */
export interface PlannedSync {
  readonly plan: RegistrationPlan;
  readonly desired: DesiredRegistrations;
  readonly secret: string;
  /** Whether the secret must be stored first. */
  readonly isNew: boolean;
}

/** The rotation would miss webhooks. The message says what to do first. */
export class RotationError extends Error {
  override readonly name = 'RotationError';
  constructor(reason: string) {
    super(`The secret was not rotated: ${reason}.`);
  }
}

/** Plans a sync with the stored secret. */
export async function planSync(account: Account, url: string, state: RegistrationState): Promise<PlannedSync> {
  const desired = await desiredRegistrations(account, url);
  return {
    plan: planChanges(state, desired),
    desired,
    secret: account.stored.current.LIVECHAT_WEBHOOK_SECRET,
    isNew: false,
  };
}

/** Plans a rotation to a new secret, or continues an interrupted one. Throws {@link RotationError}. */
export async function planRotation(account: Account, url: string, state: RegistrationState): Promise<PlannedSync> {
  const { current, previous } = account.stored;
  const clientId = requireClientId(account);
  const rotation = nextRotationStep(state.registrations, url, {
    current: await fingerprint(current.LIVECHAT_WEBHOOK_SECRET, clientId),
    previous: previous && (await fingerprint(previous.LIVECHAT_WEBHOOK_SECRET, clientId)),
  });
  if (rotation.next === 'stop') throw new RotationError(rotation.reason);
  const intent = await (rotation.next === 'resume' ? planSync : planNewSecret)(account, url, state);
  const gap = findRotationGap(intent.plan);
  if (gap !== undefined) throw new RotationError(gap);
  return intent;
}

async function planNewSecret(account: Account, url: string, state: RegistrationState): Promise<PlannedSync> {
  const secret = generateWebhookSecret();
  const desired = await desiredRegistrations(account, url, {
    ...account.stored.current,
    LIVECHAT_WEBHOOK_SECRET: secret,
  });
  return { plan: planChanges(state, desired), desired, secret, isNew: true };
}
