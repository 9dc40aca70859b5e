import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { organizationId, reversed, webhook } from '../../../test/arbitraries.ts';
import { type Action, payloads } from '../schemas.ts';
import type { Webhook } from './context.ts';
import { translate } from './translate.ts';

const event = { id: 'T_1', type: 'message', created_at: '2026-03-11T09:14:14.120349Z', text: 'Hello' };
const place = { chat_id: 'C', thread_id: 'T' };
const receivedAt = '2026-03-11T09:10:00.000Z';

function idsOf(action: Action, payload: unknown, other: Partial<Webhook> = {}): string[] {
  return translate({ organizationId, action, payload, receivedAt, ...other }, {}).map(({ metadata }) => metadata.id);
}

describe('the ids of events', () => {
  it('are the same for the same webhook, in whatever order the members of its objects come', () => {
    fc.assert(
      fc.property(webhook, (one) => {
        const identify = (given: Webhook) =>
          translate(given, {}).map(({ type, metadata: { id, correlationId } }) => ({ type, id, correlationId }));
        expect(identify({ ...one, payload: structuredClone(one.payload) })).toEqual(identify(one));
        expect(identify({ ...one, payload: reversed(one.payload) })).toEqual(identify(one));
      }),
      { numRuns: 500 },
    );
  });

  it('differ from another organization’s', () => {
    fc.assert(
      fc.property(webhook, (one) => {
        const ids = translate(one, {}).map(({ metadata }) => metadata.id);
        const others = translate({ ...one, organizationId: 'e0000000-0000-4000-8000-000000000000' }, {});
        for (const { metadata } of others) expect(ids).not.toContain(metadata.id);
      }),
    );
  });

  it('differ between all actions, detail-types included', () => {
    const all = { ...place, id: 'C', event, event_id: 'T_1', user: { id: 'u' }, user_id: 'u', agent_id: 'a', tag: 't' };
    const some = { access: {}, postback: { id: 'p' }, seen_up_to: event.created_at, session_fields: [] };
    const payload = { ...all, ...some, active_chat: place, chat: { id: 'C', thread: { ...event, id: 'T' } } };
    const known: readonly string[] = Object.keys(payloads);
    const events = known.flatMap((action) => translate({ organizationId, action, payload, receivedAt }, {}));
    expect(events).toHaveLength(known.length);
    expect(new Set(events.map(({ metadata }) => metadata.id)).size).toBe(known.length);
  });
});

describe('the id of a message', () => {
  const [id] = idsOf('incoming_event', { ...place, event });
  const inChat = (events: readonly unknown[], fields: object = {}) => ({
    chat: { id: 'C', thread: { id: 'T', created_at: event.created_at, events, ...fields } },
  });

  it('is one, whichever webhook brings it', () => {
    expect(idsOf('incoming_chat', inChat([event]))[1]).toBe(id);
    expect(idsOf('incoming_chat', inChat([{ id: 'x', type: 'x', created_at: event.created_at }, event]))[2]).toBe(id);
    expect(idsOf('incoming_chat', { ...inChat([event], { active: false }), transferred_from: {} })[1]).toBe(id);
  });

  it('is one, whenever it comes', () => {
    expect(idsOf('incoming_event', { ...place, event }, { receivedAt: '2026-03-12T00:00:00.000Z' })).toEqual([id]);
  });

  it.each([
    ['message', { ...place, event: { ...event, id: 'T_2' } }],
    ['chat', { ...place, chat_id: 'C2', event }],
    ['thread', { ...place, thread_id: 'T2', event }],
    ['message, though joined the ids read alike', { chat_id: 'C', thread_id: 'T"', event: { ...event, id: ',"T_1' } }],
  ])('is another for another %s', (_what, payload) => {
    expect(idsOf('incoming_event', payload)).not.toEqual([id]);
  });

  it.each([
    ['note', { ...event, visibility: 'agents' }],
    ['deletion', { ...event, deleted: true }],
    ['receipt', { ...event, custom_id: 'out-1', author_id: 'nina.kowal@acme.example' }],
  ])('is another for its %s', (_what, other) => {
    expect(idsOf('incoming_event', { ...place, event: other })).not.toEqual([id]);
  });

  it('deleted is one, whichever webhook tells', () => {
    const told = idsOf('event_deleted', { ...place, event_id: 'T_1' });
    expect(idsOf('incoming_event', { ...place, event: { ...event, deleted: true } })).toEqual(told);
    expect(idsOf('event_updated', { ...place, event: { ...event, deleted: true } })).toEqual(told);
    expect(idsOf('incoming_chat', inChat([{ ...event, deleted: true }]))[1]).toBe(told[0]);
  });
});

describe('the id of a chat’s start', () => {
  const started = (fields: object, thread: object = {}) =>
    idsOf('incoming_chat', {
      chat: { id: 'C', thread: { id: 'T', created_at: event.created_at, ...thread } },
      ...fields,
    });

  it('is that of its chat, thread and reason, whatever else the webhook says', () => {
    expect(started({ requester_id: 'a' }, { active: false, tags: ['t'] })).toEqual(started({}));
  });

  it('is another for each reason', () => {
    const ids = [started({}), started({}, { previous_thread_id: 'P' }), started({ transferred_from: {} })].flat();
    expect(new Set(ids).size).toBe(3);
  });
});

describe('the id of what carries none, such as a transfer', () => {
  const transfer = { ...place, reason: 'manual', transferred_to: { agent_ids: ['a@b.example'] } };
  const at = (time: string) => idsOf('chat_transferred', transfer, { receivedAt: `2026-03-11T${time}Z` });

  it.each(['09:10:00.001', '09:12:00.000', '09:14:59.999'])('is the same again at %s, within five minutes', (time) => {
    expect(at(time)).toEqual(at('09:10:00.000'));
  });

  it.each(['09:09:59.999', '09:15:00.000', '10:10:00.000'])(
    'is another at %s, since it can truly happen twice',
    (time) => {
      expect(at(time)).not.toEqual(at('09:10:00.000'));
    },
  );

  it('is another for another content', () => {
    expect(idsOf('chat_transferred', { ...transfer, transferred_to: { agent_ids: ['c@d.example'] } })).not.toEqual(
      idsOf('chat_transferred', transfer),
    );
  });

  it('is another for the other button of one message', () => {
    const click = (id: string) => ({ ...place, event_id: 'T_1', user_id: 'u', postback: { id } });
    expect(idsOf('incoming_rich_message_postback', click('yes'))).not.toEqual(
      idsOf('incoming_rich_message_postback', click('no')),
    );
  });

  it('is another for every version of an edited message', () => {
    const edited = (text: string) => idsOf('event_updated', { ...place, event: { ...event, text } });
    expect(edited('Hello!')).not.toEqual(edited('Hello?'));
  });

  it('tells apart the malformed events of one chat', () => {
    const thread = { id: 'T', created_at: event.created_at, events: [{}, {}] };
    const ids = idsOf('incoming_chat', { chat: { id: 'C', thread } });
    expect(new Set(ids).size).toBe(3);
  });
});
