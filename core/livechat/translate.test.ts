import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { organizationId, reversed, webhook } from '../../test/arbitraries.ts';
import { propertyRuns } from '../../test/depth.ts';
import { fixture } from '../../test/fixtures.ts';
import { type AnyEvent, parseEvent } from '../events/event.ts';
import { type Action, payloads } from './schemas.ts';
import { translate, type Webhook } from './translate.ts';
import { redact } from './webhook.ts';

const receivedAt = '2026-03-11T09:14:30.000Z';
const createdAt = '2026-03-11T09:14:14.120349Z';
const place = { chat_id: 'C', thread_id: 'T' };
const event = { id: 'T_1', type: 'message', created_at: createdAt, text: 'Hello' };

function events(action: string, payload: unknown, fields: Partial<Webhook> = {}) {
  return translate({ organizationId, action, payload, receivedAt, ...fields }, {});
}

function eventIds(action: Action, payload: unknown, fields: Partial<Webhook> = {}): string[] {
  return events(action, payload, fields).map(({ metadata }) => metadata.id);
}

describe('translate', () => {
  const body = z.looseObject({ action: z.catch(z.string(), ''), payload: z.unknown() });

  function fixtureEvents(name: string) {
    const { action, payload } = body.parse(fixture(name));
    return events(action, payload);
  }

  /** The expected event types of every fixture. */
  const expected: Readonly<Record<string, readonly AnyEvent['type'][]>> = {
    'incoming_chat.json': ['chat.started', 'message.received', 'message.received', 'message.received'],
    'v3.4/incoming_chat.json': ['chat.started', 'message.received', 'message.received', 'message.received'],
    'incoming_chat.reopened.json': ['chat.started'],
    'incoming_event.message.customer.json': ['message.received'],
    'incoming_event.message.agent.json': ['message.received'],
    'incoming_event.message.empty_custom_id.json': ['message.received'],
    'incoming_event.message.reopened.json': ['message.received'],
    'incoming_event.message.own_echo.json': ['message.delivered'],
    'incoming_event.rich_message.json': ['message.delivered'],
    'incoming_event.file.json': ['message.received'],
    'incoming_event.form.json': ['message.received'],
    'incoming_event.custom.json': ['message.received'],
    'incoming_event.system.v3.6_only.json': ['message.received'],
    'incoming_event.system_message.transferred.json': ['message.received'],
    'incoming_event.system_message.assigned_inactive.json': ['message.received'],
    'incoming_event.system_message.idle.json': ['message.received'],
    'incoming_event.system_message.archived_inactive.json': ['message.received'],
    '_edge.wrong_secret_key.json': ['message.received'],
    'v3.4/_v3.3_incoming_event.json': ['message.received'],
    'event_updated.json': ['message.updated'],
    'event_deleted.v3.6_only.json': ['message.deleted'],
    'events_marked_as_seen.json': ['message.seen'],
    'incoming_rich_message_postback.json': ['postback.received'],
    'incoming_rich_message_postback.second_button.json': ['postback.received'],
    'v3.4/incoming_rich_message_postback.json': ['postback.received'],
    'chat_deactivated.by_agent.json': ['chat.deactivated'],
    'chat_deactivated.by_customer.json': ['chat.deactivated'],
    'chat_transferred.manual_to_agent.json': ['chat.transferred'],
    'chat_transferred.assigned_by_router.json': ['chat.transferred'],
    'chat_transferred.repeat_1.json': ['chat.transferred'],
    'chat_transferred.repeat_2.json': ['chat.transferred'],
    'chat_transferred.repeat_3.json': ['chat.transferred'],
    'chat_access_updated.json': ['chat.updated'],
    'thread_tagged.json': ['chat.updated'],
    'thread_untagged.json': ['chat.updated'],
    'user_added_to_chat.agent.json': ['agent.changed'],
    'user_added_to_chat.bot.json': ['agent.changed'],
    'user_added_to_chat.customer.json': ['participant.changed'],
    'user_removed_from_chat.json': ['agent.changed'],
    'customer_session_fields_updated.json': ['participant.changed'],
    '_imagined.agent_changed.json': ['agent.changed'],
    '_edge.unknown_action.json': [],
    '_app_webhook.application_installed.json': [],
    'agent_deleted.v3.6_requester.json': [],
    'bot_updated.v3.6_requester.json': [],
    'tag_created.v3.5_plus.json': [],
    'chat_properties_updated.json': [],
    'chat_properties_deleted.json': [],
    'thread_properties_updated.json': [],
    'thread_properties_deleted.json': [],
    'event_properties_updated.json': [],
    'event_properties_deleted.json': [],
    'routing_status_set.json': [],
    'routing_status_set.bot_offline.json': [],
    'thread_summary_set.v3.6_only.json': [],
  };

  /** Parses the event as a subscriber does: from JSON, with the catalogue's schema. */
  function asReceived({ type, metadata, data }: AnyEvent) {
    return parseEvent(type, JSON.parse(JSON.stringify({ metadata, data })));
  }

  describe('fixtures', () => {
    it('are all in this table', () => {
      const folder = new URL('../../test/fixtures/livechat/', import.meta.url);
      const bodies = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
        (name) => name.endsWith('.json') && !name.startsWith('api/') && name !== 'EXPECTED.json',
      );
      expect(Object.keys(expected).sort()).toEqual(bodies.sort());
    });

    it.each(Object.entries(expected))('%s is translated to %j, as in the catalogue', (name, types) => {
      const translated = fixtureEvents(name);
      expect(translated.map(({ type }) => type)).toEqual(types);
      for (const one of translated) expect(asReceived(one)).toEqual(JSON.parse(JSON.stringify(one)));
    });
  });

  describe('empty thread_id', () => {
    const fields = { chat_id: 'C', thread_id: '', user_id: 'u', seen_up_to: receivedAt };
    const payload = {
      ...fields,
      id: 'C',
      access: {},
      user: { id: 'u' },
      agent_id: 'a',
      active_chat: fields,
      session_fields: [],
    };

    it.each([
      'chat_transferred',
      'chat_access_updated',
      'user_added_to_chat',
      'user_removed_from_chat',
      'agent_changed',
      'customer_session_fields_updated',
      'events_marked_as_seen',
    ])('of %s counts as missing', (action) => {
      const translated = events(action, payload);
      expect(translated).toHaveLength(1);
      for (const one of translated) expect(asReceived(one).data).not.toHaveProperty('threadId');
    });
  });

  describe('any JSON payload', () => {
    it('is translated to events that match the catalogue', () => {
      fc.assert(
        fc.property(webhook, (one) => {
          for (const translated of translate(one, {})) expect(() => asReceived(translated)).not.toThrow();
        }),
        propertyRuns(1_000),
      );
    });

    it('is translated to no event for an action without a domain event', () => {
      const names = [
        'some_future_action',
        'agent_created',
        'incoming_customer',
        'toString',
        '__proto__',
        'constructor',
        '',
      ];
      fc.assert(
        fc.property(fc.constantFrom(...names), webhook, (action, { payload }) => {
          expect(events(action, payload)).toEqual([]);
        }),
      );
    });

    it('is translated to events with the organization and time of the webhook', () => {
      fc.assert(
        fc.property(webhook, (one) => {
          for (const { metadata } of translate(one, {})) {
            expect(metadata).toMatchObject({ organizationId, receivedAt: one.receivedAt, carrier: 'livechat' });
          }
        }),
      );
    });
  });

  describe('webhook secret', () => {
    const secret = 'whsec-demo-3f9c1a7be2';

    /** Inserts the secret into some names and texts. */
    function planted(value: unknown, choose: () => number): unknown {
      const plant = (text: string) => [text, text, `${text}${secret}`, `${secret}${text}${secret}`][choose()] ?? text;
      if (typeof value === 'string') return plant(value);
      if (Array.isArray(value)) return value.map((item) => planted(item, choose));
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value).map(([name, item]) => [choose() === 3 ? plant(name) : name, planted(item, choose)]),
      );
    }

    it('is in no event, wherever the webhook contains it', () => {
      fc.assert(
        fc.property(webhook, fc.infiniteStream(fc.nat(3)), (one, choices) => {
          const choose = () => choices.next().value ?? 0;
          const clean = redact({ secret_key: secret, payload: planted(one.payload, choose) }, [secret]);
          const { payload } = z.looseObject({ payload: z.unknown() }).parse(clean);
          expect(JSON.stringify(translate({ ...one, payload }, {}))).not.toContain(secret);
        }),
        propertyRuns(1_000),
      );
    });
  });
});

