import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';

const client = new S3Client({ maxAttempts: 3, requestHandler: { connectionTimeout: 1000, requestTimeout: 5000 } });

export interface StoredObject {
  readonly bucket: string;
  readonly key: string;
}

export async function putObject(
  object: StoredObject & { body: string | Uint8Array; contentType: string },
): Promise<void> {
  await client.send(
    new PutObjectCommand({
      Bucket: object.bucket,
      Key: object.key,
      Body: object.body,
      ContentType: object.contentType,
    }),
  );
}

export async function readObject({ bucket, key }: StoredObject): Promise<string> {
  const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  if (!answer.Body) throw new Error(`s3://${bucket}/${key} is empty: expected the data of an event`);
  return answer.Body.transformToString();
}

export async function readBytes({ bucket, key }: StoredObject): Promise<{ bytes: Uint8Array; contentType: string }> {
  const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  if (!answer.Body) throw new Error('the object is empty');
  return {
    bytes: await answer.Body.transformToByteArray(),
    contentType: answer.ContentType ?? 'application/octet-stream',
  };
}

/** The keys under a prefix, a thousand at a time. */
export async function* keysUnder(bucket: string, prefix: string): AsyncGenerator<string[]> {
  let ContinuationToken: string | undefined;
  do {
    const page = await client.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ...(ContinuationToken && { ContinuationToken }) }),
    );
    yield (page.Contents ?? []).flatMap(({ Key }) => Key ?? []);
    ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined;
  } while (ContinuationToken);
}

export async function deleteKeys(bucket: string, keys: readonly string[]): Promise<void> {
  for (let from = 0; from < keys.length; from += 1000) {
    const Objects = keys.slice(from, from + 1000).map((Key) => ({ Key }));
    await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }));
  }
}

/** Deletes every object under a prefix; answers how many there were. */
export async function deleteUnder(bucket: string, prefix: string): Promise<number> {
  const listed = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }));
  const keys = (listed.Contents ?? []).flatMap(({ Key }) => (Key ? [{ Key }] : []));
  if (keys.length === 0) return 0;
  await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: keys, Quiet: true } }));
  return keys.length + (listed.IsTruncated ? await deleteUnder(bucket, prefix) : 0);
}
