import { describe, expect, it } from 'vitest';
import { organizationId } from '../../../test/arbitraries.ts';
import { payloads } from '../schemas.ts';
import { translate } from './translate.ts';

const receivedAt = '2026-03-11T09:14:30.000Z';
const createdAt = '2026-03-11T09:14:14.120349Z';
const place = { chat_id: 'C', thread_id: 'T' };
const event = { id: 'T_1', type: 'message', created_at: createdAt };

function got(action: string, payload: unknown) {
  return translate({ organizationId, action, payload, receivedAt }, {});
}

describe('a body that fits no schema', () => {
  it.each([
    ['incoming_event', undefined, ['payload']],
    ['incoming_event', 'text', ['payload']],
    ['incoming_event', { ...place }, ['payload.event']],
    ['incoming_event', { event }, ['payload.chat_id', 'payload.thread_id']],
    ['incoming_event', { ...place, chat_id: '', event }, ['payload.chat_id']],
    ['incoming_event', { ...place, chat_id: 'C'.repeat(257), event }, ['payload.chat_id']],
    ['incoming_event', { ...place, event: { ...event, created_at: 'yesterday' } }, ['payload.event.created_at']],
    [
      'incoming_event',
      { ...place, event: { ...event, created_at: '2026-13-01T00:00:00Z' } },
      ['payload.event.created_at'],
    ],
    ['incoming_chat', { chat: { id: 'C' } }, ['payload.chat.thread']],
    ['incoming_chat', { chat: { id: 'C', users: [{}], thread: { ...event, id: 'T' } } }, ['payload.chat.users.0.id']],
    ['chat_deactivated', { chat_id: 'C' }, ['payload.thread_id']],
    ['chat_access_updated', { chat_id: 'C', access: {} }, ['payload.id']],
    ['chat_transferred', { chat_id: 'C', transferred_to: { agent_ids: [7] } }, ['payload.transferred_to.agent_ids.0']],
    ['events_marked_as_seen', { chat_id: 'C', user_id: 'u' }, ['payload.seen_up_to']],
    [
      'incoming_rich_message_postback',
      { ...place, user_id: 'u', event_id: 'e', postback: {} },
      ['payload.postback.id'],
    ],
  ])('of %s, %j, is rejected for %j', (action, payload, paths) => {
    expect(got(action, payload)).toMatchObject([
      { type: 'webhook.rejected', data: { action, issues: paths.map((path) => ({ path })), body: payload } },
    ]);
  });

  it.each(Object.keys(payloads))('of %s is rejected as a whole when it is a list', (action) => {
    expect(got(action, [])).toMatchObject([{ type: 'webhook.rejected', data: { issues: [{ path: 'payload' }] } }]);
  });

  it('is told with what was expected, never with what was there', () => {
    const [rejected] = got('incoming_event', { ...place, event: { ...event, created_at: 'sensitive', id: 42 } });
    expect(rejected).toMatchObject({
      data: { issues: [{ path: 'payload.event.id' }, { path: 'payload.event.created_at' }] },
    });
    expect(JSON.stringify(rejected?.data)).toMatch(/expected string.*expected an RFC 3339 time/);
    const issues = rejected?.type === 'webhook.rejected' ? rejected.data.issues : [];
    expect(JSON.stringify(issues)).not.toMatch(/sensitive|42/);
  });
});

describe('a malformed event inside a chat’s start', () => {
  const odd = { id: 'T_2', type: 'message' };
  const chat = {
    id: 'C',
    thread: { id: 'T', created_at: createdAt, events: [event, odd, 'text', { ...event, id: 'T_4' }] },
  };

  it('takes neither the chat nor its other events with it', () => {
    expect(got('incoming_chat', { chat }).map(({ type }) => type)).toEqual([
      'chat.started',
      'message.received',
      'webhook.rejected',
      'webhook.rejected',
      'message.received',
    ]);
  });

  it('is rejected on its own, by its place in the chat', () => {
    const rejected = got('incoming_chat', { chat }).filter(({ type }) => type === 'webhook.rejected');
    expect(rejected).toMatchObject([
      { data: { action: 'incoming_chat', issues: [{ path: 'payload.chat.thread.events.1.created_at' }], body: odd } },
      { data: { issues: [{ path: 'payload.chat.thread.events.2' }], body: 'text' } },
    ]);
  });
});
