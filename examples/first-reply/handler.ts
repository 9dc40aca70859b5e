import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { sendMessages } from 'livechat-bridge/send';
import { onLiveChatEvent } from 'livechat-bridge/subscribe';

const client = new EventBridgeClient();
const { BUS_NAME: busName } = process.env;

/**
 * Replies to the first message of a customer in each thread. The request id is the same for every message of a thread, and the
 * bridge sends requests with the same id once: the service needs no state.
 */
export const handler = onLiveChatEvent('message.received', async ({ metadata, data }) => {
  if (data.author.type !== 'customer') return;
  const { organizationId, conversationId, threadId } = data;
  await sendMessages(
    client,
    {
      requestId: `first-reply-${conversationId}-${threadId}`,
      organizationId,
      conversationId,
      messages: [{ type: 'text', content: 'Thank you for writing. Somebody will be with you in a moment.' }],
    },
    { source: 'first-reply', busName, causedBy: metadata },
  );
});
