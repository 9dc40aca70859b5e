import {
  type AttributeValue,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  CreateTableCommand,
  DeleteItemCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  type PutItemCommandInput,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import conditionParser from 'dynalite/db/conditionParser.js';
import updateParser from 'dynalite/db/updateParser.js';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { startTestAws, type TestAws } from '../../test/test-aws.ts';
import { memoizeParser, type Parse, type ParserContext } from './dynamodb-expressions.ts';

const attrNames = { '#a': 'apple', '#b': 'bread', '#c': 'cheese' };
const texts = { ':a': { S: 'x' }, ':b': { S: 'y' } };
const claim = 'attribute_not_exists(#a) OR (#b = :a AND (#a = :a OR (#a = :b AND #c < :a)))';

function context(attrVals: Readonly<Record<string, object>>): ParserContext {
  return {
    attrNames,
    attrVals,
    unusedAttrNames: { ...attrNames },
    unusedAttrVals: { ...attrVals },
    ...{ isReserved: () => false, compare: () => false },
  };
}

/** A parser's result, and the unused names and values that it leaves in the context. */
function outcome(parse: Parse, expression: string, attrVals: Readonly<Record<string, object>>) {
  const given = context(attrVals);
  try {
    const tree = parse(expression, { context: given });
    return { tree, names: Object.keys(given.unusedAttrNames), values: Object.keys(given.unusedAttrVals) };
  } catch (error) {
    return { error };
  }
}

test.each<[string, Parse, string]>([
  ['a claim', conditionParser.parse, claim],
  ['a list element', conditionParser.parse, 'attribute_exists(#a) AND #b[0] = :a'],
  ['a nested path', conditionParser.parse, 'contains(#a.#b, :a) AND NOT #c IN (:a, :b)'],
  ['a key', conditionParser.parse, '#a = :a and begins_with(#b, :b)'],
  ['a range', conditionParser.parse, '#a BETWEEN :a AND :b'],
  ['a type', conditionParser.parse, 'attribute_type(#a, :a)'],
  ['an undefined name', conditionParser.parse, '#d = :a'],
  ['an undefined value', conditionParser.parse, '#a = :d'],
  ['redundant brackets', conditionParser.parse, '((#a = :a))'],
  ['a syntax error', conditionParser.parse, '#a ='],
  ['an update', updateParser.parse, 'SET #a = :a, #b = if_not_exists(#b, :b) REMOVE #c'],
  ['an appended list', updateParser.parse, 'SET #a = list_append(if_not_exists(#a, :a), :b)'],
  ['two updates of one attribute', updateParser.parse, 'SET #a = :a, #a = :b'],
])('returns the same tree and unused names from the cache for %s', (_what, parse, expression) => {
  const memoized = memoizeParser(parse);
  const others = { ':a': { S: 'other' }, ':b': { S: 'zebra' } };
  const numbers = { ':a': { N: '1' }, ':b': { N: '2' } };
  for (const values of [texts, others, numbers, texts, { ':a': { L: [] }, ':b': { L: [texts[':a']] } }, numbers]) {
    expect(outcome(memoized, expression, values)).toEqual(outcome(parse, expression, values));
  }
});

test('parses an expression once for all values', () => {
  const parse = vi.fn(conditionParser.parse);
  const memoized = memoizeParser(parse);
  for (let number = 0; number < 5; number += 1) {
    outcome(memoized, claim, { ':a': { S: `a${number}` }, ':b': { S: `b${number}` } });
  }
  expect(parse).toHaveBeenCalledTimes(1);
});

test('parses an expression again for other names or types', () => {
  const parse = vi.fn(conditionParser.parse);
  const memoized = memoizeParser(parse);
  outcome(memoized, '#a = :a', { ':a': { S: '1' } });
  outcome(memoized, '#a = :a', { ':a': { N: '1' } });
  memoized('#a = :a', { context: { ...context({ ':a': { S: '1' } }), attrNames: { '#a': 'anise' } } });
  expect(parse).toHaveBeenCalledTimes(3);
});

test('caches the 2,000 most recently used expressions', () => {
  const parse = vi.fn(conditionParser.parse);
  const memoized = memoizeParser(parse);
  const use = (name: string) =>
    memoized('#a = :a', { context: { ...context({ ':a': { S: '1' } }), attrNames: { '#a': name } } });
  for (let number = 0; number <= 2_000; number += 1) {
    use(`name ${number}`);
    use('frequent');
  }
  expect(parse).toHaveBeenCalledTimes(2_002);
  use('name 2000');
  use('frequent');
  expect(parse).toHaveBeenCalledTimes(2_002);
  use('name 0');
  expect(parse).toHaveBeenCalledTimes(2_003);
});

test('returns a copy of the cached tree', () => {
  const memoized = memoizeParser(updateParser.parse);
  const first = outcome(memoized, 'SET #a = :a', { ':a': { L: [] } });
  Object.assign(first.tree ?? {}, { sections: 'gone' });
  expect(outcome(memoized, 'SET #a = :a', { ':a': { L: [] } })).toEqual(
    outcome(updateParser.parse, 'SET #a = :a', { ':a': { L: [] } }),
  );
});

test('deletes expired items, including those in the indexes', async () => {
  const aws = await startTestAws({ expirySweepMs: 20 });
  onTestFinished(aws.stop);
  const client = new DynamoDBClient(aws.client);
  const TableName = 'deleted';
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    }),
  );
  const TimeToLiveSpecification = { Enabled: true, AttributeName: 'expires' };
  await client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }));
  await client.send(new DeleteTableCommand({ TableName }));
  const now = Math.floor(Date.now() / 1_000);
  const put = (sk: string, expires: object) => {
    const index = { gsi1pk: { S: 'g' }, gsi1sk: { S: sk } };
    return client.send(
      new PutItemCommand({ TableName: 'messages', Item: { pk: { S: 'p' }, sk: { S: sk }, ...index, ...expires } }),
    );
  };
  await put('expired', { expires: { N: String(now - 1) } });
  await put('later', { expires: { N: String(now + 600) } });
  await put('never', {});
  await put('text', { expires: { S: '1' } });

  const query = async (key: string, IndexName?: string) => {
    const values = { ':value': { S: key === 'pk' ? 'p' : 'g' } };
    const input = { KeyConditionExpression: `${key} = :value`, ExpressionAttributeValues: values, IndexName };
    const { Items = [] } = await client.send(new QueryCommand({ TableName: 'messages', ...input }));
    return Items.map(({ sk }) => sk?.S);
  };
  await expect.poll(() => query('pk')).toEqual(['later', 'never', 'text']);
  expect(await query('gsi1pk', 'byStatus')).toEqual(['later', 'never', 'text']);
  expect(aws.reports).toEqual([]);
});

