import { randomUUID } from 'node:crypto';
import { GetQueueAttributesCommand, GetQueueUrlCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { queues } from '../stacks/topology.ts';
import { type Local, organizationId, startLocal } from './local.ts';
import { outbound } from './outbound.ts';

const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };

describe('a dead letter that may be redriven by itself', () => {
  let local: Local;
  let other: ReturnType<typeof outbound>;
  let sqs: SQSClient;
  let QueueUrl: string | undefined;
  beforeAll(async () => {
    local = await startLocal();
    other = outbound(local);
    sqs = new SQSClient({ endpoint: local.aws, region: 'us-east-1', credentials });
    ({ QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: queues.deadLetters })));
  });
  afterAll(async () => {
    sqs.destroy();
    await local.stop();
  });

  const say = (body: object) => sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(body) }));

  async function reminders(): Promise<number> {
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessagesDelayed'] }),
    );
    return Number(Attributes?.ApproximateNumberOfMessagesDelayed);
  }

  /** As the state machine leaves it. */
  async function ended(error: string): Promise<{ chat: string; id: string }> {
    const chat = await other.chat();
    const messages = [{ type: 'text', content: 'Late, but here' }];
    const data = { requestId: randomUUID(), organizationId, conversationId: chat, messages };
    const event = { id: randomUUID(), source: 'shop', 'detail-type': 'message.send.requested', detail: { data } };
    const state = { ...event, time: new Date().toISOString(), error: { Error: error, Cause: '{}' } };
    await say({ kind: 'send', execution: `arn:aws:states:us-east-1:000000000000:execution:send:${event.id}`, state });
    await expect.poll(() => other.deadLetters(chat), { timeout: 10_000 }).toMatchObject([{ errorName: error }]);
    const [letter] = await other.deadLetters(chat);
    return { chat, id: letter?.id ?? '' };
  }

  it.each([
    ['Runtime.ExitError', 1],
    ['StepFailed', 1],
    ['LiveChatServerError', 1],
    ['RequestExpired', 1],
    ['LiveChatClientError', 0],
    ['LiveChatAuthenticationError', 0],
  ])('is thought of again later after %s: %d', async (error, more) => {
    const before = await reminders();
    await ended(error);
    await local.idle();
    expect((await reminders()) - before).toBe(more);
  });

  it('reaches LiveChat when its time has come, and only once', async () => {
    const { chat, id } = await ended('Runtime.ExitError');
    await say({ kind: 'redrive', id });
    await expect.poll(() => other.shown(chat), { timeout: 10_000 }).toEqual(['Late, but here']);
    await say({ kind: 'redrive', id });
    await other.settled();
    expect(await other.shown(chat)).toEqual(['Late, but here']);
  });
});
