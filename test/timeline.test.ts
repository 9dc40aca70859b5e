import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { receivedAtSecond, textMessage } from './domain-events.ts';
import { type Local, pollOptions, startLocal } from './local.ts';
import { outbound } from './outbound.ts';

const iso = z.iso.datetime();
const attemptSchema = z.looseObject({
  began: iso,
  ended: iso,
  outcome: z.string(),
  execution: z.string(),
  redrive: z.number(),
  deadLetterId: z.optional(z.string()),
});
const deliverySchema = z.looseObject({
  id: z.string(),
  status: z.string(),
  requestedAt: iso,
  tries: z.array(attemptSchema),
  sentAt: z.optional(iso),
  deliveredAt: z.optional(iso),
  deadLetterId: z.optional(z.string()),
  execution: z.optional(z.string()),
  part: z.optional(z.object({ messageIndex: z.number(), splitIndex: z.number() })),
});
const messageSchema = z.looseObject({ receivedAt: iso, storedAt: iso, delivery: z.optional(deliverySchema) });
const transcript = z.object({ messages: z.array(messageSchema), pending: z.array(deliverySchema) });

describe('the timeline of a message', () => {
  let local: Local;
  let world: ReturnType<typeof outbound>;
  beforeAll(async () => {
    local = await startLocal({ LIVECHAT_CALLS_PER_SECOND: '200' });
    world = outbound(local);
  });
  afterAll(() => local.stop());
  beforeEach(() => world.clearFaults());

  const read = async (chat: string) => transcript.parse(await world.read(chat));
  /** The delivery of the only message that the bridge sent. */
  const sentDelivery = ({ messages }: z.infer<typeof transcript>) => {
    const [delivery] = messages.flatMap((message) => message.delivery ?? []);
    if (!delivery) throw new Error('the transcript has no delivery');
    return delivery;
  };
  const expectAscending = (...times: (string | undefined)[]) => {
    expect(times).not.toContain(undefined);
    expect(times).toEqual(times.toSorted());
  };

  it('has the times of receipt, storage and reading', async () => {
    const chat = await world.chat({ text: 'Hello' });
    await world.act(chat, { as: 'agent', action: 'message', text: 'Good morning' });
    await world.act(chat, { action: 'seen' });
    await expect.poll(async () => (await read(chat)).messages, pollOptions).toMatchObject([{}, { seen: {} }]);
    const { messages } = await read(chat);
    for (const { receivedAt, storedAt } of messages) expectAscending(receivedAt, storedAt);
    expect(messages).toMatchObject([
      { content: 'Hello' },
      { content: 'Good morning', seen: { at: expect.any(String) } },
    ]);
    z.object({ seen: z.object({ at: iso }) }).parse(messages[1]);
  });

  it('has each attempt with its times, the error and its execution', async () => {
    const chat = await world.chat();
    await world.fault({ method: 'send_event', kind: 'error', status: 500, type: 'internal', count: 2 });
    await world.send(chat);
    await world.waitForExecutions();
    const delivery = sentDelivery(await read(chat));
    expect(delivery).toMatchObject({
      status: 'delivered',
      attempts: 2,
      tries: [
        { outcome: 'failed', error: 'LiveChatServerError', category: 'Server', cause: '500 internal', redrive: 0 },
        { outcome: 'failed', error: 'LiveChatServerError', category: 'Server', cause: '500 internal', redrive: 0 },
        { outcome: 'sent' },
      ],
    });
    const { requestedAt, tries, sentAt } = delivery;
    expectAscending(requestedAt, ...tries.flatMap(({ began, ended }) => [began, ended]));
    expect(sentAt).toBe(tries.at(-1)?.ended);
    expect(delivery.deliveredAt).toBeDefined();
    const executions = new Set(tries.map(({ execution }) => execution));
    expect(executions.size).toBe(1);
    const [id = ''] = executions;
    expect(await local.api(`/api/executions/${encodeURIComponent(id)}`)).toMatchObject({
      body: { execution: { id, status: 'SUCCEEDED' } },
    });
  });

  it('has the actions before sending, and does not send a message again that was found', async () => {
    const [inactive, uncertain] = [await world.chat(), await world.chat()];
    await world.act(inactive, { action: 'leave' });
    await world.send(inactive);
    await world.waitForExecutions();
    expect(sentDelivery(await read(inactive))).toMatchObject({ tries: [{ outcome: 'sent', did: ['resumed'] }] });
    await world.fault({ method: 'send_event', count: 1, kind: 'accept-then-error', status: 503 });
    await world.send(uncertain);
    await world.waitForExecutions();
    const { tries } = sentDelivery(await read(uncertain));
    // The receipt may arrive before the probe, which then records no attempt.
    expect(tries[0]).toMatchObject({ outcome: 'failed', cause: expect.stringMatching(/^503/) });
    expect(tries.slice(1).map(({ outcome }) => outcome)).not.toContain('sent');
  });

  it('does not count a deferral as an attempt', async () => {
    const chat = await world.chat();
    await world.fault({ method: 'send_event', kind: 'error', status: 429, retryAfterSeconds: 1, count: 1 });
    await world.send(chat);
    await world.waitForExecutions();
    expect(sentDelivery(await read(chat))).toMatchObject({ attempts: 0, tries: [{ outcome: 'sent' }] });
  });

  it('continues after a redrive, with both executions and the dead letter', async () => {
    const chat = await world.chat();
    await world.fault({ method: 'send_event', kind: 'error', status: 422, type: 'validation', count: 1 });
    await world.send(chat, world.text('Redriven'));
    await world.waitForExecutions();
    const [deadLetter] = await world.deadLetters(chat);
    const { pending } = await read(chat);
    expect(pending).toMatchObject([
      {
        status: 'failed',
        deadLetterId: deadLetter?.id,
        failedAt: expect.any(String),
        part: { messageIndex: 0, splitIndex: 0 },
        tries: [{ outcome: 'failed', error: 'LiveChatClientError', category: 'Client', cause: '422 validation' }],
      },
    ]);
    // The deliveries contain no message content; the execution's input does.
    expect(JSON.stringify(pending)).not.toContain('Redriven');
    const execution = encodeURIComponent(pending[0]?.execution ?? '');
    expect(JSON.stringify((await local.api(`/api/executions/${execution}`)).body)).toContain('Redriven');
    expect(await world.redrive(deadLetter?.id ?? '')).toBe(200);
    await world.waitForExecutions();
    const delivery = sentDelivery(await read(chat));
    expect(delivery).toMatchObject({
      status: 'delivered',
      redrive: 1,
      redrivenAt: expect.any(String),
      tries: [
        { outcome: 'failed', redrive: 0, deadLetterId: deadLetter?.id },
        { outcome: 'sent', redrive: 1, redrivenAt: expect.any(String) },
      ],
    });
    expect(delivery).not.toHaveProperty('deadLetterId');
    expect(new Set(delivery.tries.map(({ execution }) => execution)).size).toBe(2);
  });

  it('has the position of a waiting part in its request, and its execution', async () => {
    const chat = await world.chat();
    await local.idle();
    await world.gate('pause');
    await world.send(chat, { messages: [{ type: 'text', content: 'word '.repeat(4_000) }] });
    await expect
      .poll(async () => (await read(chat)).pending, pollOptions)
      .toMatchObject([{ status: 'unsent', tries: [] }]);
    const { pending } = await read(chat);
    expect(pending).toMatchObject([
      { part: { messageIndex: 0, splitIndex: 0 }, execution: expect.stringMatching(/^arn:/) },
    ]);
    await world.gate('resume');
  });

  describe('from domain events', () => {
    /** Builders of the domain events of one message. The argument is the second of receipt. */
    const messageEvents = (organization: string, conversationId: string) => {
      const place = { conversationId, threadId: 'THREAD' };
      const message = (content: string, id = 'THREAD_1') => textMessage(organization, { ...place, id, content });
      const event = (detailType: string, id: string, data: object) => (second: number) => ({
        detailType,
        detail: { metadata: receivedAtSecond(second, organization, id), data },
      });
      const by = { id: 'nina@acme.example', type: 'agent' };
      return {
        message: event('message.received', 'message', message('first')),
        another: event('message.received', 'another', message('another', 'THREAD_0')),
        revision: event('message.updated', 'revision', message('edited')),
        deletion: event('message.deleted', 'deletion', { ...place, messageId: 'THREAD_1' }),
        seen: event('message.seen', 'seen', { ...place, by, seenUpTo: '2026-03-11T09:15:00.000000Z' }),
      };
    };

    /** Publishes events one by one and returns the stored messages. */
    const storedAfter = async (
      choose: (all: ReturnType<typeof messageEvents>) => { detailType: string; detail: object }[],
    ) => {
      const [organization, chat] = [randomUUID(), `T${randomUUID().slice(0, 8)}`];
      for (const { detailType, detail } of choose(messageEvents(organization, chat))) {
        await world.put('omnichannel.livechat', detailType, detail);
        await local.idle();
      }
      const stored = z.object({ messages: z.array(z.looseObject({ id: z.string() })) });
      const { messages } = stored.parse(await world.read(chat, organization));
      return messages.map(({ organizationId: _, conversationId: __, storedAt, ...message }) => ({
        ...message,
        isStored: storedAt !== undefined,
      }));
    };

    it('has the earliest receipt of each event for any order and number of deliveries', {
      timeout: 120_000,
    }, async () => {
      const kinds = ['message', 'revision', 'deletion', 'seen'] as const;
      const expected = {
        receivedAt: '2026-03-11T09:14:20.000Z',
        deletedAt: '2026-03-11T09:14:30.000Z',
        deleted: true,
        isStored: true,
      };
      const receipts = fc.shuffledSubarray(
        kinds.flatMap((kind, place) => [0, 5].map((later) => [kind, 20 + 5 * place + later] as const)),
        { minLength: 8, maxLength: 8 },
      );
      let first: unknown;
      await fc.assert(
        fc.asyncProperty(receipts, async (order) => {
          const stored = await storedAfter((all) => order.map(([kind, second]) => all[kind](second)));
          expect(stored).toMatchObject([expected]);
          first ??= stored;
          expect(stored).toEqual(first);
        }),
        { numRuns: 12 },
      );
    });

    it('has the time of receipt of a message that arrives after its revision, and none if it never arrives', async () => {
      const times = { receivedAt: '2026-03-11T09:14:30.000Z', editedAt: '2026-03-11T09:14:31.000Z', isStored: true };
      expect(await storedAfter((all) => [all.revision(31), all.message(30)])).toMatchObject([
        { content: 'edited', ...times },
      ]);
      expect(await storedAfter((all) => [all.message(30), all.revision(31)])).toMatchObject([
        { content: 'edited', ...times },
      ]);
      const orphan = (await storedAfter((all) => [all.another(30), all.revision(31)])).find(
        ({ id }) => id === 'THREAD_1',
      );
      expect(orphan).toMatchObject({ content: 'edited', isStored: false });
      expect(orphan).not.toHaveProperty('receivedAt');
    });
  });
});
