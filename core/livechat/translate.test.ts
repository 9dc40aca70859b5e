import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { agentId, botId, customerId, organizationId, reversed, webhook } from '../../test/arbitraries.ts';
import { propertyRuns } from '../../test/depth.ts';
import { fixture } from '../../test/fixtures.ts';
import { type AnyEvent, parseEvent } from '../events/event.ts';
import { type Action, payloads } from './schemas.ts';
import { type BridgeIdentity, translate, type Webhook } from './translate.ts';
import { redact } from './webhook.ts';

describe('translate', () => {
  const receivedAt = '2026-03-11T09:14:30.000Z';
  const body = z.looseObject({ action: z.catch(z.string(), ''), payload: z.unknown() });

  function webhookFrom(name: string): Webhook {
    const { action, payload } = body.parse(fixture(name));
    return { organizationId, action, payload, receivedAt };
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

    it.each(Object.entries(expected))('%s is translated to %j', (name, types) => {
      expect(translate(webhookFrom(name), {}).map(({ type }) => type)).toEqual(types);
    });

    it.each(Object.keys(expected))('%s is translated to events that match the catalogue', (name) => {
      for (const event of translate(webhookFrom(name), {})) {
        expect(asReceived(event)).toEqual(JSON.parse(JSON.stringify(event)));
      }
    });
  });

  describe('actions without a domain event', () => {
    it.each(['some_future_action', 'agent_created', 'incoming_customer', 'toString', '__proto__', 'constructor', ''])(
      '%j returns no event for any payload',
      (action) => {
        for (const payload of [undefined, null, {}, 'text', { chat_id: 'C' }]) {
          expect(translate({ organizationId, action, payload, receivedAt }, {})).toEqual([]);
        }
      },
    );
  });

  describe('empty thread_id', () => {
    const event = { chat_id: 'C', thread_id: '', user_id: 'u', seen_up_to: receivedAt };
    const payload = {
      ...event,
      id: 'C',
      access: {},
      user: { id: 'u' },
      agent_id: 'a',
      active_chat: event,
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
      const events = translate({ organizationId, action, payload, receivedAt }, {});
      expect(events).toHaveLength(1);
      for (const one of events) expect(asReceived(one).data).not.toHaveProperty('threadId');
    });
  });

  describe('any JSON payload', () => {
    it('is translated without throwing', () => {
      fc.assert(
        fc.property(webhook, (one) => {
          translate(one, {});
        }),
        propertyRuns(1_000),
      );
    });

    it('is translated to events that match the catalogue', () => {
      fc.assert(
        fc.property(webhook, (one) => {
          for (const event of translate(one, {})) expect(() => asReceived(event)).not.toThrow();
        }),
        propertyRuns(1_000),
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
  const event = { id: 'T_1', type: 'message', created_at: '2026-03-11T09:14:14.120349Z', text: 'Hello' };
  const place = { chat_id: 'C', thread_id: 'T' };
  const receivedAt = '2026-03-11T09:10:00.000Z';

  function eventIds(action: Action, payload: unknown, other: Partial<Webhook> = {}): string[] {
    return translate({ organizationId, action, payload, receivedAt, ...other }, {}).map(({ metadata }) => metadata.id);
  }

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
      const events = known.flatMap((action) => translate({ organizationId, action, payload, receivedAt }, {}));
      expect(events).toHaveLength(known.length);
      expect(new Set(events.map(({ metadata }) => metadata.id)).size).toBe(known.length);
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

    it.each(['09:10:00.001', '09:12:00.000', '09:14:59.999'])('is the same at %s, within five minutes', (time) => {
      expect(at(time)).toEqual(at('09:10:00.000'));
    });

    it.each(['09:09:59.999', '09:15:00.000', '10:10:00.000'])(
      'differs at %s, because the same transfer can happen twice',
      (time) => {
        expect(at(time)).not.toEqual(at('09:10:00.000'));
      },
    );

    it('differs for another content', () => {
      expect(eventIds('chat_transferred', { ...transfer, transferred_to: { agent_ids: ['c@d.example'] } })).not.toEqual(
        eventIds('chat_transferred', transfer),
      );
    });

    it('differs for another button of the same message', () => {
      const click = (id: string) => ({ ...place, event_id: 'T_1', user_id: 'u', postback: { id } });
      expect(eventIds('incoming_rich_message_postback', click('yes'))).not.toEqual(
        eventIds('incoming_rich_message_postback', click('no')),
      );
    });

    it('differs for every version of an edited message', () => {
      const edited = (text: string) => eventIds('event_updated', { ...place, event: { ...event, text } });
      expect(edited('Hello!')).not.toEqual(edited('Hello?'));
    });

    it('differs between malformed events of one chat', () => {
      const thread = { id: 'T', created_at: event.created_at, events: [{}, {}] };
      const ids = eventIds('incoming_chat', { chat: { id: 'C', thread } });
      expect(new Set(ids).size).toBe(3);
    });
  });
});

describe('rejected payloads', () => {
  const receivedAt = '2026-03-11T09:14:30.000Z';
  const createdAt = '2026-03-11T09:14:14.120349Z';
  const place = { chat_id: 'C', thread_id: 'T' };
  const event = { id: 'T_1', type: 'message', created_at: createdAt };

  function got(action: string, payload: unknown) {
    return translate({ organizationId, action, payload, receivedAt }, {});
  }

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
      ['events_marked_as_seen', { chat_id: 'C', user_id: 'u' }, ['payload.seen_up_to']],
      [
        'incoming_rich_message_postback',
        { ...place, user_id: 'u', event_id: 'e', postback: {} },
        ['payload.postback.id'],
      ],
    ])('of %s, %j, is rejected with the paths %j', (action, payload, paths) => {
      expect(got(action, payload)).toMatchObject([
        { type: 'webhook.rejected', data: { action, issues: paths.map((path) => ({ path })), body: payload } },
      ]);
    });

    it.each(Object.keys(payloads))('of %s is rejected if it is a list', (action) => {
      expect(got(action, [])).toMatchObject([{ type: 'webhook.rejected', data: { issues: [{ path: 'payload' }] } }]);
    });

    it('is reported with the expectation, never the value', () => {
      const [rejected] = got('incoming_event', { ...place, event: { ...event, created_at: 'sensitive', id: 42 } });
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
      expect(got('incoming_chat', { chat }).map(({ type }) => type)).toEqual([
        'chat.started',
        'message.received',
        'webhook.rejected',
        'webhook.rejected',
        'message.received',
      ]);
    });

    it('is rejected with its path in the chat', () => {
      const rejected = got('incoming_chat', { chat }).filter(({ type }) => type === 'webhook.rejected');
      expect(rejected).toMatchObject([
        { data: { action: 'incoming_chat', issues: [{ path: 'payload.chat.thread.events.1.created_at' }], body: odd } },
        { data: { issues: [{ path: 'payload.chat.thread.events.2' }], body: 'text' } },
      ]);
    });
  });
});

