/** The part of `message.received` that this service reads. See docs/reference/events.md. */
interface MessageReceived {
  readonly detailType: string;
  readonly detail: {
    readonly metadata: { readonly id: string; readonly correlationId: string };
    readonly data: {
      readonly organizationId: string;
      readonly conversationId: string;
      readonly threadId: string;
      readonly author: { readonly type: string };
    };
  };
}

export interface SendRequest {
  readonly metadata: { readonly id: string; readonly correlationId: string };
  readonly data: {
    readonly requestId: string;
    readonly organizationId: string;
    readonly conversationId: string;
    readonly messages: readonly { readonly type: 'text'; readonly content: string }[];
  };
}

/**
 * Returns a send request for a customer's message. The request id is the same for every message of a thread, and the bridge
 * sends requests with the same id once: the service needs no state to reply only to the first message.
 */
export function createReply({ detailType, detail }: MessageReceived): SendRequest | undefined {
  if (detailType !== 'message.received' || detail.data.author.type !== 'customer') return undefined;
  const { organizationId, conversationId, threadId } = detail.data;
  return {
    metadata: detail.metadata,
    data: {
      requestId: `first-reply-${conversationId}-${threadId}`,
      organizationId,
      conversationId,
      messages: [{ type: 'text', content: 'Thank you for writing. Somebody will be with you in a moment.' }],
    },
  };
}
