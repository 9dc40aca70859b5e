import type { IncomingMessage, ServerResponse } from 'node:http';
import type { DatabaseSync } from 'node:sqlite';
import { buildApp } from 'fauxqs';
import * as z from 'zod/mini';
import { createPrivateFile } from '../state.ts';
import { queueArn } from './arn.ts';
import type { AwsResources } from './local-aws.ts';
import { sendError } from './protocol.ts';
import { findS3Problem, findSqsProblem, invalidCharacter } from './request-limits.ts';

const returnsQueueUrls: ReadonlySet<unknown> = new Set([
  'AmazonSQS.CreateQueue',
  'AmazonSQS.GetQueueUrl',
  'AmazonSQS.ListQueues',
]);

/** The host and port that fauxqs puts into a queue's URL. */
const queueHost = /http:\/\/sqs\.[^.]+\.localhost(?::\d+)?/g;

/** The operations that fauxqs implements. */
export const sqsOperations: ReadonlySet<string> = new Set([
  'ChangeMessageVisibility',
  'ChangeMessageVisibilityBatch',
  'CreateQueue',
  'DeleteMessage',
  'DeleteMessageBatch',
  'DeleteQueue',
  'GetQueueAttributes',
  'GetQueueUrl',
  'ListQueueTags',
  'ListQueues',
  'PurgeQueue',
  'ReceiveMessage',
  'SendMessage',
  'SendMessageBatch',
  'SetQueueAttributes',
  'TagQueue',
  'UntagQueue',
]);

const sends: ReadonlySet<unknown> = new Set(['AmazonSQS.SendMessage', 'AmazonSQS.SendMessageBatch']);

const sentMessage = z.object({ MessageId: z.string(), MD5OfMessageBody: z.string() });

const messageAttribute = z.object({
  DataType: z.string(),
  StringValue: z.optional(z.string()),
  BinaryValue: z.optional(z.string()),
});

const received = z.object({
  Messages: z.optional(
    z.array(
      z.object({
        MessageId: z.string(),
        ReceiptHandle: z.string(),
        Body: z.string(),
        MD5OfBody: z.string(),
        Attributes: z.record(z.string(), z.string()),
        MessageAttributes: z.optional(z.record(z.string(), messageAttribute)),
      }),
    ),
  ),
});

export type QueueMessage = NonNullable<z.output<typeof received>['Messages']>[number];

/** The input of SendMessage. */
export interface OutgoingMessage {
  readonly body: string;
  /** String attributes, by name. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** The message group, for a FIFO queue with content-based deduplication. */
  readonly groupId?: string;
}

export class StorageError extends Error {
  override readonly name = 'StorageError';
}

type Stores = NonNullable<NonNullable<Parameters<typeof buildApp>[0]>['stores']>;

/** Imports an internal module of fauxqs. */
const load = (file: string) => import(new URL(file, import.meta.resolve('fauxqs')).href);

/** SQS accepts characters beyond U+FFFF, such as emoji. fauxqs tests for them with this expression. */
async function acceptAllPlanes(): Promise<void> {
  const { INVALID_MESSAGE_BODY_CHAR: expression }: { INVALID_MESSAGE_BODY_CHAR: RegExp } =
    await load('sqs/sqsTypes.js');
  expression.test = (body) => invalidCharacter.test(body);
}

/**
 * Opens fauxqs's stores with the database in a folder. fauxqs's own function for this also starts a server on all network
 * interfaces.
 */
async function openStores(folder: string, consumed: readonly string[]): Promise<{ stores: Stores; close(): void }> {
  const sqs: { SqsStore: new () => Stores['sqsStore'] } = await load('sqs/sqsStore.js');
  const sns: { SnsStore: new () => Stores['snsStore'] } = await load('sns/snsStore.js');
  const s3: { S3Store: new () => Stores['s3Store'] } = await load('s3/s3Store.js');
  const { PersistenceManager }: { PersistenceManager: new (folder: string) => Persistence } =
    await load('persistence.js');
  const stores = { sqsStore: new sqs.SqsStore(), snsStore: new sns.SnsStore(), s3Store: new s3.S3Store() };
  createPrivateFile(folder, 'fauxqs.db');
  const persistence = new PersistenceManager(folder);
  persistence.db.exec('PRAGMA synchronous = NORMAL');
  // fauxqs sets the receive count of a released message to null, which its database rejects.
  const release = persistence.db.prepare(
    'UPDATE sqs_messages SET receipt_handle = NULL, visibility_deadline = NULL WHERE message_id = ?',
  );
  persistence.updateMessageReady = (messageId) => void release.run(messageId);
  // The functions that received these messages ended with the last run, so the messages become visible again.
  const releaseAll = persistence.db.prepare(
    'UPDATE sqs_messages SET receipt_handle = NULL, visibility_deadline = NULL WHERE queue_name = ?',
  );
  for (const queue of consumed) releaseAll.run(queue);
  persistence.load(stores.sqsStore, stores.snsStore, stores.s3Store);
  for (const store of [...Object.values(stores), ...stores.sqsStore.allQueues()]) {
    Object.assign(store, { persistence });
  }
  return { stores, close: () => persistence.close() };
}