describe('chat events', () => {
  const receivedAt = '2026-03-11T09:14:30.000Z';
  const thread = { id: 'T', created_at: '2026-03-11T09:14:10.120340Z' };

  function eventData(action: string, payload: unknown, self: BridgeIdentity = {}): unknown {
    return translate({ organizationId, action, payload, receivedAt }, self)[0]?.data;
  }

  function started(
    threadFields: object,
    chatFields: object = {},
    fields: object = {},
    self: BridgeIdentity = {},
  ): unknown {
    const chat = { id: 'C', thread: { ...thread, ...threadFields }, ...chatFields };
    return eventData('incoming_chat', { chat, ...fields }, self);
  }

  describe('chat.started reason', () => {
    it.each([
      ['new', {}, {}],
      ['new', { previous_thread_id: null }, { transferred_from: null }],
      ['new', { previous_thread_id: '' }, {}],
      ['reopened', { previous_thread_id: 'P' }, {}],
      ['transferred', {}, { transferred_from: { group_ids: [4] } }],
      ['transferred', { previous_thread_id: 'P' }, { transferred_from: { agent_ids: [agentId] } }],
    ])('is %s for a thread with %j and %j', (reason, threadFields, fields) => {
      expect(started(threadFields, {}, fields)).toMatchObject({ reason });
    });
  });

  describe('chat.started', () => {
    it('lists the participants and recognizes bots by their ids', () => {
      const users = [
        { id: customerId, type: 'customer', name: 'Dana', present: true, session_fields: [{ plan: 'pro' }, { n: 1 }] },
        { id: agentId, type: 'agent', email: agentId, present: false },
        { id: botId, type: 'agent' },
        { id: 'somebody', type: 'agent' },
      ];
      expect(started({}, { users })).toMatchObject({
        participants: [
          { id: customerId, type: 'customer', name: 'Dana', present: true, fields: { plan: 'pro', n: '1' } },
          { id: agentId, type: 'agent', email: agentId, present: false },
          { id: botId, type: 'bot' },
          { id: 'somebody', type: 'agent', misleadingId: true },
        ],
      });
    });

    it.each(['visit', 'last_visit'])('reads the customer’s country from %s', (name) => {
      const users = [{ id: customerId, type: 'customer', [name]: { geolocation: { country_code: 'PL' } } }];
      expect(started({}, { users })).toMatchObject({ participants: [{ country: 'PL' }] });
    });

    it.each([
      ['the thread’s', { access: { group_ids: [4] } }, { access: { group_ids: [19] } }, [4]],
      ['without them the chat’s', {}, { access: { group_ids: [19] } }, [19]],
      ['no', {}, {}, []],
    ])('has %s groups', (_whose, threadFields, chatFields, groups) => {
      expect(started(threadFields, chatFields)).toMatchObject({ groups });
    });

    it.each([
      ['queued_at', { position: 3, wait_time: 60, queued_at: '2026-03-11T09:14:10.000000Z' }],
      ['queued_at_us', { position: 3, wait_time: 60, queued_at_us: '2026-03-11T09:14:10.000000Z' }],
    ])('reads the queue’s time from %s', (_name, queue) => {
      const expected = { position: 3, waitTime: 60, queuedAt: '2026-03-11T09:14:10.000000Z' };
      expect(started({ queue })).toMatchObject({ queue: expected });
    });

    it('has the source page', () => {
      const properties = { routing: { start_url: 'https://shop.example/cart' } };
      expect(started({ properties })).toMatchObject({ sourcePage: 'https://shop.example/cart' });
    });

    it.each([
      ['is active by default', {}, true],
      ['is inactive when appended to an inactive chat', { active: false }, false],
    ])('%s', (_what, threadFields, active) => {
      expect(started(threadFields)).toMatchObject({ active });
    });

    it.each([
      [true, 'a previous thread exists', { previous_thread_id: 'P' }, undefined],
      [true, 'the customer has had another thread', {}, { threads_count: 2, chats_count: 1 }],
      [true, 'the customer has had another chat', {}, { chats_count: 2 }],
      [false, 'it is the first', {}, { threads_count: 1, chats_count: 1 }],
      [undefined, 'the counts are missing', {}, undefined],
      [undefined, 'a count is not a number', {}, { threads_count: 'many' }],
      [undefined, 'there are no statistics', {}, null],
    ])('sets returning to %s if %s', (returning, _when, threadFields, statistics) => {
      const users = [{ id: customerId, type: 'customer', statistics }];
      expect(started(threadFields, { users })).toHaveProperty('returning', returning);
    });

    it('has the requester if LiveChat names one', () => {
      expect(started({}, {}, { requester_id: agentId })).toMatchObject({ by: { id: agentId, type: 'agent' } });
      expect(started({})).toHaveProperty('by', undefined);
    });

    it('marks participants hidden from the customer', () => {
      const users = [
        { id: agentId, type: 'agent', visibility: 'agents' },
        { id: botId, type: 'agent', visibility: 'all' },
        { id: customerId, type: 'customer' },
      ];
      expect(started({}, { users })).toMatchObject({
        participants: [{ hidden: true }, { hidden: false }, { id: customerId }],
      });
    });

    describe('opening messages', () => {
      const said = (more: object) => ({
        id: 'T_1',
        type: 'message',
        created_at: thread.created_at,
        author_id: customerId,
        ...more,
      });
      const fields = [
        { type: 'email', id: '1', label: 'E-mail:', answer: 'dana@shop.example' },
        { type: 'radio', id: '2', label: 'Topic', answer: { id: '0', label: 'Order status' } },
        {
          type: 'checkbox',
          id: '3',
          label: 'Products',
          answers: [
            { id: '0', label: 'Shoes' },
            { id: '2', label: 'Bags' },
          ],
        },
        { type: 'question', id: '4', label: 'Unanswered', answer: '' },
        { type: 'information', id: '5', label: 'No question' },
        'no field',
      ];
      const answers = [
        { id: '1', label: 'E-mail:', values: ['dana@shop.example'] },
        { id: '2', label: 'Topic', values: ['Order status'] },
        { id: '3', label: 'Products', values: ['Shoes', 'Bags'] },
      ];

      it('contain the form answers and the first text of the customer', () => {
        const events = [
          said({ type: 'filled_form', fields }),
          said({ author_id: agentId, text: 'How can I help?' }),
          said({ type: 'file', url: 'https://cdn.example/x' }),
          said({ text: 'Where is my order?' }),
          said({ text: 'Hello?' }),
        ];
        expect(started({ events })).toMatchObject({ opening: { answers, text: 'Where is my order?' } });
      });

      it.each([
        ['an empty thread', []],
        [
          'messages of agents',
          [said({ author_id: agentId, text: 'Hello' }), said({ author_id: agentId, type: 'filled_form', fields })],
        ],
        ['deleted messages', [said({ deleted: true, text: 'Hello' })]],
        ['malformed messages', [{ ...said({ text: 'Hello' }), created_at: 'now' }, said({ text: 7 }), 'x']],
      ])('exclude %s', (_what, events) => {
        expect(started({ events })).toHaveProperty('opening', undefined);
      });

      it('recognize a customer by the chat’s users, for any id format', () => {
        const users = [{ id: 'somebody', type: 'customer' }];
        const events = [said({ author_id: 'somebody', text: 'Hello' })];
        expect(started({ events }, { users })).toMatchObject({ opening: { answers: [], text: 'Hello' } });
      });
    });

    it.each([
      [true, 'our client started the thread', { properties: { source: { client_id: 'ours' } } }, {}],
      [true, 'our agent is the requester', {}, { requester_id: agentId }],
      [false, 'another client started it', { properties: { source: { client_id: 'theirs' } } }, {}],
      [false, 'another agent is the requester', {}, { requester_id: 'tomas.reyes@acme.example' }],
      [false, 'no client or requester is named', {}, {}],
    ])('sets causedByUs to %s if %s', (causedByUs, _when, threadFields, fields) => {
      expect(started(threadFields, {}, fields, { clientId: 'ours', agentId })).toMatchObject({ causedByUs });
    });

    it('sets causedByUs to false without a configured client or agent', () => {
      expect(started({ properties: { source: {} } }, {}, {}, {})).toMatchObject({ causedByUs: false });
    });
  });

  describe('chat.transferred', () => {
    it('has the target, the reason and the requester', () => {
      const transferred_to = { agent_ids: [agentId], group_ids: [4] };
      const payload = { chat_id: 'C', thread_id: 'T', requester_id: agentId, reason: 'manual', transferred_to };
      expect(eventData('chat_transferred', payload)).toMatchObject({
        conversationId: 'C',
        threadId: 'T',
        to: { agents: [agentId], groups: [4] },
        reason: 'manual',
        by: { id: agentId, type: 'agent' },
      });
    });

    it.each(['queued_at', 'queued_at_us'])('reads the queue’s time from %s', (name) => {
      const queue = { [name]: '2026-03-11T09:14:10.000000Z' };
      expect(eventData('chat_transferred', { chat_id: 'C', queue })).toMatchObject({
        to: {},
        reason: 'other',
        queue: { queuedAt: '2026-03-11T09:14:10.000000Z' },
      });
    });
  });

  describe('chat.deactivated', () => {
    it.each([
      [agentId, { id: agentId, type: 'agent' }],
      [customerId, { id: customerId, type: 'customer' }],
      [undefined, undefined],
    ])('has the author of %s', (user_id, by) => {
      expect(eventData('chat_deactivated', { chat_id: 'C', thread_id: 'T', user_id })).toEqual({
        conversationId: 'C',
        threadId: 'T',
        by,
      });
    });
  });

  describe('chat.updated', () => {
    it.each([
      ['chat_access_updated', { id: 'C', access: { group_ids: [19] } }, { conversationId: 'C', groups: [19] }],
      [
        'thread_tagged',
        { chat_id: 'C', thread_id: 'T', tag: 'bug' },
        { conversationId: 'C', threadId: 'T', tag: 'bug' },
      ],
      [
        'thread_untagged',
        { chat_id: 'C', thread_id: 'T', tag: 'bug' },
        { conversationId: 'C', threadId: 'T', untag: 'bug' },
      ],
    ])('is created for %s', (action, payload, data) => {
      expect(eventData(action, payload)).toEqual(data);
    });
  });
});

