import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { type Local, organizationId, startLocal } from '../test/local.ts';
import { outbound } from '../test/outbound.ts';

const page = z.object({
  executions: z.array(
    z.looseObject({
      id: z.string(),
      name: z.string(),
      requestId: z.string(),
      startDate: z.string(),
      parts: z.number(),
    }),
  ),
  next: z.optional(z.string()),
});

let local: Local;
let bridge: ReturnType<typeof outbound>;
let chatId: string;
/** Request ids, in the order of their executions. */
let sent: string;
let retried: string;
let failed: string;

beforeAll(async () => {
  local = await startLocal();
  bridge = outbound(local);
  chatId = await bridge.chat({ customer: { name: 'Dana' } });
  await local.idle();
  const messages = ['  Your parcel\nis on its way.  ', 'It arrives tomorrow.'].map((content) => ({
    type: 'text',
    content,
  }));
  sent = await bridge.send(chatId, { messages });
  await bridge.waitForExecutions();
  await bridge.fault({ kind: 'error', status: 500, type: 'internal', method: 'send_event', count: 2 });
  retried = await bridge.send(chatId, bridge.text('Anything else?'));
  await bridge.waitForExecutions();
  await bridge.fault({ kind: 'error', status: 422, type: 'validation', method: 'send_event', count: 2 });
  failed = await bridge.send(chatId, bridge.text(`${'word '.repeat(40)}end`));
  await bridge.waitForExecutions();
  const [deadLetter] = await bridge.deadLetters(chatId);
  await bridge.redrive(deadLetter?.id ?? '', { force: true });
  await bridge.waitForExecutions();
}, 60_000);
afterAll(() => local?.stop());

async function list(query: Readonly<Record<string, string>> = {}) {
  const { status, body } = await local.api(`/api/executions?${new URLSearchParams(query)}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return page.parse(body);
}

const requests = async (query?: Readonly<Record<string, string>>) =>
  (await list(query)).executions.map(({ requestId }) => requestId);

describe('the list of executions', () => {
  it('has each execution with the stored data of its request, latest start first', async () => {
    const { executions } = await list();
    const common = { organizationId, conversationId: chatId, customer: 'Dana', redrive: 0 };
    const error = 'ChannelClientError';
    expect(executions).toMatchObject([
      { ...common, requestId: failed, redrive: 1, status: 'FAILED', error, attempts: 1 },
      { ...common, requestId: failed, status: 'FAILED', error, attempts: 1, text: expect.stringMatching(/^word .*…$/) },
      { ...common, requestId: retried, status: 'SUCCEEDED', attempts: 3, parts: 1, text: 'Anything else?' },
      { ...common, requestId: sent, status: 'SUCCEEDED', attempts: 1, parts: 2, text: 'Your parcel is on its way.' },
    ]);
    expect(executions[2]).not.toHaveProperty('error');
    for (const { deadLetterId } of executions.slice(0, 2)) {
      expect((await local.api(`/api/dead-letters/${deadLetterId}`)).status).toBe(200);
    }
  });

  it('continues where the previous page ended', async () => {
    const found: string[] = [];
    let after: string | undefined;
    do {
      const { executions, next } = await list({ limit: '1', ...(after && { after }) });
      found.push(...executions.map(({ name }) => name));
      after = next;
    } while (after !== undefined);
    expect(found).toEqual((await list()).executions.map(({ name }) => name));
  });

  it('is filtered by status, error and start time', async () => {
    const [, first, second, third] = (await list()).executions.map(({ startDate }) => startDate);
    expect(await requests({ status: 'SUCCEEDED' })).toEqual([retried, sent]);
    expect(await requests({ status: 'FAILED' })).toEqual([failed, failed]);
    expect(await requests({ error: 'ChannelClientError' })).toEqual([failed, failed]);
    expect(await requests({ error: 'ChannelClientError', limit: '1' })).toEqual([failed]);
    expect(await requests({ error: 'ChannelClientError', status: 'SUCCEEDED' })).toEqual([]);
    expect(await requests({ error: 'ChannelServerError' })).toEqual([]);
    expect(await requests({ since: second ?? '', until: first ?? '' })).toEqual([failed, retried]);
    expect(await requests({ until: third ?? '' })).toEqual([sent]);
  });

  it('has pages with a filter by error', async () => {
    const { executions, next = '' } = await list({ error: 'ChannelClientError', limit: '1' });
    expect(executions).toMatchObject([{ redrive: 1, customer: 'Dana', error: 'ChannelClientError' }]);
    const second = await list({ error: 'ChannelClientError', limit: '1', after: next });
    expect(second).toMatchObject({ executions: [{ redrive: 0 }] });
    expect(second).not.toHaveProperty('next');
  });

  it.each([
    [{ status: 'OPEN' }, 'status'],
    [{ since: 'yesterday' }, 'since'],
    [{ limit: '0' }, 'limit'],
    [{ after: 'x' }, 'after'],
  ])('names the invalid field of %j', async (query, field) => {
    const { status, body } = await local.api(`/api/executions?${new URLSearchParams(query)}`);
    expect({ status, body }).toMatchObject({ status: 400, body: { error: { field } } });
  });
});

describe('the search for executions', () => {
  it('finds those of a request, a chat or a message, and the one with a name or ARN', async () => {
    const [last] = (await list()).executions;
    expect(await requests({ search: failed })).toEqual([failed, failed]);
    expect(await requests({ search: ` ${retried} ` })).toEqual([retried]);
    expect(await requests({ search: chatId })).toEqual([failed, failed, retried, sent]);
    expect(await requests({ search: chatId, status: 'SUCCEEDED' })).toEqual([retried, sent]);
    expect((await list({ search: last?.name ?? '' })).executions).toMatchObject([{ name: last?.name, redrive: 1 }]);
    expect((await list({ search: last?.id ?? '' })).executions).toMatchObject([{ name: last?.name, redrive: 1 }]);
    const { messages } = z
      .object({ messages: z.array(z.object({ id: z.string(), content: z.string() })) })
      .parse(await bridge.read(chatId));
    const message = messages.find(({ content }) => content === 'It arrives tomorrow.');
    expect(await requests({ search: message?.id ?? '' })).toEqual([sent]);
    expect(await requests({ search: 'nothing-has-this-id' })).toEqual([]);
  });

  it('reads one by its name or its ARN, with the fields of the list', async () => {
    const [listed] = (await list({ search: retried })).executions;
    for (const id of [listed?.name, listed?.id]) {
      const { body } = await local.api(`/api/executions/${encodeURIComponent(id ?? '')}`);
      expect(body).toMatchObject({
        execution: { name: listed?.name, requestId: retried, customer: 'Dana', attempts: 3, text: 'Anything else?' },
        request: { requestId: retried },
        hasEarlierEvents: false,
      });
    }
    expect((await local.api('/api/executions/unknown')).status).toBe(404);
  });
});
