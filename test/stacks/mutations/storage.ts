import {
  addResource,
  type Mutations,
  removeResource,
  replaceResources,
  resourcePolicy,
  setInput,
  types,
} from './mutate.ts';

const { table, lifecycle } = types;

export const storage: Mutations = {
  'creates tables with recovery, TTL and deletion protection': [
    [
      'a table cannot be recovered',
      setInput(table, 'MessagesTable', 'pointInTimeRecovery.enabled', false),
      /messages: it cannot be recovered/,
    ],
    ['items do not expire', setInput(table, 'MessagesTable', 'ttl', undefined), /messages: it has no TTL/],
    [
      'a table may be deleted',
      setInput(table, 'MessagesTable', 'deletionProtectionEnabled', false),
      /messages: its deletion protection is false/,
    ],
    [
      'a table has provisioned capacity',
      setInput(table, 'MessagesTable', 'billingMode', 'PROVISIONED'),
      /messages: it is not on demand/,
    ],
    [
      'an index is missing',
      setInput(table, 'MessagesTable', 'globalSecondaryIndexes', []),
      /messages: its indexes differ/,
    ],
    [
      'a table is not retained',
      (app) =>
        replaceResources(
          app,
          app.resources.map((one) => ({ ...one, retained: false })),
        ),
      /messages: it is not retained/,
    ],
  ],
  'keeps the bucket private, encrypted and expiring': [
    [
      'it may be made public',
      setInput(
        'aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock',
        'MediaPublicAccessBlock',
        'blockPublicPolicy',
        false,
      ),
      /may be made public/,
    ],
    [
      'it is not encrypted',
      removeResource('aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration'),
      /not encrypted/,
    ],
    ['large events do not expire', setInput(lifecycle, 'MediaLifecycle', 'rules', []), /large events do not expire/],
    [
      'its objects are deleted with it',
      setInput('aws:s3/bucket:Bucket', 'MediaBucket', 'forceDestroy', true),
      /objects are deleted with it/,
    ],
    [
      'the bucket allows CORS',
      addResource('aws:s3/bucketCorsConfiguration:BucketCorsConfiguration', 'Cors', {}),
      /it allows CORS/,
    ],
    [
      'its policy allows access',
      setInput('aws:s3/bucketPolicy:BucketPolicy', 'MediaPolicy', 'policy', resourcePolicy()),
      /its policy allows access/,
    ],
  ],
  'creates the secret without a value': [
    [
      'a value is in the state',
      addResource('aws:secretsmanager/secretVersion:SecretVersion', 'V', {}),
      /its value is in the state/,
    ],
    [
      'it has no recovery window',
      setInput('aws:secretsmanager/secret:Secret', 'LiveChatSecret', 'recoveryWindowInDays', 0),
      /recovery window/,
    ],
  ],
};
