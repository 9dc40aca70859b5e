import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it, vi } from 'vitest';
import { receivedAtSecond, textMessage } from '../test/domain-events.ts';
import { useSharedLocal } from '../test/shared-local.ts';
import { lambdaContext } from '../test/webhook-event.ts';

const counted = vi.hoisted((): { name: string; times: number }[] => []);
vi.mock('../core/platform/metrics.ts', () => ({
  count: (name: string, _: object, times = 1) => counted.push({ name, times }),
}));

let documents: typeof import('../core/platform/dynamodb.ts').documents;
let messages: typeof import('../core/messages/messages.ts');
let handler: typeof import('./chat-deactivated.ts').handler;
beforeAll(async () => {
  await useSharedLocal();
  ({ documents } = await import('../core/platform/dynamodb.ts'));
  messages = await import('../core/messages/messages.ts');
  ({ handler } = await import('./chat-deactivated.ts'));
});

/** Lets the next write of a whole item fail: that of a projection. Events and messages are written by updates. */
function failNextPut(): void {
  documents.middlewareStack.add(
    (next, context) => async (args) => {
      if (context.commandName !== 'PutItemCommand') return next(args);
      documents.middlewareStack.remove('fail');
      throw new Error('no connection');
    },
    { step: 'initialize', name: 'fail' },
  );
}

it('counts missing event numbers once, also if the function fails after it has stored the event', async () => {
  const organizationId = randomUUID();
  for (const number of [2, 5])
    await messages.storeMessage(
      textMessage(organizationId, { id: `THREAD_${number}` }),
      receivedAtSecond(20, organizationId, `message ${number}`),
    );
  const metadata = { ...receivedAtSecond(20, organizationId, 'closed'), receivedAt: '2026-03-11T09:30:00.000Z' };
  const event = {
    id: 'bus-event',
    version: '0',
    account: '',
    time: metadata.receivedAt,
    region: 'us-east-1',
    resources: [],
    source: 'livechat',
    'detail-type': 'chat.deactivated',
    detail: { metadata, data: { conversationId: 'CHAT', threadId: 'THREAD' } },
  };
  failNextPut();
  await expect(handler(event, lambdaContext())).rejects.toThrow('no connection');
  await handler(event, lambdaContext());
  await handler(event, lambdaContext());
  expect(counted.filter(({ name }) => name === 'EventNumberGaps')).toEqual([{ name: 'EventNumberGaps', times: 2 }]);
});
