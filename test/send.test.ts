import { randomUUID } from 'node:crypto';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Local, organizationId, printed, startLocal } from './local.ts';
import { clientOf } from './local-aws.ts';
import { outbound } from './outbound.ts';

describe('a send request on the bus', () => {
  let local: Local;
  let other: ReturnType<typeof outbound>;
  beforeAll(async () => {
    local = await startLocal({ LIVECHAT_CALLS_PER_SECOND: '200' });
    other = outbound(local);
  });
  afterAll(() => local.stop());
  beforeEach(() => other.calm());

  async function gate(what: 'pause' | 'resume'): Promise<unknown> {
    const address = new URL(`/api/gate/${organizationId}`, local.console);
    return (await fetch(address, { method: 'POST', body: JSON.stringify({ do: what }) })).json();
  }

  it('reaches the customer, and its receipt comes back', async () => {
    const chat = await other.chat();
    const requestId = await other.send(chat, other.text('Your parcel has left.'));
    await other.settled();
    expect(await other.shown(chat)).toEqual(['Your parcel has left.']);
    await other.act(chat, { action: 'seen' });
    const transcript = async () =>
      (await local.api(`/api/conversations/${chat}?organizationId=${organizationId}`)).body;
    await expect.poll(transcript).toMatchObject({
      messages: [
        {},
        {
          content: 'Your parcel has left.',
          direction: 'outbound',
          delivery: { requestId, status: 'seen', attempts: 0 },
        },
      ],
      pending: [],
    });
    await expect.poll(local.output, printed).toMatch(/message\.sent .*/);
    await expect.poll(local.output, printed).toMatch(/message\.delivered .*/);
  });

  it('is sent once, however often it is put on the bus', async () => {
    const chat = await other.chat();
    const requestId = randomUUID();
    await Promise.all(Array.from({ length: 5 }, () => other.send(chat, { requestId })));
    await other.settled();
    expect(await other.shown(chat)).toEqual(['Hi']);
  });

  it('is refused when the same requestId comes with other content', async () => {
    const chat = await other.chat();
    const requestId = await other.send(chat, other.text('one'));
    await other.settled();
    await other.send(chat, { requestId, ...other.text('another') });
    await other.settled();
    expect(await other.shown(chat)).toEqual(['one']);
    expect(await other.deadLetters(chat)).toMatchObject([{ errorName: 'RequestConflict' }]);
  });

  it('is refused when the same requestId comes for another conversation', async () => {
    const [chat, another] = [await other.chat(), await other.chat()];
    const requestId = await other.send(chat);
    await other.settled();
    await other.send(another, { requestId });
    await other.settled();
    expect(await other.shown(another)).toEqual([]);
    expect(await other.deadLetters(another)).toMatchObject([{ errorName: 'RequestConflict' }]);
  });

  it('sends its messages in order, long texts in several parts, notes unseen by the customer', async () => {
    const chat = await other.chat();
    const long = 'word '.repeat(4_000);
    const card = {
      templateId: 'quick_replies',
      elements: [{ title: 'Well?', buttons: [{ type: 'message', text: 'Yes', value: 'yes', postback_id: 'y' }] }],
    };
    await other.send(chat, {
      messages: [
        { type: 'text', content: long },
        { type: 'interactive', content: card },
        { type: 'text', content: 'for agents', visibility: 'agents' },
        { type: 'media', content: { url: 'https://cdn.livechat-files.com/api/file/lc/att/1/0d1e/none.png' } },
      ],
    });
    await other.settled();
    const sent = await other.shown(chat);
    expect(sent.slice(0, 2).join('')).toBe(long);
    expect(sent.slice(2)).toEqual(['rich_message']);
    const { body } = await local.api(`/api/conversations/${chat}?organizationId=${organizationId}`);
    expect(body).toMatchObject({ notes: [{ content: 'for agents' }] });
    // The simulator knows no such upload, as LiveChat would not.
    expect(await other.deadLetters(chat)).toMatchObject([{ errorName: 'LiveChatClientError' }]);
  });

  it('keeps the order of requests that come one after the other', async () => {
    const chat = await other.chat();
    const texts = Array.from({ length: 12 }, (_, index) => `message ${index}`);
    for (const text of texts) await other.send(chat, other.text(text));
    await other.settled();
    const shown = await other.shown(chat);
    expect(shown.toSorted()).toEqual(texts.toSorted());
    const { body } = await local.api('/api/executions?limit=2');
    expect(body).toMatchObject({ executions: [{ status: 'SUCCEEDED' }, { status: 'SUCCEEDED' }] });
  });

  it.each([
    ['a request without messages', { messages: [] }, 'messages'],
    ['a message without content', { messages: [{ type: 'text' }] }, 'content'],
    [
      'a card with a button of no kind',
      {
        messages: [
          {
            type: 'interactive',
            content: {
              templateId: 'cards',
              elements: [{ title: 'x', buttons: [{ type: 'none', text: 'x', value: 'x', postback_id: 'x' }] }],
            },
          },
        ],
      },
      'buttons',
    ],
    ['an expiry of a week', { options: { expiresInSeconds: 604_800 } }, 'expiresInSeconds'],
    [
      'a file of another organization',
      { messages: [{ type: 'media', content: { key: `${randomUUID()}/x/y.png` } }] },
      'key',
    ],
    [
      'a file behind a private address',
      { messages: [{ type: 'media', content: { url: 'https://127.0.0.1/x.png' } }] },
      'public',
    ],
  ])('becomes a dead letter that names what is wrong: %s', async (_name, data, field) => {
    const chat = await other.chat();
    const calls = await other.simulator('GET', '/simulator/calls');
    await other.send(chat, data);
    await other.settled();
    const [letter] = await other.deadLetters(chat);
    expect(letter).toMatchObject({ kind: 'send', errorMessage: expect.stringContaining(field) });
    expect(await other.simulator('GET', '/simulator/calls')).toEqual(calls);
    expect(await other.shown(chat)).toEqual([]);
  });

  describe('repairs what stands in its way, once', () => {
    it.each(['chat_inactive', 'validation'])('a chat that is inactive (%s)', async (inactiveForm) => {
      await other.simulator('POST', '/simulator/settings', { inactiveForm });
      const chat = await other.chat();
      await other.act(chat, { action: 'leave' });
      await other.send(chat);
      await other.settled();
      expect(await other.shown(chat)).toEqual(['Hi']);
    });

    it('a chat that somebody else has resumed meanwhile', async () => {
      const chat = await other.chat();
      await other.fault({ method: 'send_event', kind: 'chat-inactive', count: 1 });
      await other.send(chat);
      await other.settled();
      expect(await other.shown(chat)).toEqual(['Hi']);
    });

    it('appends to an inactive chat when told to, and leaves it inactive', async () => {
      const chat = await other.chat();
      await other.act(chat, { action: 'leave' });
      await other.send(chat, { options: { onInactive: 'append' } });
      await other.settled();
      expect(await other.shown(chat)).toEqual(['Hi']);
      expect(await other.simulator('GET', `/simulator/chats/${chat}`)).toMatchObject({ active: false });
      const { body } = await local.api(`/api/conversations/${chat}?organizationId=${organizationId}`);
      expect(body).toMatchObject({
        messages: expect.arrayContaining([expect.objectContaining({ content: 'Hi', direction: 'outbound' })]),
      });
    });

    it('gives up on an inactive chat when told to', async () => {
      const chat = await other.chat();
      await other.act(chat, { action: 'leave' });
      await other.send(chat, { options: { onInactive: 'fail' } });
      await other.settled();
      expect(await other.deadLetters(chat)).toMatchObject([{ errorName: 'LiveChatRepairableError' }]);
    });

    it('joins a chat that it is not in', async () => {
      await other.simulator('POST', '/simulator/settings', { publicAgentsLimit: 2 });
      const chat = await other.chat({ agent: 'nina@acme.example' });
      await other.send(chat);
      await other.settled();
      expect(await other.shown(chat)).toEqual(['Hi']);
      await other.simulator('POST', '/simulator/settings', { publicAgentsLimit: 1 });
    });

    it('takes a chat over where a second agent is refused, but only when told to', async () => {
      const chat = await other.chat({ agent: 'nina@acme.example' });
      await other.send(chat);
      await other.settled();
      expect(await other.shown(chat)).toEqual([]);
      await other.send(chat, { options: { onAbsent: 'transfer' } });
      await other.settled();
      expect(await other.shown(chat)).toEqual(['Hi']);
    });

    it('follows LiveChat to another region', async () => {
      const chat = await other.chat();
      await other.fault({ kind: 'misdirected', region: 'fra', count: 1 });
      await other.send(chat);
      await other.settled();
      expect(await other.shown(chat)).toEqual(['Hi']);
    });
  });

  describe('is sent exactly once when LiveChat', () => {
    it.each([
      ['answers 500', { kind: 'error', status: 500 }],
      ['accepts and answers 503', { kind: 'accept-then-error', status: 503 }],
      ['says too many requests', { kind: 'error', status: 429, retryAfterSeconds: 1 }],
    ])('%s', async (_name, fault) => {
      const chat = await other.chat();
      await other.fault({ method: 'send_event', count: 1, ...fault });
      await other.send(chat);
      await other.settled();
      expect(await other.shown(chat)).toEqual(['Hi']);
    });

    it('accepts and then drops the call', async () => {
      const chat = await other.chat();
      await other.fault({ method: 'send_event', count: 1, kind: 'accept-then-reset' });
      await other.send(chat);
      await other.settled();
      expect(await other.shown(chat)).toEqual(['Hi']);
    });
  });

  it('is sent although tables, secrets and the bus fail meanwhile', async () => {
    const chat = await other.chat();
    await local.idle();
    const fails = (service: string) =>
      fetch(`${local.aws}/_local/faults`, {
        method: 'POST',
        body: JSON.stringify({ service, kind: 'unavailable', count: 7 }),
      });
    await fails('dynamodb');
    await other.send(chat);
    await fails('events');
    await other.settled();
    await fetch(`${local.aws}/_local/faults`, { method: 'DELETE' });
    expect(await other.shown(chat)).toEqual(['Hi']);
  });

  it('goes to the dead letters when its run is stopped by hand, and does not hold up its conversation', async () => {
    const chat = await other.chat();
    // It is first in its conversation and has claimed its message, when it is sent away by a gate that is closed.
    await gate('pause');
    await other.send(chat, other.text('stopped'));
    const running = async () => (await local.api('/api/executions?status=RUNNING')).body;
    await local.idle();
    const { SFNClient, StopExecutionCommand } = await import('@aws-sdk/client-sfn');
    const sfn = new SFNClient({
      endpoint: local.aws,
      region: 'us-east-1',
      credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
    });
    const { executions } = executionsOf(await running());
    for (const { id } of executions) await sfn.send(new StopExecutionCommand({ executionArn: id }));
    await gate('resume');
    await other.send(chat, other.text('next'));
    await other.settled();
    expect(await other.shown(chat)).toEqual(['next']);
    expect(await other.deadLetters(chat)).toMatchObject([{ errorName: 'ABORTED', kind: 'send' }]);
  });

  it('is given up once: the end of a run that has left a letter of its own is no other', async () => {
    const chat = await other.chat();
    const data = { requestId: randomUUID(), organizationId, conversationId: chat, ...other.text('Hi') };
    const input = JSON.stringify({ id: randomUUID(), time: '2026-11-22T12:00:00Z', detail: { data } });
    const cause = JSON.stringify({ errorType: 'LiveChatClientError', errorMessage: 'refused', trace: [] });
    const tell = (status: string, error: string) => {
      const detail = { executionArn: `arn:of:${data.requestId}`, status, error, cause, input };
      const end = { id: randomUUID(), source: 'aws.states', 'detail-type': 'x', time: '2026-11-22T12:00:00Z', detail };
      const QueueUrl = `${local.aws}/000000000000/dead-letters`;
      return new SQSClient(clientOf(local)).send(
        new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(end) }),
      );
    };
    await tell('FAILED', 'LiveChatClientError');
    await local.idle();
    expect(await other.deadLetters(chat)).toEqual([]);
    await tell('ABORTED', 'ByHand');
    await expect.poll(() => other.deadLetters(chat), printed).toMatchObject([{ errorName: 'ByHand' }]);
  });

  it('comes back from the dead letters, once', async () => {
    const chat = await other.chat();
    await other.fault({ method: 'send_event', kind: 'error', status: 422, type: 'validation', count: 1 });
    await other.send(chat);
    await other.settled();
    const [letter] = await other.deadLetters(chat);
    expect(letter).toMatchObject({ errorName: 'LiveChatClientError', redrives: 0 });
    expect(await other.redrive(letter?.id ?? '')).toBe(200);
    expect(await other.redrive(letter?.id ?? '')).toBe(409);
    await other.settled();
    expect(await other.shown(chat)).toEqual(['Hi']);
    expect(await other.deadLetters(chat)).toEqual([]);
  });

  it('closes the gate and calls a human, once, when the credentials stop working', async () => {
    const chats = [await other.chat(), await other.chat()];
    await other.fault({ kind: 'expired-token' });
    for (const chat of chats) await other.send(chat, { options: { expiresInSeconds: 5 } });
    await expect
      .poll(async () => (await local.api(`/api/gate?organizationId=${organizationId}`)).body, { timeout: 10_000 })
      .toMatchObject({
        gates: [{ breaker: 'open', reason: 'credentials' }],
      });
    await other.calm();
    expect(await gate('resume')).toMatchObject({ gate: { breaker: 'closed', paused: false } });
    await expect.poll(local.output, printed).toMatch(/alert\.raised/);
    expect(local.output().match(/alert\.raised/g)).toHaveLength(1);
  });
});

function executionsOf(body: unknown): { executions: { id: string }[] } {
  if (typeof body !== 'object' || body === null || !('executions' in body) || !Array.isArray(body.executions))
    throw new Error('no executions');
  return { executions: body.executions };
}