/** The part of fauxqs's class that this module uses. */
interface Persistence {
  readonly db: DatabaseSync;
  load(sqs: Stores['sqsStore'], sns: Stores['snsStore'], s3: Stores['s3Store']): void;
  updateMessageReady(messageId: string): void;
  close(): void;
}

export interface StorageOptions {
  /** Without a folder, everything is in memory. */
  readonly folder: string | undefined;
  /** The names of the queues whose consumers are functions of the engine. */
  readonly consumed: readonly string[];
}

/** SQS and S3, both by fauxqs. */
export async function createStorage({ folder, consumed }: StorageOptions) {
  await acceptAllPlanes();
  const opened = folder === undefined ? undefined : await openStores(folder, consumed);
  const app = buildApp({ logger: false, ...(opened && { stores: opened.stores }) });
  const listeners = new Set<() => void>();
  app.addHook('preHandler', async (request, reply) => {
    const target = request.headers['x-amz-target'];
    const problem = target === undefined ? findS3Problem(request) : findSqsProblem(target, request.body);
    if (!problem) return;
    reply.hijack();
    sendError(reply.raw, problem, target === undefined ? 's3' : 'json');
  });
  // SDKs connect to the host of a queue's URL. fauxqs uses sqs.<region>.localhost, which not every machine resolves.
  app.addHook('onSend', (request, _reply, payload, done) => {
    const target = request.headers['x-amz-target'];
    // Before the sender gets its response, so that the engine is never idle while a message is in a queue.
    if (sends.has(target)) for (const notify of listeners) notify();
    const hasUrls = returnsQueueUrls.has(target) && typeof payload === 'string';
    // The port can differ from that of the run that created the queue.
    const [, port = ''] = /(:\d+)$/.exec(request.headers.host ?? '') ?? [];
    done(null, hasUrls ? payload.replaceAll(queueHost, `http://127.0.0.1${port}`) : payload);
  });
  await app.ready();

  async function callQueues(operation: string, host: string, input: object): Promise<unknown> {
    const response = await app.inject({
      method: 'POST',
      url: '/',
      headers: { host, 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `AmazonSQS.${operation}` },
      payload: JSON.stringify(input),
    });
    if (response.statusCode !== 200) throw new StorageError(`SQS ${operation} failed: ${response.body}`);
    // DeleteMessage and ChangeMessageVisibility have empty responses.
    return response.body ? response.json() : undefined;
  }

  const callQueue = (operation: string, queueUrl: string, input: object): Promise<unknown> =>
    callQueues(operation, new URL(queueUrl).host, { QueueUrl: queueUrl, ...input });

  return {
    handle(request: IncomingMessage, response: ServerResponse): void {
      app.routing(request, response);
    },

    /** The queue's URL has the endpoint's port. */
    async createQueue(name: string, port: number, attributes: Readonly<Record<string, string>>): Promise<void> {
      await callQueues('CreateQueue', `127.0.0.1:${port}`, { QueueName: name, Attributes: attributes });
    },

    /** @throws StorageError */
    async sendMessage(queueUrl: string, { body, attributes = {}, groupId }: OutgoingMessage) {
      const MessageAttributes = Object.fromEntries(
        Object.entries(attributes).map(([name, StringValue]) => [name, { DataType: 'String', StringValue }]),
      );
      const input = { MessageBody: body, MessageAttributes, ...(groupId !== undefined && { MessageGroupId: groupId }) };
      return sentMessage.parse(await callQueue('SendMessage', queueUrl, input));
    },

    async receiveMessages(
      queueUrl: string,
      options: { readonly maxMessages: number; readonly visibilityTimeoutSeconds: number },
    ): Promise<readonly QueueMessage[]> {
      const input = {
        MaxNumberOfMessages: options.maxMessages,
        VisibilityTimeout: options.visibilityTimeoutSeconds,
        MessageSystemAttributeNames: ['All'],
        MessageAttributeNames: ['All'],
      };
      return received.parse(await callQueue('ReceiveMessage', queueUrl, input)).Messages ?? [];
    },

    async deleteMessage(queueUrl: string, receiptHandle: string): Promise<void> {
      await callQueue('DeleteMessage', queueUrl, { ReceiptHandle: receiptHandle });
    },

    /** Makes a received message visible again immediately. */
    async releaseMessage(queueUrl: string, receiptHandle: string): Promise<void> {
      await callQueue('ChangeMessageVisibility', queueUrl, { ReceiptHandle: receiptHandle, VisibilityTimeout: 0 });
    },

    /** Calls back whenever a message is sent to any queue. */
    onSend(listener: () => void): void {
      listeners.add(listener);
    },

    /** Does nothing if the bucket exists. */
    async createBucket(name: string): Promise<void> {
      const response = await app.inject({ method: 'PUT', url: `/${name}` });
      if (response.statusCode !== 200) throw new StorageError(`S3 CreateBucket failed: ${response.body}`);
    },

    async close(): Promise<void> {
      await app.close();
      opened?.close();
    },
  };
}