describe('message events', () => {
  const receivedAt = '2026-03-11T09:14:30.000Z';
  const createdAt = '2026-03-11T09:14:14.120349Z';
  const place = { chat_id: 'C', thread_id: 'T' };
  const message = { id: 'T_1', type: 'message', created_at: createdAt, author_id: agentId, text: 'Hello' };

  function events(action: string, payload: unknown): AnyEvent[] {
    return translate({ organizationId, action, payload, receivedAt }, {});
  }

  /** The events for the same LiveChat event in incoming_event and in incoming_chat, without chat.started. */
  function inBothWebhooks(event: object): (readonly [string, AnyEvent[]])[] {
    const thread = { id: 'T', created_at: createdAt, events: [event] };
    return [
      ['incoming_event', events('incoming_event', { ...place, event })],
      ['incoming_chat', events('incoming_chat', { chat: { id: 'C', thread } }).slice(1)],
    ];
  }

  describe('a message', () => {
    it.each(inBothWebhooks(message))('in %s is received with LiveChat’s time', (_way, got) => {
      expect(got).toMatchObject([
        {
          type: 'message.received',
          metadata: { occurredAt: createdAt, receivedAt },
          data: { id: 'T_1', content: 'Hello' },
        },
      ]);
    });

    it('is updated with the new content after an edit', () => {
      const got = events('event_updated', { ...place, event: { ...message, text: 'Hello!' } });
      expect(got).toMatchObject([{ type: 'message.updated', data: { id: 'T_1', content: 'Hello!' } }]);
    });
  });

  describe('a note', () => {
    const note = { ...message, visibility: 'agents', text: 'a secret of the agents' };

    it.each(inBothWebhooks(note))('in %s is received only as a note', (_way, got) => {
      expect(got).toMatchObject([{ type: 'note.received', data: { visibility: 'agents' } }]);
    });

    it('is updated only as a note after an edit', () => {
      expect(events('event_updated', { ...place, event: note })).toMatchObject([{ type: 'note.updated' }]);
    });

    it('sent by the bridge is also delivered, without its content', () => {
      const got = events('incoming_event', { ...place, event: { ...note, custom_id: 'out-1' } });
      expect(got).toMatchObject([
        { type: 'note.received' },
        { type: 'message.delivered', data: { deliveryId: 'out-1' } },
      ]);
      expect(JSON.stringify(got[1])).not.toContain(note.text);
    });

    it('is reduced to its id by a deletion', () => {
      const got = events('incoming_event', { ...place, event: { ...note, deleted: true } });
      expect(got).toMatchObject([{ type: 'message.deleted' }]);
      expect(JSON.stringify(got)).not.toContain(note.text);
    });
  });

  describe('a message with a custom_id', () => {
    it.each([
      ['out-1', agentId, 'message.delivered'],
      ['out-1', botId, 'message.delivered'],
      ['out-1', undefined, 'message.delivered'],
      ['out-1', 'somebody', 'message.delivered'],
      ['out-1', customerId, 'message.received'],
      ['1773220458.71699', agentId, 'message.received'],
      ['not-out-1', agentId, 'message.received'],
      ['', agentId, 'message.received'],
      [null, agentId, 'message.received'],
    ])('%j by %s is %s', (custom_id, author_id, type) => {
      for (const [, got] of inBothWebhooks({ ...message, custom_id, author_id })) expect(got).toMatchObject([{ type }]);
    });

    it('of the bridge is delivered with the whole message, in case no record exists', () => {
      const [got] = events('incoming_event', { ...place, event: { ...message, custom_id: 'out-1' } });
      const data = {
        conversationId: 'C',
        threadId: 'T',
        messageId: 'T_1',
        deliveryId: 'out-1',
        message: { content: 'Hello' },
      };
      expect(got).toMatchObject({ type: 'message.delivered', data });
    });
  });

  describe('a deleted message', () => {
    const deleted = { type: 'message.deleted', data: { conversationId: 'C', threadId: 'T', messageId: 'T_1' } };

    it.each([
      ...inBothWebhooks({ ...message, deleted: true }),
      ['event_updated', events('event_updated', { ...place, event: { ...message, deleted: true } })] as const,
      ['event_deleted', events('event_deleted', { ...place, event_id: 'T_1' })] as const,
    ])('in %s returns only message.deleted', (_way, got) => {
      expect(got).toMatchObject([deleted]);
      expect(JSON.stringify(got)).not.toContain('Hello');
    });

    it('with deleted: false is received', () => {
      expect(events('incoming_event', { ...place, event: { ...message, deleted: false } })).toMatchObject([
        { type: 'message.received' },
      ]);
    });
  });

  describe('postback.received', () => {
    it.each([
      [
        '3.6',
        { id: 'p', toggled: false, button_type: 'message', button_value: 'yes' },
        { id: 'p', toggled: false, type: 'message', value: 'yes' },
      ],
      ['3.4', { id: 'p', toggled: true }, { id: 'p', toggled: true }],
      ['a version without toggled', { id: 'p' }, { id: 'p', toggled: true }],
    ])('of %s has the button and the user', (_version, postback, button) => {
      const payload = { ...place, event_id: 'T_1', user_id: customerId, postback };
      const user = { id: customerId, type: 'customer' };
      expect(events('incoming_rich_message_postback', payload)).toMatchObject([
        { data: { messageId: 'T_1', button, user } },
      ]);
    });
  });

  describe('message.seen', () => {
    it('occurs at seen_up_to, in microseconds', () => {
      const payload = { chat_id: 'C', user_id: customerId, seen_up_to: '2026-03-11T10:16:21.01+01:00' };
      expect(events('events_marked_as_seen', payload)).toMatchObject([
        {
          metadata: { occurredAt: '2026-03-11T09:16:21.010000Z' },
          data: {
            conversationId: 'C',
            by: { id: customerId, type: 'customer' },
            seenUpTo: '2026-03-11T09:16:21.010000Z',
          },
        },
      ]);
    });
  });
});

