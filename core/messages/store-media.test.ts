import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { receivedAtSecond, textMessage } from '../../test/domain-events.ts';
import { type Respond, respondWith, startServer } from '../../test/http-server.ts';
import { useSharedLocal } from '../../test/shared-local.ts';
import type { AnyEvent } from '../events/event.ts';
import type { FetchRules } from '../media/fetch.ts';

describe('storeMedia', () => {
  let cdn: Awaited<ReturnType<typeof startServer>>;
  let answer: Respond;
  let rules: FetchRules;
  let modules: {
    storeMedia: typeof import('./store-media.ts').storeMedia;
    storeMessage: typeof import('./messages.ts').storeMessage;
    findMessages: typeof import('./queries.ts').findMessages;
    Message: typeof import('./messages.ts').Message;
    messageKey: typeof import('./messages.ts').messageKey;
    deleteMessage: typeof import('./changes.ts').deleteMessage;
    editMessage: typeof import('./changes.ts').editMessage;
    listConversationFiles: typeof import('../media/media.ts').listConversationFiles;
    mediaBucket: typeof import('../media/media.ts').mediaBucket;
    mediaPrefix: typeof import('../media/media.ts').mediaPrefix;
    putObject: typeof import('../platform/objects.ts').putObject;
  };

  beforeAll(async () => {
    cdn = await startServer((response, request) => answer(response, request));
    await useSharedLocal();
    modules = {
      ...(await import('./store-media.ts')),
      ...(await import('./messages.ts')),
      ...(await import('./changes.ts')),
      ...(await import('./queries.ts')),
      ...(await import('../media/media.ts')),
      ...(await import('../platform/objects.ts')),
    };
    rules = { maxBytes: 1_000, timeoutMs: 5_000, simulatorUrl: cdn.url };
  });
  beforeEach(() => {
    cdn.received.length = 0;
    answer = respondWith(200, 'hello', { 'content-type': 'text/plain' });
  });
  afterAll(() => cdn.stop());

  function arrival() {
    const organizationId = randomUUID();
    const message = textMessage(organizationId, {
      id: `THREAD_${randomUUID()}`,
      type: 'media',
      content: 'https://cdn.livechat-files.com/a.txt',
      metadata: { filename: 'a.txt', contentType: 'text/plain' },
    });
    const place = { organizationId, conversationId: message.conversationId };
    const metadata = receivedAtSecond(20, organizationId, randomUUID());
    const published: AnyEvent[] = [];
    const ensure = () => modules.storeMessage(message, metadata);
    const ports = {
      rules,
      now: Date.now,
      publish: async (events: readonly AnyEvent[]) => void published.push(...events),
    };
    return {
      key: modules.messageKey(message),
      published,
      ensure,
      store: (publish = ports.publish) =>
        modules.storeMedia({ message, metadata, isEdit: false, storeMessage: ensure }, { ...ports, publish }),
      receive: (content: string) =>
        modules.storeMedia({ message: { ...message, content }, metadata, isEdit: false, storeMessage: ensure }, ports),
      /** Edits the message, and stores its new file. */
      async edit(content: string) {
        const edited = { ...message, content };
        const event = { ...metadata, id: randomUUID(), receivedAt: new Date().toISOString() };
        await modules.editMessage({ type: 'message.updated', metadata: event, data: edited });
        const storeMessage = () => Promise.reject(new Error('the message is stored'));
        return modules.storeMedia({ message: edited, metadata: event, isEdit: true, storeMessage }, ports);
      },
      makeNote: () => {
        const event = { ...metadata, id: randomUUID(), receivedAt: new Date().toISOString() };
        return modules.editMessage({
          type: 'note.updated',
          metadata: event,
          data: { ...message, visibility: 'agents' },
        });
      },
      /** Stores the file as an invocation does that then crashes. */
      storeFileBeforeCrash: () =>
        modules.putObject({
          bucket: modules.mediaBucket(),
          key: `${modules.mediaPrefix(modules.messageKey(message))}a.txt`,
          body: 'hello',
          contentType: 'text/plain',
        }),
      remove: () => {
        const { conversationId, threadId, id: messageId } = message;
        const data = { conversationId, threadId, messageId };
        return modules.deleteMessage({ type: 'message.deleted', metadata, data });
      },
      stored: async () => (await modules.findMessages(message.id))[0],
      files: () => modules.listConversationFiles(place),
    };
  }

  it('stores the message first if it is not stored', async () => {
    const { store, stored, published, files } = arrival();
    expect(await store()).toBe('stored');
    expect(await stored()).toMatchObject({ content: expect.any(String), metadata: { media: { size: 5 } } });
    expect(published).toHaveLength(1);
    expect(await files()).toHaveLength(1);
  });

  it('publishes on retry after a crash, without another download', async () => {
    const { store, ensure, published } = arrival();
    await ensure();
    await expect(store(() => Promise.reject(new RangeError('the bus is unavailable')))).rejects.toThrow(RangeError);
    expect(await store()).toBe('stored');
    expect(await store()).toBe('stored');
    expect(published).toMatchObject([{ type: 'media.stored' }, { type: 'media.stored' }]);
    expect(new Set(published.map(({ metadata }) => metadata.id)).size).toBe(1);
    expect(cdn.received).toHaveLength(1);
  });

  it('publishes `media.stored` with the visibility of a note if an edit made the message a note', async () => {
    const { store, ensure, makeNote, published } = arrival();
    await ensure();
    await makeNote();
    expect(await store()).toBe('stored');
    expect(await store()).toBe('stored');
    const ofNote = { type: 'media.stored', data: { visibility: 'agents' } };
    expect(published).toMatchObject([ofNote, ofNote]);
  });

  it('stores nothing if the message is erased meanwhile', async () => {
    const { store, ensure, published, key, stored, files } = arrival();
    await ensure();
    answer = async (response, request) => {
      await modules.Message.delete(key).go();
      respondWith(200, 'hello')(response, request);
    };
    expect(await store()).toBe('discarded');
    expect(await stored()).toBeUndefined();
    expect(await files()).toEqual([]);
    expect(published).toEqual([]);
  });

  it('deletes the file of a crashed attempt if the message was deleted', async () => {
    const { store, ensure, remove, files, storeFileBeforeCrash } = arrival();
    await ensure();
    await remove();
    await storeFileBeforeCrash();
    expect(await files()).toHaveLength(1);
    expect(await store()).toBe('discarded');
    expect(await files()).toEqual([]);
  });

  it.each([
    ['cannot be fetched', 404],
    ['is not available yet', 503],
  ])('removes the previous file if the file of an edit %s', async (_what, status) => {
    const { store, ensure, edit, files } = arrival();
    await ensure();
    await store();
    answer = respondWith(status, '');
    await edit('https://cdn.livechat-files.com/b.txt').catch(() => undefined);
    expect(await files()).toEqual([]);
  });

  it('keeps the stored file if the message is redelivered with another URL', async () => {
    const { store, ensure, receive, stored, files } = arrival();
    await ensure();
    await store();
    const before = await stored();
    expect(await receive('https://cdn.livechat-files.com/a.txt?signature=2')).toBe('discarded');
    expect(await stored()).toEqual(before);
    expect(await files()).toHaveLength(1);
  });

  it('keeps a stored file if the server fails later', async () => {
    const { store, ensure, stored } = arrival();
    await ensure();
    await store();
    const before = await stored();
    answer = respondWith(503, '');
    expect(await store()).toBe('stored');
    expect(await stored()).toEqual(before);
  });
});
