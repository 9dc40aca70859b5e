/** Query parameters of unsupported S3 operations, which would otherwise be read as another operation. */
const unsupportedParameters = [
  'accelerate',
  'acl',
  'analytics',
  'cors',
  'encryption',
  'intelligent-tiering',
  'inventory',
  'legal-hold',
  'location',
  'logging',
  'metrics',
  'notification',
  'object-lock',
  'ownershipControls',
  'policy',
  'policyStatus',
  'publicAccessBlock',
  'replication',
  'requestPayment',
  'restore',
  'retention',
  'select',
  'tagging',
  'torrent',
  'versionId',
  'versioning',
  'versions',
  'website',
] as const;

const objectOperations: Readonly<Record<string, string>> = {
  GET: 'GetObject',
  HEAD: 'HeadObject',
  PUT: 'PutObject',
  DELETE: 'DeleteObject',
  POST: 'PostObject',
};

const bucketOperations: Readonly<Record<string, string>> = {
  GET: 'ListObjectsV2',
  HEAD: 'HeadBucket',
  PUT: 'CreateBucket',
  DELETE: 'DeleteBucket',
  POST: 'DeleteObjects',
};

export interface S3Operation {
  readonly name: string;
  readonly supported: boolean;
}

/** Identifies the S3 operation of a request by `x-id`, which SDKs send, else by method and path. */
export function parseS3Operation(method: string, url: string): S3Operation {
  const { pathname, searchParams } = new URL(url, 'http://s3');
  const parameter = unsupportedParameters.find((name) => searchParams.has(name));
  if (parameter) return { name: `${method} ?${parameter}`, supported: false };
  const [, bucket, key] = /^\/([^/]*)\/?(.*)$/.exec(pathname) ?? [];
  if (!bucket) return { name: 'ListBuckets', supported: method === 'GET' };
  const byMethod = key ? objectOperations : bucketOperations;
  const name = searchParams.get('x-id') ?? byMethod[method];
  return name ? { name, supported: true } : { name: method, supported: false };
}
