import { accountId, arn, oneOf, policyJson, region, resourceName } from './settings.ts';

// The optional customer managed key. KMS_KEY=create turns it on; see docs/explanation/security.md.

const setting = oneOf('KMS_KEY', ['aws', 'create']);

const use = ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'];

function createKey(): $util.Output<string> {
  const viaServices = ['dynamodb', 's3', 'sqs', 'sns'].map((name) => $interpolate`${name}.${region}.amazonaws.com`);
  const policy = policyJson(
    // An account id as a principal stands for the root of the account: its IAM policies may allow the use of the key.
    { Principal: { AWS: accountId }, Action: 'kms:*', Resource: '*' },
    // As in the policies of the keys that AWS manages: who may use the table, bucket, queue or topic may use the key through it.
    {
      Principal: { AWS: '*' },
      Action: [...use, 'kms:CreateGrant'],
      Resource: '*',
      Condition: { StringEquals: { 'kms:CallerAccount': accountId, 'kms:ViaService': viaServices } },
    },
    // Rules that send to the queue and the topic, and the archive. The queue and the topic accept only rules of the bridge.
    { Principal: { Service: 'events.amazonaws.com' }, Action: use, Resource: '*' },
    {
      Principal: { Service: 'cloudwatch.amazonaws.com' },
      Action: ['kms:Decrypt', 'kms:GenerateDataKey*'],
      Resource: '*',
    },
    {
      Principal: { Service: $interpolate`logs.${region}.amazonaws.com` },
      Action: use,
      Resource: '*',
      Condition: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': arn('logs', 'log-group:*') } },
    },
  );
  const key = new aws.kms.Key(
    'Key',
    { description: `Encrypts the data of ${resourceName('*')}`, enableKeyRotation: true, policy },
    // Backups and archived logs remain encrypted with it.
    { retainOnDelete: true },
  );
  return key.arn;
}

/** The ARN of the customer managed key. Not set: AWS encrypts with keys of its own. */
export const keyArn = setting === 'create' ? createKey() : undefined;

/** A statement of a queue or topic policy that denies requests without TLS. */
export function denyPlainHttp(action: string, resource: $util.Input<string>) {
  return {
    Effect: 'Deny',
    Principal: '*',
    Action: action,
    Resource: resource,
    Condition: { Bool: { 'aws:SecureTransport': 'false' } },
  };
}
