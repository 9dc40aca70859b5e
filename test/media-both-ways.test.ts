import { PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { organizationId, printed } from './local.ts';
import { bucketOf, conversation, png, sha256 } from './media.ts';
import { outbound } from './outbound.ts';
import { type SharedLocal, sharedLocal } from './shared-local.ts';

describe('a file through the simulator', () => {
  let local: SharedLocal;
  beforeAll(async () => {
    local = await sharedLocal();
  });

  async function messagesOf(id: string) {
    return conversation.parse((await local.api(`/api/conversations/${id}`)).body).messages;
  }

  it('sent by a customer has a link', async () => {
    const { chat, act } = outbound(local);
    const id = await chat();
    await act(id, { action: 'file', name: 'photo.png', content: png.toString('base64') });
    await act(id, { action: 'file', name: 'plan.pdf' });
    const media = async () => (await messagesOf(id)).map(({ metadata }) => metadata.media);
    await expect
      .poll(async () => (await media().catch(() => [])).slice(1), printed)
      .toMatchObject([
        { sha256, typeCheck: 'match' },
        { contentType: 'application/pdf', typeCheck: 'match' },
      ]);
    const [, photo] = await messagesOf(id);
    expect(Buffer.from(await (await fetch(photo?.link?.url ?? '')).arrayBuffer())).toEqual(png);
  });

  it('sent from the bucket arrives unchanged and returns with a link', async () => {
    const { chat, send, settled, act } = outbound(local);
    const id = await chat();
    const key = `${organizationId}/outbound/floor plan.png`;
    await bucketOf(local).send(
      new PutObjectCommand({ Bucket: 'media', Key: key, Body: png, ContentType: 'image/png' }),
    );
    await send(id, { messages: [{ type: 'media', content: { key, alternativeText: 'A plan' } }] });
    await settled();
    const media = async () => (await messagesOf(id)).map(({ metadata }) => metadata.media);
    await expect.poll(async () => (await media())[1], printed).toMatchObject({ sha256 });
    const [, sent] = await messagesOf(id);
    expect(sent).toMatchObject({ direction: 'outbound', metadata: { filename: 'floor plan.png' } });
    await act(id, { action: 'message', text: 'Thank you' });
  });
});