export type Storage = Awaited<ReturnType<typeof createStorage>>;

/** Not enforced; the same policy as in a deployment, for callers that read it. */
const eventBridgePolicy = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { Service: 'events.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: '*' },
  ],
};

export async function createQueues(
  storage: Storage,
  { queues, consumers }: Pick<AwsResources, 'queues' | 'consumers'>,
  port: number,
): Promise<void> {
  const created = Object.entries(queues).map(async ([key, name]) => {
    const consumer = Object.values(consumers).find(({ queue }) => queue === key);
    const policy = consumer && {
      deadLetterTargetArn: queueArn(queues[consumer.quarantine] ?? consumer.quarantine),
      maxReceiveCount: consumer.maxReceiveCount,
    };
    const attributes = policy
      ? { RedrivePolicy: JSON.stringify(policy), Policy: JSON.stringify(eventBridgePolicy) }
      : {};
    await storage.createQueue(name, port, attributes);
  });
  await Promise.all(created);
}

/** Another query parameter selects an operation that is not supported, such as `?policy`. */
const supportedParameters: readonly RegExp[] = [
  /^(x-id|delete|uploads|uploadId|partNumber)$/,
  /^(list-type|prefix|delimiter|marker|max-keys|continuation-token|start-after|fetch-owner|encoding-type)$/,
  // Headers of the response, and the signature and headers of a presigned URL.
  /^(response-|X-Amz-|x-amz-)/,
];

/** The operations by method, resource of the path, and the query parameter that selects the operation. */
const s3Operations: Readonly<Record<string, string>> = {
  'GET service': 'ListBuckets',
  'GET bucket': 'ListObjects',
  'GET bucket list-type': 'ListObjectsV2',
  'HEAD bucket': 'HeadBucket',
  'PUT bucket': 'CreateBucket',
  'DELETE bucket': 'DeleteBucket',
  'POST bucket delete': 'DeleteObjects',
  'GET object': 'GetObject',
  'HEAD object': 'HeadObject',
  'PUT object': 'PutObject',
  'DELETE object': 'DeleteObject',
  'POST object uploads': 'CreateMultipartUpload',
  'PUT object uploadId': 'UploadPart',
  'POST object uploadId': 'CompleteMultipartUpload',
  'DELETE object uploadId': 'AbortMultipartUpload',
};

/** Copy operations differ from uploads only in a header. */
const supportedIds: ReadonlySet<string> = new Set([...Object.values(s3Operations), 'CopyObject', 'UploadPartCopy']);

/** Identifies the S3 operation of a request by `x-id`, which SDKs send, else by method and path. */
export function parseS3Operation(method: string, url: string): { name: string; supported: boolean } {
  const { pathname, searchParams } = new URL(url, 'http://s3');
  const names = [...searchParams.keys()];
  const other = names.find((name) => !supportedParameters.some((known) => known.test(name)));
  if (other) return { name: `${method} ?${other}`, supported: false };
  const id = searchParams.get('x-id');
  if (id) return { name: id, supported: supportedIds.has(id) };
  const [, bucket, key] = /^\/([^/]*)\/?(.*)$/.exec(pathname) ?? [];
  const resource = key ? 'object' : bucket ? 'bucket' : 'service';
  const selector = names.find((name) => /^(list-type|delete|uploads|uploadId)$/.test(name));
  const route = [method, resource, selector ?? []].flat().join(' ');
  const name = s3Operations[route];
  return name ? { name, supported: true } : { name: route, supported: false };
}
