import { randomUUID } from 'node:crypto';
import { GetQueueAttributesCommand, GetQueueUrlCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExecutionInput } from '../core/outbound/request.ts';
import { queues } from '../stacks/topology.ts';
import { type Local, organizationId, startLocal } from './local.ts';
import { awsClientConfig } from './local-aws.ts';
import { outbound } from './outbound.ts';

describe('the automatic redrive of a dead letter', () => {
  let local: Local;
  let world: ReturnType<typeof outbound>;
  let sqs: SQSClient;
  let QueueUrl: string | undefined;
  beforeAll(async () => {
    local = await startLocal();
    world = outbound(local);
    sqs = new SQSClient(awsClientConfig(local));
    ({ QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: queues.deadLetters })));
  });
  afterAll(async () => {
    sqs.destroy();
    await local.stop();
  });

  const sendToQueue = (body: object) =>
    sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(body) }));

  async function countDelayed(): Promise<number> {
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessagesDelayed'] }),
    );
    return Number(Attributes?.ApproximateNumberOfMessagesDelayed);
  }

  /** Puts a failed execution into the queue, as the state machine does. */
  async function failExecution(error: string): Promise<void> {
    const conversationId = await world.chat();
    const now = Date.now();
    const request = {
      version: 1,
      organizationId,
      conversationId,
      requestId: randomUUID(),
      deliveries: [{ id: randomUUID() }],
      options: { onInactive: 'resume', onAbsent: 'join' },
      orderKey: now,
      requestedAt: now,
      expiresAt: now + 900_000,
      expiresInMs: 900_000,
      redrive: 0,
      correlationId: randomUUID(),
      causationId: randomUUID(),
    } satisfies ExecutionInput;
    await sendToQueue({ kind: 'send', request, error: { Error: error, Cause: '{}' } });
    await expect
      .poll(() => world.deadLetters(conversationId), { timeout: 10_000 })
      .toMatchObject([{ errorName: error }]);
  }

  it.each([
    ['Runtime.ExitError', 1],
    ['StepFailed', 1],
    ['ChannelServerError', 1],
    ['RequestExpired', 1],
    ['ChannelClientError', 0],
    ['ChannelAuthenticationError', 0],
  ])('after %s, schedules %d redrives', async (error, scheduled) => {
    const before = await countDelayed();
    await failExecution(error);
    await local.idle();
    expect((await countDelayed()) - before).toBe(scheduled);
  });

  it('sends the message once', async () => {
    const chat = await world.chat();
    await world.rateLimit('pause');
    await world.send(chat, { ...world.text('Delayed message'), options: { expiresInSeconds: 10 } });
    await expect
      .poll(() => world.deadLetters(chat), { timeout: 10_000 })
      .toMatchObject([{ errorName: 'RequestExpired' }]);
    const [{ id = '' } = {}] = await world.deadLetters(chat);
    await world.rateLimit('resume');
    await sendToQueue({ kind: 'redrive', id });
    await expect.poll(() => world.sentTexts(chat), { timeout: 10_000 }).toEqual(['Delayed message']);
    await sendToQueue({ kind: 'redrive', id });
    await world.waitForExecutions();
    expect(await world.sentTexts(chat)).toEqual(['Delayed message']);
  });
});
