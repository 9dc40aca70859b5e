import { queryPartition, type StoredItem } from '../platform/dynamodb.ts';
import { conversations } from './entities.ts';
import { statuses } from './queries.ts';
import type { ConversationKey } from './store.ts';

const { conversation } = conversations.entities;

/** A customer as conversations know one. */
export interface KnownCustomer {
  readonly id: string;
  readonly name?: string | undefined;
  readonly email?: string | undefined;
}

export interface CustomerConversations {
  readonly customers: readonly KnownCustomer[];
  readonly conversationIds: readonly string[];
}

/** The conversations in which any of these customers takes part; by ids or e-mail addresses. Reads every conversation of the organization. */
export async function findCustomerConversations(
  organizationId: string,
  wanted: readonly string[],
): Promise<CustomerConversations> {
  const customers = new Map<string, KnownCustomer>();
  const conversationIds: string[] = [];
  for (const status of statuses) {
    let cursor: string | null = null;
    do {
      const query = conversation.query.byActivity({ organizationId, status });
      const page: Awaited<ReturnType<typeof query.go>> = await query.go({ cursor });
      for (const { conversationId, participants } of page.data) {
        const found = participants.filter(
          ({ type, id, email }) => type === 'customer' && wanted.some((one) => one === id || one === email),
        );
        for (const one of found) customers.set(one.id, one);
        if (found.length > 0) conversationIds.push(conversationId);
      }
      cursor = page.cursor;
    } while (cursor !== null);
  }
  return { customers: [...customers.values()], conversationIds };
}

/** Everything that the table holds of a conversation; the conversation itself comes last, by which it is found. */
export async function conversationItems(key: ConversationKey): Promise<StoredItem[]> {
  const items = await queryPartition(conversation.get(key).params());
  const rank = ({ entity }: StoredItem) => (entity === 'conversation' ? 1 : 0);
  return items.toSorted((a, b) => rank(a) - rank(b));
}
