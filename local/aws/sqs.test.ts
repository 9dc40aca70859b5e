import { DescribeTableCommand, DynamoDBClient, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetQueueUrlCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTestAws, type TestAws } from './testing.ts';

let aws: TestAws;
beforeEach(async () => {
  aws = await startTestAws();
});
afterEach(() => aws.stop());

test('creates the tables with the keys and indexes of their layout', async () => {
  const dynamo = new DynamoDBClient(aws.client);
  const { Table } = await dynamo.send(new DescribeTableCommand({ TableName: 'messages' }));

  expect(Table).toMatchObject({
    TableStatus: 'ACTIVE',
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
  });
  expect(Table?.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName).sort()).toEqual(['byId', 'byTime']);
  await dynamo.send(
    new PutItemCommand({
      TableName: 'messages',
      Item: { pk: { S: 'c' }, sk: { S: 'm' }, gsi1pk: { S: 'c' }, gsi1sk: { S: '1' } },
    }),
  );
  const byTime = await dynamo.send(
    new QueryCommand({
      TableName: 'messages',
      IndexName: 'byTime',
      KeyConditionExpression: 'gsi1pk = :c',
      ExpressionAttributeValues: { ':c': { S: 'c' } },
    }),
  );
  expect(byTime.Items).toHaveLength(1);
});

test('responds to a failed condition with ConditionalCheckFailedException', async () => {
  const dynamo = new DynamoDBClient(aws.client);
  const Item = { pk: { S: 'a' } };
  const put = () =>
    dynamo.send(new PutItemCommand({ TableName: 'control', Item, ConditionExpression: 'attribute_not_exists(pk)' }));

  await put();
  await expect(put()).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' });
});

test('returns a queue URL with the address of the endpoint', async () => {
  const { QueueUrl } = await new SQSClient(aws.client).send(new GetQueueUrlCommand({ QueueName: 'dead-letters' }));
  expect(QueueUrl).toBe(aws.deadLetterQueueUrl);
  expect(new URL(aws.deadLetterQueueUrl).host).toBe(`127.0.0.1:${aws.port}`);

  // A client without an endpoint of its own goes where the queue's URL points.
  const { endpoint: _, ...settings } = aws.client;
  const elsewhere = new SQSClient(settings);
  await elsewhere.send(new SendMessageCommand({ QueueUrl, MessageBody: 'hello' }));
  const { Messages } = await elsewhere.send(new ReceiveMessageCommand({ QueueUrl }));
  expect(Messages).toMatchObject([{ Body: 'hello' }]);
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
