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

  /** Every body of the collection, with the events that it must become. */
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

  /** Through JSON and the catalogue, as a subscriber gets it. */
  function asReceived({ type, metadata, data }: AnyEvent) {
    return parseEvent(type, JSON.parse(JSON.stringify({ metadata, data })));
  }

  describe('a webhook of the collection', () => {
    it('is in this table, each of them', () => {
      const folder = new URL('../../test/fixtures/livechat/', import.meta.url);
      const bodies = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
        (name) => name.endsWith('.json') && !name.startsWith('api/') && name !== 'EXPECTED.json',
      );
      expect(Object.keys(expected).sort()).toEqual(bodies.sort());
    });

    it.each(Object.entries(expected))('%s becomes %j', (name, types) => {
      expect(translate(webhookFrom(name), {}).map(({ type }) => type)).toEqual(types);
    });

    it.each(Object.keys(expected))('%s becomes events that fit the catalogue', (name) => {
      for (const event of translate(webhookFrom(name), {})) {
        expect(asReceived(event)).toEqual(JSON.parse(JSON.stringify(event)));
      }
    });
  });

  describe('an action that no event comes of', () => {
    it.each(['some_future_action', 'agent_created', 'incoming_customer', 'toString', '__proto__', 'constructor', ''])(
      '%j becomes nothing, whatever its payload',
      (action) => {
        for (const payload of [undefined, null, {}, 'text', { chat_id: 'C' }]) {
          expect(translate({ organizationId, action, payload, receivedAt }, {})).toEqual([]);
        }
      },
    );
  });

  describe('an empty thread_id', () => {
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
    ])('of %s, which can do without, is none', (action) => {
      const events = translate({ organizationId, action, payload, receivedAt }, {});
      expect(events).toHaveLength(1);
      for (const one of events) expect(asReceived(one).data).not.toHaveProperty('threadId');
    });
  });

  describe('any JSON payload of any action', () => {
    it('is translated without throwing', () => {
      fc.assert(
        fc.property(webhook, (one) => {
          translate(one, {});
        }),
        propertyRuns(1_000),
      );
    });

    it('becomes events that fit the catalogue after a way through JSON', () => {
      fc.assert(
        fc.property(webhook, (one) => {
          for (const event of translate(one, {})) expect(() => asReceived(event)).not.toThrow();
        }),
        propertyRuns(1_000),
      );
    });

    it('becomes events of the organization, received when the webhook was', () => {
      fc.assert(
        fc.property(webhook, (one) => {
          for (const { metadata } of translate(one, {})) {
            expect(metadata).toMatchObject({ organizationId, receivedAt: one.receivedAt, carrier: 'livechat' });
          }
        }),
      );
    });
  });

  describe('a secret anywhere in a webhook', () => {
    const secret = 'whsec-demo-3f9c1a7be2';

    /** Replaces some of the names and texts by ones that hold the secret. */
    function planted(value: unknown, choose: () => number): unknown {
      const plant = (text: string) => [text, text, `${text}${secret}`, `${secret}${text}${secret}`][choose()] ?? text;
      if (typeof value === 'string') return plant(value);
      if (Array.isArray(value)) return value.map((item) => planted(item, choose));
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value).map(([name, item]) => [choose() === 3 ? plant(name) : name, planted(item, choose)]),
      );
    }

    it('is in no event', () => {
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
        propertyRuns(500),
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
      [
        'message, though joined the ids read alike',
        { chat_id: 'C', thread_id: 'T"', event: { ...event, id: ',"T_1' } },
      ],
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

    it.each(['09:10:00.001', '09:12:00.000', '09:14:59.999'])(
      'is the same again at %s, within five minutes',
      (time) => {
        expect(at(time)).toEqual(at('09:10:00.000'));
      },
    );

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
});

describe('rejected payloads', () => {
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
});

