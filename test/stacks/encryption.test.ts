import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { appFile, loadApp } from './app.ts';
import { at, find, listAt, ofType, parseStatements } from './select.ts';
import { synthesize } from './synthesize.ts';

const encrypted = loadApp('development');
const plain = loadApp('production');
const keyArn = 'arn:aws:kms:eu-central-1:123456789012:key/customer';

/** Where each type of resource names its key. */
const keyPaths = {
  'aws:dynamodb/table:Table': 'serverSideEncryption.kmsKeyArn',
  'aws:sqs/queue:Queue': 'kmsMasterKeyId',
  'aws:sns/topic:Topic': 'kmsMasterKeyId',
  'aws:cloudwatch/eventArchive:EventArchive': 'kmsKeyIdentifier',
  'aws:cloudwatch/logGroup:LogGroup': 'kmsKeyId',
} as const;

describe('KMS_KEY=create', () => {
  const [key] = ofType(encrypted, 'aws:kms/key:Key');
  const statements = parseStatements(key?.inputs.policy);
  const allowed = (service: string) =>
    statements.filter(({ principal }) => at(principal, 'Service') === service).flatMap(({ actions }) => actions);

  it.each(Object.entries(keyPaths))('encrypts every %s with the key', (type, path) => {
    const resources = ofType(encrypted, type);
    expect(resources).not.toEqual([]);
    expect(resources.filter(({ inputs }) => at(inputs, path) !== keyArn).map(({ name }) => name)).toEqual([]);
  });

  it('encrypts the bucket with the key', () => {
    const [encryption] = ofType(
      encrypted,
      'aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration',
    );
    expect(listAt(encryption?.inputs, 'rules')).toEqual([
      {
        applyServerSideEncryptionByDefault: { sseAlgorithm: 'aws:kms', kmsMasterKeyId: keyArn },
        bucketKeyEnabled: true,
      },
    ]);
  });

  it('does not also ask SQS for its own encryption, which excludes a key', () => {
    const queues = ofType(encrypted, 'aws:sqs/queue:Queue');
    expect(queues.filter(({ inputs }) => 'sqsManagedSseEnabled' in inputs)).toEqual([]);
  });

  it('rotates the key, and retains it when it is no longer used', () => {
    expect(key).toMatchObject({ inputs: { enableKeyRotation: true }, retained: true });
  });

  it('lets the roles of the account use the key through the services that store the data only', () => {
    const viaServices = statements.filter(({ principal }) => at(principal, 'AWS') === '*');
    expect(viaServices).toMatchObject([
      {
        actions: expect.arrayContaining(['kms:Decrypt', 'kms:GenerateDataKey*', 'kms:CreateGrant']),
        condition: {
          StringEquals: {
            'kms:CallerAccount': '123456789012',
            'kms:ViaService': ['dynamodb', 's3', 'sqs', 'sns'].map((name) => `${name}.eu-central-1.amazonaws.com`),
          },
        },
      },
    ]);
  });

  it('lets rules, the archive, alarms and logs use the key', () => {
    const send = ['kms:Decrypt', 'kms:GenerateDataKey*'];
    expect(allowed('cloudwatch.amazonaws.com')).toEqual(send);
    expect(allowed('events.amazonaws.com')).toEqual(
      expect.arrayContaining([...send, 'kms:ReEncrypt*', 'kms:DescribeKey']),
    );
    expect(allowed('logs.eu-central-1.amazonaws.com')).toEqual(expect.arrayContaining([...send, 'kms:Encrypt']));
  });

  it('leaves the administration of the key to the account', () => {
    expect(statements.filter(({ actions }) => actions.includes('kms:*'))).toMatchObject([
      { principal: { AWS: '123456789012' } },
    ]);
  });
});

describe('without KMS_KEY', () => {
  it('creates no key and refers to none', () => {
    expect(ofType(plain, 'aws:kms/key:Key')).toEqual([]);
    const named = Object.entries(keyPaths).flatMap(([type, path]) =>
      ofType(plain, type).filter(({ inputs }) => at(inputs, path) !== undefined),
    );
    expect(named).toEqual([]);
  });

  it('does not encrypt the topic with the key of AWS, with which alarms and rules could not publish', () => {
    expect(find(plain, 'aws:sns/topic:Topic', 'AlertsTopic').inputs).not.toHaveProperty('kmsMasterKeyId');
  });
});

it('rejects another value of KMS_KEY before it deploys', async () => {
  await synthesize('production', 'deploy', appFile('invalid-key'), { KMS_KEY: 'yes' });
  const { failures } = JSON.parse(readFileSync(appFile('invalid-key'), 'utf8'));
  expect(failures.join('\n')).toMatch(/KMS_KEY: expected one of aws, create/);
});
