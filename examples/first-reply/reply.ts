/** What this service reads of the bridge's `message.received`; see docs/reference/events.md. */
interface Received {
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
 * The request that answers a customer's first message in a thread. It is the same for every later message of that
 * thread, and the bridge sends the same request once: this service needs to remember nothing.
 */
export function replyTo({ detailType, detail }: Received): SendRequest | undefined {
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
