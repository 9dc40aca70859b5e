import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, paginateScan } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import type { Local } from '../test/local.ts';

const queue = z.object({ conversationId: z.string(), waiting: z.array(z.string()) });
const pauseMs = 400;

export interface QueueWatch {
  stop(): Promise<void>;
  /** The runs of a chat (execution ARNs) in the order in which they have joined its queue; those that came and went unseen are not in it. */
  joined(chat: string): readonly string[];
}

/**
 * Looks at the queues of all chats again and again. A queue grows at its end and shrinks at its head, so whoever was not
 * there at the last look has joined after all who were.
 */
export function watchQueues(local: Local): QueueWatch {
  const { environment } = local;
  const client = DynamoDBDocumentClient.from(
    new DynamoDBClient({
      endpoint: local.aws,
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    }),
  );
  const orders = new Map<string, Set<string>>();
  let stopping = false;

  async function look(): Promise<void> {
    const pages = paginateScan(
      { client },
      { TableName: environment.CONTROL_TABLE, FilterExpression: 'attribute_exists(waiting)', ConsistentRead: true },
    );
    for await (const { Items = [] } of pages) {
      for (const { conversationId, waiting } of Items.map((item) => queue.parse(item))) {
        const order = orders.get(conversationId) ?? new Set();
        for (const run of waiting) order.add(run);
        orders.set(conversationId, order);
      }
    }
  }

  async function watch(): Promise<void> {
    while (!stopping) {
      await look();
      await sleep(pauseMs);
    }
  }

  const watching = watch();
  return {
    async stop() {
      stopping = true;
      await watching;
      client.destroy();
    },
    joined: (chat) => [...(orders.get(chat) ?? [])],
  };
}
