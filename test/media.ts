import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod/mini';
import type { RunningLocal } from './local.ts';
import { awsClientConfig } from './local-aws.ts';

export const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=',
  'base64',
);
/** The hash of `png`. */
export const sha256 = '431ced6916a2a21a156e38701afe55bbd7f88969fbbfc56d7fe099d47f265460';

/** A conversation in the API, as far as its files are concerned. */
export const conversation = z.object({
  messages: z.array(
    z.looseObject({
      id: z.string(),
      content: z.optional(z.unknown()),
      metadata: z.looseObject({ media: z.optional(z.looseObject({ key: z.optional(z.string()) })) }),
      link: z.optional(z.object({ url: z.string(), expiresAt: z.string() })),
    }),
  ),
  notes: z.array(z.looseObject({ link: z.optional(z.object({ url: z.string() })) })),
});

export const s3Client = (local: RunningLocal) => new S3Client(awsClientConfig(local));

export async function listKeys(local: RunningLocal, prefix: string): Promise<string[]> {
  const { Contents = [] } = await s3Client(local).send(new ListObjectsV2Command({ Bucket: 'media', Prefix: prefix }));
  return Contents.flatMap(({ Key }) => Key ?? []);
}
