import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod/mini';
import type { RunningLocal } from './local.ts';

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

export const s3Client = (local: RunningLocal) =>
  new S3Client({
    endpoint: local.aws,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });

export async function listKeys(local: RunningLocal, prefix: string): Promise<string[]> {
  const { Contents = [] } = await s3Client(local).send(new ListObjectsV2Command({ Bucket: 'media', Prefix: prefix }));
  return Contents.flatMap(({ Key }) => Key ?? []);
}

/** Collects the `media.stored` events on the bus from now on. */
export async function watchMediaStored(local: RunningLocal) {
  const stopping = new AbortController();
  const stored = z.object({
    detailType: z.literal('media.stored'),
    source: z.literal('omnichannel.livechat'),
    detail: z.object({
      metadata: z.looseObject({ id: z.string(), organizationId: z.string() }),
      data: z.looseObject({}),
    }),
  });
  const received: z.infer<typeof stored>['detail'][] = [];
  const { body } = await fetch(new URL('/api/stream', local.console), { signal: stopping.signal });
  const read = async () => {
    let text = '';
    for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines.filter((one) => one.startsWith('data: '))) {
        const event = stored.safeParse(JSON.parse(line.slice('data: '.length)));
        if (event.success) received.push(event.data.detail);
      }
    }
  };
  read().catch(() => {});
  return {
    of: (id: string) => received.filter(({ metadata }) => metadata.organizationId === id),
    stop: () => stopping.abort(),
  };
}
