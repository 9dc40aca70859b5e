import { sendingRules } from '../media/settings.ts';
import type { Carrier } from '../outbound/carrier.ts';
import { RequestInvalid } from '../outbound/errors.ts';
import type { Piece } from '../outbound/request.ts';
import { required } from '../platform/configuration.ts';
import { logWith } from '../platform/logger.ts';
import { count } from '../platform/metrics.ts';
import { readSecret } from '../platform/secrets-manager.ts';
import { liveChatCarrier } from './carrier.ts';
import type { CallRecord, LifeCycleNotice } from './client/call.ts';
import { createLiveChatClient, type LiveChatClient } from './client/client.ts';
import { composeMessages } from './compose/compose.ts';
import type { Part } from './compose/part.ts';
import { InvalidMessagesError, parseMessages } from './compose/request-message.ts';
import { apiCredentials, Credentials, type OrganizationSecret } from './credentials.ts';
import { withFile } from './files.ts';

/** LiveChat, ready for the send step: composes messages, and gives each organization its way to the API. */
export interface LiveChatSender {
  compose(messages: unknown): readonly Piece<Part>[];
  carrier(organizationId: string): Promise<Carrier<Part>>;
}

const log = logWith({ component: 'livechat' });

export function liveChatSender(environment = process.env): LiveChatSender {
  const credentials = new Credentials({
    read: readSecret,
    prefix: required('SECRET_PREFIX', 'the prefix of the secrets, such as livechat', environment),
    environment,
  });
  const rules = sendingRules(environment);
  /** Where LiveChat has sent us, by organization: asked once, not at every message. */
  const regions = new Map<string, string>();
  const connect = (organizationId: string, secret: OrganizationSecret): LiveChatClient => {
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
  return {
    compose,
    async carrier(organizationId) {
      const secret = await credentials.of(organizationId);
      return liveChatCarrier({
        client: connect(organizationId, secret),
        agentId: secret.current.LIVECHAT_AGENT_ID,
        onRegion: (region) => regions.set(organizationId, region),
        withFile: (source, signal, use) => withFile(organizationId, source, { ...rules, signal }, use),
        async refresh() {
          const fresh = await credentials.reread(organizationId);
          const changed = fresh && JSON.stringify(fresh.current) !== JSON.stringify(secret.current);
          return changed ? connect(organizationId, fresh) : undefined;
        },
      });
    },
  };
}

function compose(messages: unknown): readonly Piece<Part>[] {
  try {
    return composeMessages(parseMessages(messages)).map(({ part, ...at }) => ({ ...at, content: part }));
  } catch (error) {
    if (error instanceof InvalidMessagesError) throw new RequestInvalid(error.message);
    throw error;
  }
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