describe('event ids', () => {
  describe('all ids', () => {
    it('do not depend on the order of object properties', () => {
      fc.assert(
        fc.property(webhook, (one) => {
          const identify = (given: Webhook) =>
            translate(given, {}).map(({ type, metadata: { id, correlationId } }) => ({ type, id, correlationId }));
          expect(identify({ ...one, payload: structuredClone(one.payload) })).toEqual(identify(one));
          expect(identify({ ...one, payload: reversed(one.payload) })).toEqual(identify(one));
        }),
        propertyRuns(500),
      );
    });

    it('differ between organizations', () => {
      fc.assert(
        fc.property(webhook, (one) => {
          const ids = translate(one, {}).map(({ metadata }) => metadata.id);
          const others = translate({ ...one, organizationId: 'e0000000-0000-4000-8000-000000000000' }, {});
          for (const { metadata } of others) expect(ids).not.toContain(metadata.id);
        }),
      );
    });

    it('differ between all actions', () => {
      const all = {
        ...place,
        id: 'C',
        event,
        event_id: 'T_1',
        user: { id: 'u' },
        user_id: 'u',
        agent_id: 'a',
        tag: 't',
      };
      const some = { access: {}, postback: { id: 'p' }, seen_up_to: event.created_at, session_fields: [] };
      const payload = { ...all, ...some, active_chat: place, chat: { id: 'C', thread: { ...event, id: 'T' } } };
      const known: readonly string[] = Object.keys(payloads);
      const ids = known.flatMap((action) => events(action, payload).map(({ metadata }) => metadata.id));
      expect(ids).toHaveLength(known.length);
      expect(new Set(ids).size).toBe(known.length);
    });
  });

  describe('message id', () => {
    const [id] = eventIds('incoming_event', { ...place, event });
    const inChat = (events: readonly unknown[], fields: object = {}) => ({
      chat: { id: 'C', thread: { id: 'T', created_at: event.created_at, events, ...fields } },
    });

    it('is the same in incoming_event and incoming_chat', () => {
      expect(eventIds('incoming_chat', inChat([event]))[1]).toBe(id);
      expect(eventIds('incoming_chat', inChat([{ id: 'x', type: 'x', created_at: event.created_at }, event]))[2]).toBe(
        id,
      );
      expect(eventIds('incoming_chat', { ...inChat([event], { active: false }), transferred_from: {} })[1]).toBe(id);
    });

    it('does not depend on the time of receipt', () => {
      expect(eventIds('incoming_event', { ...place, event }, { receivedAt: '2026-03-12T00:00:00.000Z' })).toEqual([id]);
    });

    it.each([
      ['message', { ...place, event: { ...event, id: 'T_2' } }],
      ['chat', { ...place, chat_id: 'C2', event }],
      ['thread', { ...place, thread_id: 'T2', event }],
      ['message whose joined ids are equal', { chat_id: 'C', thread_id: 'T"', event: { ...event, id: ',"T_1' } }],
    ])('differs for another %s', (_what, payload) => {
      expect(eventIds('incoming_event', payload)).not.toEqual([id]);
    });

    it.each([
      ['note', { ...event, visibility: 'agents' }],
      ['deletion', { ...event, deleted: true }],
      ['receipt', { ...event, custom_id: 'out-1', author_id: 'nina.kowal@acme.example' }],
    ])('differs from the id of its %s', (_what, other) => {
      expect(eventIds('incoming_event', { ...place, event: other })).not.toEqual([id]);
    });

    it('of a deletion is the same in every webhook', () => {
      const deletedIds = eventIds('event_deleted', { ...place, event_id: 'T_1' });
      expect(eventIds('incoming_event', { ...place, event: { ...event, deleted: true } })).toEqual(deletedIds);
      expect(eventIds('event_updated', { ...place, event: { ...event, deleted: true } })).toEqual(deletedIds);
      expect(eventIds('incoming_chat', inChat([{ ...event, deleted: true }]))[1]).toBe(deletedIds[0]);
    });
  });

  describe('chat.started id', () => {
    const started = (fields: object, thread: object = {}) =>
      eventIds('incoming_chat', {
        chat: { id: 'C', thread: { id: 'T', created_at: event.created_at, ...thread } },
        ...fields,
      });

    it('depends on the chat, thread and reason only', () => {
      expect(started({ requester_id: 'a' }, { active: false, tags: ['t'] })).toEqual(started({}));
    });

    it('differs for each reason', () => {
      const ids = [started({}), started({}, { previous_thread_id: 'P' }), started({ transferred_from: {} })].flat();
      expect(new Set(ids).size).toBe(3);
    });
  });

  describe('id derived from the content', () => {
    const transfer = { ...place, reason: 'manual', transferred_to: { agent_ids: ['a@b.example'] } };
    const at = (time: string) => eventIds('chat_transferred', transfer, { receivedAt: `2026-03-11T${time}Z` });

    it.each(['09:10:00.001', '09:11:00.000', '09:11:59.999'])('is the same at %s, within two minutes', (time) => {
      expect(at(time)).toEqual(at('09:10:00.000'));
    });

    it.each(['09:09:59.999', '09:12:00.000', '10:10:00.000'])(
      'differs at %s, because the same transfer can happen twice',
      (time) => {
        expect(at(time)).not.toEqual(at('09:10:00.000'));
      },
    );

    const click = { ...place, event_id: 'T_1', user_id: 'u' };

    it.each<[string, Action, object, object]>([
      ['target', 'chat_transferred', transfer, { ...transfer, transferred_to: { agent_ids: ['c@d.example'] } }],
      [
        'button of the same message',
        'incoming_rich_message_postback',
        { ...click, postback: { id: 'yes' } },
        { ...click, postback: { id: 'no' } },
      ],
      [
        'version of an edited message',
        'event_updated',
        { ...place, event },
        { ...place, event: { ...event, text: 'Hello?' } },
      ],
    ])('differs for another %s', (_what, action, one, other) => {
      expect(eventIds(action, one)).toHaveLength(1);
      expect(eventIds(action, one)).not.toEqual(eventIds(action, other));
    });

    it('differs between malformed events of one chat', () => {
      const thread = { id: 'T', created_at: event.created_at, events: [{}, {}] };
      const ids = eventIds('incoming_chat', { chat: { id: 'C', thread } });
      expect(new Set(ids).size).toBe(3);
    });
  });
});