describe('chat events', () => {
  const receivedAt = '2026-03-11T09:14:30.000Z';
  const thread = { id: 'T', created_at: '2026-03-11T09:14:10.120340Z' };

  function dataOf(action: string, payload: unknown, self: BridgeIdentity = {}): unknown {
    return translate({ organizationId, action, payload, receivedAt }, self)[0]?.data;
  }

  function started(
    threadFields: object,
    chatFields: object = {},
    fields: object = {},
    self: BridgeIdentity = {},
  ): unknown {
    const chat = { id: 'C', thread: { ...thread, ...threadFields }, ...chatFields };
    return dataOf('incoming_chat', { chat, ...fields }, self);
  }

  describe('the reason of a chat’s start', () => {
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

  describe('a chat’s start', () => {
    it('says who takes part, with bots told from agents by their ids', () => {
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

    it.each(['visit', 'last_visit'])('takes the customer’s country from %s', (name) => {
      const users = [{ id: customerId, type: 'customer', [name]: { geolocation: { country_code: 'PL' } } }];
      expect(started({}, { users })).toMatchObject({ participants: [{ country: 'PL' }] });
    });

    it.each([
      ['the thread’s', { access: { group_ids: [4] } }, { access: { group_ids: [19] } }, [4]],
      ['else the chat’s', {}, { access: { group_ids: [19] } }, [19]],
      ['else none', {}, {}, []],
    ])('names %s groups', (_whose, threadFields, chatFields, groups) => {
      expect(started(threadFields, chatFields)).toMatchObject({ groups });
    });

    it.each([
      ['queued_at', { position: 3, wait_time: 60, queued_at: '2026-03-11T09:14:10.000000Z' }],
      ['queued_at_us', { position: 3, wait_time: 60, queued_at_us: '2026-03-11T09:14:10.000000Z' }],
    ])('reads the queue’s time from %s', (_name, queue) => {
      const expected = { position: 3, waitTime: 60, queuedAt: '2026-03-11T09:14:10.000000Z' };
      expect(started({ queue })).toMatchObject({ queue: expected });
    });

    it('names the page that it came from', () => {
      const properties = { routing: { start_url: 'https://shop.example/cart' } };
      expect(started({ properties })).toMatchObject({ sourcePage: 'https://shop.example/cart' });
    });

    it.each([
      ['is active unless said otherwise', {}, true],
      ['is inactive when appended to an inactive chat', { active: false }, false],
    ])('%s', (_what, threadFields, active) => {
      expect(started(threadFields)).toMatchObject({ active });
    });

    it.each([
      [true, 'there was a thread before', { previous_thread_id: 'P' }, undefined],
      [true, 'the customer has had another thread', {}, { threads_count: 2, chats_count: 1 }],
      [true, 'the customer has had another chat', {}, { chats_count: 2 }],
      [false, 'it is the first', {}, { threads_count: 1, chats_count: 1 }],
      [undefined, 'nothing is counted', {}, undefined],
      [undefined, 'what is counted is no number', {}, { threads_count: 'many' }],
      [undefined, 'there are no statistics', {}, null],
    ])('is of a returning customer: %s, when %s', (returning, _when, threadFields, statistics) => {
      const users = [{ id: customerId, type: 'customer', statistics }];
      expect(started(threadFields, { users })).toHaveProperty('returning', returning);
    });

    it('says who began it, where LiveChat does', () => {
      expect(started({}, {}, { requester_id: agentId })).toMatchObject({ by: { id: agentId, type: 'agent' } });
      expect(started({})).toHaveProperty('by', undefined);
    });

    it('says whom the customer does not see', () => {
      const users = [
        { id: agentId, type: 'agent', visibility: 'agents' },
        { id: botId, type: 'agent', visibility: 'all' },
        { id: customerId, type: 'customer' },
      ];
      expect(started({}, { users })).toMatchObject({
        participants: [{ hidden: true }, { hidden: false }, { id: customerId }],
      });
    });

    describe('with what was said already', () => {
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

      it('has the answers of the form and the first text of the customer', () => {
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
        ['nothing', []],
        [
          'what agents say',
          [said({ author_id: agentId, text: 'Hello' }), said({ author_id: agentId, type: 'filled_form', fields })],
        ],
        ['what was deleted', [said({ deleted: true, text: 'Hello' })]],
        ['what is broken', [{ ...said({ text: 'Hello' }), created_at: 'now' }, said({ text: 7 }), 'x']],
      ])('has nothing of %s', (_what, events) => {
        expect(started({ events })).toHaveProperty('opening', undefined);
      });

      it('knows a customer by the chat’s users, whatever the id looks like', () => {
        const users = [{ id: 'somebody', type: 'customer' }];
        const events = [said({ author_id: 'somebody', text: 'Hello' })];
        expect(started({ events }, { users })).toMatchObject({ opening: { answers: [], text: 'Hello' } });
      });
    });

    it.each([
      [true, 'our client began the thread', { properties: { source: { client_id: 'ours' } } }, {}],
      [true, 'our agent asked for it', {}, { requester_id: agentId }],
      [false, 'another client began it', { properties: { source: { client_id: 'theirs' } } }, {}],
      [false, 'another agent asked for it', {}, { requester_id: 'tomas.reyes@acme.example' }],
      [false, 'nobody is named', {}, {}],
    ])('is caused by us: %s, when %s', (causedByUs, _when, threadFields, fields) => {
      expect(started(threadFields, {}, fields, { clientId: 'ours', agentId })).toMatchObject({ causedByUs });
    });

    it('is never caused by us while we do not know who we are', () => {
      expect(started({ properties: { source: {} } }, {}, {}, {})).toMatchObject({ causedByUs: false });
    });
  });

  describe('a transfer', () => {
    it('says to whom, why and by whom', () => {
      const transferred_to = { agent_ids: [agentId], group_ids: [4] };
      const payload = { chat_id: 'C', thread_id: 'T', requester_id: agentId, reason: 'manual', transferred_to };
      expect(dataOf('chat_transferred', payload)).toMatchObject({
        conversationId: 'C',
        threadId: 'T',
        to: { agents: [agentId], groups: [4] },
        reason: 'manual',
        by: { id: agentId, type: 'agent' },
      });
    });

    it.each(['queued_at', 'queued_at_us'])('reads the queue’s time from %s', (name) => {
      const queue = { [name]: '2026-03-11T09:14:10.000000Z' };
      expect(dataOf('chat_transferred', { chat_id: 'C', queue })).toMatchObject({
        to: {},
        reason: 'other',
        queue: { queuedAt: '2026-03-11T09:14:10.000000Z' },
      });
    });
  });

  describe('the end of a thread', () => {
    it.each([
      [agentId, { id: agentId, type: 'agent' }],
      [customerId, { id: customerId, type: 'customer' }],
      [undefined, undefined],
    ])('by %s', (user_id, by) => {
      expect(dataOf('chat_deactivated', { chat_id: 'C', thread_id: 'T', user_id })).toEqual({
        conversationId: 'C',
        threadId: 'T',
        by,
      });
    });
  });

  describe('a change of a chat', () => {
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
    ])('by %s', (action, payload, data) => {
      expect(dataOf(action, payload)).toEqual(data);
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

  /** The two ways in which a LiveChat event reaches us; of a chat, what its thread’s events became. */
  function inEveryWay(event: object): (readonly [string, AnyEvent[]])[] {
    const thread = { id: 'T', created_at: createdAt, events: [event] };
    return [
      ['incoming_event', events('incoming_event', { ...place, event })],
      ['incoming_chat', events('incoming_chat', { chat: { id: 'C', thread } }).slice(1)],
    ];
  }

  describe('a message', () => {
    it.each(inEveryWay(message))('in %s is received, with the carrier’s own time', (_way, got) => {
      expect(got).toMatchObject([
        {
          type: 'message.received',
          metadata: { occurredAt: createdAt, receivedAt },
          data: { id: 'T_1', content: 'Hello' },
        },
      ]);
    });

    it('that was edited is updated, with the new content', () => {
      const got = events('event_updated', { ...place, event: { ...message, text: 'Hello!' } });
      expect(got).toMatchObject([{ type: 'message.updated', data: { id: 'T_1', content: 'Hello!' } }]);
    });
  });

  describe('a note', () => {
    const note = { ...message, visibility: 'agents', text: 'a secret of the agents' };

    it.each(inEveryWay(note))('in %s is received as a note and as nothing else', (_way, got) => {
      expect(got).toMatchObject([{ type: 'note.received', data: { visibility: 'agents' } }]);
    });

    it('that was edited is updated as a note and as nothing else', () => {
      expect(events('event_updated', { ...place, event: note })).toMatchObject([{ type: 'note.updated' }]);
    });

    it('of our own is also delivered, without its content', () => {
      const got = events('incoming_event', { ...place, event: { ...note, custom_id: 'out-1' } });
      expect(got).toMatchObject([
        { type: 'note.received' },
        { type: 'message.delivered', data: { deliveryId: 'out-1' } },
      ]);
      expect(JSON.stringify(got[1])).not.toContain(note.text);
    });

    it('that was deleted leaves only its id', () => {
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
      for (const [, got] of inEveryWay({ ...message, custom_id, author_id })) expect(got).toMatchObject([{ type }]);
    });

    it('of ours comes back whole, for where no record of it exists', () => {
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
      ...inEveryWay({ ...message, deleted: true }),
      ['event_updated', events('event_updated', { ...place, event: { ...message, deleted: true } })] as const,
      ['event_deleted', events('event_deleted', { ...place, event_id: 'T_1' })] as const,
    ])('in %s leaves a tombstone alone', (_way, got) => {
      expect(got).toMatchObject([deleted]);
      expect(JSON.stringify(got)).not.toContain('Hello');
    });

    it('that says deleted: false is there', () => {
      expect(events('incoming_event', { ...place, event: { ...message, deleted: false } })).toMatchObject([
        { type: 'message.received' },
      ]);
    });
  });

  describe('a click', () => {
    it.each([
      [
        '3.6',
        { id: 'p', toggled: false, button_type: 'message', button_value: 'yes' },
        { id: 'p', toggled: false, type: 'message', value: 'yes' },
      ],
      ['3.4', { id: 'p', toggled: true }, { id: 'p', toggled: true }],
      ['a carrier that leaves out toggled', { id: 'p' }, { id: 'p', toggled: true }],
    ])('of %s names the button and the user', (_version, postback, button) => {
      const payload = { ...place, event_id: 'T_1', user_id: customerId, postback };
      const user = { id: customerId, type: 'customer' };
      expect(events('incoming_rich_message_postback', payload)).toMatchObject([
        { data: { messageId: 'T_1', button, user } },
      ]);
    });
  });

  describe('what was seen', () => {
    it('is told with its time in microseconds, as when it happened', () => {
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

  describe('a user who comes', () => {
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
      [
        'one of whom nothing is known',
        { user: { id: 'x' } },
        'participant.changed',
        { participant: { type: 'unknown' } },
      ],
      [
        'one who is said to be absent',
        { user: { id: agentId, present: false } },
        'agent.changed',
        { agent: { present: false } },
      ],
    ])('being %s', (_who, payload, type, data) => {
      expect(only('user_added_to_chat', { ...place, ...payload })).toMatchObject({
        type,
        data: { ...joined, ...data },
      });
    });
  });

  describe('a user who goes', () => {
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
    ])('being %s', (_who, payload, type, data) => {
      expect(only('user_removed_from_chat', { ...place, ...payload })).toMatchObject({
        type,
        data: { ...left, ...data },
      });
    });

    it('is told with the reason and with who asked for it', () => {
      const payload = { ...place, user_id: agentId, reason: 'manual', requester_id: agentId };
      const by = { id: agentId, type: 'agent' };
      expect(only('user_removed_from_chat', payload)).toMatchObject({ data: { reason: 'manual', by } });
    });
  });

  describe('agent_changed, which the original specification names', () => {
    it('is an agent who joins, and whom they replace', () => {
      const payload = { chat_id: 'C', agent_id: agentId, previous_agent_id: 'tomas.reyes@acme.example' };
      const data = { ...joined, agent: { id: agentId, type: 'agent' }, replaces: 'tomas.reyes@acme.example' };
      expect(only('agent_changed', payload)).toMatchObject({ type: 'agent.changed', data });
    });
  });

  describe('session fields', () => {
    const session_fields = [{ plan: 'pro' }, { cart: 149 }, { plan: 'max' }, { nothing: null }];

    it('become a customer’s fields by name, the last of a name counting', () => {
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

    it.each([[undefined], [null]])('of a customer whose active chat is %j become nothing', (active_chat) => {
      expect(only('customer_session_fields_updated', { id: customerId, active_chat, session_fields })).toBeUndefined();
    });
  });
});
