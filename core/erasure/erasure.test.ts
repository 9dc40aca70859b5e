import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it, vi } from 'vitest';
import { metadata } from '../../test/conversation-events.ts';
import { receivedAtSecond, textMessage } from '../../test/domain-events.ts';
import { useSharedLocal } from '../../test/shared-local.ts';

let erasure: typeof import('./erasure.ts');
let messages: typeof import('../messages/messages.ts');
let changes: typeof import('../messages/changes.ts');
let queries: typeof import('../messages/queries.ts');
let archive: typeof import('../outbound/dead-letter.ts');
beforeAll(async () => {
  const { aws } = await useSharedLocal();
  vi.stubEnv('DEAD_LETTER_QUEUE_URL', `${aws}/000000000000/dead-letters`);
  erasure = await import('./erasure.ts');
  messages = await import('../messages/messages.ts');
  changes = await import('../messages/changes.ts');
  queries = await import('../messages/queries.ts');
  archive = await import('../outbound/dead-letter.ts');
});

it('erases a message that is stored after the data of its customer was found', async () => {
  const organizationId = randomUUID();
  await changes.recordChatEvent({
    type: 'participant.changed',
    metadata: { ...metadata(1, 'CHAT'), organizationId },
    data: {
      conversationId: 'CHAT',
      change: 'joined',
      participant: { id: 'dana', type: 'customer', email: 'dana@shop.example' },
    },
  });
  const target = { organizationId, customers: ['dana@shop.example'] };
  const found = await erasure.findStoredData(target);
  await messages.storeMessage(textMessage(organizationId), receivedAtSecond(20, organizationId, 'message'));
  await erasure.erase(found, target, () => {});
  expect(await queries.messageItems({ organizationId, conversationId: 'CHAT' })).toEqual([]);
});

it('erases the dead letters of its organization only, although another one has a conversation with the same id', async () => {
  const [organizationId, other] = [randomUUID(), randomUUID()];
  const conversationId = randomUUID();
  for (const id of [organizationId, other]) {
    const error = { name: 'Unreadable', message: '' };
    const subject = { organizationId: id, conversationId, requestId: '', redrives: 0, failedCalls: 0 };
    await archive.archiveDeadLetter(
      { kind: 'unreadable', id, body: conversationId, error },
      { ...subject, status: 'open' },
      Date.now(),
    );
  }
  const target = { organizationId, customers: [], conversationId };
  await erasure.erase(await erasure.findStoredData(target), target, () => {});
  expect(await archive.findDeadLetter(organizationId)).toBeUndefined();
  expect(await archive.findDeadLetter(other)).toBeDefined();
});
