import { describe, expect, onTestFinished, test } from 'vitest';
import { fixture } from '../../test/fixtures.ts';
import {
  nina,
  organizationId,
  outline,
  quietSimulator,
  secretKey,
  startReceiver,
  tomas,
  until,
} from '../../test/test-simulator.ts';
import { createInFlight } from '../in-flight.ts';
import { openState } from '../state.ts';
import {
  createDelivery,
  type DeliveryAttempt,
  type DeliverySettings,
  defaultTarget,
  toWebhookBody,
  type Webhook,
  type WebhookAction,
} from './webhooks.ts';

const deliverTo = (url: string, retryDelaysMs: readonly number[], settings: Partial<DeliverySettings> = {}) => {
  const attempts: DeliveryAttempt[] = [];
  const delivery = createDelivery({
    targets: (action) => [defaultTarget(action, { url, secretKey })],
    timeoutMs: 10_000,
    organizationId,
    retryDelaysMs,
    inFlight: createInFlight(),
    ...settings,
    onAttempt: (attempt) => {
      attempts.push(attempt);
      settings.onAttempt?.(attempt);
    },
  });
  onTestFinished(delivery.stop);
  return { ...delivery, attempts };
};

/** The webhooks of a chat with this many messages after incoming_chat. */
const webhooksOfChat = (messages: number): Webhook[] => {
  const simulator = quietSimulator();
  const { chat } = simulator.start({ customer: { name: 'Dana' }, text: 'Hello' });
  for (let n = 1; n <= messages; n++) simulator.act(chat.id, { action: 'message', text: String(n) });
  return simulator.webhooks;
};

const readMessageText = ({ payload }: { payload: unknown }) => /"text":"(\w+)"/.exec(JSON.stringify(payload))?.[1];

test('delivers the webhooks of a chat in order', async () => {
  const receiver = await startReceiver();
  const { send } = deliverTo(receiver.url, []);
  for (const webhook of webhooksOfChat(20)) send(webhook);
  await until(() => receiver.bodies.length === 21);
  expect(receiver.bodies.slice(1).map(readMessageText)).toEqual(Array.from({ length: 20 }, (_, n) => String(n + 1)));
  expect(receiver.bodies[0]).toMatchObject({ secret_key: 'whsec-test', organization_id: organizationId });
});

test('counts a webhook as pending until its response, but not while a retry waits', async () => {
  const inFlight = createInFlight();
  const pendingCounts: number[] = [];
  const receiver = await startReceiver(() => {
    pendingCounts.push(inFlight.pending());
    return 500;
  });
  const { send, attempts } = deliverTo(receiver.url, [60_000], { inFlight });
  webhooksOfChat(1).forEach(send);
  expect(inFlight.pending()).toBe(2);
  await expect(inFlight.idle(10_000)).resolves.toBe(true);
  expect(pendingCounts).toEqual([2, 1]);
  expect(attempts.map(({ ok, gaveUp }) => [ok, gaveUp])).toEqual([
    [false, false],
    [false, false],
  ]);
});

test('retries until the response is 200', async () => {
  const receiver = await startReceiver((_, count) => (count < 3 ? 204 : 200));
  const { send, attempts } = deliverTo(receiver.url, [5, 5, 5]);
  webhooksOfChat(0).forEach(send);
  await until(() => attempts.length === 3);
  expect(attempts.map(({ attempt, status, ok, gaveUp }) => [attempt, status, ok, gaveUp])).toEqual([
    [1, 204, false, false],
    [2, 204, false, false],
    [3, 200, true, false],
  ]);
});

test('gives up after three retries', async () => {
  const receiver = await startReceiver(() => 500);
  const { send, attempts } = deliverTo(receiver.url, [1, 1, 1]);
  webhooksOfChat(0).forEach(send);
  await until(() => attempts.some(({ gaveUp }) => gaveUp));
  expect(attempts.map(({ attempt, gaveUp }) => [attempt, gaveUp])).toEqual([
    [1, false],
    [2, false],
    [3, false],
    [4, true],
  ]);
});

test('retries with the same body', async () => {
  const receiver = await startReceiver((_, count) => (count === 1 ? 503 : 200));
  const { send } = deliverTo(receiver.url, [1]);
  webhooksOfChat(0).forEach(send);
  await until(() => receiver.bodies.length === 2);
  expect(receiver.bodies[1]).toEqual(receiver.bodies[0]);
});

test('a waiting retry does not delay later webhooks', async () => {
  const receiver = await startReceiver(({ action }) => (action === 'incoming_chat' ? 500 : 200));
  const { send, attempts } = deliverTo(receiver.url, [60_000]);
  webhooksOfChat(2).forEach(send);
  await until(() => attempts.length === 3);
  expect(attempts.map(({ action, ok }) => [action, ok])).toEqual([
    ['incoming_chat', false],
    ['incoming_event', true],
    ['incoming_event', true],
  ]);
});

test('a refused connection, a closed connection and a timeout are failures without a status', async () => {
  const closing = await startReceiver(() => null);
  const hanging = await startReceiver(() => new Promise<number>(() => {}));
  for (const url of ['http://127.0.0.1:1/', closing.url, hanging.url]) {
    const { send, attempts } = deliverTo(url, [], { timeoutMs: 50 });
    webhooksOfChat(0).forEach(send);
    await until(() => attempts.length === 1);
    expect(attempts[0]).toMatchObject({ status: null, ok: false, gaveUp: true });
  }
});

