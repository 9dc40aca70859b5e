import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { type Local, organizationId, printed, startLocal } from './local.ts';
import { outbound } from './outbound.ts';

const iso = z.iso.datetime();
const aTry = z.looseObject({
  began: iso,
  ended: iso,
  outcome: z.string(),
  execution: z.string(),
  redrive: z.number(),
  deadLetterId: z.optional(z.string()),
});
const aDelivery = z.looseObject({
  id: z.string(),
  status: z.string(),
  requestedAt: iso,
  tries: z.array(aTry),
  sentAt: z.optional(iso),
  deliveredAt: z.optional(iso),
  deadLetterId: z.optional(z.string()),
  execution: z.optional(z.string()),
  part: z.optional(z.object({ messageIndex: z.number(), splitIndex: z.number() })),
});
const aMessage = z.looseObject({ receivedAt: iso, storedAt: iso, delivery: z.optional(aDelivery) });
const transcript = z.object({ messages: z.array(aMessage), pending: z.array(aDelivery) });

describe('the timeline of a message', () => {
  let local: Local;
  let other: ReturnType<typeof outbound>;
  beforeAll(async () => {
    local = await startLocal({ LIVECHAT_CALLS_PER_SECOND: '200' });
    other = outbound(local);
  });
  afterAll(() => local.stop());
  beforeEach(() => other.calm());

  const read = async (chat: string) =>
    transcript.parse((await local.api(`/api/conversations/${chat}?organizationId=${organizationId}`)).body);
  /** The delivery of the one message that we sent. */
  const deliveryIn = ({ messages }: z.infer<typeof transcript>) => {
    const [delivery] = messages.flatMap((message) => message.delivery ?? []);
    if (!delivery) throw new Error('nothing of ours is in the transcript');
    return delivery;
  };
  const inOrder = (...times: (string | undefined)[]) => {
    expect(times).not.toContain(undefined);
    expect(times).toEqual(times.toSorted());
  };

  it('has the times of receipt, storage and reading', async () => {
    const chat = await other.chat({ text: 'Hello' });
    await other.act(chat, { as: 'agent', action: 'message', text: 'Good morning' });
    await other.act(chat, { action: 'seen' });
    await expect.poll(async () => (await read(chat)).messages, printed).toMatchObject([{}, { seen: {} }]);
    const { messages } = await read(chat);
    for (const { receivedAt, storedAt } of messages) inOrder(receivedAt, storedAt);
    expect(messages).toMatchObject([
      { content: 'Hello' },
      { content: 'Good morning', seen: { at: expect.any(String) } },
    ]);
    z.object({ seen: z.object({ at: iso }) }).parse(messages[1]);
  });

  it('has each attempt with its times, the error and its execution', async () => {
    const chat = await other.chat();
    await other.fault({ method: 'send_event', kind: 'error', status: 500, type: 'internal', count: 2 });
    await other.send(chat);
    await other.settled();
    const delivery = deliveryIn(await read(chat));
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
    inOrder(requestedAt, ...tries.flatMap(({ began, ended }) => [began, ended]));
    expect(sentAt).toBe(tries.at(-1)?.ended);
    expect(delivery.deliveredAt).toBeDefined();
    const runs = new Set(tries.map(({ execution }) => execution));
    expect(runs.size).toBe(1);
    const [run = ''] = runs;
    expect(await local.api(`/api/executions/${encodeURIComponent(run)}`)).toMatchObject({
      body: { execution: { id: run, status: 'SUCCEEDED' } },
    });
  });

  it('has the actions before sending, and a message that was found rather than sent again', async () => {
    const [left, doubtful] = [await other.chat(), await other.chat()];
    await other.act(left, { action: 'leave' });
    await other.send(left);
    await other.settled();
    expect(deliveryIn(await read(left))).toMatchObject({ tries: [{ outcome: 'sent', did: ['resumed'] }] });
    await other.fault({ method: 'send_event', count: 1, kind: 'accept-then-error', status: 503 });
    await other.send(doubtful);
    await other.settled();
    const { tries } = deliveryIn(await read(doubtful));
    // The receipt may be there before anybody has looked for it.
    expect(tries[0]).toMatchObject({ outcome: 'failed', cause: expect.stringMatching(/^503/) });
    expect(tries.slice(1).map(({ outcome }) => outcome)).not.toContain('sent');
  });

  it('does not count a deferral as an attempt', async () => {
    const chat = await other.chat();
    await other.fault({ method: 'send_event', kind: 'error', status: 429, retryAfterSeconds: 1, count: 1 });
    await other.send(chat);
    await other.settled();
    expect(deliveryIn(await read(chat))).toMatchObject({ attempts: 0, tries: [{ outcome: 'sent' }] });
  });

  it('continues after a redrive, with both executions and the dead letter', async () => {
    const chat = await other.chat();
    await other.fault({ method: 'send_event', kind: 'error', status: 422, type: 'validation', count: 1 });
    await other.send(chat, other.text('Redriven'));
    await other.settled();
    const [letter] = await other.deadLetters(chat);
    const { pending } = await read(chat);
    expect(pending).toMatchObject([
      {
        status: 'failed',
        deadLetterId: letter?.id,
        failedAt: expect.any(String),
        part: { messageIndex: 0, splitIndex: 0 },
        tries: [{ outcome: 'failed', error: 'LiveChatClientError', category: 'Client', cause: '422 validation' }],
      },
    ]);
    // What it says stands in no table of deliveries; its run has it.
    expect(JSON.stringify(pending)).not.toContain('Redriven');
    const run = encodeURIComponent(pending[0]?.execution ?? '');
    expect(JSON.stringify((await local.api(`/api/executions/${run}`)).body)).toContain('Redriven');
    expect(await other.redrive(letter?.id ?? '')).toBe(200);
    await other.settled();
    const delivery = deliveryIn(await read(chat));
    expect(delivery).toMatchObject({
      status: 'delivered',
      redrive: 1,
      redrivenAt: expect.any(String),
      tries: [
        { outcome: 'failed', redrive: 0, deadLetterId: letter?.id },
        { outcome: 'sent', redrive: 1, redrivenAt: expect.any(String) },
      ],
    });
    expect(delivery).not.toHaveProperty('deadLetterId');
    expect(new Set(delivery.tries.map(({ execution }) => execution)).size).toBe(2);
  });

  it('has the position of a waiting part in its request, and its execution', async () => {
    const chat = await other.chat();
    await local.idle();
    await fetch(new URL(`/api/gate/${organizationId}`, local.console), { method: 'POST', body: '{"do":"pause"}' });
    await other.send(chat, { messages: [{ type: 'text', content: 'word '.repeat(4_000) }] });
    await expect.poll(async () => (await read(chat)).pending, printed).toMatchObject([{ status: 'unsent', tries: [] }]);
    const { pending } = await read(chat);
    expect(pending).toMatchObject([
      { part: { messageIndex: 0, splitIndex: 0 }, execution: expect.stringMatching(/^arn:/) },
    ]);
    await fetch(new URL(`/api/gate/${organizationId}`, local.console), { method: 'POST', body: '{"do":"resume"}' });
  });

  describe('from domain events', () => {
    /** What LiveChat’s webhooks say of one message, received several times each. */
    const told = ({ organization, chat }: { organization: string; chat: string }) => {
      const place = { conversationId: chat, threadId: 'T' };
      const message = (content: string, id = 'T_1') => ({
        id,
        organizationId: organization,
        ...place,
        carrier: 'livechat',
        direction: 'inbound',
        type: 'text',
        content,
        timestamp: '2026-03-11T09:14:14.120349Z',
        author: { id: '5f0c1d7e-2a84-4c39-9b61-7c2e9d1a4b55', type: 'customer' },
        visibility: 'all',
        metadata: {},
        rawPayload: {},
      });
      const event = (detailType: string, id: string, second: number, data: object) => ({
        detailType,
        detail: {
          metadata: {
            id,
            version: '1',
            correlationId: id,
            organizationId: organization,
            carrier: 'livechat',
            occurredAt: '2026-03-11T09:14:14.120349Z',
            receivedAt: `2026-03-11T09:14:${second}.000Z`,
          },
          data,
        },
      });
      return {
        message: (second: number) => event('message.received', 'message', second, message('first')),
        another: (second: number) => event('message.received', 'another', second, message('another', 'T_0')),
        edition: (second: number) => event('message.updated', 'edition', second, message('edited')),
        deletion: (second: number) => event('message.deleted', 'deletion', second, { ...place, messageId: 'T_1' }),
        seen: (second: number) =>
          event('message.seen', 'seen', second, {
            ...place,
            by: { id: 'nina@acme.example', type: 'agent' },
            seenUpTo: '2026-03-11T09:15:00.000000Z',
          }),
      };
    };

    /** Puts events on the bus one by one, and answers what is known in the end. */
    const end = async (choose: (all: ReturnType<typeof told>) => { detailType: string; detail: object }[]) => {
      const [organization, chat] = [randomUUID(), `T${randomUUID().slice(0, 8)}`];
      for (const { detailType, detail } of choose(told({ organization, chat }))) {
        await other.put('omnichannel.livechat', detailType, detail);
        await local.idle();
      }
      const { body } = await local.api(`/api/conversations/${chat}?organizationId=${organization}`);
      const { messages } = z.object({ messages: z.array(z.looseObject({ id: z.string() })) }).parse(body);
      return messages.map(({ organizationId: _, conversationId: __, storedAt, ...known }) => ({
        ...known,
        isStored: storedAt !== undefined,
      }));
    };

    it('is the same for any order and number of receipts, with the earliest of each', {
      timeout: 120_000,
    }, async () => {
      const kinds = ['message', 'edition', 'deletion', 'seen'] as const;
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
          const known = await end((all) => order.map(([kind, second]) => all[kind](second)));
          expect(known).toMatchObject([expected]);
          first ??= known;
          expect(known).toEqual(first);
        }),
        { numRuns: 12 },
      );
    });

    it('has the receipt of a message that arrives after its revision, and none if it never arrives', async () => {
      const times = { receivedAt: '2026-03-11T09:14:30.000Z', editedAt: '2026-03-11T09:14:31.000Z', isStored: true };
      expect(await end((all) => [all.edition(31), all.message(30)])).toMatchObject([{ content: 'edited', ...times }]);
      expect(await end((all) => [all.message(30), all.edition(31)])).toMatchObject([{ content: 'edited', ...times }]);
      const lost = (await end((all) => [all.another(30), all.edition(31)])).find(({ id }) => id === 'T_1');
      expect(lost).toMatchObject({ content: 'edited', isStored: false });
      expect(lost).not.toHaveProperty('receivedAt');
    });
  });
});
