import * as z from 'zod/mini';
import { ConfigurationError, type Environment, required, wholeNumber } from '../platform/configuration.ts';
import { parseJson } from '../platform/json.ts';
import { logger } from '../platform/logger.ts';
import type { ReadSecret, SecretVersion } from '../platform/secrets-manager.ts';
import { isUuid } from './conventions.ts';

const fields = z.looseObject({
  LIVECHAT_WEBHOOK_SECRET: z.string().check(z.minLength(8)),
  LIVECHAT_CLIENT_ID: z.optional(z.string()),
  LIVECHAT_AGENT_ID: z.optional(z.string()),
  LIVECHAT_API_KEY: z.optional(z.string()),
  LIVECHAT_ACCOUNT_ID: z.optional(z.string()),
  LIVECHAT_ACCESS_TOKEN: z.optional(z.string()),
  /** The organization that the token belongs to. */
  LIVECHAT_ORGANIZATION_ID: z.optional(z.string()),
});
export type LiveChatCredentials = z.infer<typeof fields>;

/**
 * The `Authorization` header for LiveChat's API. Prefers the personal access token with its account id over the access
 * token. Throws {@link ConfigurationError} naming the missing setting.
 */
export function authorization({ current, source }: OrganizationCredentials): string {
  const apiKey = headerValue(current, 'LIVECHAT_API_KEY', source);
  const accountId = headerValue(current, 'LIVECHAT_ACCOUNT_ID', source);
  const accessToken = headerValue(current, 'LIVECHAT_ACCESS_TOKEN', source);
  if (apiKey && accountId) return `Basic ${Buffer.from(`${accountId}:${apiKey}`).toString('base64')}`;
  if (accessToken) return `Bearer ${accessToken}`;
  if (apiKey) {
    const account = 'the id of the account that LIVECHAT_API_KEY belongs to';
    throw new ConfigurationError(`${source}: LIVECHAT_ACCOUNT_ID`, account);
  }
  throw new ConfigurationError(
    `${source}: LIVECHAT_API_KEY`,
    'a personal access token (with LIVECHAT_ACCOUNT_ID), or LIVECHAT_ACCESS_TOKEN in its place',
  );
}

type TokenName = 'LIVECHAT_API_KEY' | 'LIVECHAT_ACCOUNT_ID' | 'LIVECHAT_ACCESS_TOKEN';

/** An empty setting counts as missing. Rejects characters that are invalid in a header, such as a copied line break. */
function headerValue(credentials: LiveChatCredentials, name: TokenName, source: string): string | undefined {
  const token = credentials[name];
  if (!token || /^[\x21-\x7e]+$/.test(token)) return token;
  throw new ConfigurationError(`${source}: ${name}`, 'visible ASCII characters without white space');
}

/** One organization's credentials. */
export interface OrganizationCredentials {
  /** The source, for error messages: `secret livechat/default`, or `environment`. */
  readonly source: string;
  readonly current: LiveChatCredentials;
  /** The version before a rotation. Its webhook secret is accepted for 24 h after the rotation. */
  readonly previous?: LiveChatCredentials | undefined;
}

/** Throws {@link ConfigurationError} if the credentials name another organization. A token gives access to one only. */
export function requireOrganization({ current, source }: OrganizationCredentials, organizationId: string): void {
  const expected = current.LIVECHAT_ORGANIZATION_ID?.toLowerCase();
  if (!expected || expected === organizationId.toLowerCase()) return;
  throw new ConfigurationError(
    'organizationId',
    `${expected} (LIVECHAT_ORGANIZATION_ID of ${source}). Create a secret for each other organization`,
  );
}

/** A cached secret. Times are ms since 1970. */
interface Entry {
  /** Undefined if the secret does not exist. */
  readonly credentials: OrganizationCredentials | undefined;
  readonly previousExpiresAt: number;
  readonly readAt: number;
  readonly refreshedAt: number;
}

/** Whether credentials prove that a call is authentic. */
export type Verify = (credentials: OrganizationCredentials) => boolean;

/** The limit on failed look-ups was reached. A later attempt can succeed. */
export class LookUpLimitError extends Error {
  override readonly name = 'LookUpLimit';
}

