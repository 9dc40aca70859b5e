import { arn, componentName, mediaDays, production } from './settings.ts';
import { bucket, type TableSpec, tables } from './topology.ts';

/** `livechat/…` in production, `livechat/<stage>/…` elsewhere. */
export const secretPrefix = production ? 'livechat' : `livechat/${$app.stage}`;

const name = `${secretPrefix}/default`;

/**
 * Without a value: a deployment neither knows nor changes what is filled in. Until it is filled, the functions say what
 * is expected.
 */
new aws.secretsmanager.Secret(
  'LiveChatSecret',
  {
    name,
    description: 'LiveChat credentials of every organization that has no secret of its own',
    recoveryWindowInDays: production ? 30 : 0,
  },
  { retainOnDelete: production },
);

/** In an ARN `?` stands for one character. */
export const anyUuid = '????????-????-????-????-????????????';

/** The default secret and those of organizations; in production, no other stage's in the same account. */
export const secretArns = [
  arn('secretsmanager', `secret:${name}*`),
  arn('secretsmanager', `secret:${secretPrefix}/${anyUuid}*`),
];

/** Encrypted by DynamoDB itself, recoverable to any second of the last 35 days. */
function table(name: string, { layout }: TableSpec): sst.aws.Dynamo {
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

export const conversations = table('conversations', tables.conversations);
export const messages = table('messages', tables.messages);
export const control = table('control', tables.control);

const expiresIn = `${mediaDays} days` as const;

/** Private, read by signed address or by the functions alone; SST's policy refuses whoever comes without TLS. */
export const media = new sst.aws.Bucket(componentName(bucket.name), {
  cors: false,
  // A message too large for its table has its content among the events: they must not go before it does.
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
