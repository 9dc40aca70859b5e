import { required } from '../platform/configuration.ts';
import { logWith } from '../platform/logger.ts';
import { count } from '../platform/metrics.ts';
import { readSecret } from '../platform/secrets-manager.ts';
import type { CallRecord, LifeCycleNotice } from './client/call.ts';
import { createLiveChatClient, type LiveChatClient } from './client/client.ts';
import { apiCredentials, Credentials, type OrganizationSecret } from './credentials.ts';

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

const log = logWith({ component: 'livechat' });

/** Connections by organization, with credentials that are kept for a while. */
export function liveChatConnections(environment = process.env): (organizationId: string) => Promise<Connection> {
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
    const secret = await credentials.of(organizationId);
    return {
      client: clientOf(organizationId, secret),
      agentId: secret.current.LIVECHAT_AGENT_ID,
      onRegion: (region) => regions.set(organizationId, region),
      async refresh() {
        const fresh = await credentials.reread(organizationId);
        const changed = fresh && JSON.stringify(fresh.current) !== JSON.stringify(secret.current);
        return changed ? clientOf(organizationId, fresh) : undefined;
      },
    };
  };
}

/** LiveChat bills calls, so each one counts. */
function onCall({ organizationId = 'unknown', method, status, category }: CallRecord): void {
  count('LiveChatCalls', { organizationId, method });
  if (category !== undefined) log.info('LiveChat refused a call', { organizationId, method, status, category });
}

function onNotice({ kind, date, method }: LifeCycleNotice): void {
  count('LiveChatApiNotices', { kind, method });
  log.warn(`LiveChat calls this version of its API ${kind}: move to a newer one`, { date, method });
}
