import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';

/** Files and large events are rare, so the S3 client is loaded on first use to keep the cold start short. */
const s3 = () => import('./s3.ts');

/** Files take longer to upload than events. In ms. */
const uploadTimeout = { requestTimeout: 15_000 };

export interface StoredObject {
  readonly bucket: string;
  readonly key: string;
}

type NewObject = StoredObject & { readonly body: string; readonly contentType: string };

export async function putObject({ bucket, key, body, contentType }: NewObject): Promise<void> {
  const { client, PutObjectCommand } = await s3();
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentType: contentType }));
}

export interface FileUpload extends StoredObject {
  /** The path of the local file. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** In hex. S3 rejects the upload if the content does not match. */
  readonly sha256: string;
  readonly contentType: string;
  readonly contentDisposition: string;
}

/** Streams a file into the bucket. The SDK does not retry a stream, so the caller has to. */
export async function putFile({ bucket, key, path, size, sha256, ...headers }: FileUpload): Promise<void> {
  const { client, PutObjectCommand } = await s3();
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
      uploadTimeout,
    );
  } finally {
    body.destroy();
  }
}

export async function readObject({ bucket, key }: StoredObject): Promise<string> {
  const { client, GetObjectCommand } = await s3();
  const response = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  if (!response.Body) throw new Error(`s3://${bucket}/${key} has no content: expected the data of an event`);
  return response.Body.transformToString();
}

/** Opens an object as a stream, which the caller must consume or destroy. Undefined if the object does not exist. */
export async function openObject({ bucket, key }: StoredObject, abortSignal: AbortSignal) {
  const { client, GetObjectCommand, NoSuchKey } = await s3();
  try {
    const response = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }), { abortSignal });
    const { Body: content, ContentType: contentType = 'application/octet-stream' } = response;
    return content instanceof Readable ? { content, contentType } : undefined;
  } catch (error) {
    if (error instanceof NoSuchKey) return undefined;
    throw error;
  }
}

/** A URL at which anyone can read the object until it expires. S3 responds with the stored content type and file name. */
export async function presignedUrl({ bucket, key }: StoredObject, expiresInSeconds: number): Promise<string> {
  const { client, GetObjectCommand, getSignedUrl } = await s3();
  return getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key: key }), { expiresIn: expiresInSeconds });
}

/** The keys under a prefix, in pages of up to 1000. */
export async function* listKeys(bucket: string, prefix: string): AsyncGenerator<string[]> {
  const { client, paginateListObjectsV2 } = await s3();
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix }))
    yield Contents.flatMap(({ Key }) => Key ?? []);
}

/** The maximum number of keys in one call. */
const maxDeletedKeys = 1000;

export async function deleteKeys(bucket: string, keys: readonly string[]): Promise<void> {
  const { client, DeleteObjectsCommand } = await s3();
  for (let from = 0; from < keys.length; from += maxDeletedKeys) {
    const Objects = keys.slice(from, from + maxDeletedKeys).map((Key) => ({ Key }));
    const command = new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } });
    // S3 responds with 200 even if it fails to delete some of them.
    const { Errors = [] } = await client.send(command);
    const [first] = Errors;
    if (first) throw new Error(`S3 failed to delete ${Errors.length} of ${keys.length} objects (${first.Code}): retry`);
  }
}
