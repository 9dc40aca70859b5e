import type { RoutingCarrier } from '../routing/carrier.ts';
import { findEvent, senderOf } from './carrier.ts';
import type { TransferChat } from './client/requests.ts';
import { type Connection, liveChatConnections } from './connection.ts';

/** LiveChat, ready for routing: gives each organization its way to the API. */
export function liveChatRouting(environment = process.env): (organizationId: string) => Promise<RoutingCarrier> {
  const connect = liveChatConnections(environment);
  return async (organizationId) => liveChatRouter(await connect(organizationId));
}

/** Routing's view of LiveChat. Who acts need not be in the chat, save to speak. */
export function liveChatRouter(connection: Connection): RoutingCarrier {
  const { client, onRegion, refresh } = connection;
  return {
    transfer: (id, target) =>
      client.transferChat({
        id,
        target: targetOf(target),
        // With it a chat may be put into the group's queue; without it LiveChat refuses what nobody can take at once.
        ignore_agents_availability: 'group' in target && target.queue === true,
        ignore_requester_presence: true,
      }),
    // Without a target it is routed within its present groups.
    handBack: (id) => client.transferChat({ id, ignore_agents_availability: true, ignore_requester_presence: true }),
    tag: (chatId, threadId, tag) => client.tagThread({ chat_id: chatId, thread_id: threadId, tag }),
    async say(chatId, { id, text, visibility }) {
      await client.sendEvent({ chat_id: chatId, event: { type: 'message', text, visibility, custom_id: id } });
    },
    find: async (chatId, id, since) => (await findEvent(client, chatId, id, since)) !== undefined,
    async join(chatId, visibility) {
      const user = { user_id: senderOf(connection), user_type: 'agent', visibility } as const;
      await client.addUserToChat({ chat_id: chatId, ...user, ignore_requester_presence: true });
    },
    inRegion(region) {
      onRegion(region);
      return liveChatRouter({ ...connection, client: client.inRegion(region) });
    },
    async withFreshCredentials() {
      const fresh = await refresh();
      return fresh && liveChatRouter({ ...connection, client: fresh });
    },
  };
}

function targetOf(target: Parameters<RoutingCarrier['transfer']>[1]): NonNullable<TransferChat['target']> {
  return 'agent' in target ? { type: 'agent', ids: [target.agent] } : { type: 'group', ids: [target.group] };
}
