import { fileTypeFromBuffer } from 'file-type';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { readText, startApi } from '../../test/test-simulator.ts';

const chatBody = z.object({
  events: z.array(z.looseObject({ url: z.optional(z.string()), size: z.optional(z.number()) })),
});

describe('the CDN', () => {
  /** Fetches a file of LiveChat's CDN from the simulator. */
  async function fetchFile(base: string, url: string) {
    const answer = await fetch(new URL(new URL(url).pathname, base));
    const type = answer.headers.get('content-type');
    return { status: answer.status, type, bytes: Buffer.from(await answer.arrayBuffer()) };
  }

  async function sendFile(file: object) {
    const { base, startChat, act, simulatorApi } = await startApi();
    const chat = await startChat();
    const { status, json } = await act(chat, { action: 'file', ...file });
    const { events } = chatBody.parse((await simulatorApi(`chats/${chat}`)).json);
    const { url = '', size } = events.at(-1) ?? {};
    return { base, status, json, url, size };
  }

  it('serves an uploaded file', async () => {
    const { base, api } = await startApi();
    const form = new FormData();
    form.append('file', new File(['hello'], 'a b.txt', { type: 'text/plain' }));
    const url = readText((await api('upload_file', form)).json, 'url');
    expect(await fetchFile(base, url)).toEqual({ status: 200, type: 'text/plain', bytes: Buffer.from('hello') });
  });

  it('serves a file that a customer sent', async () => {
    const content = Buffer.from('hello').toString('base64');
    const { base, url, size } = await sendFile({ name: 'żółć.png', content });
    expect(url).toMatch(/^https:\/\/cdn\.livechat-files\.com\//);
    expect(size).toBe(5);
    expect(await fetchFile(base, url)).toEqual({ status: 200, type: 'image/png', bytes: Buffer.from('hello') });
  });

  it.each(['photo.png', 'photo.jpg', 'photo.gif', 'photo.webp', 'plan.pdf'])(
    'serves a sample of %s if no content is given',
    async (name) => {
      const { base, url } = await sendFile({ name });
      const { type, bytes } = await fetchFile(base, url);
      expect((await fileTypeFromBuffer(bytes))?.mime).toBe(type);
    },
  );

  it('responds with 404 for an unknown file', async () => {
    const { base, url } = await sendFile({
      name: 'a.png',
      url: 'https://cdn.livechat-files.com/api/file/lc/elsewhere.png',
    });
    expect(await fetchFile(base, url)).toMatchObject({ status: 404 });
  });

  it('rejects content that is not base64 with 400', async () => {
    const { status, json } = await sendFile({ name: 'a.png', content: '%' });
    expect(status).toBe(400);
    expect(json).toMatchObject({ error: { field: 'content' } });
  });
});