describe('membership events', () => {
  const place = { chat_id: 'C', thread_id: 'T' };

  function only(action: string, payload: object): unknown {
    const [event] = translate({ organizationId, action, payload, receivedAt: '2026-03-11T09:14:30.000Z' }, {});
    return event;
  }

  const joined = { change: 'joined' };
  const left = { change: 'left' };

  describe('user_added_to_chat', () => {
    it.each([
      [
        'an agent',
        { user: { id: agentId, type: 'agent' } },
        'agent.changed',
        { agent: { id: agentId, type: 'agent', present: true } },
      ],
      ['a bot', { user: { id: botId, type: 'agent' } }, 'agent.changed', { agent: { id: botId, type: 'bot' } }],
      [
        'an agent by user_type',
        { user: { id: 'a' }, user_type: 'agent' },
        'agent.changed',
        { agent: { id: 'a', type: 'agent' } },
      ],
      ['an agent by the id alone', { user: { id: agentId } }, 'agent.changed', { agent: { type: 'agent' } }],
      [
        'a customer',
        { user: { id: customerId, type: 'customer' } },
        'participant.changed',
        { participant: { type: 'customer' } },
      ],
      [
        'a customer with an e-mail address for an id',
        { user: { id: agentId, type: 'customer' } },
        'participant.changed',
        { participant: { type: 'customer', misleadingId: true } },
      ],
      ['a user of unknown type', { user: { id: 'x' } }, 'participant.changed', { participant: { type: 'unknown' } }],
      ['an absent user', { user: { id: agentId, present: false } }, 'agent.changed', { agent: { present: false } }],
    ])('for %s', (_who, payload, type, data) => {
      expect(only('user_added_to_chat', { ...place, ...payload })).toMatchObject({
        type,
        data: { ...joined, ...data },
      });
    });
  });

  describe('user_removed_from_chat', () => {
    it.each([
      [
        'an agent',
        { user_id: agentId, user_type: 'agent' },
        'agent.changed',
        { agent: { id: agentId, type: 'agent', present: false } },
      ],
      ['a bot', { user_id: botId, user_type: 'agent' }, 'agent.changed', { agent: { type: 'bot', present: false } }],
      [
        'a customer',
        { user_id: customerId },
        'participant.changed',
        { participant: { type: 'customer', present: false } },
      ],
      [
        'a customer by user_type',
        { user_id: 'x', user_type: 'customer' },
        'participant.changed',
        { participant: { type: 'customer' } },
      ],
    ])('for %s', (_who, payload, type, data) => {
      expect(only('user_removed_from_chat', { ...place, ...payload })).toMatchObject({
        type,
        data: { ...left, ...data },
      });
    });

    it('has the reason and the requester', () => {
      const payload = { ...place, user_id: agentId, reason: 'manual', requester_id: agentId };
      const by = { id: agentId, type: 'agent' };
      expect(only('user_removed_from_chat', payload)).toMatchObject({ data: { reason: 'manual', by } });
    });
  });

  describe('agent_changed of the original specification', () => {
    it('is an agent who joins, with the replaced agent', () => {
      const payload = { chat_id: 'C', agent_id: agentId, previous_agent_id: 'tomas.reyes@acme.example' };
      const data = { ...joined, agent: { id: agentId, type: 'agent' }, replaces: 'tomas.reyes@acme.example' };
      expect(only('agent_changed', payload)).toMatchObject({ type: 'agent.changed', data });
    });
  });

  describe('customer_session_fields_updated', () => {
    const session_fields = [{ plan: 'pro' }, { cart: 149 }, { plan: 'max' }, { nothing: null }];

    it('sets the customer’s fields; the last value of a name is used', () => {
      const fields = { plan: 'max', cart: '149', nothing: 'null' };
      expect(
        only('customer_session_fields_updated', { id: customerId, active_chat: place, session_fields }),
      ).toMatchObject({
        type: 'participant.changed',
        data: {
          conversationId: 'C',
          threadId: 'T',
          change: 'fields',
          participant: { id: customerId, type: 'customer', fields },
        },
      });
    });

    it.each([[undefined], [null]])('returns no event if the active chat is %j', (active_chat) => {
      expect(only('customer_session_fields_updated', { id: customerId, active_chat, session_fields })).toBeUndefined();
    });
  });
});
