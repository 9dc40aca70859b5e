import { randomUUID } from 'node:crypto';
import { GetQueueAttributesCommand, GetQueueUrlCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

  /** Stores a dead letter of a failed execution. */
  async function failExecution(error: string): Promise<{ chat: string; id: string }> {
    const chat = await world.chat();
    const messages = [{ type: 'text', content: 'Delayed message' }];
    const data = { requestId: randomUUID(), organizationId, conversationId: chat, messages };
    const event = { id: randomUUID(), source: 'shop', 'detail-type': 'message.send.requested', detail: { data } };
    const state = { ...event, time: new Date().toISOString(), error: { Error: error, Cause: '{}' } };
    await sendToQueue({
      kind: 'send',
      execution: `arn:aws:states:us-east-1:000000000000:execution:send:${event.id}`,
      state,
    });
    await expect.poll(() => world.deadLetters(chat), { timeout: 10_000 }).toMatchObject([{ errorName: error }]);
    const [deadLetter] = await world.deadLetters(chat);
    return { chat, id: deadLetter?.id ?? '' };
  }

  it.each([
    ['Runtime.ExitError', 1],
    ['StepFailed', 1],
    ['LiveChatServerError', 1],
    ['RequestExpired', 1],
    ['LiveChatClientError', 0],
    ['LiveChatAuthenticationError', 0],
  ])('after %s, schedules %d redrives', async (error, scheduled) => {
    const before = await countDelayed();
    await failExecution(error);
    await local.idle();
    expect((await countDelayed()) - before).toBe(scheduled);
  });

  it('sends the message once', async () => {
    const { chat, id } = await failExecution('Runtime.ExitError');
    await sendToQueue({ kind: 'redrive', id });
    await expect.poll(() => world.sentTexts(chat), { timeout: 10_000 }).toEqual(['Delayed message']);
    await sendToQueue({ kind: 'redrive', id });
    await world.waitForExecutions();
    expect(await world.sentTexts(chat)).toEqual(['Delayed message']);
  });
});
