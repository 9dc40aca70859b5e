import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import {
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTestAws, type TestAws } from '../../test/test-aws.ts';
import { parseS3Operation } from './sqs-s3.ts';

let aws: TestAws;
beforeEach(async () => {
  aws = await startTestAws();
});
afterEach(() => aws.stop());

test('returns a queue URL with the address of the endpoint', async () => {
  const { QueueUrl } = await new SQSClient(aws.client).send(new GetQueueUrlCommand({ QueueName: 'dead-letters' }));
  expect(QueueUrl).toBe(aws.deadLetterQueueUrl);
  expect(new URL(aws.deadLetterQueueUrl).host).toBe(`127.0.0.1:${aws.port}`);

  // A client without an endpoint uses the address in the queue's URL.
  const { endpoint: _, ...settings } = aws.client;
  const elsewhere = new SQSClient(settings);
  await elsewhere.send(new SendMessageCommand({ QueueUrl, MessageBody: 'hello' }));
  const { Messages } = await elsewhere.send(new ReceiveMessageCommand({ QueueUrl }));
  expect(Messages).toMatchObject([{ Body: 'hello' }]);
});

test('accepts every character that SQS accepts in a message', async () => {
  const sqs = new SQSClient(aws.client);
  const QueueUrl = aws.deadLetterQueueUrl;
  const text = 'Grüße 😀 𝒳 \t\n\u{10FFFF}';
  const entry = { Id: 'batch', MessageBody: text };
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: text }));
  expect(await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: [entry] }))).toMatchObject({
    Successful: [{ Id: 'batch' }],
  });
  const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
  expect(Messages?.map(({ Body }) => Body)).toEqual([text, text]);

  const invalid = sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'a\u0001b' }));
  await expect(invalid).rejects.toThrow('Invalid characters found');
});

test.each([
  ['PUT', '/media/events/1.json?x-id=PutObject', 'PutObject', true],
  ['PUT', '/media/events/1.json', 'PutObject', true],
  ['GET', '/media/a?X-Amz-Expires=900&x-amz-checksum-mode=ENABLED&x-id=GetObject', 'GetObject', true],
  ['HEAD', '/media/a', 'HeadObject', true],
  ['GET', '/media?list-type=2&prefix=events%2F', 'ListObjectsV2', true],
  ['PUT', '/media/', 'CreateBucket', true],
  ['GET', '/', 'ListBuckets', true],
  [
    'GET',
    '/media/a?X-Amz-Expires=60&response-content-type=text%2Fplain&x-amz-checksum-mode=ENABLED',
    'GetObject',
    true,
  ],
  ['PUT', '/media?policy', 'PUT ?policy', false],
  ['GET', '/media/a?tagging', 'GET ?tagging', false],
  ['PATCH', '/media/a', 'PATCH object', false],
  ['POST', '/media/a?uploads', 'CreateMultipartUpload', true],
  ['GET', '/media/a?x-id=ListParts&uploadId=1', 'ListParts', false],
  ['GET', '/media/a?uploadId=1', 'GET object uploadId', false],
])('identifies %s %s as %s', (method, url, name, supported) => {
  expect(parseS3Operation(method, url)).toEqual({ name, supported });
});

test.each(['127.0.0.1', 'localhost'])('stores and reads objects through %s', async (host) => {
  const s3 = new S3Client({
    ...aws.client,
    endpoint: `http://${host}:${aws.port}`,
    forcePathStyle: host === 'localhost',
  });
  const Body = Buffer.from([0, 255, 1]);

  await s3.send(new PutObjectCommand({ Bucket: 'media', Key: 'events/1 é.json', Body, ContentType: 'image/png' }));
  const found = await s3.send(new GetObjectCommand({ Bucket: 'media', Key: 'events/1 é.json' }));

  expect(found.ContentType).toBe('image/png');
  expect(Buffer.from((await found.Body?.transformToByteArray()) ?? [])).toEqual(Body);
  expect((await s3.send(new ListObjectsV2Command({ Bucket: 'media' }))).KeyCount).toBe(1);
  await expect(s3.send(new GetObjectCommand({ Bucket: 'media', Key: 'none' }))).rejects.toMatchObject({
    name: 'NoSuchKey',
  });
});

const attribute = (StringValue: string, DataType = 'String') => ({ DataType, StringValue });

test.each([
  [
    'more than ten attributes',
    { MessageAttributes: Object.fromEntries([...'abcdefghijk'].map((name) => [name, attribute('a')])) },
  ],
  ['an empty attribute', { MessageAttributes: { name: attribute('') } }],
  ['an attribute with a control character', { MessageAttributes: { name: attribute('a\u0001') } }],
  ['an attribute of an unknown type', { MessageAttributes: { name: attribute('a', 'Text') } }],
  ['an attribute whose name has a space', { MessageAttributes: { 'a b': attribute('a') } }],
  ['a delay of more than 15 minutes', { DelaySeconds: 901 }],
])('rejects a message with %s, as SQS does', async (_what, fields) => {
  const input = { QueueUrl: aws.deadLetterQueueUrl, MessageBody: 'a', ...fields };
  await expect(new SQSClient(aws.client).send(new SendMessageCommand(input))).rejects.toMatchObject({
    name: 'InvalidParameterValue',
  });
});

test.each([
  ['a key of more than 1,024 bytes', { Key: 'ü'.repeat(513) }, 'KeyTooLongError'],
  ['more than 2 KB of metadata', { Metadata: { name: 'x'.repeat(2_048) } }, 'MetadataTooLarge'],
  ['a checksum of other content', { ChecksumSHA256: 'A'.repeat(43).concat('=') }, 'BadDigest'],
  ['a condition, which the engine does not support', { IfNoneMatch: '*' }, 'UnknownOperationException'],
])('rejects an object with %s', async (_what, fields, name) => {
  const input = { Bucket: 'media', Key: 'a', Body: 'content', ...fields };
  await expect(new S3Client(aws.client).send(new PutObjectCommand(input))).rejects.toMatchObject({ name });
});

test('rejects a call that deletes more than 1,000 objects', async () => {
  const Objects = Array.from({ length: 1_001 }, (_, index) => ({ Key: `${index}` }));
  const command = new DeleteObjectsCommand({ Bucket: 'media', Delete: { Objects } });
  await expect(new S3Client(aws.client).send(command)).rejects.toMatchObject({ name: 'MalformedXML' });
});
