import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { type Local, organizationId, startLocal } from '../test/local.ts';
import { outbound } from '../test/outbound.ts';

const results = z.object({
  matches: z.array(z.looseObject({ kind: z.string(), id: z.string(), conversationId: z.string() })),
  searched: z.optional(z.number()),
});
const transcript = z.object({
  conversation: z.object({ threads: z.array(z.object({ id: z.string() })) }),
  messages: z.array(z.object({ id: z.string(), metadata: z.object({ customId: z.optional(z.string()) }) })),
  pending: z.array(z.object({ id: z.string(), execution: z.string() })),
});

let local: Local;
let chatId: string;
let sent: string;
let failed: string;
let stored: z.infer<typeof transcript>;
let deadLetterId: string;

beforeAll(async () => {
  local = await startLocal();
  const bridge = outbound(local);
  chatId = await bridge.chat({ customer: { name: 'Zoë Quinn', email: 'zoe.quinn@mail.example' } });
  await local.idle();
  sent = await bridge.send(chatId, bridge.text('Good morning'));
  await bridge.waitForExecutions();
  await bridge.fault({ kind: 'error', status: 422, type: 'validation', method: 'send_event' });
  failed = await bridge.send(chatId, bridge.text('How can I help?'));
  await bridge.waitForExecutions();
  await bridge.put('shop', 'message.send.requested', {
    data: { requestId: 'rejected-1', organizationId, conversationId: chatId, messages: [] },
  });
  await local.idle();
  stored = transcript.parse(await bridge.read(chatId));
  deadLetterId = (await bridge.deadLetters(chatId)).find(({ kind }) => kind === 'send')?.id ?? '';
}, 60_000);
afterAll(() => local?.stop());

async function find(text: string) {
  const { status, body } = await local.api(`/api/search?${new URLSearchParams({ search: text })}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return results.parse(body);
}

describe('the search over all ids, names and e-mails', () => {
  it.each([
    ['conversation', () => chatId],
    ['thread', () => stored.conversation.threads[0]?.id],
    ['message', () => stored.messages[0]?.id],
    ['request', () => sent],
    ['request', () => failed],
    [
      'delivery',
      () => stored.messages.find(({ metadata }) => metadata.customId?.startsWith('out-'))?.metadata.customId,
    ],
    ['delivery', () => stored.pending[0]?.id],
    ['dead letter', () => deadLetterId],
  ])('finds a %s by its id', async (kind, read) => {
    const id = read() ?? '';
    const { matches } = await find(` ${id} `);
    const participants = expect.arrayContaining([expect.objectContaining({ name: 'Zoë Quinn' })]);
    expect(matches).toEqual([
      expect.objectContaining({ kind, id, organizationId, conversationId: chatId, participants }),
    ]);
  });

  it('finds an execution by its name and its ARN', async () => {
    const arn = stored.pending[0]?.execution ?? '';
    const id = arn.split(':').at(-1) ?? '';
    for (const text of [arn, id]) expect((await find(text)).matches).toMatchObject([{ kind: 'execution', id }]);
  });

  it('finds the first delivery of a request', async () => {
    expect((await find(failed)).matches).toMatchObject([{ kind: 'request', deliveryId: stored.pending[0]?.id }]);
  });

  it('finds the dead letter of a rejected request', async () => {
    expect((await find('rejected-1')).matches).toMatchObject([{ kind: 'dead letter', conversationId: chatId }]);
  });

  it.each(['zoë', 'Quinn@MAIL'])('finds conversations by part of a name or an e-mail: %s', async (text) => {
    const found = await find(text);
    expect(found.matches).toMatchObject([{ kind: 'conversation', id: chatId }]);
    expect(found.searched).toBe(1);
  });

  it('finds nothing for an unknown text, and rejects a text of one character', async () => {
    expect(await find('nobody')).toEqual({ matches: [], searched: 1 });
    expect(await local.api('/api/search?search=z')).toEqual({
      status: 400,
      body: { error: { field: 'search', expected: '2 to 320 characters' } },
    });
  });
});