/** How long the webhook secret before a rotation is accepted. */
const rotationGraceMs = 24 * 3_600_000;
/** Minimum interval between two refreshes of a secret. Every function uses a changed secret after this time at the latest. */
export const minRefreshIntervalMs = 30_000;
const missingCacheMs = 60_000;
/** Limits the memory that requests with invented organization ids can use, to about 3 MB. */
const maxAbsent = 20_000;

/** Secrets are named `<prefix>/<organizationId>` and `<prefix>/default`. */
export function secretPrefix(environment: Environment): string {
  return required('SECRET_PREFIX', environment);
}

/** The names of the secrets with an organization's credentials; the first that exists is used. */
export function secretNames(prefix: string, organizationId: string | undefined): string[] {
  const fallback = `${prefix}/default`;
  return organizationId && isUuid(organizationId)
    ? [`${prefix}/${organizationId.toLowerCase()}`, fallback]
    : [fallback];
}

/** LiveChat credentials by organization, read from Secrets Manager and cached in the process. */
export class Credentials {
  readonly #environment: Environment;
  readonly #prefix: string;
  readonly #default: string;
  /** How long a secret is kept in the process. */
  readonly #cacheMs: number;
  readonly #maxFailedLookUps: number;
  readonly #read: ReadSecret;
  readonly #now: () => number;
  /** The secrets that exist, and the default one. Invented ids cannot add any, so none is evicted. */
  readonly #entries = new Map<string, Entry>();
  /**
   * The time until which a secret that was not found counts as missing, or 0 if its look-up was refused. Beyond
   * {@link maxAbsent}, the least recently used one is evicted.
   */
  readonly #absent = new Map<string, number>();
  /** Start times of the failed look-ups of the last second: those that authenticated no call. */
  #failedLookUps: readonly number[] = [];
  readonly #pending = new Map<string, Promise<Entry>>();

  /** `now` is the clock, in ms since 1970. Throws {@link ConfigurationError} for an invalid setting. */
  constructor(environment: Environment, { read, now = Date.now }: { read: ReadSecret; now?: () => number }) {
    this.#environment = environment;
    this.#prefix = secretPrefix(environment);
    this.#default = `${this.#prefix}/default`;
    this.#cacheMs = wholeNumber('SECRET_CACHE_SECONDS', 300, 0, environment) * 1000;
    this.#maxFailedLookUps = wholeNumber('SECRET_LOOKUPS_PER_SECOND', 2, 1, environment);
    this.#read = read;
    this.#now = now;
  }

  /** The organization's own secret, else the default one, else the environment's. An id that is not a UUID selects the default one. */
  async get(organizationId: string | undefined): Promise<OrganizationCredentials> {
    for (const name of secretNames(this.#prefix, organizationId)) {
      const credentials = await this.#credentials(name);
      if (credentials) return credentials;
    }
    return this.#environmentCredentials();
  }

  /**
   * Returns the organization's credentials if they pass `verify`. The default secret is accepted only for an organization that
   * has none of its own. After a mismatch the secret is read again, because it may have been rotated.
   *
   * Callers can invent organization ids. Beyond SECRET_LOOKUPS_PER_SECOND failed look-ups within the last second, the last of
   * them reserved for organizations that were refused before, an organization whose secret is not cached is looked up only for
   * a call that passes with the default secret. Otherwise throws {@link LookUpLimitError}.
   */
  async verify(organizationId: string | undefined, verify: Verify): Promise<OrganizationCredentials | undefined> {
    const [own, fallback] = secretNames(this.#prefix, organizationId);
    if (own === undefined || fallback === undefined || this.#isAbsent(own)) return this.#verifyDefault(verify);
    return this.#entries.has(own) ? this.#verifyKnown(own, verify) : this.#verifyUnknown(own, verify);
  }

  async #verifyUnknown(own: string, verify: Verify): Promise<OrganizationCredentials | undefined> {
    if (this.#isLookUpLimited(own)) {
      const isDefaultCached = this.#entries.has(this.#default);
      const isFromDefault = isDefaultCached && (await this.#verifyDefault(verify).catch(() => undefined)) !== undefined;
      if (!isFromDefault) {
        this.#setAbsent(own, this.#absent.get(own) ?? 0);
        throw new LookUpLimitError('too many failed look-ups of secrets');
      }
    }
    const startedAt = this.#now();
    let verified: OrganizationCredentials | undefined;
    try {
      verified = await this.#verifyKnown(own, verify);
    } finally {
      if (!verified) this.#failedLookUps = [...this.#failedLookUps, startedAt];
    }
    return verified;
  }

  /**
   * The last look-up of each second is reserved for organizations whose look-up was refused before. Invented ids rarely
   * repeat, so a flood of them delays only the first call of an organization.
   */
  #isLookUpLimited(name: string): boolean {
    this.#failedLookUps = this.#failedLookUps.filter((at) => this.#now() - at < 1000);
    const max = this.#absent.has(name) ? this.#maxFailedLookUps : Math.max(1, this.#maxFailedLookUps - 1);
    return this.#failedLookUps.length >= max;
  }

  async #verifyKnown(own: string, verify: Verify): Promise<OrganizationCredentials | undefined> {
    const cached = await this.#credentials(own);
    return cached ? this.#verifyOrRefresh(own, cached, verify) : this.#verifyDefault(verify);
  }

  async #verifyDefault(verify: Verify): Promise<OrganizationCredentials | undefined> {
    const cached = await this.#credentials(this.#default);
    if (cached) return this.#verifyOrRefresh(this.#default, cached, verify);
    const credentials = this.#environmentCredentials();
    return verify(credentials) ? credentials : undefined;
  }