/** A list in a list, this deep. */
function nest(levels: number): AttributeValue {
  return levels === 0 ? { S: 'x' } : { L: [nest(levels - 1)] };
}

describe('the DynamoDB endpoint', () => {
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
    expect(Table?.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName).sort()).toEqual(['byId', 'byStatus']);
    await dynamo.send(
      new PutItemCommand({
        TableName: 'messages',
        Item: { pk: { S: 'c' }, sk: { S: 'm' }, gsi1pk: { S: 'c' }, gsi1sk: { S: '1' } },
      }),
    );
    const byStatus = await dynamo.send(
      new QueryCommand({
        TableName: 'messages',
        IndexName: 'byStatus',
        KeyConditionExpression: 'gsi1pk = :c',
        ExpressionAttributeValues: { ':c': { S: 'c' } },
      }),
    );
    expect(byStatus.Items).toHaveLength(1);
  });

  test.each([
    ['an empty attribute name', { M: { '': { N: '1' } } }],
    ['a value with more than 32 levels', nest(33)],
  ])('rejects %s', async (_what, value) => {
    const dynamo = new DynamoDBClient(aws.client);
    const put = new PutItemCommand({ TableName: 'control', Item: { pk: { S: 'a' }, sk: { S: 'b' }, value } });
    await expect(dynamo.send(put)).rejects.toMatchObject({ name: 'ValidationException' });
    const update = new UpdateItemCommand({
      TableName: 'control',
      Key: { pk: { S: 'a' }, sk: { S: 'b' } },
      UpdateExpression: 'SET #a = :a',
      ExpressionAttributeNames: { '#a': 'a' },
      ExpressionAttributeValues: { ':a': value },
    });
    await expect(dynamo.send(update)).rejects.toMatchObject({ name: 'ValidationException' });
  });

  test('stores a value with 32 levels', async () => {
    const dynamo = new DynamoDBClient(aws.client);
    const Item = { pk: { S: 'a' }, sk: { S: 'b' }, value: nest(32) };
    await expect(dynamo.send(new PutItemCommand({ TableName: 'control', Item }))).resolves.toBeDefined();
  });

  describe('the value of an index key', () => {
    const item = { pk: { S: 'a' }, sk: { S: 'b' } };
    const key = { TableName: 'messages', Key: item };
    type Write = (Item: Record<string, AttributeValue>) => Promise<unknown>;
    const writes: [string, Write][] = [
      ['PutItem', (Item) => new DynamoDBClient(aws.client).send(new PutItemCommand({ TableName: 'messages', Item }))],
      [
        'BatchWriteItem',
        (Item) => {
          const RequestItems = { messages: [{ PutRequest: { Item } }] };
          return new DynamoDBClient(aws.client).send(new BatchWriteItemCommand({ RequestItems }));
        },
      ],
    ];

    test.each(writes)('is rejected by %s if it is empty or too long', async (_what, write) => {
      const put = (keys: Record<string, string>) =>
        write({ ...item, ...Object.fromEntries(Object.entries(keys).map(([name, S]) => [name, { S }])) });

      await expect(put({ gsi1pk: '', gsi1sk: '1' })).rejects.toThrow(
        'cannot contain an empty string value. IndexName: byStatus, IndexKey: gsi1pk',
      );
      await expect(put({ pk: 'é'.repeat(1_025) })).rejects.toThrow('Size of hashkey');
      await expect(put({ sk: 'é'.repeat(513) })).rejects.toThrow('all range keys');
      await expect(put({ gsi1pk: 'é'.repeat(1_025), gsi1sk: '1' })).rejects.toThrow('Size of hashkey');
      await expect(put({ gsi1pk: 'a', gsi1sk: 'a'.repeat(1_025) })).rejects.toThrow('all range keys');
      await put({ gsi1pk: 'é'.repeat(1_024), gsi1sk: 'a'.repeat(1_024) });
    });

    test.each([
      ['a table', { KeyConditionExpression: 'pk = :a' }, 'Key: pk'],
      ['an index', { KeyConditionExpression: 'gsi1pk = :a', IndexName: 'byStatus' }, 'Key: gsi1pk'],
    ])('is rejected by a query of %s if it is empty or too long', async (_what, query, empty) => {
      const find = (S: string) =>
        new DynamoDBClient(aws.client).send(
          new QueryCommand({ TableName: 'messages', ...query, ExpressionAttributeValues: { ':a': { S } } }),
        );
      await expect(find('')).rejects.toThrow(empty);
      await expect(find('é'.repeat(1_025))).rejects.toThrow('Size of hashkey');
      await find('é'.repeat(1_024));
    });

    test('is rejected by UpdateItem, which then changes nothing', async () => {
      const dynamo = new DynamoDBClient(aws.client);
      const update = (value: string) =>
        dynamo.send(
          new UpdateItemCommand({
            ...key,
            UpdateExpression: 'SET gsi1pk = :a',
            ExpressionAttributeValues: { ':a': { S: value } },
          }),
        );

      await expect(update('')).rejects.toMatchObject({ name: 'ValidationException' });
      await expect(update('a'.repeat(2_049))).rejects.toMatchObject({ name: 'ValidationException' });
      expect(await dynamo.send(new GetItemCommand(key))).not.toHaveProperty('Item');
      await update('a');
      expect(await dynamo.send(new GetItemCommand(key))).toHaveProperty('Item');
    });
  });

  describe('an expression', () => {
    const names = (count: number) => Array.from({ length: count }, (_, index) => `a${index}`);
    const one = { ':v': { N: '1' } };
    const values = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`:v${index}`, { N: `${index}` }]));
    const scan = (FilterExpression: string, ExpressionAttributeValues: Record<string, AttributeValue>) =>
      new DynamoDBClient(aws.client).send(
        new ScanCommand({ TableName: 'control', FilterExpression, ExpressionAttributeValues }),
      );

    test.each<[string, string, Record<string, AttributeValue>, string]>([
      [
        'above 4 KB',
        `a = :v AND ${'b'.repeat(4_096)} = :v`,
        one,
        'Expression size has exceeded the maximum allowed size; expression size: 4112',
      ],
      [
        'with more than 300 operators',
        [...names(150).map((name) => `${name} = :v`), 'NOT b = :v'].join(' AND '),
        one,
        'The expression contains too many operators; operator count: 302',
      ],
      [
        'with IN of more than 100 values',
        `a IN (${Object.keys(values(101))})`,
        values(101),
        'The IN operator is provided with too many operands; number of operands: 101',
      ],
    ])('%s is rejected', async (_what, expression, attributeValues, message) => {
      await expect(scan(expression, attributeValues)).rejects.toMatchObject({
        name: 'ValidationException',
        message: `Invalid FilterExpression: ${message}`,
      });
    });

    test('with 299 operators, or with IN of 100 values, is accepted', async () => {
      await scan(
        names(150)
          .map((name) => `${name} = :v`)
          .join(' AND '),
        one,
      );
      await scan(`a IN (${Object.keys(values(100))})`, values(100));
    });

    test('that exceeds the size limit of UpdateExpression is rejected', async () => {
      const update = new UpdateItemCommand({
        TableName: 'control',
        Key: { pk: { S: 'a' }, sk: { S: 'b' } },
        UpdateExpression: `SET ${names(301).map((name) => `${name} = :v + :v`)}`,
        ExpressionAttributeValues: one,
      });
      await expect(new DynamoDBClient(aws.client).send(update)).rejects.toThrow(
        'Invalid UpdateExpression: Expression size',
      );
    });
  });

  test('responds to a failed condition with ConditionalCheckFailedException', async () => {
    const dynamo = new DynamoDBClient(aws.client);
    const Item = { pk: { S: 'a' }, sk: { S: 'b' } };
    const put = () =>
      dynamo.send(new PutItemCommand({ TableName: 'control', Item, ConditionExpression: 'attribute_not_exists(pk)' }));

    await put();
    await expect(put()).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' });
  });

  describe('the item of a failed condition', () => {
    const Key = { pk: { S: 'a' }, sk: { S: 'b' } };
    let dynamo: DynamoDBClient;
    beforeEach(() => {
      dynamo = new DynamoDBClient(aws.client);
    });
    const stored = { ...Key, count: { N: '1' }, list: { L: [{ M: { deep: { BOOL: true } } }] } };
    const failing = {
      TableName: 'control',
      ConditionExpression: '#count > :two',
      ExpressionAttributeNames: { '#count': 'count' },
      ExpressionAttributeValues: { ':two': { N: '2' } },
    };
    type ReturnValues = Pick<PutItemCommandInput, 'ReturnValuesOnConditionCheckFailure'>;
    const put = (more: ReturnValues) =>
      dynamo.send(new PutItemCommand({ ...failing, Item: { ...Key, count: { N: '9' } }, ...more }));
    const update = (more: ReturnValues) =>
      dynamo.send(new UpdateItemCommand({ ...failing, Key, UpdateExpression: 'REMOVE #count', ...more }));
    const remove = (more: ReturnValues) => dynamo.send(new DeleteItemCommand({ ...failing, Key, ...more }));
    /** The error of a write whose condition does not hold. */
    const fail = async (write: Promise<unknown>) => {
      const error = await write.catch((failure: unknown) => failure);
      if (error instanceof ConditionalCheckFailedException) return error;
      throw new Error('the condition did not fail', { cause: error });
    };
    const writes = [
      ['a put', put],
      ['an update', update],
      ['a delete', remove],
    ] as const;

    test.each(writes)('is returned by %s with ALL_OLD', async (_what, write) => {
      await dynamo.send(new PutItemCommand({ TableName: 'control', Item: stored }));

      const { Item, message } = await fail(write({ ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }));

      expect({ Item, message }).toEqual({ Item: stored, message: 'The conditional request failed' });
    });

    test.each(writes)('is not returned by %s with NONE or without the parameter', async (_what, write) => {
      await dynamo.send(new PutItemCommand({ TableName: 'control', Item: stored }));

      expect((await fail(write({ ReturnValuesOnConditionCheckFailure: 'NONE' }))).Item).toBeUndefined();
      expect((await fail(write({}))).Item).toBeUndefined();
    });

    test.each(writes)('is not returned by %s if there is none', async (_what, write) => {
      expect((await fail(write({ ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }))).Item).toBeUndefined();
    });
  });
});
