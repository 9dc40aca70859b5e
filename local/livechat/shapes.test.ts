import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse, parseAction } from './parse.ts';
import { startRequest } from './requests.ts';
import { nina, organizationId, outline, quietSimulator, targetOf, tomas } from './testing.ts';
import { toBody } from './webhooks.ts';

const fixture = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../test/fixtures/livechat/${name}.json`, import.meta.url), 'utf8'));

/** Depends on the customer's past, on what they told about themselves, or on what another application noted. */
const mayLack =
  /agent_last_event|customer_last_event|welcome_message|session_fields|previous_thread_id|tags|requester_id/;

const buttons = [
  { text: 'Yes, I want a human', type: 'message', value: 'yes', postback_id: 'transfer' },
  { text: 'No, thanks', type: 'message', value: 'no', postback_id: 'stay' },
];

const form = [
  { type: 'name', label: 'Name:', answer: 'Dana Whitfield' },
  { type: 'radio', label: 'Topic', answer: 'Order status' },
  { type: 'checkbox', label: 'Products', answer: ['Shoes', 'Bags'] },
  { type: 'group_chooser', label: 'Department', answer: 'Sales' },
];

const customer = { name: 'Dana Whitfield', email: 'dana@shop.example', sessionFields: { plan: 'pro' } };

/** One chat in which everything happens; gives all bodies. */
const storyBodies = (): Record<string, unknown>[] => {
  const simulator = quietSimulator();
  const { chat } = simulator.start(parse(startRequest, { customer, text: 'Where is my order?', form, group: 4 }));
  const act = (body: unknown) => simulator.act(chat.id, parseAction(body)).eventId;
  act({ action: 'message', text: 'It was due yesterday 😀' });
  act({ as: 'agent', action: 'message', text: 'Let me check.' });
  const eventId = act({
    as: 'agent',
    action: 'rich-message',
    templateId: 'quick_replies',
    elements: [{ title: 'A human?', buttons }],
  });
  act({ action: 'click', eventId, postbackId: 'transfer' });
  const file = act({ action: 'file', name: 'receipt.png' });
  act({ as: 'agent', action: 'transfer', agents: [tomas] });
  act({ action: 'seen' });
  act({ action: 'session-fields', fields: { cart_value: '149.00' } });
  act({ as: 'agent', action: 'tag', tag: 'bug_report' });
  act({ as: 'agent', action: 'untag', tag: 'bug_report' });
  const note = act({ as: 'agent', action: 'note', text: 'VIP' });
  act({ as: 'agent', action: 'delete', eventId: file });
  act({ as: 'agent', action: 'edit', eventId: note, text: 'A VIP' });
  act({ as: 'agent', action: 'join', agent: nina });
  act({ as: 'agent', action: 'part', agent: nina });
  act({ as: 'router', action: 'idle' });
  act({ as: 'agent', action: 'close' });
  act({ action: 'reopen', text: 'Me again' });
  act({ as: 'router', action: 'archive' });
  return simulator.webhooks.map((webhook) =>
    JSON.parse(toBody(webhook, targetOf('https://hooks.example.net', webhook.action), organizationId)),
  );
};

const bodies = storyBodies();

const outlinesOf = (test: (body: Record<string, unknown>) => boolean) =>
  bodies.filter(test).map((body) => outline(body));

describe('a webhook has every field of its like in the collection', () => {
  test.each([
    'incoming_chat',
    'incoming_chat.reopened',
    'chat_deactivated.by_agent',
    'chat_transferred.manual_to_agent',
    'user_added_to_chat.agent',
    'user_removed_from_chat',
    'incoming_event.message.customer',
    'incoming_event.message.agent',
    'incoming_event.file',
    'incoming_event.rich_message',
    'incoming_event.system_message.idle',
    'incoming_event.system_message.transferred',
    'incoming_event.system_message.archived_inactive',
    'event_deleted.v3.6_only',
    'incoming_rich_message_postback',
    'events_marked_as_seen',
    'customer_session_fields_updated',
    'thread_tagged',
    'thread_untagged',
  ])('%s', (name) => {
    const expected = outline(fixture(name)).filter((line) => !mayLack.test(line));
    const missing = outlinesOf(({ action }) => name.split('.')[0] === action).map((lines) =>
      expected.filter((line) => !lines.includes(line)),
    );
    expect(missing.length).toBeGreaterThan(0);
    expect(missing).toContainEqual([]);
  });

  test('no additional_data with chat_transferred, and with every other action some', () => {
    for (const body of bodies) expect('additional_data' in body).toBe(body.action !== 'chat_transferred');
  });

  test('an action has one webhook_id, and no two actions share it', () => {
    const pairs = new Set(bodies.map(({ action, webhook_id }) => `${action} ${webhook_id}`));
    const actions = new Set(bodies.map(({ action }) => action));
    const registrations = new Set(bodies.map(({ webhook_id }) => webhook_id));
    expect(pairs.size).toBe(actions.size);
    expect(registrations.size).toBe(actions.size);
  });
});
