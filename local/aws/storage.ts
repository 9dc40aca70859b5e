import type { IncomingMessage, ServerResponse } from 'node:http';
import { buildApp } from 'fauxqs';
import * as z from 'zod/mini';

const queueOperations: ReadonlySet<string> = new Set([
  'ChangeMessageVisibility',
  'ChangeMessageVisibilityBatch',
  'CreateQueue',
  'DeleteMessage',
  'DeleteMessageBatch',
  'DeleteQueue',
  'GetQueueAttributes',
  'GetQueueUrl',
  'ListQueues',
  'ListQueueTags',
  'PurgeQueue',
  'ReceiveMessage',
  'SendMessage',
  'SendMessageBatch',
  'SetQueueAttributes',
  'TagQueue',
  'UntagQueue',
]);

const givesQueueUrls: ReadonlySet<unknown> = new Set([
  'AmazonSQS.CreateQueue',
  'AmazonSQS.GetQueueUrl',
  'AmazonSQS.ListQueues',
]);

const queueCreated = z.object({ QueueUrl: z.string() });

export class StorageError extends Error {
  override readonly name = 'StorageError';
}

/** SQS and S3 in memory, by fauxqs. */
export async function createStorage() {
  const app = buildApp({ logger: false });
  // SDKs send to the host that a queue's URL names, and fauxqs names sqs.<region>.localhost, which not every machine
  // resolves.
  app.addHook('onSend', (request, _reply, payload, done) => {
    const answersUrls = givesQueueUrls.has(request.headers['x-amz-target']) && typeof payload === 'string';
    done(null, answersUrls ? payload.replaceAll(/http:\/\/sqs\.[^.]+\.localhost/g, 'http://127.0.0.1') : payload);
  });
  await app.ready();

  async function callQueues(operation: string, host: string, input: unknown): Promise<unknown> {
    const response = await app.inject({
      method: 'POST',
      url: '/',
      headers: { host, 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `AmazonSQS.${operation}` },
      payload: JSON.stringify(input),
    });
    if (response.statusCode !== 200) throw new StorageError(`SQS ${operation} failed: ${response.body}`);
    return response.json();
  }

  return {
    supportsQueueOperation: (operation: string): boolean => queueOperations.has(operation),

    handle(request: IncomingMessage, response: ServerResponse): void {
      app.routing(request, response);
    },

    /** The queue's URL, which names the port that this is served on. */
    async createQueue(name: string, port: number): Promise<string> {
      return queueCreated.parse(await callQueues('CreateQueue', `127.0.0.1:${port}`, { QueueName: name })).QueueUrl;
    },

    async sendMessage(queueUrl: string, body: string): Promise<void> {
      await callQueues('SendMessage', new URL(queueUrl).host, { QueueUrl: queueUrl, MessageBody: body });
    },

    async createBucket(name: string): Promise<void> {
      const response = await app.inject({ method: 'PUT', url: `/${name}` });
      if (response.statusCode !== 200) throw new StorageError(`S3 CreateBucket failed: ${response.body}`);
    },

    async close(): Promise<void> {
      await app.close();
    },
  };
}

export type Storage = Awaited<ReturnType<typeof createStorage>>;
