import { randomUUID } from 'node:crypto';
import { SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { type Local, organizationId, pollOptions, startLocal } from './local.ts';
import { awsClientConfig, clearAwsFaults, injectAwsFault } from './local-aws.ts';
import { outbound } from './outbound.ts';

const executionPage = z.object({ executions: z.array(z.object({ id: z.string() })) });

describe('a send request on the bus', () => {
  let local: Local;
  let world: ReturnType<typeof outbound>;
  beforeAll(async () => {
    local = await startLocal({ LIVECHAT_CALLS_PER_SECOND: '200' });
    world = outbound(local);
  });
  afterAll(() => local.stop());
  beforeEach(() => world.clearFaults());

  it('is delivered to the customer, and its receipt is recorded', async () => {
    const chat = await world.chat();
    const requestId = await world.send(chat, world.text('Your parcel has left.'));
    await world.waitForExecutions();
    expect(await world.sentTexts(chat)).toEqual(['Your parcel has left.']);
    await world.act(chat, { action: 'seen' });
    await expect
      .poll(() => world.read(chat))
      .toMatchObject({
        messages: [
          {},
          {
            content: 'Your parcel has left.',
            direction: 'outbound',
            delivery: { requestId, status: 'seen', failedCalls: 0 },
          },
        ],
        pending: [],
      });
    await expect.poll(local.output, pollOptions).toMatch(/message\.sent .*/);
    await expect.poll(local.output, pollOptions).toMatch(/message\.delivered .*/);
  });

  it('is sent once if it is published five times', async () => {
    const chat = await world.chat();
    const requestId = randomUUID();
    await Promise.all(Array.from({ length: 5 }, () => world.send(chat, { requestId })));
    await world.waitForExecutions();
    expect(await world.sentTexts(chat)).toEqual(['Hi']);
  });

  it('becomes a dead letter if its requestId was used with other content', async () => {
    const chat = await world.chat();
    const requestId = await world.send(chat, world.text('one'));
    await world.waitForExecutions();
    await world.send(chat, { requestId, ...world.text('another') });
    await world.waitForExecutions();
    expect(await world.sentTexts(chat)).toEqual(['one']);
    expect(await world.deadLetters(chat)).toMatchObject([{ errorName: 'RequestConflict' }]);
  });

  it('becomes a dead letter if its requestId was used for another conversation', async () => {
    const [chat, another] = [await world.chat(), await world.chat()];
    const requestId = await world.send(chat);
    await world.waitForExecutions();
    await world.send(another, { requestId });
    await world.waitForExecutions();
    expect(await world.sentTexts(another)).toEqual([]);
    expect(await world.deadLetters(another)).toMatchObject([{ errorName: 'RequestConflict' }]);
  });

  it('becomes a dead letter without a call to LiveChat if its organization is not the one of the credentials', async () => {
    const chat = await world.chat();
    const before = (await world.calls()).methods;
    await world.send(chat, { organizationId: randomUUID() });
    await world.waitForExecutions();
    expect((await world.calls()).methods).toEqual(before);
    expect(await world.deadLetters(chat)).toMatchObject([
      { errorName: 'ConfigurationError', errorMessage: expect.stringContaining('organizationId: expected') },
    ]);
  });

  it('sends its messages in order, splits long texts, and hides notes from the customer', async () => {
    const chat = await world.chat();
    const long = 'word '.repeat(4_000);
    const card = {
      templateId: 'quick_replies',
      elements: [{ title: 'Well?', buttons: [{ type: 'message', text: 'Yes', value: 'yes', postback_id: 'y' }] }],
    };
    await world.send(chat, {
      messages: [
        { type: 'text', content: long },
        { type: 'interactive', content: card },
        { type: 'text', content: 'for agents', visibility: 'agents' },
        { type: 'media', content: { url: 'https://cdn.livechat-files.com/api/file/lc/att/1/0d1e/none.png' } },
      ],
    });
    await world.waitForExecutions();
    const sent = await world.sentTexts(chat);
    expect(sent.slice(0, 2).join('')).toBe(long);
    expect(sent.slice(2)).toEqual(['rich_message']);
    expect(await world.read(chat)).toMatchObject({ notes: [{ content: 'for agents' }] });
    // The upload does not exist.
    expect(await world.deadLetters(chat)).toMatchObject([{ errorName: 'ChannelClientError' }]);
  });

  it('is sent once each for twelve requests in a row', async () => {
    const chat = await world.chat();
    const texts = Array.from({ length: 12 }, (_, index) => `message ${index}`);
    for (const text of texts) await world.send(chat, world.text(text));
    await world.waitForExecutions();
    const sent = await world.sentTexts(chat);
    expect(sent.toSorted()).toEqual(texts.toSorted());
    const { body } = await local.api('/api/executions?limit=2');
    expect(body).toMatchObject({ executions: [{ status: 'SUCCEEDED' }, { status: 'SUCCEEDED' }] });
  });

  it.each([
    ['a request without messages', { messages: [] }, 'messages'],
    ['a message without content', { messages: [{ type: 'text' }] }, 'content'],
    [
      'a card with a button of an unknown type',
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
      'a file at a private address',
      { messages: [{ type: 'media', content: { url: 'https://127.0.0.1/x.png' } }] },
      'public',
    ],
  ])('becomes a dead letter that names the invalid field: %s', async (_name, data, field) => {
    const chat = await world.chat();
    const calls = await world.simulator('GET', '/simulator/calls');
    await world.send(chat, data);
    await world.waitForExecutions();
    const [deadLetter] = await world.deadLetters(chat);
    expect(deadLetter).toMatchObject({ errorMessage: expect.stringContaining(field) });
    expect(await world.simulator('GET', '/simulator/calls')).toEqual(calls);
    expect(await world.sentTexts(chat)).toEqual([]);
  });

  describe('to a chat that needs a repair', () => {
    it.each(['chat_inactive', 'validation'])('resumes an inactive chat (%s)', async (inactiveForm) => {
      await world.simulator('POST', '/simulator/settings', { inactiveForm });
      const chat = await world.chat();
      await world.act(chat, { action: 'leave' });
      await world.send(chat);
      await world.waitForExecutions();
      expect(await world.sentTexts(chat)).toEqual(['Hi']);
    });

    it('is sent once to a chat that another agent has resumed meanwhile', async () => {
      const chat = await world.chat();
      await world.fault({ method: 'send_event', kind: 'chat-inactive', count: 1 });
      await world.send(chat);
      await world.waitForExecutions();
      expect(await world.sentTexts(chat)).toEqual(['Hi']);
    });

    it('appends to an inactive chat with `onInactive: append`, and leaves it inactive', async () => {
      const chat = await world.chat();
      await world.act(chat, { action: 'leave' });
      await world.send(chat, { options: { onInactive: 'append' } });
      await world.waitForExecutions();
      expect(await world.sentTexts(chat)).toEqual(['Hi']);
      expect(await world.simulator('GET', `/simulator/chats/${chat}`)).toMatchObject({ active: false });
      expect(await world.read(chat)).toMatchObject({
        messages: expect.arrayContaining([expect.objectContaining({ content: 'Hi', direction: 'outbound' })]),
      });
    });

    it('becomes a dead letter for an inactive chat with `onInactive: fail`', async () => {
      const chat = await world.chat();
      await world.act(chat, { action: 'leave' });
      await world.send(chat, { options: { onInactive: 'fail' } });
      await world.waitForExecutions();
      expect(await world.deadLetters(chat)).toMatchObject([{ errorName: 'ChannelRepairableError' }]);
    });

    it('joins a chat that the agent is not in', async () => {
      await world.simulator('POST', '/simulator/settings', { publicAgentsLimit: 2 });
      const chat = await world.chat({ agent: 'nina@acme.example' });
      await world.send(chat);
      await world.waitForExecutions();
      expect(await world.sentTexts(chat)).toEqual(['Hi']);
      await world.simulator('POST', '/simulator/settings', { publicAgentsLimit: 1 });
    });

    it('transfers a chat that rejects a second agent only with `onAbsent: transfer`', async () => {
      const chat = await world.chat({ agent: 'nina@acme.example' });
      await world.send(chat);
      await world.waitForExecutions();
      expect(await world.sentTexts(chat)).toEqual([]);
      await world.send(chat, { options: { onAbsent: 'transfer' } });
      await world.waitForExecutions();
      expect(await world.sentTexts(chat)).toEqual(['Hi']);
    });

    it('follows a redirect to another region', async () => {
      const chat = await world.chat();
      await world.fault({ kind: 'misdirected', region: 'fra', count: 1 });
      await world.send(chat);
      await world.waitForExecutions();
      expect(await world.sentTexts(chat)).toEqual(['Hi']);
    });
  });

  describe('is sent exactly once if LiveChat', () => {
    it.each([
      ['responds with 500', { kind: 'error', status: 500 }],
      ['accepts it and responds with 503', { kind: 'accept-then-error', status: 503 }],
      ['responds with 429', { kind: 'error', status: 429, retryAfterSeconds: 1 }],
    ])('%s', async (_name, fault) => {
      const chat = await world.chat();
      await world.fault({ method: 'send_event', count: 1, ...fault });
      await world.send(chat);
      await world.waitForExecutions();
      expect(await world.sentTexts(chat)).toEqual(['Hi']);
    });

    it('accepts it and drops the connection', async () => {
      const chat = await world.chat();
      await world.fault({ method: 'send_event', count: 1, kind: 'accept-then-reset' });
      await world.send(chat);
      await world.waitForExecutions();
      expect(await world.sentTexts(chat)).toEqual(['Hi']);
    });
  });

  it('is sent although DynamoDB and EventBridge fail temporarily', async () => {
    const chat = await world.chat();
    await local.idle();
    const makeUnavailable = (service: string) => injectAwsFault(local, { service, kind: 'unavailable', count: 7 });
    await makeUnavailable('dynamodb');
    await world.send(chat);
    await makeUnavailable('events');
    await world.waitForExecutions();
    await clearAwsFaults(local);
    expect(await world.sentTexts(chat)).toEqual(['Hi']);
  });

  it('becomes a dead letter if its execution is stopped, and does not block its conversation', async () => {
    const chat = await world.chat();
    // The execution is first in its message group and has claimed its message when a pause defers it.
    await world.rateLimit('pause');
    await world.send(chat, world.text('stopped'));
    await local.idle();
    const sfn = new SFNClient(awsClientConfig(local));
    const { executions } = executionPage.parse((await local.api('/api/executions?status=RUNNING')).body);
    for (const { id } of executions) await sfn.send(new StopExecutionCommand({ executionArn: id }));
    await world.rateLimit('resume');
    await world.send(chat, world.text('next'));
    await world.waitForExecutions();
    expect(await world.sentTexts(chat)).toEqual(['next']);
    expect(await world.deadLetters(chat)).toMatchObject([{ errorName: 'ABORTED', kind: 'send' }]);
  });

  it('becomes one dead letter: the end of an execution that stored one is ignored', async () => {
    const chat = await world.chat();
    const requestId = randomUUID();
    const now = Date.now();
    const times = { orderKey: now, requestedAt: now, expiresAt: now + 60_000, expiresInMs: 60_000 };
    const options = { onInactive: 'resume', onAbsent: 'join' };
    const ids = { organizationId, conversationId: chat, requestId, correlationId: 'c', causationId: 'c' };
    const request = { version: 1, ...ids, ...times, options, deliveries: [{ id: 'out-none' }], redrive: 0 };
    const input = JSON.stringify({ request });
    const cause = JSON.stringify({ errorType: 'ChannelClientError', errorMessage: 'refused', trace: [] });
    const publishEnd = (status: string, error: string) => {
      const detail = { executionArn: `arn:of:${requestId}`, status, error, cause, input };
      const end = { id: randomUUID(), source: 'aws.states', 'detail-type': 'x', time: '2026-11-22T12:00:00Z', detail };
      const QueueUrl = `${local.aws}/000000000000/dead-letters`;
      return new SQSClient(awsClientConfig(local)).send(
        new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(end) }),
      );
    };
    await publishEnd('FAILED', 'ChannelClientError');
    await local.idle();
    expect(await world.deadLetters(chat)).toEqual([]);
    await publishEnd('ABORTED', 'StoppedByOperator');
    await expect.poll(() => world.deadLetters(chat), pollOptions).toMatchObject([{ errorName: 'StoppedByOperator' }]);
  });

  it('is sent once after a redrive, and a second redrive returns 409', async () => {
    const chat = await world.chat();
    await world.fault({ method: 'send_event', kind: 'error', status: 422, type: 'validation', count: 1 });
    await world.send(chat);
    await world.waitForExecutions();
    const [deadLetter] = await world.deadLetters(chat);
    expect(deadLetter).toMatchObject({ errorName: 'ChannelClientError', redrives: 0 });
    // The same request will fail again unless the cause has been fixed.
    expect(await world.redrive(deadLetter?.id ?? '')).toBe(409);
    expect(await world.redrive(deadLetter?.id ?? '', { force: true })).toBe(200);
    expect(await world.redrive(deadLetter?.id ?? '', { force: true })).toBe(409);
    await world.waitForExecutions();
    expect(await world.sentTexts(chat)).toEqual(['Hi']);
    expect(await world.deadLetters(chat)).toEqual([]);
  });

  it('opens the breaker and raises one alert if the credentials stop working', async () => {
    const [first, second] = [await world.chat(), await world.chat()];
    const options = { expiresInSeconds: 5 };
    await world.fault({ kind: 'expired-token' });
    await world.send(first, { options });
    await expect
      .poll(async () => (await local.api(`/api/rate-limits?organizationId=${organizationId}`)).body, {
        timeout: 10_000,
      })
      .toMatchObject({
        rateLimits: [{ breaker: 'open', reason: 'credentials' }],
      });
    // Sent only now, since it reserves the probe call, and the breaker is half-open from then on.
    await world.send(second, { options });
    await world.waitForExecutions();
    await world.clearFaults();
    expect(await world.rateLimit('resume')).toMatchObject({ rateLimit: { breaker: 'closed', paused: false } });
    await expect.poll(local.output, pollOptions).toMatch(/event +alert\.raised/);
    expect(local.output().match(/event +alert\.raised/g)).toHaveLength(1);
  });
});
