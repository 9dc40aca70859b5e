import { randomUUID } from 'node:crypto';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { fixture } from './fixtures.ts';
import { pollOptions, post } from './local.ts';
import { awsClientConfig } from './local-aws.ts';
import { listKeys } from './media.ts';
import { type SharedLocal, sharedLocal } from './shared-local.ts';

const conversationPage = z.object({
  conversations: z.array(z.object({ id: z.string() })),
  next: z.optional(z.string()),
});
const customer = '5f0c1d7e-2a84-4c39-9b61-7c2e9d1a4b55';

describe('the webhooks of a chat', () => {
  let local: SharedLocal;
  beforeAll(async () => {
    local = await sharedLocal();
  });

  /** A chat of a new organization, and functions that post its webhooks. */
  function chat(organization_id: string = randomUUID(), chat_id = 'CHAT') {
    const place = { chat_id, thread_id: 'THREAD' };
    const send = async (action: string, payload: object) => {
      const body = { ...fixture('incoming_event.message.customer.json'), organization_id, action, payload };
      expect(await post(local, body)).toEqual({ status: 200, body: '{"success":true}' });
      await local.idle();
    };
    const event = (number: number, more: object = {}) => ({
      id: `THREAD_${number}`,
      type: 'message',
      text: `text ${number}`,
      author_id: customer,
      visibility: 'all',
      created_at: `2026-03-11T09:14:${String(10 + number).padStart(2, '0')}.000001Z`,
      ...more,
    });
    return {
      organizationId: organization_id,
      event,
      start: (users: object[] = [], thread: object = {}) =>
        send('incoming_chat', {
          chat: { id: chat_id, users, thread: { id: 'THREAD', created_at: '2026-03-11T09:14:10.000000Z', ...thread } },
        }),
      arrives: (number: number, more?: object) => send('incoming_event', { ...place, event: event(number, more) }),
      edited: (number: number, more?: object) => send('event_updated', { ...place, event: event(number, more) }),
      deleted: (number: number) => send('event_deleted', { ...place, event_id: `THREAD_${number}` }),
      happens: (action: string, payload: object) => send(action, { ...place, ...payload }),
      read: async () => (await local.api(`/api/conversations/CHAT?organizationId=${organization_id}`)).body,
    };
  }

  it('are stored as notes if their visibility is `agents`', async () => {
    const { arrives, edited, read } = chat();
    await arrives(1);
    await arrives(2, { visibility: 'agents', author_id: 'nina@acme.example', text: 'confidential note' });
    await edited(2, { visibility: 'agents', author_id: 'nina@acme.example', text: 'edited note' });
    expect(await read()).toMatchObject({
      messages: [{ id: 'THREAD_1' }],
      notes: [{ id: 'THREAD_2', content: 'edited note', edited: true }],
    });
    expect(await local.output()).not.toMatch(/message\.\w+ .*confidential/);
  });

  it('are stored through the bucket if they are too large for the bus', async () => {
    const { start, event, read } = chat();
    const events = Array.from({ length: 40 }, (_, index) => event(index + 1, { text: 'x'.repeat(15_000) }));
    await start([], { events: [...events, event(41, { type: 'custom', content: { list: 'y'.repeat(250_000) } })] });
    const body = await read();
    expect(body).toHaveProperty('messages.length', 41);
    expect(body).toHaveProperty('messages.40.metadata.oversize.bytes');
    expect(body).toHaveProperty('messages.39.content', 'x'.repeat(15_000));
  });

  it.each([
    { what: 'a custom message', large: { type: 'custom', content: { list: 'y'.repeat(250_000) } } },
    { what: 'a text that fits into the table', large: { text: 'y'.repeat(130_000) } },
    { what: 'a note', large: { visibility: 'agents', author_id: 'nina@acme.example', text: 'y'.repeat(130_000) } },
  ])('are deleted from the bucket after $what is edited or deleted, in any order of arrival', async ({ large }) => {
    const { arrives, edited, deleted, organizationId } = chat();
    const keys = () => listKeys(local, `events/${organizationId}/`);
    await arrives(1, large);
    expect(await keys()).toHaveLength(1);
    await deleted(1);
    expect(await keys()).toEqual([]);

    await deleted(2);
    await arrives(2, large);
    await edited(2, large);
    expect(await keys()).toEqual([]);

    await arrives(3, large);
    await edited(3, { ...large, type: 'message', content: undefined, text: 'short' });
    await arrives(3, large);
    expect(await keys()).toEqual([]);

    await edited(4, large);
    await arrives(4, large);
    expect(await keys()).toHaveLength(1);
  });

  it('keep the latest revision, also if it arrives before its message', async () => {
    const { arrives, edited, read } = chat();
    await edited(1, { text: 'edited' });
    await arrives(1);
    await edited(1, { text: 'edited again' });
    expect(await read()).toMatchObject({
      messages: [{ content: 'edited again', edited: true, timestamp: '2026-03-11T09:14:11.000001Z' }],
    });
  });

  it('keep a revision that arrives concurrently with its message', async () => {
    const { arrives, edited, read } = chat();
    const numbers = Array.from({ length: 25 }, (_, index) => index + 1);
    await Promise.all(numbers.flatMap((number) => [edited(number, { text: 'edited' }), arrives(number)]));
    expect(await read()).toMatchObject({ messages: numbers.map(() => ({ content: 'edited', edited: true })) });
  });

  it('keep a tombstone in any order of arrival, and remove the stored media', async () => {
    const { arrives, edited, deleted, organizationId, read } = chat();
    const prefix = `${organizationId}/CHAT/THREAD_1/`;
    await arrives(1, {
      type: 'file',
      name: 'a.png',
      url: 'https://cdn.livechat-files.com/a.png',
      content_type: 'image/png',
    });
    const file = { Bucket: 'media', Key: `${prefix}a.png`, Body: 'bytes' };
    await new S3Client(awsClientConfig(local)).send(new PutObjectCommand(file));
    await deleted(1);
    await deleted(2);
    await edited(2);
    await arrives(2);
    await arrives(3, { deleted: true });
    await arrives(3);
    expect(await listKeys(local, prefix)).toEqual([]);
    const body = await read();
    const tombstone = { deleted: true, author: { id: customer, type: 'customer' } };
    expect(body).toMatchObject({ messages: [{ ...tombstone, type: 'media' }, tombstone, tombstone] });
    for (const index of [0, 1, 2]) expect(body).not.toHaveProperty(`messages.${index}.content`);
    const { body: one } = await local.api(`/api/messages/THREAD_1?organizationId=${organizationId}`);
    expect(one).toMatchObject({ message: tombstone });
  });

  it('store a message whose `custom_id` begins as those of the bridge and is too long for a key', async () => {
    const { arrives, read } = chat();
    await arrives(1, { author_id: 'nina@acme.example', custom_id: `out-${'x'.repeat(2_000)}` });
    expect(await read()).toMatchObject({ messages: [{ id: 'THREAD_1', direction: 'outbound' }] });
  });

  it('store the echo of a sent message as outbound, and a customer’s imitation of one as inbound', async () => {
    const { arrives, read } = chat();
    await arrives(1, { custom_id: 'out-1', author_id: 'nina@acme.example' });
    await arrives(2, { custom_id: 'out-2' });
    expect(await read()).toMatchObject({ messages: [{ direction: 'outbound' }, { direction: 'inbound' }] });
    await expect.poll(local.output, pollOptions).toMatch(/message\.delivered .*CHAT/);
  });

  describe.each(['message', 'note', 'edit'] as const)('correct the author of a %s', (kind) => {
    const users = [{ id: 'odd-agent', type: 'agent', present: true }];
    const author_id = 'odd-agent';
    const post = ({ arrives, edited }: ReturnType<typeof chat>) => {
      if (kind === 'edit') return edited(1, { author_id });
      return arrives(1, { author_id, visibility: kind === 'note' ? 'agents' : 'all' });
    };
    const expectCorrected = async ({ read, organizationId }: ReturnType<typeof chat>) => {
      const corrected = [{ author: { type: 'agent' }, direction: 'outbound' }];
      expect(await read()).toMatchObject(kind === 'note' ? { notes: corrected } : { messages: corrected });
      const { body } = await local.api(`/api/messages/THREAD_1?organizationId=${organizationId}`);
      expect(body).toMatchObject({ message: { author: { type: 'agent' } } });
    };

    it.each(['before', 'after'])('if chat.started arrives %s it', async (when) => {
      const one = chat();
      if (when === 'before') await one.start(users);
      await post(one);
      if (when === 'after') await one.start(users);
      await expectCorrected(one);
    });

    it('if chat.started arrives concurrently', async () => {
      const chats = Array.from({ length: 12 }, () => chat());
      await Promise.all(chats.flatMap((one) => [one.start(users), post(one)]));
      for (const one of chats) await expectCorrected(one);
    });
  });

  it('make the conversation idle, and open again with the next message, in either order of arrival', async () => {
    const idle = { type: 'system_message', system_message_type: 'routing.idle', author_id: undefined, text: 'idle' };
    const status = async (...steps: ((one: ReturnType<typeof chat>) => Promise<void>)[]) => {
      const one = chat();
      for (const step of [(it: typeof one) => it.start(), ...steps]) await step(one);
      return one.read();
    };
    expect(
      await status(
        (it) => it.arrives(1),
        (it) => it.arrives(2, idle),
      ),
    ).toMatchObject({ conversation: { status: 'idle' } });
    expect(
      await status(
        (it) => it.arrives(2, idle),
        (it) => it.arrives(3),
      ),
    ).toMatchObject({ conversation: { status: 'open' } });
    expect(
      await status(
        (it) => it.arrives(3),
        (it) => it.arrives(2, idle),
      ),
    ).toMatchObject({ conversation: { status: 'open' } });
  });

  it('store clicks, read marks, tags and session fields', async () => {
    const { start, arrives, happens, read, organizationId } = chat();
    await start([{ id: customer, type: 'customer', present: true, session_fields: [{ plan: 'pro' }] }], {
      tags: ['vip'],
    });
    await arrives(1, { type: 'rich_message', elements: [], author_id: 'nina@acme.example' });
    await happens('incoming_rich_message_postback', {
      user_id: customer,
      event_id: 'THREAD_1',
      postback: { id: 'yes', toggled: true },
    });
    await happens('incoming_rich_message_postback', {
      user_id: customer,
      event_id: 'THREAD_1',
      postback: { id: 'no', toggled: true },
    });
    await happens('events_marked_as_seen', { user_id: customer, seen_up_to: '2026-03-11T09:14:11.000001Z' });
    await happens('events_marked_as_seen', { user_id: customer, seen_up_to: '2026-03-11T09:14:10Z' });
    await happens('thread_tagged', { tag: 'refund' });
    await happens('customer_session_fields_updated', {
      id: customer,
      active_chat: { chat_id: 'CHAT', thread_id: 'THREAD' },
      session_fields: [{ cart: '12' }],
    });
    expect(await read()).toMatchObject({
      conversation: {
        threads: [{ tags: ['refund', 'vip'] }],
        participants: [{ id: customer, fields: { plan: 'pro', cart: '12' }, seenUpTo: '2026-03-11T09:14:11.000001Z' }],
      },
    });
    const { body } = await local.api(`/api/messages/THREAD_1?organizationId=${organizationId}`);
    expect(body).toMatchObject({
      message: { type: 'interactive' },
      clicks: [{ button: { id: 'yes' } }, { button: { id: 'no' } }],
    });
  });

  it('are queried through an API that rejects an invalid query with the field name', async () => {
    expect(await local.api('/api/conversations?status=lost')).toEqual({
      status: 400,
      body: { error: { field: 'status', expected: 'one of queued, open, idle, closed' } },
    });
    expect(await local.api('/api/conversations?limit=0')).toMatchObject({
      status: 400,
      body: { error: { field: 'limit' } },
    });
    expect(await local.api('/api/conversations?after=x')).toMatchObject({
      status: 400,
      body: { error: { field: 'after' } },
    });
    expect(await local.api('/api/conversations/none')).toMatchObject({ status: 404, body: { error: { field: 'id' } } });
    expect(await local.api('/api/messages/none')).toMatchObject({ status: 404, body: { error: { field: 'id' } } });
    expect(
      (await fetch(new URL('/api/health', local.console), { headers: { origin: 'https://evil.example' } })).status,
    ).toBe(403);
  });

  it('are listed by conversation in pages without gaps or duplicates', async () => {
    const organizationId = randomUUID();
    const ids = ['A', 'B', 'C', 'D', 'E'];
    for (const id of ids) await chat(organizationId, id).arrives(1);
    const listed: string[] = [];
    for (let after: string | undefined = ''; after !== undefined; ) {
      const query = `organizationId=${organizationId}&status=open&limit=2${after && `&after=${after}`}`;
      const page = conversationPage.parse((await local.api(`/api/conversations?${query}`)).body);
      expect(page.conversations.length).toBeLessThanOrEqual(2);
      listed.push(...page.conversations.map(({ id }) => id));
      after = page.next;
    }
    expect(listed).toEqual(ids.toReversed());
  });

  it('are listed as messages of a conversation in pages', async () => {
    const { arrives, organizationId } = chat();
    for (const number of [1, 2, 3]) await arrives(number);
    const page = async (after = '') =>
      (await local.api(`/api/conversations/CHAT?organizationId=${organizationId}&limit=2${after}`)).body;
    const first = await page();
    expect(first).toMatchObject({ messages: [{ id: 'THREAD_1' }, { id: 'THREAD_2' }] });
    const { next = '' } = z.object({ next: z.optional(z.string()) }).parse(first);
    const second = await page(`&after=${encodeURIComponent(next)}`);
    expect(second).toMatchObject({ messages: [{ id: 'THREAD_3' }] });
    expect(second).not.toHaveProperty('next');
  });
});
