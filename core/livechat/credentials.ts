import * as z from 'zod/mini';
import { ConfigurationError, type Environment } from '../platform/configuration.ts';
import { logger } from '../platform/logger.ts';
import { isAccessDenied, type ReadSecret, type SecretVersion } from '../platform/secrets-manager.ts';
import { isUuid } from './conventions.ts';

const fields = z.looseObject({
  LIVECHAT_WEBHOOK_SECRET: z.string().check(z.minLength(8)),
  LIVECHAT_CLIENT_ID: z.optional(z.string()),
  LIVECHAT_AGENT_ID: z.optional(z.string()),
  LIVECHAT_API_KEY: z.optional(z.string()),
  LIVECHAT_ACCOUNT_ID: z.optional(z.string()),
  LIVECHAT_ACCESS_TOKEN: z.optional(z.string()),
});
export type LiveChatCredentials = z.infer<typeof fields>;

/** How this bridge calls LiveChat: a personal access token, or an access token. */
export type ApiCredentials =
  | { readonly kind: 'basic'; readonly accountId: string; readonly apiKey: string }
  | { readonly kind: 'bearer'; readonly accessToken: string };

/** The personal access token where both it and its account are there. Throws {@link ConfigurationError} naming what is missing. */
export function apiCredentials({ current, source }: Pick<OrganizationSecret, 'current' | 'source'>): ApiCredentials {
  const apiKey = tokenOf(current, 'LIVECHAT_API_KEY', source);
  const accountId = tokenOf(current, 'LIVECHAT_ACCOUNT_ID', source);
  const accessToken = tokenOf(current, 'LIVECHAT_ACCESS_TOKEN', source);
  if (apiKey && accountId) return { kind: 'basic', accountId, apiKey };
  if (accessToken) return { kind: 'bearer', accessToken };
  if (apiKey) {
    const account = 'the id of the account that LIVECHAT_API_KEY is of';
    throw new ConfigurationError(`${source}: LIVECHAT_ACCOUNT_ID`, account);
  }
  throw new ConfigurationError(
    `${source}: LIVECHAT_API_KEY`,
    'a personal access token (with LIVECHAT_ACCOUNT_ID), or LIVECHAT_ACCESS_TOKEN in its place',
  );
}

type TokenName = 'LIVECHAT_API_KEY' | 'LIVECHAT_ACCOUNT_ID' | 'LIVECHAT_ACCESS_TOKEN';

/** An empty setting is none; a line break that was copied along could not stand in a header. */
function tokenOf(credentials: LiveChatCredentials, name: TokenName, source: string): string | undefined {
  const token = credentials[name];
  if (!token || /^[\x21-\x7e]+$/.test(token)) return token;
  throw new ConfigurationError(`${source}: ${name}`, 'visible ASCII characters without white space');
}

/** What one organization's webhooks are checked against. */
export interface OrganizationSecret {
  /** Where it is from, for a message: `secret livechat/default`, or `environment`. */
  readonly source: string;
  readonly current: LiveChatCredentials;
  /** The one before a rotation, with the time (ms) until which it counts. */
  readonly previous?: { readonly credentials: LiveChatCredentials; readonly until: number } | undefined;
}

export interface CredentialsOptions {
  readonly read: ReadSecret;
  /** Names are `<prefix>/<organizationId>` and `<prefix>/default`. */
  readonly prefix: string;
  /** The last resort, where no secret exists. */
  readonly environment: Environment;
  readonly now?: () => number;
  /** How long a secret is kept in the process. */
  readonly cacheMs?: number;
}

interface Entry {
  readonly secret: OrganizationSecret | undefined;
  readonly readAt: number;
  readonly rereadAt: number;
}

const rotationGraceMs = 24 * 3_600_000;
/** A secret that was just changed is known everywhere this much later, if not before. */
export const rereadEveryMs = 30_000;
const absentForMs = 60_000;
/** More organizations than this in one process would be an attack; the oldest are read again when they come back. */
const mostEntries = 5_000;

/** The secrets that may hold an organization's credentials; the first that there is counts. */
export function secretNames(prefix: string, organizationId: string | undefined): string[] {
  const fallback = `${prefix}/default`;
  return organizationId && isUuid(organizationId)
    ? [`${prefix}/${organizationId.toLowerCase()}`, fallback]
    : [fallback];
}

/** LiveChat credentials by organization, read from Secrets Manager and kept in the process for a while. */
export class Credentials {
  readonly #options: Required<CredentialsOptions>;
  readonly #entries = new Map<string, Entry>();
  readonly #underWay = new Map<string, Promise<Entry>>();

  constructor(options: CredentialsOptions) {
    this.#options = { now: Date.now, cacheMs: 300_000, ...options };
  }

