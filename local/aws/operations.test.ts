import * as dynamodb from '@aws-sdk/client-dynamodb';
import * as eventbridge from '@aws-sdk/client-eventbridge';
import * as lambda from '@aws-sdk/client-lambda';
import * as s3 from '@aws-sdk/client-s3';
import * as secretsManager from '@aws-sdk/client-secrets-manager';
import * as sfn from '@aws-sdk/client-sfn';
import * as sqs from '@aws-sdk/client-sqs';
import * as ssm from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { section, tableRows } from '../../test/markdown.ts';
import { startTestAws, type TestAws } from '../../test/test-aws.ts';

let aws: TestAws;
beforeAll(async () => {
  aws = await startTestAws();
});
afterAll(() => aws.stop());

const documented = new Map(
  tableRows(section('docs/reference/local-engine.md', 'Operations')).map(([service = '', operations = '']) => [
    service.trim(),
    [...operations.matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
  ]),
);

/** Values for all path parameters of the S3 operations. */
const input = {
  ...{ Bucket: 'media', Key: 'a', Body: '', CopySource: 'media/b', Delete: { Objects: [{ Key: 'a' }] } },
  ...{ UploadId: '1', PartNumber: 1, RequestRoute: 'a', RequestToken: 'b' },
};

/** Whether the engine responds with anything but UnknownOperationException. */
async function isSupported(response: Promise<unknown>): Promise<boolean> {
  try {
    await response;
    return true;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // An error without a response: the client sent no request, because the input lacks a path parameter of the operation.
    return '$response' in error && error.$response !== undefined && error.name !== 'UnknownOperationException';
  }
}

test.each([
  ['DynamoDB', dynamodb, dynamodb.DynamoDBClient],
  ['EventBridge', eventbridge, eventbridge.EventBridgeClient],
  ['Lambda', lambda, lambda.LambdaClient],
  ['S3', s3, s3.S3Client],
  ['Secrets Manager', secretsManager, secretsManager.SecretsManagerClient],
  ['Step Functions', sfn, sfn.SFNClient],
  ['SQS', sqs, sqs.SQSClient],
  ['Systems Manager', ssm, ssm.SSMClient],
])(
  'docs/reference/local-engine.md lists the operations of %s that the engine supports',
  async (service, api, Client) => {
    const client = new Client({ ...aws.client, disableHostPrefix: true, forcePathStyle: true });
    const supported: string[] = [];
    for (const [name, command] of Object.entries(api)) {
      if (!/\wCommand$/.test(name) || typeof command !== 'function') continue;
      const call = Reflect.construct(command, [service === 'S3' ? input : {}]);
      if (await isSupported(Reflect.apply(client.send, client, [call]))) supported.push(name.replace('Command', ''));
    }

    expect(documented.get(service)?.toSorted()).toEqual(supported.toSorted());
  },
);

test('docs/reference/local-engine.md lists no other service', () => {
  expect(documented.size).toBe(8);
});
