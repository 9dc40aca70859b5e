import { PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { organizationId, pollOptions } from './local.ts';
import { conversation, png, s3Client, sha256 } from './media.ts';
import { outbound } from './outbound.ts';
import { type SharedLocal, sharedLocal } from './shared-local.ts';

describe('a file in the simulator', () => {
  let local: SharedLocal;
  beforeAll(async () => {
    local = await sharedLocal();
  });

  async function readMessages(id: string) {
    return conversation.parse((await local.api(`/api/conversations/${id}`)).body).messages;
  }

  it('has a link if a customer sent it', async () => {
    const { chat, act } = outbound(local);
    const id = await chat();
    await act(id, { action: 'file', name: 'photo.png', content: png.toString('base64') });
    await act(id, { action: 'file', name: 'plan.pdf' });
    const media = async () => (await readMessages(id)).map(({ metadata }) => metadata.media);
    await expect
      .poll(async () => (await media().catch(() => [])).slice(1), pollOptions)
      .toMatchObject([
        { sha256, typeCheck: 'match' },
        { contentType: 'application/pdf', typeCheck: 'match' },
      ]);
    const [, photo] = await readMessages(id);
    expect(Buffer.from(await (await fetch(photo?.link?.url ?? '')).arrayBuffer())).toEqual(png);
  });

  it('arrives unchanged if it is sent from the bucket, and has a link', async () => {
    const { chat, send, waitForExecutions, act } = outbound(local);
    const id = await chat();
    const key = `${organizationId}/outbound/floor plan.png`;
    await s3Client(local).send(
      new PutObjectCommand({ Bucket: 'media', Key: key, Body: png, ContentType: 'image/png' }),
    );
    await send(id, { messages: [{ type: 'media', content: { key, alternativeText: 'A plan' } }] });
    await waitForExecutions();
    const media = async () => (await readMessages(id)).map(({ metadata }) => metadata.media);
    await expect.poll(async () => (await media())[1], pollOptions).toMatchObject({ sha256 });
    const [, sent] = await readMessages(id);
    expect(sent).toMatchObject({ direction: 'outbound', metadata: { filename: 'floor plan.png' } });
    await act(id, { action: 'message', text: 'Thank you' });
  });
});