  async #verifyOrRefresh(name: string, cached: OrganizationCredentials, verify: Verify) {
    if (verify(cached)) return cached;
    const current = await this.#refresh(name);
    return current && verify(current) ? current : undefined;
  }

  #environmentCredentials(): OrganizationCredentials {
    if (!this.#environment.LIVECHAT_WEBHOOK_SECRET) throw emptySecretError(`secret ${this.#default}`);
    return { source: 'environment', current: parseCredentials(JSON.stringify(this.#environment), 'environment') };
  }

  /** Reads the organization's secret again after LiveChat rejected it; undefined if there is no secret. */
  async refresh(organizationId: string | undefined): Promise<OrganizationCredentials | undefined> {
    // An organization with its own secret must not fall back to the default one.
    const name = secretNames(this.#prefix, organizationId).find((one) => this.#entries.get(one)?.credentials);
    return name === undefined ? undefined : this.#refresh(name);
  }

  /**
   * Reads the current and the previous version again, at most once in 30 s. Returns the cached entry otherwise, since another
   * call may have read it meanwhile.
   */
  async #refresh(name: string): Promise<OrganizationCredentials | undefined> {
    const entry = this.#entries.get(name);
    if (!entry?.credentials) return undefined;
    const refreshedAt = this.#now();
    if (refreshedAt - entry.refreshedAt < minRefreshIntervalMs) {
      return this.#unexpired(await (this.#pending.get(`${name} true`) ?? entry));
    }
    // Set before reading, so that an outage does not cause a read for every invalid request.
    this.#entries.set(name, { ...entry, refreshedAt });
    return this.#unexpired(await this.#load(name, true));
  }

  #unexpired({ credentials, previousExpiresAt }: Entry): OrganizationCredentials | undefined {
    const isExpired = this.#now() >= previousExpiresAt;
    return credentials && isExpired ? { ...credentials, previous: undefined } : credentials;
  }

  /** The credentials in a secret, cached or read; undefined if it does not exist. */
  async #credentials(name: string): Promise<OrganizationCredentials | undefined> {
    if (this.#isAbsent(name)) return undefined;
    const known = this.#entries.get(name);
    const cacheMs = known?.credentials ? this.#cacheMs : missingCacheMs;
    if (known && this.#now() - known.readAt < cacheMs) return this.#unexpired(known);
    try {
      return this.#unexpired(await this.#load(name, known?.credentials?.previous !== undefined));
    } catch (error) {
      if (!known && !this.#absent.get(name)) throw error;
      // The cached secret keeps webhooks working while Secrets Manager is unavailable.
      logger.warn('secret could not be read, using the cached version', { secret: name, error });
      return known && this.#unexpired(known);
    }
  }

  #isAbsent(name: string): boolean {
    const until = this.#absent.get(name);
    if (until === undefined) return false;
    this.#setAbsent(name, until);
    return this.#now() < until;
  }

  /** Also makes it the most recently used one. */
  #setAbsent(name: string, until: number): void {
    this.#absent.delete(name);
    this.#absent.set(name, until);
    const [oldest] = this.#absent.keys();
    if (oldest !== undefined && this.#absent.size > maxAbsent) this.#absent.delete(oldest);
  }

  #load(name: string, withPrevious: boolean): Promise<Entry> {
    const reading = `${name} ${withPrevious}`;
    const pending = this.#pending.get(reading);
    if (pending) return pending;
    const loading = this.#readEntry(name, withPrevious).finally(() => this.#pending.delete(reading));
    this.#pending.set(reading, loading);
    return loading;
  }

  async #readEntry(name: string, withPrevious: boolean): Promise<Entry> {
    const [current, previous] = await Promise.all([
      this.#read(name, 'AWSCURRENT').catch((error: unknown) => this.#missingIfDenied(name, error)),
      withPrevious ? this.#read(name, 'AWSPREVIOUS') : undefined,
    ]);
    const readAt = this.#now();
    const entry: Entry = {
      credentials: current && parseVersions(`secret ${name}`, current, previous),
      previousExpiresAt: (current?.createdAt ?? 0) + rotationGraceMs,
      readAt,
      refreshedAt: withPrevious ? readAt : (this.#entries.get(name)?.refreshedAt ?? Number.NEGATIVE_INFINITY),
    };
    if (entry.credentials || name === this.#default) {
      this.#absent.delete(name);
      this.#entries.set(name, entry);
    } else {
      this.#entries.delete(name);
      this.#setAbsent(name, readAt + missingCacheMs);
    }
    return entry;
  }

  /**
   * AWS returns AccessDenied instead of "not found" to a role with access to some secrets only. Treats it as "missing" for
   * an organization's own secret, unless that secret was read before. For the default secret it is an error.
   */
  #missingIfDenied(name: string, error: unknown): undefined {
    const expected = name !== this.#default && !this.#entries.get(name)?.credentials;
    if (!expected || !isAccessDenied(error)) throw error;
  }
}