test('stop drops waiting retries', async () => {
  const receiver = await startReceiver(() => 500);
  const stopped = deliverTo(receiver.url, [1], { onAttempt: () => stopped.stop() });
  webhooksOfChat(0).forEach(stopped.send);
  await until(() => stopped.attempts.length === 1);
  const other = deliverTo(receiver.url, [20]);
  webhooksOfChat(0).forEach(other.send);
  await until(() => other.attempts.length === 2);
  expect(stopped.attempts).toHaveLength(1);
  expect(receiver.bodies).toHaveLength(3);
});

test('after a restart sends the undelivered webhooks in order and with the current secret', async () => {
  const state = openState();
  const answers = [200, 500];
  const receiver = await startReceiver(() => answers.shift() ?? new Promise<number>(() => {}));
  const first = deliverTo(receiver.url, [600_000], { state });
  webhooksOfChat(4).forEach(first.send);
  await until(() => receiver.bodies.length === 3);
  first.stop();

  const next = await startReceiver();
  const targets = (action: WebhookAction) => [defaultTarget(action, { url: next.url, secretKey: 'rotated' })];
  const second = deliverTo(receiver.url, [], { state, targets });
  second.resume();
  await until(() => second.attempts.length === 3);

  expect(next.bodies.map(readMessageText)).toEqual(['2', '3', '4']);
  expect(next.bodies[0]).toEqual({ ...receiver.bodies[2], secret_key: 'rotated' });
});

test('after a restart sends a retry when it is due', async () => {
  const state = openState();
  const receiver = await startReceiver((_, count) => (count === 1 ? 500 : 200));
  const first = deliverTo(receiver.url, [100, 600_000], { state });
  webhooksOfChat(0).forEach(first.send);
  await until(() => first.attempts.length === 1);
  first.stop();

  const second = deliverTo(receiver.url, [100, 600_000], { state });
  second.resume();
  await until(() => second.attempts.length === 1);

  expect(second.attempts).toMatchObject([{ attempt: 2, ok: true }]);
  second.stop();
  const third = deliverTo(receiver.url, [], { state });
  third.resume();
  expect(third.attempts).toEqual([]);
  expect(receiver.bodies).toHaveLength(2);
});

test('delivers the webhooks of different chats concurrently', async () => {
  const waiting: string[] = [];
  const receiver = await startReceiver(({ payload }) => {
    waiting.push(JSON.stringify(payload));
    return new Promise((resolve) => {
      const check = () => (waiting.length === 10 ? resolve(200) : setImmediate(check));
      check();
    });
  });
  const { send, attempts } = deliverTo(receiver.url, []);
  for (let n = 0; n < 10; n++) {
    for (const webhook of webhooksOfChat(0)) send({ ...webhook, chatId: `T${n}` });
  }
  await until(() => attempts.length === 10);
  expect(attempts.every(({ ok }) => ok)).toBe(true);
});

test('stop aborts active requests and those that wait for a connection', async () => {
  const receiver = await startReceiver(() => new Promise<number>(() => {}));
  const { send, stop, attempts } = deliverTo(receiver.url, []);
  for (let n = 0; n < 200; n++) {
    for (const webhook of webhooksOfChat(0)) send({ ...webhook, chatId: `T${n}` });
  }
  await until(() => receiver.bodies.length === 128);
  stop();
  const other = deliverTo(receiver.url, [], { timeoutMs: 50 });
  webhooksOfChat(0).forEach(other.send);
  await until(() => other.attempts.length === 1);
  expect(receiver.bodies).toHaveLength(129);
  expect(attempts).toEqual([]);
});

/** Fields that depend on earlier chats, on data of the customer, or on other applications. */
const optionalFields =
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

/** The webhook bodies of one chat with every action. */
const scenarioBodies = (): Record<string, unknown>[] => {
  const receiver = { url: 'https://hooks.example.net', secretKey };
  const simulator = quietSimulator();
  const { chat } = simulator.start({ customer, text: 'Where is my order?', form, group: 4 });
  const act = (body: unknown) => simulator.act(chat.id, body).eventId;
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
    JSON.parse(toWebhookBody(webhook, defaultTarget(webhook.action, receiver), organizationId)),
  );
};

const bodies = scenarioBodies();

const findOutlines = (test: (body: Record<string, unknown>) => boolean) =>
  bodies.filter(test).map((body) => outline(body));

describe('webhook bodies have every field of the fixtures', () => {
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
    const expected = outline(fixture(`${name}.json`)).filter((line) => !optionalFields.test(line));
    const missing = findOutlines(({ action }) => name.split('.')[0] === action).map((lines) =>
      expected.filter((line) => !lines.includes(line)),
    );
    expect(missing.length).toBeGreaterThan(0);
    expect(missing).toContainEqual([]);
  });

  test('have additional_data, except chat_transferred', () => {
    for (const body of bodies) expect('additional_data' in body).toBe(body.action !== 'chat_transferred');
  });

  test('have one webhook_id per action', () => {
    const pairs = new Set(bodies.map(({ action, webhook_id }) => `${action} ${webhook_id}`));
    const actions = new Set(bodies.map(({ action }) => action));
    const registrations = new Set(bodies.map(({ webhook_id }) => webhook_id));
    expect(pairs.size).toBe(actions.size);
    expect(registrations.size).toBe(actions.size);
  });
});
