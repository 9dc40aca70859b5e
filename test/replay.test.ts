import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { fixture } from './fixtures.ts';
import { organizationId, post } from './local.ts';
import { outbound } from './outbound.ts';
import { type SharedLocal, sharedLocal } from './shared-local.ts';

describe('events replayed from the archive', () => {
  let local: SharedLocal;
  beforeAll(async () => {
    local = await sharedLocal();
  });

  const replay = async (source: string, detailType: string, detail: object): Promise<void> => {
    const entry = {
      Source: source,
      DetailType: detailType,
      Detail: JSON.stringify(detail),
      EventBusName: local.bus,
    };
    const response = await fetch(`${local.aws}/_local/replay?name=after-the-outage`, {
      method: 'POST',
      body: JSON.stringify({ Entries: [entry] }),
    });
    expect(await response.json()).toMatchObject({ FailedEntryCount: 0 });
  };

  it('send nothing, unlike the same request on the bus', async () => {
    const bus = outbound(local);
    const conversationId = await bus.chat();
    const data = {
      requestId: randomUUID(),
      organizationId,
      conversationId,
      messages: [{ type: 'text', content: 'Once' }],
    };
    await replay('shop', 'message.send.requested', { data });
    await bus.waitForExecutions();
    expect(await bus.sentTexts(conversationId)).toEqual([]);
    expect(await bus.deadLetters(conversationId)).toEqual([]);
    await bus.put('shop', 'message.send.requested', { data });
    await bus.waitForExecutions();
    expect(await bus.sentTexts(conversationId)).toEqual(['Once']);
  });

  it('restore lost messages and change nothing else', async () => {
    const organizationId = randomUUID();
    await post(local, { ...fixture('incoming_event.message.customer.json'), organization_id: organizationId });
    await local.idle();
    const conversation = () => local.api(`/api/conversations/T8RM2K0V9X?organizationId=${organizationId}`);
    const { body: before } = await conversation();
    expect(before).toMatchObject({ messages: [{ id: 'T8RM2KD13X_4' }] });
    const [stored] = parseMessages(before);
    const metadata = {
      id: randomUUID(),
      version: '1',
      correlationId: 'c',
      organizationId,
      carrier: 'livechat',
      occurredAt: '2026-03-11T09:14:14.120349Z',
      // An archived event keeps its original time of receipt.
      receivedAt: parseReceivedAt(stored),
    };
    await replay('omnichannel.livechat', 'message.received', { metadata, data: { rawPayload: {}, ...stored } });
    await local.idle();
    expect((await conversation()).body).toEqual(before);
    const lost = { rawPayload: {}, ...stored, id: 'T8RM2KD13X_5', timestamp: '2026-03-11T09:14:20.000000Z' };
    await replay('omnichannel.livechat', 'message.received', { metadata, data: lost });
    await local.idle();
    expect((await conversation()).body).toMatchObject({ messages: [{ id: 'T8RM2KD13X_4' }, { id: 'T8RM2KD13X_5' }] });
  });
});

function parseReceivedAt(message: object | undefined): string {
  return z.object({ receivedAt: z.string() }).parse(message).receivedAt;
}

function parseMessages(body: unknown): object[] {
  const messages = typeof body === 'object' && body && 'messages' in body ? body.messages : undefined;
  return Array.isArray(messages) ? messages : [];
}
