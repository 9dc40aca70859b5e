import { admitting, also, changed, having, type Mutations, types, without } from './mutation.ts';

const { table, lifecycle } = types;

export const storage: Mutations = {
  'tables are recoverable, expire and are protected': [
    [
      'a table cannot be recovered',
      having(table, 'MessagesTable', 'pointInTimeRecovery.enabled', false),
      /messages: it cannot be recovered/,
    ],
    ['nothing expires', having(table, 'MessagesTable', 'ttl', undefined), /messages: it keeps all for ever/],
    [
      'a table may be deleted',
      having(table, 'MessagesTable', 'deletionProtectionEnabled', false),
      /messages: its deletion protection is false/,
    ],
    [
      'a table has capacity',
      having(table, 'MessagesTable', 'billingMode', 'PROVISIONED'),
      /messages: it is not on demand/,
    ],
    [
      'an index is missing',
      having(table, 'MessagesTable', 'globalSecondaryIndexes', []),
      /messages: its indexes are others/,
    ],
    [
      'a table goes with the app',
      (app) =>
        changed(
          app,
          app.resources.map((one) => ({ ...one, retained: false })),
        ),
      /messages: it is not retained/,
    ],
  ],
  'the bucket is private, encrypted and forgets': [
    [
      'it may be made public',
      having(
        'aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock',
        'MediaPublicAccessBlock',
        'blockPublicPolicy',
        false,
      ),
      /may be made public/,
    ],
    [
      'it is not encrypted',
      without('aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration'),
      /not encrypted/,
    ],
    ['large events stay', having(lifecycle, 'MediaLifecycle', 'rules', []), /large events are kept for ever/],
    ['what is in it goes with it', having('aws:s3/bucket:Bucket', 'MediaBucket', 'forceDestroy', true), /goes with it/],
    [
      'browsers may read',
      also('aws:s3/bucketCorsConfiguration:BucketCorsConfiguration', 'Cors', {}),
      /browsers may read/,
    ],
    [
      'its policy lets somebody in',
      having('aws:s3/bucketPolicy:BucketPolicy', 'MediaPolicy', 'policy', admitting()),
      /lets somebody in/,
    ],
  ],
  'the secret is made without a value': [
    [
      'a value is in the state',
      also('aws:secretsmanager/secretVersion:SecretVersion', 'V', {}),
      /its value is in the state/,
    ],
    [
      'it is gone at once',
      having('aws:secretsmanager/secret:Secret', 'LiveChatSecret', 'recoveryWindowInDays', 0),
      /recovery window/,
    ],
  ],
};
