import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { organizationId, webhook } from '../../../test/arbitraries.ts';
import { fixture } from '../../../test/fixtures.ts';
import { type AnyEvent, parseEvent } from '../../events/event.ts';
import { redact } from '../redact.ts';
import type { Webhook } from './context.ts';
import { translate } from './translate.ts';

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
    const folder = new URL('../../../test/fixtures/livechat/', import.meta.url);
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
      { numRuns: 1_000 },
    );
  });

  it('becomes events that fit the catalogue after a way through JSON', () => {
    fc.assert(
      fc.property(webhook, (one) => {
        for (const event of translate(one, {})) expect(() => asReceived(event)).not.toThrow();
      }),
      { numRuns: 1_000 },
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
      { numRuns: 1_000 },
    );
  });
});
