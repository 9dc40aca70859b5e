import { mediaDays } from './settings.ts';
import { componentName, production } from './stage.ts';
import { bucket, type TableSpec, tables } from './topology.ts';

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
