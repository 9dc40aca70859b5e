import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { agentId, botId, customerId, liveChatEvent, organizationId } from '../../test/arbitraries.ts';
import { fixture } from '../../test/fixtures.ts';
import type { AnyEvent } from '../events/event.ts';
import { normalizedMessage } from '../events/schemas.ts';
import { event, payloads } from './schemas.ts';
import { translate } from './translate.ts';
import { normalize } from './translate-message.ts';

const key = { conversationId: 'C', threadId: 'T' };

function normalized(fields: Readonly<Record<string, unknown>>) {
  return normalize(
    event.parse({ id: 'T_1', type: 'message', created_at: '2026-03-11T09:14:14.120349Z', ...fields }),
    key,
    organizationId,
  );
}

describe('content', () => {
  const elements = [{ title: 'A human?', buttons: [] }];
  const fields = [{ type: 'email', id: '1', label: 'Your e-mail', answer: 'dana@shop.example' }];
  const file = { url: 'https://cdn.example/r.png', name: 'r.png', content_type: 'image/png', size: 12 };

  it.each([
    ['message', { text: 'Hello 😀' }, 'text', 'Hello 😀', {}],
    ['message', {}, 'text', '', {}],
    ['message', { text: 7 }, 'text', '', {}],
    ['message', { text: 'Yes', postback: { id: 'p' } }, 'text', 'Yes', { postback: { id: 'p' } }],
    [
      'file',
      { ...file, thumbnail_url: 'https://cdn.example/t.png' },
      'media',
      file.url,
      { filename: 'r.png', contentType: 'image/png', size: 12, thumbnailUrl: 'https://cdn.example/t.png' },
    ],
    ['file', { url: file.url, name: '', size: null }, 'media', file.url, {}],
    [
      'rich_message',
      { template_id: 'cards', elements },
      'interactive',
      JSON.stringify(elements),
      { templateId: 'cards' },
    ],
    ['rich_message', {}, 'interactive', 'null', {}],
    [
      'form',
      { form_id: '7', form_type: 'ask_for_email', fields },
      'form',
      JSON.stringify(fields),
      { formId: '7', formType: 'ask_for_email' },
    ],
    [
      'filled_form',
      { form_id: '7', fields },
      'form',
      JSON.stringify(fields),
      { formId: '7', answers: [{ id: '1', label: 'Your e-mail', values: ['dana@shop.example'] }] },
    ],
    ['filled_form', { fields: [{ id: '1', label: 'E-mail' }] }, 'form', '[{"id":"1","label":"E-mail"}]', {}],
    ['filled_form', { fields: 'none' }, 'form', '"none"', {}],
    [
      'system_message',
      { text: 'Nina left', system_message_type: 'agent_left' },
      'system',
      'Nina left',
      { systemMessageType: 'agent_left' },
    ],
    [
      'system_message',
      { text: 'Idle', system_message_type: 'routing.idle' },
      'system',
      'Idle',
      { systemMessageType: 'routing.idle', idle: true },
    ],
    ['message', { text: 'Hi', properties: { source: { client_id: 'c' } } }, 'text', 'Hi', {}],
    [
      'message',
      { text: 'Hi', properties: { source: { client_id: 'c' }, crm: { lead: true } } },
      'text',
      'Hi',
      { properties: { crm: { lead: true } } },
    ],
    [
      'message',
      { text: 'Hi', properties: { lc2: { welcome_message: true } } },
      'text',
      'Hi',
      { properties: { lc2: { welcome_message: true } }, welcome: true },
    ],
    ['message', { text: 'Hi', properties: null }, 'text', 'Hi', {}],
    ['custom', { content: { crm: { stage: 'won' } } }, 'custom', { crm: { stage: 'won' } }, {}],
    ['custom', {}, 'custom', null, {}],
  ])('of an event of type %s with %o is %s', (type, given, expectedType, content, metadata) => {
    expect(normalized({ type, ...given })).toMatchObject({ type: expectedType });
    expect(normalized({ type, ...given }).content).toEqual(content);
    expect(normalized({ type, ...given }).metadata).toEqual(metadata);
  });

  it.each(['system', 'carousel', 'toString', '__proto__', 'constructor'])(
    'of an event of the unknown type %s is the event as JSON',
    (type) => {
      const message = normalized({ type, source: 'cdp', details: '{}' });
      expect(message).toMatchObject({ type: 'unknown', metadata: { eventType: type } });
      expect(JSON.parse(String(message.content))).toEqual(message.rawPayload);
    },
  );

  it('of the v3.6 type system is unknown and keeps the raw payload', () => {
    const body = payloads.incoming_event.parse(fixture('incoming_event.system.v3.6_only.json').payload);
    expect(normalize(body.event, key, organizationId)).toMatchObject({
      type: 'unknown',
      author: { type: 'system' },
      rawPayload: body.event,
    });
  });
});

describe('custom_id', () => {
  it.each([
    ['', {}],
    [null, {}],
    [undefined, {}],
    ['7g1d0s9k2pp', { customId: '7g1d0s9k2pp' }],
  ])('%j is stored as %j', (custom_id, metadata) => {
    expect(normalized({ custom_id }).metadata).toEqual(metadata);
  });
});

describe('author and direction', () => {
  it.each([
    [undefined, '', 'system', 'inbound'],
    [null, '', 'system', 'inbound'],
    ['', '', 'system', 'inbound'],
    [agentId, agentId, 'agent', 'outbound'],
    [botId, botId, 'bot', 'outbound'],
    [botId.toUpperCase(), botId.toUpperCase(), 'bot', 'outbound'],
    [customerId, customerId, 'customer', 'inbound'],
    [customerId.toUpperCase(), customerId.toUpperCase(), 'customer', 'inbound'],
    [`${botId}0`, `${botId}0`, 'unknown', 'inbound'],
    ['somebody', 'somebody', 'unknown', 'inbound'],
  ])('of an event with the author id %j depend on the format of the id', (author_id, id, type, direction) => {
    expect(normalized({ author_id })).toMatchObject({ author: { id, type }, direction });
  });
});

it('converts the time of an event to UTC with microseconds', () => {
  expect(normalized({ created_at: '2026-03-11T10:14:14.5+01:00' }).timestamp).toBe('2026-03-11T09:14:14.500000Z');
});

describe('visibility', () => {
  it.each([
    ['all', 'all'],
    [undefined, 'all'],
    ['agents', 'agents'],
    ['staff', 'agents'],
  ])('%j is mapped to %s', (given, visibility) => {
    expect(normalized({ visibility: given }).visibility).toBe(visibility);
  });
});

describe('any valid event', () => {
  it('is normalized to the same schema-valid message each time', () => {
    fc.assert(
      fc.property(liveChatEvent, (given) => {
        const parsed = event.safeParse(JSON.parse(JSON.stringify(given)));
        fc.pre(parsed.success);
        const message = normalize(parsed.data, key, organizationId);
        expect(normalizedMessage.safeParse(JSON.parse(JSON.stringify(message))).error).toBeUndefined();
        expect(normalize(structuredClone(parsed.data), key, organizationId)).toEqual(message);
      }),
    );
  });

  it('is kept unchanged as rawPayload, except a property named __proto__', () => {
    fc.assert(
      fc.property(liveChatEvent, (given) => {
        const json = z.record(z.string(), z.unknown()).parse(JSON.parse(JSON.stringify(given)));
        const parsed = event.safeParse(json);
        fc.pre(parsed.success);
        expect(normalize(parsed.data, key, organizationId).rawPayload).toEqual(json);
      }),
    );
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
});
