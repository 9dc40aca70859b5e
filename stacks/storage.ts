import { arn, componentName, mediaDays, production } from './settings.ts';
import { bucket, type TableSpec, tables } from './topology.ts';

/** `livechat/…` in production, `livechat/<stage>/…` elsewhere. */
export const secretPrefix = production ? 'livechat' : `livechat/${$app.stage}`;

const name = `${secretPrefix}/default`;

/**
 * Created without a value: an operator sets it, and deployments never change it. Until then the functions throw an error that
 * says what is expected.
 */
new aws.secretsmanager.Secret(
  'LiveChatSecret',
  {
    name,
    description: 'LiveChat credentials of every organization without a secret of its own',
    recoveryWindowInDays: production ? 30 : 0,
  },
  { retainOnDelete: production },
);

/** In an IAM resource, `?` matches one character. */
export const anyUuid = '????????-????-????-????-????????????';

/** The default secret and those of organizations, but not those of other stages in the same account. */
export const secretArns = [
  arn('secretsmanager', `secret:${name}*`),
  arn('secretsmanager', `secret:${secretPrefix}/${anyUuid}*`),
];

/** Encrypted by DynamoDB, with point-in-time recovery for 35 days. */
function createTable(name: string, { layout }: TableSpec): sst.aws.Dynamo {
  const { partitionKey, sortKey, indexes, expiry } = layout;
  const keys = [partitionKey, sortKey, ...indexes.flatMap((index) => [index.partitionKey, index.sortKey])];
  return new sst.aws.Dynamo(componentName(name), {
    fields: Object.fromEntries(keys.flatMap((key) => (key ? [[key, 'string' as const]] : []))),
    primaryIndex: { hashKey: partitionKey, ...(sortKey && { rangeKey: sortKey }) },
    globalIndexes: Object.fromEntries(
      indexes.map((index) => [
        index.name,
        {
          hashKey: index.partitionKey,
          rangeKey: index.sortKey,
          projection: index.projection === 'ALL' ? ('all' as const) : ('keys-only' as const),
        },
      ]),
    ),
    ttl: expiry,
    deletionProtection: production,
  });
}

export const conversations = createTable('conversations', tables.conversations);
export const messages = createTable('messages', tables.messages);
export const control = createTable('control', tables.control);

const expiresIn = `${mediaDays} days` as const;

/** Private: read with presigned URLs or by the functions. SST's bucket policy denies requests without TLS. */
export const media = new sst.aws.Bucket(componentName(bucket.name), {
  cors: false,
  // Large messages in the table refer to objects with the events prefix, so these must not expire earlier.
  lifecycle: [
    { id: 'events', prefix: bucket.eventsPrefix, expiresIn },
    { id: 'media', expiresIn },
  ],
  transform: { bucket: { forceDestroy: !production } },
});

new aws.s3.BucketServerSideEncryptionConfiguration('MediaEncryption', {
  bucket: media.name,
  rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: 'AES256' } }],
});