/** Whether access to a secret is denied. Without a permission to list secrets, a missing secret is reported like this too. */
function isAccessDenied(error: unknown): boolean {
  return error instanceof Error && error.name === 'AccessDeniedException';
}

/** A malformed previous version counts as missing, so that it does not invalidate the current one. */
export function parseVersions(
  source: string,
  current: SecretVersion,
  previous: SecretVersion | undefined,
): OrganizationCredentials {
  const credentials = parseCredentials(current.text, source);
  try {
    return { source, current: credentials, previous: previous && parseCredentials(previous.text, source) };
  } catch {
    return { source, current: credentials };
  }
}

/** A deployment creates empty secrets, so this is often an operator's first error. */
function emptySecretError(source: string): ConfigurationError {
  return new ConfigurationError(
    `${source} is not filled`,
    'a JSON object with LIVECHAT_WEBHOOK_SECRET (at least 8 characters) and, to send, LIVECHAT_AGENT_ID and either LIVECHAT_API_KEY with LIVECHAT_ACCOUNT_ID or LIVECHAT_ACCESS_TOKEN',
  );
}

const record = z.record(z.string(), z.unknown());

/** Reads a secret's JSON. Throws {@link ConfigurationError} naming the field, never its value. */
function parseCredentials(text: string, where: string): LiveChatCredentials {
  const json = text.trim() === '' ? {} : parseJson(text);
  if (json === undefined) throw new ConfigurationError(where, 'a JSON object with LIVECHAT_WEBHOOK_SECRET');
  const parsed = fields.safeParse(json);
  if (parsed.success) return parsed.data;
  const given = record.safeParse(json).data ?? {};
  if (Object.keys(fields.shape).every((name) => (given[name] ?? '') === '')) throw emptySecretError(where);
  const field = parsed.error.issues[0]?.path.join('.') || 'LIVECHAT_WEBHOOK_SECRET';
  throw new ConfigurationError(
    `${where}: ${field}`,
    field === 'LIVECHAT_WEBHOOK_SECRET' ? 'at least 8 characters' : 'text',
  );
}
