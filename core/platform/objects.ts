import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';

const client = new S3Client({
  maxAttempts: 3,
  // Without the last one the SDK would only warn of an answer that does not come.
  requestHandler: { connectionTimeout: 1000, socketTimeout: 5000, requestTimeout: 5000, throwOnRequestTimeout: true },
});
/** A file takes longer than an event, in ms. */
const fileTimeout = { requestTimeout: 15_000 };

export interface StoredObject {
  readonly bucket: string;
  readonly key: string;
}

export async function putObject(object: StoredObject & { body: string; contentType: string }): Promise<void> {
  await client.send(
    new PutObjectCommand({
      Bucket: object.bucket,
      Key: object.key,
      Body: object.body,
      ContentType: object.contentType,
    }),
  );
}

export interface FileToPut extends StoredObject {
  /** Where it lies on this machine's disk. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Hex; S3 refuses the object when it does not come out the same. */
  readonly sha256: string;
  readonly contentType: string;
  readonly contentDisposition: string;
}

/** Streams a file into the bucket. The SDK does not try a stream again: who calls does. */
export async function putFile({ bucket, key, path, size, sha256, ...headers }: FileToPut): Promise<void> {
  const body = createReadStream(path);
  try {
    await client.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: body,
        ContentLength: size,
        ContentType: headers.contentType,
        ContentDisposition: headers.contentDisposition,
        ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64'),
      }),
      fileTimeout,
    );
  } finally {
    body.destroy();
  }
}

export async function readObject({ bucket, key }: StoredObject): Promise<string> {
  const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  if (!answer.Body) throw new Error(`s3://${bucket}/${key} is empty: expected the data of an event`);
  return answer.Body.transformToString();
}

export interface OpenObject {
  readonly content: Readable;
  /** Bytes. */
  readonly size: number;
  readonly contentType: string;
}

/** An object as a stream, which whoever asks for it destroys; undefined when there is none. */
export async function openObject({ bucket, key }: StoredObject, signal?: AbortSignal): Promise<OpenObject | undefined> {
  try {
    const command = new GetObjectCommand({ Bucket: bucket, Key: key });
    const answer = await client.send(command, signal && { abortSignal: signal });
    if (!(answer.Body instanceof Readable) || answer.ContentLength === undefined) return undefined;
    const { Body: content, ContentLength: size, ContentType: contentType = 'application/octet-stream' } = answer;
    return { content, size, contentType };
  } catch (error) {
    if (error instanceof Error && error.name === 'NoSuchKey') return undefined;
    throw error;
  }
}

/** An address at which anyone can read the object until it expires. The browser gets the type and name it was stored with. */
export async function presignedUrl({ bucket, key }: StoredObject, expiresInSeconds: number): Promise<string> {
  const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner');
  return getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key: key }), { expiresIn: expiresInSeconds });
}

export async function deleteObject({ bucket, key }: StoredObject): Promise<void> {
  await deleteAll(bucket, [key]);
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
  for (let from = 0; from < keys.length; from += 1000) await deleteAll(bucket, keys.slice(from, from + 1000));
}

/** Deletes every object under a prefix; answers how many there were. */
export async function deletePrefix(bucket: string, prefix: string): Promise<number> {
  const listed = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }));
  const keys = (listed.Contents ?? []).flatMap(({ Key }) => Key ?? []);
  if (keys.length === 0) return 0;
  await deleteAll(bucket, keys);
  return keys.length + (listed.IsTruncated ? await deletePrefix(bucket, prefix) : 0);
}

/** At most 1000 keys. S3 answers 200 even when it has kept some. */
async function deleteAll(bucket: string, keys: readonly string[]): Promise<void> {
  const Delete = { Objects: keys.map((Key) => ({ Key })), Quiet: true };
  const { Errors = [] } = await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete }));
  const [first] = Errors;
  if (first) throw new Error(`S3 kept ${Errors.length} of ${keys.length} objects (${first.Code}): delete them again`);
}
