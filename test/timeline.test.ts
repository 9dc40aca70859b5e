import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { receivedAtSecond, textMessage } from './domain-events.ts';
import { type Local, pollOptions, startLocal } from './local.ts';
import { outbound } from './outbound.ts';

const iso = z.iso.datetime();
const attemptSchema = z.looseObject({
  startedAt: iso,
  endedAt: iso,
  outcome: z.string(),
  execution: z.string(),
  redrive: z.number(),
  deadLetterId: z.optional(z.string()),
});
const deliverySchema = z.looseObject({
  id: z.string(),
  status: z.string(),
  requestedAt: iso,
  acceptedAt: iso,
  attempts: z.array(attemptSchema),
  sentAt: z.optional(iso),
  deliveredAt: z.optional(iso),
  deadLetterId: z.optional(z.string()),
  execution: z.optional(z.string()),
  part: z.optional(z.object({ messageIndex: z.number(), splitIndex: z.number() })),
});
const messageSchema = z.looseObject({ receivedAt: iso, storedAt: iso, delivery: z.optional(deliverySchema) });
const transcript = z.object({
  messages: z.array(messageSchema),
  notes: z.array(messageSchema),
  pending: z.array(deliverySchema),
});
const executionDetails = z.looseObject({
  execution: z.looseObject({ text: z.string() }),
  history: z.array(z.unknown()),
});

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
      failedCalls: 2,
      attempts: [
        { outcome: 'failed', error: 'ChannelServerError', category: 'Server', cause: '500 internal', redrive: 0 },
        { outcome: 'failed', error: 'ChannelServerError', category: 'Server', cause: '500 internal', redrive: 0 },
        { outcome: 'sent' },
      ],
    });
    const { requestedAt, acceptedAt, attempts, sentAt } = delivery;
    expectAscending(requestedAt, acceptedAt, ...attempts.flatMap(({ startedAt, endedAt }) => [startedAt, endedAt]));
    expect(sentAt).toBe(attempts.at(-1)?.endedAt);
    expect(delivery.deliveredAt).toBeDefined();
    const executions = new Set(attempts.map(({ execution }) => execution));
    expect(executions.size).toBe(1);
    const [id = ''] = executions;
    expect(await local.api(`/api/executions/${encodeURIComponent(id)}`)).toMatchObject({
      body: { execution: { id, status: 'SUCCEEDED' } },
    });
  });

  it('has the delivery of a note', async () => {
    const chat = await world.chat();
    await world.send(chat, { messages: [{ type: 'text', content: 'Internal', visibility: 'agents' }] });
    await world.waitForExecutions();
    await local.idle();
    const { notes, pending } = await read(chat);
    expect(notes).toMatchObject([
      { content: 'Internal', delivery: { status: 'delivered', attempts: [{ outcome: 'sent' }] } },
    ]);
    expect(pending).toEqual([]);
  });

  it('has the actions before sending, and does not send a message again that was found', async () => {
    const [inactive, uncertain] = [await world.chat(), await world.chat()];
    await world.act(inactive, { action: 'leave' });
    await world.send(inactive);
    await world.waitForExecutions();
    expect(sentDelivery(await read(inactive))).toMatchObject({ attempts: [{ outcome: 'sent', repairs: ['resumed'] }] });
    await world.fault({ method: 'send_event', count: 1, kind: 'accept-then-error', status: 503 });
    await world.send(uncertain);
    await world.waitForExecutions();
    const { attempts } = sentDelivery(await read(uncertain));
    // The receipt may arrive before the probe, which then records no attempt.
    expect(attempts[0]).toMatchObject({ outcome: 'failed', cause: expect.stringMatching(/^503/) });
    expect(attempts.slice(1).map(({ outcome }) => outcome)).not.toContain('sent');
  });

  it('has a call that LiveChat limits as an attempt, which is not a failed call', async () => {
    const chat = await world.chat();
    await world.fault({ method: 'send_event', kind: 'error', status: 429, retryAfterSeconds: 1, count: 1 });
    await world.send(chat);
    await world.waitForExecutions();
    expect(sentDelivery(await read(chat))).toMatchObject({
      failedCalls: 0,
      attempts: [
        { outcome: 'failed', error: 'ChannelRateLimitError', category: 'RateLimit', cause: '429 too_many_requests' },
        { outcome: 'sent' },
      ],
    });
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
        content: { event: { type: 'message', text: 'Redriven' } },
        attempts: [{ outcome: 'failed', error: 'ChannelClientError', category: 'Client', cause: '422 validation' }],
      },
    ]);
    // The text comes from the stored delivery. The execution data in Step Functions does not contain it.
    const { status, body } = await local.api(`/api/executions/${encodeURIComponent(pending[0]?.execution ?? '')}`);
    expect(status).toBe(200);
    const { execution, ...rest } = executionDetails.parse(body);
    expect(execution.text).toBe('Redriven');
    expect(rest.history).toContainEqual(
      expect.objectContaining({ type: 'ExecutionStarted', input: expect.stringContaining(chat) }),
    );
    expect(JSON.stringify([rest, { ...execution, text: undefined }])).not.toContain('Redriven');
    expect(await world.redrive(deadLetter?.id ?? '', { force: true })).toBe(200);
    await world.waitForExecutions();
    const delivery = sentDelivery(await read(chat));
    expect(delivery).toMatchObject({
      status: 'delivered',
      redrive: 1,
      redrivenAt: expect.any(String),
      attempts: [
        { outcome: 'failed', redrive: 0, deadLetterId: deadLetter?.id },
        { outcome: 'sent', redrive: 1, redrivenAt: expect.any(String) },
      ],
    });
    expect(delivery).not.toHaveProperty('deadLetterId');
    expect(new Set(delivery.attempts.map(({ execution }) => execution)).size).toBe(2);
  });

  it('has the position of each waiting part in its request, its execution, and no attempt for a deferral', async () => {
    const chat = await world.chat();
    await local.idle();
    await world.rateLimit('pause');
    await world.send(chat, { messages: [{ type: 'text', content: 'word '.repeat(4_000) }] });
    await expect
      .poll(async () => (await read(chat)).pending, pollOptions)
      .toMatchObject([
        { status: 'queued', attempts: [], part: { messageIndex: 0, splitIndex: 0 } },
        { status: 'queued', attempts: [], part: { messageIndex: 0, splitIndex: 1 } },
      ]);
    const executions = new Set((await read(chat)).pending.map(({ execution }) => execution));
    expect(executions.size).toBe(1);
    const [id = ''] = executions;
    await expect
      .poll(async () => (await local.api(`/api/executions/${encodeURIComponent(id)}`)).body, pollOptions)
      .toMatchObject({ execution: { id, status: 'RUNNING' } });
    await world.rateLimit('resume');
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