describe('rejected payloads', () => {
  describe('invalid payload', () => {
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
      [
        'chat_transferred',
        { chat_id: 'C', transferred_to: { agent_ids: [7] } },
        ['payload.transferred_to.agent_ids.0'],
      ],
      ['chat_transferred', { ...place, thread_id: 'T'.repeat(257) }, ['payload.thread_id']],
      ['events_marked_as_seen', { chat_id: 'C', user_id: 'u' }, ['payload.seen_up_to']],
      [
        'incoming_rich_message_postback',
        { ...place, user_id: 'u', event_id: 'e', postback: {} },
        ['payload.postback.id'],
      ],
    ])('of %s, %j, is rejected with the paths %j', (action, payload, paths) => {
      expect(events(action, payload)).toMatchObject([
        { type: 'webhook.rejected', data: { action, issues: paths.map((path) => ({ path })), body: payload } },
      ]);
    });

    it.each(Object.keys(payloads))('of %s is rejected if it is a list', (action) => {
      expect(events(action, [])).toMatchObject([{ type: 'webhook.rejected', data: { issues: [{ path: 'payload' }] } }]);
    });

    it('is reported with the expectation, never the value', () => {
      const [rejected] = events('incoming_event', { ...place, event: { ...event, created_at: 'sensitive', id: 42 } });
      expect(rejected).toMatchObject({
        data: { issues: [{ path: 'payload.event.id' }, { path: 'payload.event.created_at' }] },
      });
      expect(JSON.stringify(rejected?.data)).toMatch(/expected string.*expected an RFC 3339 time/);
      const issues = rejected?.type === 'webhook.rejected' ? rejected.data.issues : [];
      expect(JSON.stringify(issues)).not.toMatch(/sensitive|42/);
    });
  });

  describe('malformed event in incoming_chat', () => {
    const odd = { id: 'T_2', type: 'message' };
    const chat = {
      id: 'C',
      thread: { id: 'T', created_at: createdAt, events: [event, odd, 'text', { ...event, id: 'T_4' }] },
    };

    it('does not reject the chat or its other events', () => {
      expect(events('incoming_chat', { chat }).map(({ type }) => type)).toEqual([
        'chat.started',
        'message.received',
        'webhook.rejected',
        'webhook.rejected',
        'message.received',
      ]);
    });

    it('is rejected with its path in the chat', () => {
      const rejected = events('incoming_chat', { chat }).filter(({ type }) => type === 'webhook.rejected');
      expect(rejected).toMatchObject([
        { data: { action: 'incoming_chat', issues: [{ path: 'payload.chat.thread.events.1.created_at' }], body: odd } },
        { data: { issues: [{ path: 'payload.chat.thread.events.2' }], body: 'text' } },
      ]);
    });
  });
});
