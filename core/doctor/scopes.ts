import type { LiveChatClient } from '../livechat/client.ts';
import type { Account } from '../livechat/connection.ts';
import {
  LiveChatApiError,
  LiveChatAuthenticationError,
  LiveChatClientError,
  LiveChatRepairableError,
} from '../livechat/errors.ts';
import { ConfigurationError } from '../platform/configuration.ts';
import { type Finding, found } from './finding.ts';

const { ok, fault } = found('credentials');
const version = found('API version');

/** One call a scope; all of them change nothing. */
interface Probe {
  readonly scope: string;
  readonly serves: string;
  ask(client: LiveChatClient, clientId: string): Promise<unknown>;
}

/** No chat of LiveChat's is called so: sending into it is refused in any case, and the question is why. */
const noChat = 'livechat-bridge-doctor';

const probes: readonly Probe[] = [
  {
    scope: 'webhooks.configuration:rw',
    serves: 'to register webhooks',
    ask: (client, owner_client_id) => client.listWebhooks({ owner_client_id }),
  },
  {
    scope: 'webhooks.state:rw',
    serves: "to switch the license's webhooks on",
    ask: (client, owner_client_id) => client.getLicenseWebhooksState({ owner_client_id }),
  },
  {
    scope: 'chats--all:ro',
    serves: 'to find out whether a message has arrived',
    ask: (client) => client.listChats({ limit: 1 }),
  },
  {
    scope: 'chats--all:rw',
    serves: 'to send',
    ask: (client) => client.sendEvent({ chat_id: noChat, event: { type: 'message', text: 'none' } }),
  },
];

/** What LiveChat says of a request that it would take from this caller, were it about something that there is. */
const harmless: ReadonlySet<string | undefined> = new Set(['not_found', 'validation', 'chat_inactive']);

const isLackOfScope = ({ type, status }: LiveChatAuthenticationError): boolean =>
  type === 'authorization' || (type === undefined && status === 403);

/** What a probe's failure says against the caller; nothing where LiveChat only refused what was asked. */
function refusalOf(error: unknown, { scope, serves }: Probe, secret: string): Finding[] {
  if (error instanceof LiveChatRepairableError) return [];
  if (error instanceof LiveChatAuthenticationError) {
    if (!isLackOfScope(error)) {
      return [
        fault(
          'LiveChat refuses the credentials',
          `Make a new token at LiveChat, and put it into the secret ${secret}.`,
        ),
      ];
    }
    return [
      fault(`the token may not use ${scope}, which is needed ${serves}`, `Give it the scope ${scope} at LiveChat.`),
    ];
  }
  if (error instanceof LiveChatClientError && harmless.has(error.type)) return [];
  if (error instanceof LiveChatClientError && error.type === 'unsupported_version') {
    return [
      version.fault(
        'LiveChat does not serve this version',
        'Set LIVECHAT_API_VERSION to one that it does, such as v3.6.',
      ),
    ];
  }
  if (error instanceof LiveChatApiError) return [fault(error.message, 'Mend what it says, or look again later.')];
  if (error instanceof ConfigurationError) return [fault(error.message, `Fill it in in the secret ${secret}.`)];
  throw error;
}

/** What LiveChat lets these credentials do, tried out by calls that change nothing. */
export async function scopesOf(account: Account): Promise<Finding[]> {
  const { name, current } = account.stored;
  const tried = await Promise.all(
    probes.map(async (probe) => {
      try {
        await account.ask((client) => probe.ask(client, current.LIVECHAT_CLIENT_ID ?? ''));
        return [];
      } catch (error) {
        return refusalOf(error, probe, name);
      }
    }),
  );
  const refusals = [...new Map(tried.flat().map((one) => [one.says, one])).values()];
  return refusals.length > 0 ? refusals : [ok('they may do all that is needed')];
}
