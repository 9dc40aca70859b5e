import type { Clock } from '../platform/clock.ts';
import { ConfigurationError, required } from '../platform/configuration.ts';
import { logger } from '../platform/logger.ts';
import { count } from '../platform/metrics.ts';
import { readSecret } from '../platform/secrets-manager.ts';
import { parseVersion, type Version } from './api.ts';
import { type CallRecord, createLiveChatClient, type LiveChatClient, type VersionNotice } from './client.ts';
import {
  apiCredentials,
  Credentials,
  type LiveChatCredentials,
  type OrganizationSecret,
  parseCredentials,
  secretNames,
} from './credentials.ts';
import { LiveChatRateLimitError, LiveChatRepairableError } from './errors.ts';

/** One organization's way to LiveChat's API. */
export interface Connection {
  readonly client: LiveChatClient;
  /** Who sends and acts: an agent's e-mail or a bot's id. */
  readonly agentId: string | undefined;
  /** Told where LiveChat wants this organization's calls. */
  readonly onRegion: (region: string) => void;
  /** A client with the credentials as they are now; undefined when they are what they were. */
  readonly refresh: () => Promise<LiveChatClient | undefined>;
}

/** Connections by organization, with credentials that are kept for a while. */
export function createConnections(environment = process.env): (organizationId: string) => Promise<Connection> {
  const credentials = new Credentials({
    read: readSecret,
    prefix: required('SECRET_PREFIX', 'the prefix of the secrets, such as livechat', environment),
    environment,
  });
  /** Where LiveChat has sent us, by organization: asked once, not at every call. */
  const regions = new Map<string, string>();
  const clientOf = (organizationId: string, secret: OrganizationSecret): LiveChatClient => {
    const client = createLiveChatClient({
      credentials: apiCredentials(secret),
      baseUrl: environment.LIVECHAT_API_BASE_URL || 'https://api.livechatinc.com',
      version: environment.LIVECHAT_API_VERSION || 'v3.6',
      organizationId,
      onCall,
      onNotice,
    });
    const region = regions.get(organizationId);
    return region === undefined ? client : client.inRegion(region);
  };
  return async (organizationId) => {
    const secret = await credentials.get(organizationId);
    return {
      client: clientOf(organizationId, secret),
      agentId: secret.current.LIVECHAT_AGENT_ID,
      onRegion: (region) => regions.set(organizationId, region),
      async refresh() {
        const fresh = await credentials.refresh(organizationId);
        const changed = fresh && JSON.stringify(fresh.current) !== JSON.stringify(secret.current);
        return changed ? clientOf(organizationId, fresh) : undefined;
      },
    };
  };
}

/** LiveChat bills calls, so each one counts. */
function onCall({ organizationId = 'unknown', method, status, category }: CallRecord): void {
  count('LiveChatCalls', { organizationId, method });
  if (category !== undefined) logger.info('LiveChat call failed', { organizationId, method, status, category });
}

function onNotice({ kind, date, method }: VersionNotice): void {
  count('LiveChatDeprecationNotices', { kind, method });
  logger.warn(`LiveChat marks the API version as ${kind}: set LIVECHAT_API_VERSION to a newer one`, { date, method });
}

/** Credentials as Secrets Manager has them. */
export interface StoredCredentials {
  /** The secret's name. */
  readonly name: string;
  /** Its whole content; it may hold more than what is known here. */
  readonly text: string;
  readonly current: LiveChatCredentials;
  /** ms since 1970 */
  readonly changedAt: number;
  /** What the version before said, where it can be read. */
  readonly previous: LiveChatCredentials | undefined;
}

/** An application at LiveChat, for whoever operates it by hand; functions use a sender instead. */
export interface Account {
  readonly stored: StoredCredentials;
  readonly baseUrl: string;
  readonly version: Version;
  /** What LiveChat has said of the API's version so far. */
  readonly notices: readonly VersionNotice[];
  /** Makes a call in the region where LiveChat wants it, and later where it is asked to slow down. Throws a LiveChatApiError. */
  ask<Answer>(call: (client: LiveChatClient) => Promise<Answer>): Promise<Answer>;
}

const mostTries = 6;
const slowDownMs = 5_000;

/** Throws {@link ConfigurationError} naming the secret or the setting. */
export async function openAccount(
  organizationId: string | undefined,
  clock: Pick<Clock, 'sleep'>,
  environment = process.env,
): Promise<Account> {
  const stored = await readStored(required('SECRET_PREFIX', 'the prefix of the secrets', environment), organizationId);
  const notices: VersionNotice[] = [];
  const baseUrl = environment.LIVECHAT_API_BASE_URL || 'https://api.livechatinc.com';
  const version = environment.LIVECHAT_API_VERSION || 'v3.6';
  let client: LiveChatClient | undefined;
  const connect = () =>
    createLiveChatClient({
      credentials: apiCredentials({ current: stored.current, source: `secret ${stored.name}` }),
      baseUrl,
      version,
      organizationId,
      onNotice: (notice) => notices.push(notice),
    });
  return {
    stored,
    baseUrl,
    version: parseVersion(version),
    notices,
    async ask(call) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          client ??= connect();
          return await call(client);
        } catch (error) {
          const next = attempt < mostTries ? await afterwards(error, client, clock) : undefined;
          if (!next) throw error;
          client = next;
        }
      }
    },
  };
}

/** The client to try again with; undefined where trying again is of no use. */
async function afterwards(error: unknown, client: LiveChatClient | undefined, clock: Pick<Clock, 'sleep'>) {
  if (error instanceof LiveChatRepairableError && error.region) return client?.inRegion(error.region);
  if (!(error instanceof LiveChatRateLimitError)) return undefined;
  await clock.sleep(error.retryAfterMs ?? slowDownMs);
  return client;
}

/** Whose credentials serve these organizations: those with a secret of their own, and undefined for the default one where it is needed. */
export async function credentialOwners(
  organizationIds: readonly string[],
  environment = process.env,
): Promise<readonly (string | undefined)[]> {
  const prefix = required('SECRET_PREFIX', 'the prefix of the secrets', environment);
  const own = await Promise.all(
    organizationIds.map(async (id) => ((await readSecret(`${prefix}/${id}`, 'AWSCURRENT')) ? [id] : [])),
  );
  const holders = own.flat();
  return organizationIds.length > 0 && holders.length === organizationIds.length ? holders : [undefined, ...holders];
}

async function readStored(prefix: string, organizationId: string | undefined): Promise<StoredCredentials> {
  const names = secretNames(prefix, organizationId);
  for (const name of names) {
    const [current, previous] = await Promise.all([readSecret(name, 'AWSCURRENT'), readSecret(name, 'AWSPREVIOUS')]);
    if (!current) continue;
    return {
      name,
      text: current.text,
      current: parseCredentials(current.text, `secret ${name}`),
      changedAt: current.createdAt,
      previous: previous && readable(previous.text),
    };
  }
  throw new ConfigurationError(`secret ${names.join(' or ')}`, 'a JSON object with LIVECHAT_WEBHOOK_SECRET');
}

function readable(text: string): LiveChatCredentials | undefined {
  try {
    return parseCredentials(text, 'AWSPREVIOUS');
  } catch {
    return undefined;
  }
}