  /** The organization's own secret, else the default one, else the environment's. An id that is no UUID names no secret. */
  async of(organizationId: string | undefined): Promise<OrganizationSecret> {
    for (const name of secretNames(this.#options.prefix, organizationId)) {
      const { secret } = await this.#entry(name);
      if (secret) return secret;
    }
    const { environment, prefix } = this.#options;
    if (!environment.LIVECHAT_WEBHOOK_SECRET) throw notFilled(`secret ${prefix}/default`);
    return { source: 'environment', current: parseCredentials(JSON.stringify(environment), 'environment') };
  }

  /**
   * After a failed verification: reads the secret again, with the one before it, unless that was done within 30 s.
   * Answers what is known then, since another call may have read it meanwhile; undefined where there is no secret.
   */
  async reread(organizationId: string | undefined): Promise<OrganizationSecret | undefined> {
    // The organization's own secret alone counts where it has one: the default one must never stand in for it.
    const names = secretNames(this.#options.prefix, organizationId);
    const name = names.find((one) => this.#entries.get(one)?.secret);
    const entry = name === undefined ? undefined : this.#entries.get(name);
    const at = this.#options.now();
    if (name === undefined || !entry) return undefined;
    if (at - entry.rereadAt < rereadEveryMs) return (await (this.#underWay.get(`${name} true`) ?? entry)).secret;
    // Noted before the reading: one that fails counts as well, or an outage would be asked at every wrong call.
    this.#entries.set(name, { ...entry, rereadAt: at });
    return (await this.#load(name, true)).secret;
  }

  async #entry(name: string): Promise<Entry> {
    const { now, cacheMs } = this.#options;
    const known = this.#entries.get(name);
    if (known && now() - known.readAt < (known.secret ? cacheMs : absentForMs)) return known;
    try {
      return await this.#load(name, known?.secret?.previous !== undefined);
    } catch (error) {
      if (!known) throw error;
      // What was known is better than refusing every call while Secrets Manager is away.
      logger.warn('secret not read, the one known before is used', { secret: name, error });
      return known;
    }
  }

  #load(name: string, withPrevious: boolean): Promise<Entry> {
    const reading = `${name} ${withPrevious}`;
    const underWay = this.#underWay.get(reading);
    if (underWay) return underWay;
    const loading = this.#read(name, withPrevious).finally(() => this.#underWay.delete(reading));
    this.#underWay.set(reading, loading);
    return loading;
  }

  async #read(name: string, withPrevious: boolean): Promise<Entry> {
    const { read, now } = this.#options;
    const [current, previous] = await Promise.all([
      read(name, 'AWSCURRENT').catch((error: unknown) => this.#absentIfDenied(name, error)),
      withPrevious ? read(name, 'AWSPREVIOUS') : undefined,
    ]);
    const at = now();
    const entry = {
      secret: current ? secretOf(name, current, previous) : undefined,
      readAt: at,
      rereadAt: withPrevious ? at : (this.#entries.get(name)?.rereadAt ?? Number.NEGATIVE_INFINITY),
    };
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined && this.#entries.size >= mostEntries) this.#entries.delete(oldest);
    this.#entries.set(name, entry);
    return entry;
  }

  /**
   * Where a role may read some secrets only, AWS answers AccessDenied for a name that nothing has: an organization without
   * a secret of its own. The default one is always there, and one that was read before has not gone: those are failures.
   */
  #absentIfDenied(name: string, error: unknown): undefined {
    const expected = name !== `${this.#options.prefix}/default` && !this.#entries.get(name)?.secret;
    if (!expected || !isAccessDenied(error)) throw error;
  }
}

function secretOf(name: string, current: SecretVersion, previous: SecretVersion | undefined): OrganizationSecret {
  const source = `secret ${name}`;
  return {
    source,
    current: parseCredentials(current.text, source),
    previous: previous && previousOf(previous, current.createdAt + rotationGraceMs),
  };
}

/** A misspelt version that has been replaced since is none: it must not get in the way of the right one. */
function previousOf({ text }: SecretVersion, until: number): OrganizationSecret['previous'] {
  try {
    return { credentials: parseCredentials(text, 'AWSPREVIOUS'), until };
  } catch {
    return undefined;
  }
}

/** A deployment creates secrets empty: what the first start says is what there is to do. */
function notFilled(source: string): ConfigurationError {
  return new ConfigurationError(
    `${source} is not filled`,
    'a JSON object with LIVECHAT_WEBHOOK_SECRET (at least 8 characters) and, to send, LIVECHAT_AGENT_ID and either LIVECHAT_API_KEY with LIVECHAT_ACCOUNT_ID or LIVECHAT_ACCESS_TOKEN',
  );
}

/** Reads a secret's JSON. Throws {@link ConfigurationError} naming the field, never its value. */
export function parseCredentials(text: string, where: string): LiveChatCredentials {
  const json = text.trim() === '' ? {} : parseJson(text, where);
  const parsed = fields.safeParse(json);
  if (parsed.success) return parsed.data;
  if (Object.keys(fields.shape).every((name) => !hasField(json, name))) throw notFilled(where);
  const field = parsed.error.issues[0]?.path.join('.') || 'LIVECHAT_WEBHOOK_SECRET';
  throw new ConfigurationError(
    `${where}: ${field}`,
    field === 'LIVECHAT_WEBHOOK_SECRET' ? 'at least 8 characters' : 'text',
  );
}

function hasField(json: unknown, name: string): boolean {
  const value = typeof json === 'object' && json !== null ? new Map(Object.entries(json)).get(name) : undefined;
  return value !== undefined && value !== '';
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ConfigurationError(where, 'a JSON object with LIVECHAT_WEBHOOK_SECRET');
  }
}
