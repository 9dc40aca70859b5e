import { randomUUID } from 'node:crypto';
import { GetQueueUrlCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fixture } from './fixtures.ts';
import { type Local, post, startLocal } from './local.ts';

const failed = { status: 500, body: '{"error":"Internal server error"}' };
const accepted = { status: 200, body: '{"success":true}' };

describe('when AWS fails', () => {
  let local: Local;
  beforeAll(async () => {
    local = await startLocal();
  });
  afterAll(() => local.stop());
  beforeEach(async () => {
    await fetch(`${local.aws}/_local/faults`, { method: 'DELETE' });
  });

  async function inject(fault: object): Promise<void> {
    const answer = await fetch(`${local.aws}/_local/faults`, {
      method: 'POST',
      body: JSON.stringify(fault),
      headers: { 'content-type': 'application/json' },
    });
    expect(answer.status, await answer.clone().text()).toBeLessThan(300);
  }

  /** A chat of its own, with three messages inside: four events. */
  const chat = () => ({ ...fixture('incoming_chat.json'), organization_id: randomUUID() });
  async function messagesOf({ organization_id }: { organization_id: string }): Promise<unknown> {
    await local.idle();
    const { body } = await local.api(`/api/conversations/T8RM2K0V9X?organizationId=${organization_id}`);
    return body;
  }

  it('acknowledges only after the entries that the bus refused were taken', async () => {
    const body = chat();
    await inject({ service: 'events', operation: 'PutEvents', kind: 'partial', count: 2 });
    expect(await post(local, body)).toEqual(accepted);
    expect(await messagesOf(body)).toMatchObject({ messages: [{}, {}, {}] });
  });

  it('acknowledges nothing while the bus keeps refusing an entry, and loses nothing when LiveChat tries again', async () => {
    const body = chat();
    await inject({ service: 'events', operation: 'PutEvents', kind: 'partial', count: 100 });
    expect(await post(local, body)).toEqual(failed);
    await fetch(`${local.aws}/_local/faults`, { method: 'DELETE' });
    expect(await post(local, body)).toEqual(accepted);
    expect(await messagesOf(body)).toMatchObject({ messages: [{}, {}, {}] });
  });

  it('acknowledges nothing while the bus is down', async () => {
    await inject({ service: 'events', kind: 'unavailable', count: 100 });
    expect(await post(local, chat())).toEqual(failed);
  });

  it('acknowledges nothing while the secret of a new organization cannot be read', async () => {
    await inject({ service: 'secretsmanager', kind: 'unavailable', count: 100 });
    expect(await post(local, chat())).toEqual(failed);
  });

  it('stores everything once tables that were throttled take it again', async () => {
    const body = chat();
    await inject({ service: 'dynamodb', kind: 'throttle', count: 10 });
    expect(await post(local, body)).toEqual(accepted);
    expect(await messagesOf(body)).toMatchObject({ conversation: { status: 'open' }, messages: [{}, {}, {}] });
  });

  it('keeps an event in the dead-letter queue when a function has failed three times', async () => {
    const body = chat();
    await inject({ service: 'dynamodb', kind: 'unavailable', count: 1000 });
    expect(await post(local, body)).toEqual(accepted);
    await local.idle();
    const sqs = new SQSClient({
      endpoint: local.aws,
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: 'dead-letters' }));
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    expect(Messages).toHaveLength(4);
    expect(Messages.map(({ Body }) => JSON.parse(Body ?? ''))).toEqual(
      Messages.map(() =>
        expect.objectContaining({ requestContext: expect.objectContaining({ approximateInvokeCount: 3 }) }),
      ),
    );
  });
});
