import { randomBytes } from 'node:crypto';
import * as z from 'zod/mini';
import type { Clock } from '../platform/clock.ts';
import { ConfigurationError } from '../platform/configuration.ts';
import { writeSecret } from '../platform/secrets-manager.ts';
import type { Account } from './connection.ts';
import { minRefreshIntervalMs } from './credentials.ts';
import { LiveChatApiError } from './errors.ts';
import {
  type DesiredRegistrations,
  findRotationGap,
  fingerprint,
  formatMark,
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

/** Reported while a plan is applied. */
export type SyncProgress =
  | { readonly status: 'created' | 'removed'; readonly action: string }
  | { readonly status: 'enabled' }
  /** ms since 1970 */
  | { readonly status: 'waiting'; readonly until: number };

export function requireClientId({ stored: { name, current } }: Pick<Account, 'stored'>): string {
  if (current.LIVECHAT_CLIENT_ID) return current.LIVECHAT_CLIENT_ID;
  throw new ConfigurationError(`secret ${name}: LIVECHAT_CLIENT_ID`, "the client id of this bridge's application");
}

function ownerClient(account: Pick<Account, 'stored'>) {
  return { owner_client_id: requireClientId(account) };
}

/** Reads the current registrations and whether the license's webhooks are enabled. */
export async function readRegistrations(account: Account): Promise<RegistrationState> {
  const owner = ownerClient(account);
  const registrations = await account.call((client) => client.listWebhooks(owner));
  const { license_webhooks_enabled: enabled } = await account.call((client) => client.getLicenseWebhooksState(owner));
  return { registrations, enabled };
}

/** The registrations that the bridge needs for `url`, with the stored webhook secret by default. */
export async function desiredRegistrations(
  account: Account,
  url: string,
  secret: string = account.stored.current.LIVECHAT_WEBHOOK_SECRET,
): Promise<DesiredRegistrations> {
  const mark = { version: account.version, secret: await fingerprint(secret, requireClientId(account)) };
  return { url, actions: supportedActions(account.version), mark };
}

const secretContent = z.record(z.string(), z.unknown());

/** Stores a new webhook secret and keeps the other fields. The previous webhook secret is accepted for 24 h. */
export async function storeWebhookSecret({ stored }: Account, secret: string): Promise<void> {
  const content = secretContent.parse(JSON.parse(stored.text));
  await writeSecret(stored.name, JSON.stringify({ ...content, LIVECHAT_WEBHOOK_SECRET: secret }));
}

/** A plan with the webhook secret that it uses. */
export interface PlannedSync {
  readonly plan: RegistrationPlan;
  readonly desired: DesiredRegistrations;
  readonly secret: string;
  /** Whether the secret must be stored first. */
  readonly isNew: boolean;
}

export interface SyncOptions {
  readonly account: Account;
  /** When the webhook secret was stored, in ms since 1970. */
  readonly storedAt: number;
  readonly delays: Delays;
  readonly clock: Clock;
  onProgress(progress: SyncProgress): void;
}

/**
 * Applies a plan without rejected or missed webhooks. Waits until every function accepts the secret before it registers,
 * and until the new registrations are in effect before it removes the old ones. Safe to interrupt: run it again to continue.
 */
export async function applyChanges(
  { plan, desired, secret }: Omit<PlannedSync, 'isNew'>,
  options: SyncOptions,
): Promise<void> {
  const { account, storedAt, delays, clock, onProgress } = options;
  const owner = ownerClient(account);
  if (plan.create.some(({ mismatches }) => mismatches.includes('secret'))) {
    await waitUntil(storedAt + Math.min(delays.cacheMs, minRefreshIntervalMs), options);
  }
  for (const removal of plan.removeFirst) await remove(removal, options);
  for (const { action } of plan.create) {
    const description = formatMark(desired.mark);
    const registration = { action, url: desired.url, secret_key: secret, type: 'license', description } as const;
    await account.call((client) => client.registerWebhook({ ...registration, ...owner }));
    onProgress({ status: 'created', action });
  }
  if (plan.enable) {
    await account.call((client) => client.enableLicenseWebhooks(owner));
    onProgress({ status: 'enabled' });
  }
  if (plan.remove.some(({ reason }) => reason === 'replaced')) {
    await waitUntil(Math.max(clock.now() + delays.propagationMs, storedAt + delays.cacheMs), options);
  }
  for (const removal of plan.remove) await remove(removal, options);
}

async function waitUntil(until: number, { clock, onProgress }: SyncOptions): Promise<void> {
  const wait = until - clock.now();
  if (wait <= 0) return;
  onProgress({ status: 'waiting', until });
  await clock.sleep(wait);
}

async function remove({ id, action }: Removal, { account, onProgress }: SyncOptions): Promise<void> {
  await unregisterWebhook(account, id);
  onProgress({ status: 'removed', action });
}

/** Removes a registration. Succeeds if it does not exist. */
export async function unregisterWebhook(account: Account, id: string): Promise<void> {
  try {
    await account.call((client) => client.unregisterWebhook({ id, ...ownerClient(account) }));
  } catch (error) {
    if (!(error instanceof LiveChatApiError) || error.type !== 'not_found') throw error;
  }
}

/** The rotation would miss webhooks. The message says what to do first. */
export class RotationError extends Error {
  override readonly name = 'RotationError';
  constructor(reason: string) {
    super(`The secret was not rotated: ${reason}.`);
  }
}

/** Plans a sync with the given webhook secret; by default the stored one. */
export async function planSync(
  account: Account,
  url: string,
  state: RegistrationState,
  secret: string = account.stored.current.LIVECHAT_WEBHOOK_SECRET,
): Promise<PlannedSync> {
  const desired = await desiredRegistrations(account, url, secret);
  const isNew = secret !== account.stored.current.LIVECHAT_WEBHOOK_SECRET;
  return { plan: planChanges(state, desired), desired, secret, isNew };
}

/** Plans a rotation to a new secret, or continues an interrupted one. Throws {@link RotationError}. */
export async function planRotation(account: Account, url: string, state: RegistrationState): Promise<PlannedSync> {
  const { current, previous } = account.stored;
  const clientId = requireClientId(account);
  const step = nextRotationStep(state.registrations, url, {
    current: await fingerprint(current.LIVECHAT_WEBHOOK_SECRET, clientId),
    previous: previous && (await fingerprint(previous.LIVECHAT_WEBHOOK_SECRET, clientId)),
  });
  if (step === undefined) {
    throw new RotationError(
      'some registrations have neither the stored nor the previous secret: run `webhooks sync` first',
    );
  }
  const secret = step === 'begin' ? `whsec-${randomBytes(24).toString('hex')}` : undefined;
  const planned = await planSync(account, url, state, secret);
  const gap = findRotationGap(planned.plan);
  if (gap !== undefined) throw new RotationError(gap);
  return planned;
}
