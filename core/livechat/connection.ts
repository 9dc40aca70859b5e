import type { Clock } from '../platform/clock.ts';
import { ConfigurationError, type Environment } from '../platform/configuration.ts';
import { logger } from '../platform/logger.ts';
import { count } from '../platform/metrics.ts';
import { readSecret } from '../platform/secrets-manager.ts';
import { parseVersion } from './api.ts';
import {
  type CallRecord,
  createLiveChatClient,
  type LiveChatClient,
  type LiveChatClientOptions,
  type VersionNotice,
} from './client.ts';
import {
  authorization,
  Credentials,
  type OrganizationCredentials,
  parseVersions,
  requireOrganization,
  secretNames,
  secretPrefix,
} from './credentials.ts';
import { LiveChatApiError } from './errors.ts';

/** One organization's access to LiveChat's API. */
export interface Connection {
  readonly client: LiveChatClient;
  /** The sender of messages: an agent's e-mail or a bot's id. */
  readonly agentId: string | undefined;
  /** The client id of the application. */
  readonly clientId?: string | undefined;
  /** The webhook secrets, to remove them from what LiveChat lists. */
  readonly secrets?: readonly string[];
  /** The connection to the region that LiveChat requires for this organization. Later connections use it too. */
  inRegion(region: string): Connection;
  /** A connection with credentials read again; undefined if they have not changed. */
  refresh(): Promise<Connection | undefined>;
}

/**
 * Connects to an organization's account. `onQuotaExhausted` as for {@link LiveChatClientOptions}. Throws
 * {@link ConfigurationError}, including when the credentials belong to another organization.
 */
export type Connect = (
  organizationId: string,
  onQuotaExhausted?: LiveChatClientOptions['onQuotaExhausted'],
) => Promise<Connection>;

/** Returns the connection of an organization. Credentials are cached. */
export function createConnections(environment = process.env): Connect {
  const credentials = new Credentials(environment, { read: readSecret });
  /** The region that LiveChat requires for each organization. */
  const regions = new Map<string, string>();
  return async (organizationId, onQuotaExhausted) => {
    const settings = { ...apiSettings(environment), organizationId, onCall, onNotice, onQuotaExhausted };
    const createConnection = (found: OrganizationCredentials): Connection => {
      requireOrganization(found, organizationId);
      const client = createLiveChatClient({ authorization: authorization(found), ...settings });
      const known = regions.get(organizationId);
      return {
        client: known === undefined ? client : client.inRegion(known),
        agentId: found.current.LIVECHAT_AGENT_ID,
        clientId: found.current.LIVECHAT_CLIENT_ID,
        secrets: [found.current, found.previous].flatMap((version) => version?.LIVECHAT_WEBHOOK_SECRET ?? []),
        inRegion(region) {
          regions.set(organizationId, region);
          return createConnection(found);
        },
        async refresh() {
          const fresh = await credentials.refresh(organizationId);
          const changed = fresh && JSON.stringify(fresh.current) !== JSON.stringify(found.current);
          return changed ? createConnection(fresh) : undefined;
        },
      };
    };
    return createConnection(await credentials.get(organizationId));
  };
}

/** Counts every call, since LiveChat bills calls. */
function onCall({ organizationId = 'unknown', method, status, category }: CallRecord): void {
  count('LiveChatCalls', { organizationId, method });
  if (category !== undefined) logger.warn('LiveChat call failed', { organizationId, method, status, category });
}

function onNotice({ kind, date, method }: VersionNotice): void {
  count('LiveChatDeprecationNotices', { kind, method });
  logger.warn(`LiveChat marks the API version as ${kind}: set LIVECHAT_API_VERSION to a newer one`, { date, method });
}

/** Credentials as stored in Secrets Manager. */
export interface StoredCredentials extends OrganizationCredentials {
  /** The secret's name. */
  readonly name: string;
  /** The secret's JSON, which may have fields that the bridge does not know. */
  readonly text: string;
  /** ms since 1970 */
  readonly changedAt: number;
}

/** An organization's LiveChat account, for operator commands. Functions use {@link createConnections}. */
export interface Account {
  readonly stored: StoredCredentials;
  readonly baseUrl: string;
  /** Such as `v3.6`. */
  readonly version: string;
  /** The version notices received so far. */
  readonly notices: readonly VersionNotice[];
  /** Makes a call. Follows the region that LiveChat names and waits when rate-limited. Throws a LiveChatApiError. */
  call<Response>(send: (client: LiveChatClient) => Promise<Response>): Promise<Response>;
}

const maxAttempts = 6;
const defaultRetryAfterMs = 5_000;

/** Throws {@link ConfigurationError} naming the secret or the setting. */
export async function openAccount(
  organizationId: string | undefined,
  clock: Pick<Clock, 'sleep'>,
  environment = process.env,
): Promise<Account> {
  const stored = await readStored(secretPrefix(environment), organizationId);
  const notices: VersionNotice[] = [];
  const settings = apiSettings(environment);
  let client: LiveChatClient | undefined;
  return {
    stored,
    baseUrl: settings.baseUrl,
    version: parseVersion(settings.version),
    notices,
    async call(send) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          client ??= createLiveChatClient({
            ...settings,
            authorization: authorization(stored),
            organizationId,
            onNotice: (notice) => notices.push(notice),
          });
          return await send(client);
        } catch (error) {
          const next = attempt < maxAttempts ? await clientForRetry(error, client, clock) : undefined;
          if (!next) throw error;
          client = next;
        }
      }
    },
  };
}

/** The client for another attempt; undefined if the error is not retryable here. */
async function clientForRetry(error: unknown, client: LiveChatClient | undefined, clock: Pick<Clock, 'sleep'>) {
  if (!(error instanceof LiveChatApiError)) return undefined;
  if (error.region) return client?.inRegion(error.region);
  if (error.category !== 'RateLimit') return undefined;
  await clock.sleep(error.retryAfterMs ?? defaultRetryAfterMs);
  return client;
}

/** The organizations with a secret of their own, preceded by undefined if some use the default secret. */
export async function credentialOwners(
  organizationIds: readonly string[],
  environment = process.env,
): Promise<readonly (string | undefined)[]> {
  const prefix = secretPrefix(environment);
  const own = await Promise.all(
    organizationIds.map(async (id) => ((await readSecret(`${prefix}/${id}`, 'AWSCURRENT')) ? [id] : [])),
  );
  const owners = own.flat();
  return organizationIds.length > 0 && owners.length === organizationIds.length ? owners : [undefined, ...owners];
}

async function readStored(prefix: string, organizationId: string | undefined): Promise<StoredCredentials> {
  const names = secretNames(prefix, organizationId);
  for (const name of names) {
    const [current, previous] = await Promise.all([readSecret(name, 'AWSCURRENT'), readSecret(name, 'AWSPREVIOUS')]);
    if (!current) continue;
    const credentials = parseVersions(`secret ${name}`, current, previous);
    if (organizationId !== undefined) requireOrganization(credentials, organizationId);
    return { ...credentials, name, text: current.text, changedAt: current.createdAt };
  }
  throw new ConfigurationError(`secret ${names.join(' or ')}`, 'a JSON object with LIVECHAT_WEBHOOK_SECRET');
}

/** The version of LiveChat's API, such as `v3.6`. Not validated. */
export const apiVersion = (environment: Environment): string => environment.LIVECHAT_API_VERSION || 'v3.6';

function apiSettings(environment: Environment) {
  return {
    baseUrl: environment.LIVECHAT_API_BASE_URL || 'https://api.livechatinc.com',
    version: apiVersion(environment),
  };
}
