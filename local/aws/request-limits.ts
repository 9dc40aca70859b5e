import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import * as z from 'zod/mini';
import { AwsError, localeError, unsupported } from './protocol.ts';

/** A character that SQS rejects in a message and in its attributes. */
export const invalidCharacter = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;

const attributeName = /^(?!aws\.|amazon\.|\.)(?!.*\.\.)[\w.-]{1,256}(?<!\.)$/i;
const attributeValue = z.string().check(
  z.minLength(1),
  z.refine((text) => !invalidCharacter.test(text), 'expected only characters that SQS accepts'),
);
const attribute = z.object({
  DataType: z.string().check(z.regex(/^(String|Number|Binary)(\.|$)/), z.maxLength(256)),
  StringValue: z.optional(attributeValue),
  BinaryValue: z.optional(z.string().check(z.minLength(1))),
});
const maxAttributes = 10;
const message = z.object({
  DelaySeconds: z.optional(z.int().check(z.minimum(0), z.maximum(900))),
  MessageAttributes: z.optional(
    z
      .record(z.string().check(z.regex(attributeName)), attribute)
      .check(
        z.refine((all) => Object.keys(all).length <= maxAttributes, `expected at most ${maxAttributes} attributes`),
      ),
  ),
});

/** The inputs of SQS operations, with the limits that fauxqs does not check. */
const sqsInputs: Readonly<Record<string, z.ZodMiniType>> = {
  'AmazonSQS.SendMessage': message,
  'AmazonSQS.SendMessageBatch': z.object({ Entries: z.optional(z.array(message)) }),
  'AmazonSQS.CreateQueue': z.object({ QueueName: z.string().check(z.regex(/^(?=.{1,80}$)[\w-]+(\.fifo)?$/)) }),
};

/** @returns the error of SQS for an input that exceeds its limits */
export function findSqsProblem(target: unknown, input: unknown): AwsError | undefined {
  const issue = sqsInputs[String(target)]?.safeParse(input, { error: localeError }).error?.issues[0];
  if (!issue) return undefined;
  return new AwsError(
    'InvalidParameterValue',
    `Value for parameter ${issue.path.join('.')} is invalid. ${issue.message}`,
  );
}

const maxKeyBytes = 1_024;
const maxMetadataBytes = 2_048;
const maxDeletedObjects = 1_000;
/** Headers of writes that would change the result, but that fauxqs ignores. */
const ignoredHeaders = ['if-match', 'if-none-match', 'x-amz-tagging'];

/** The part of a request to S3 that the limits concern. */
export interface S3Request {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
}

/** @returns the error of S3 for a request that exceeds its limits, or whose content does not match its checksum */
export function findS3Problem({ method, url, headers, body }: S3Request): AwsError | undefined {
  const { pathname, searchParams } = new URL(url, 'http://s3');
  const [, key = ''] = /^\/[^/]+\/(.+)$/.exec(pathname) ?? [];
  if (Buffer.byteLength(decodeURIComponent(key)) > maxKeyBytes) {
    return new AwsError('KeyTooLongError', `Your key is too long: the maximum is ${maxKeyBytes} bytes`);
  }
  if (method === 'POST' && searchParams.has('delete')) {
    const objects = String(body).match(/<Object>/g)?.length ?? 0;
    const invalid = objects < 1 || objects > maxDeletedObjects;
    return invalid ? new AwsError('MalformedXML', `Expected 1 to ${maxDeletedObjects} objects to delete`) : undefined;
  }
  if (method !== 'PUT') return undefined;
  const ignored = ignoredHeaders.find((name) => headers[name] !== undefined);
  if (ignored) return unsupported(`S3 PUT with the header ${ignored}`);
  if (metadataBytes(headers) > maxMetadataBytes) {
    return new AwsError('MetadataTooLarge', `Your metadata headers exceed the maximum of ${maxMetadataBytes} bytes`);
  }
  return Buffer.isBuffer(body) && !String(headers['content-encoding']).includes('aws-chunked')
    ? findChecksumProblem(headers, body)
    : undefined;
}

function metadataBytes(headers: S3Request['headers']): number {
  const metadata = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-'));
  return metadata.reduce((sum, [name, value]) => sum + name.length - 'x-amz-meta-'.length + String(value).length, 0);
}

/** The checksums by header, in base64. */
const checksums: Readonly<Record<string, (body: Buffer) => string>> = {
  'content-md5': (body) => createHash('md5').update(body).digest('base64'),
  'x-amz-checksum-sha256': (body) => createHash('sha256').update(body).digest('base64'),
  'x-amz-checksum-sha1': (body) => createHash('sha1').update(body).digest('base64'),
  'x-amz-checksum-crc32': (body) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(crc32(body));
    return bytes.toString('base64');
  },
};

function findChecksumProblem(headers: S3Request['headers'], body: Buffer): AwsError | undefined {
  for (const [header, calculate] of Object.entries(checksums)) {
    const expected = headers[header];
    if (expected === undefined || expected === calculate(body)) continue;
    return new AwsError('BadDigest', `The ${header} you specified did not match the calculated checksum.`);
  }
  return undefined;
}
