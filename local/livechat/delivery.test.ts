import { expect, test } from 'vitest';
import { allocateSharedCount, sharedInFlight } from '../in-flight.ts';
import { createDelivery, type WebhookActivity } from './delivery.ts';
import { parse, parseAction } from './parse.ts';
import { startRequest } from './requests.ts';
import { cleanUp, organizationId, quietSimulator, startReceiver, targetOf, until } from './testing.ts';
import type { Webhook } from './webhooks.ts';

interface Extras {
  readonly begin?: () => () => void;
  readonly timeoutMs?: number;
  readonly onActivity?: () => void;
}

const deliverTo = (
  url: string,
  retryDelaysMs: readonly number[],
  { timeoutMs = 10_000, onActivity, begin }: Extras = {},
) => {
  const activities: WebhookActivity[] = [];
  const delivery = createDelivery({
    targets: (action) => [targetOf(url, action)],
    timeoutMs,
    organizationId,
    retryDelaysMs,
    now: Date.now,
    onActivity: (activity) => {
      activities.push(activity);
      onActivity?.();
    },
    ...(begin && { begin }),
  });
  cleanUp(delivery.stop);
  return { ...delivery, activities };
};

/** The webhooks of a chat in which the customer writes so many messages; the first is incoming_chat. */
const webhooksOfChat = (messages: number): Webhook[] => {
  const simulator = quietSimulator();
  const { chat } = simulator.start(parse(startRequest, { customer: { name: 'Dana' }, text: 'Hello' }));
  for (let n = 1; n <= messages; n++) simulator.act(chat.id, parseAction({ action: 'message', text: String(n) }));
  return simulator.webhooks;
};

const textOf = ({ payload }: { payload: unknown }) => /"text":"(\w+)"/.exec(JSON.stringify(payload))?.[1];

test('the webhooks of a chat arrive in the order in which they came about', async () => {
  const receiver = await startReceiver();
  const { send } = deliverTo(receiver.url, []);
  for (const webhook of webhooksOfChat(20)) send(webhook);
  await until(() => receiver.bodies.length === 21);
  expect(receiver.bodies.slice(1).map(textOf)).toEqual(Array.from({ length: 20 }, (_, n) => String(n + 1)));
  expect(receiver.bodies[0]).toMatchObject({ secret_key: 'whsec-test', organization_id: organizationId });
});

test('a webhook is owed from its cause to its answer, and not while it waits to be tried again', async () => {
  const owed = sharedInFlight(allocateSharedCount());
  const seen: number[] = [];
  const receiver = await startReceiver(() => {
    seen.push(owed.pending());
    return 500;
  });
  const { send, activities } = deliverTo(receiver.url, [60_000], { begin: owed.begin });
  webhooksOfChat(1).forEach(send);
  expect(owed.pending()).toBe(2);
  await expect(owed.idle(10_000)).resolves.toBe(true);
  expect(seen).toEqual([2, 1]);
  expect(activities.map(({ ok, gaveUp }) => [ok, gaveUp])).toEqual([
    [false, false],
    [false, false],
  ]);
});

test('an answer that is not 200 is tried again, until it is', async () => {
  const receiver = await startReceiver((_, count) => (count < 3 ? 204 : 200));
  const { send, activities } = deliverTo(receiver.url, [5, 5, 5]);
  webhooksOfChat(0).forEach(send);
  await until(() => activities.length === 3);
  expect(activities.map(({ attempt, status, ok, gaveUp }) => [attempt, status, ok, gaveUp])).toEqual([
    [1, 204, false, false],
    [2, 204, false, false],
    [3, 200, true, false],
  ]);
});

test('after three more tries LiveChat gives up, and it is told', async () => {
  const receiver = await startReceiver(() => 500);
  const { send, activities } = deliverTo(receiver.url, [1, 1, 1]);
  webhooksOfChat(0).forEach(send);
  await until(() => activities.some(({ gaveUp }) => gaveUp));
  expect(activities.map(({ attempt, gaveUp }) => [attempt, gaveUp])).toEqual([
    [1, false],
    [2, false],
    [3, false],
    [4, true],
  ]);
});

test('a retry is the same body again', async () => {
  const receiver = await startReceiver((_, count) => (count === 1 ? 503 : 200));
  const { send } = deliverTo(receiver.url, [1]);
  webhooksOfChat(0).forEach(send);
  await until(() => receiver.bodies.length === 2);
  expect(receiver.bodies[1]).toEqual(receiver.bodies[0]);
});

test('a webhook that waits for its retry holds up none after it', async () => {
  const receiver = await startReceiver(({ action }) => (action === 'incoming_chat' ? 500 : 200));
  const { send, activities } = deliverTo(receiver.url, [60_000]);
  webhooksOfChat(2).forEach(send);
  await until(() => activities.length === 3);
  expect(activities.map(({ action, ok }) => [action, ok])).toEqual([
    ['incoming_chat', false],
    ['incoming_event', true],
    ['incoming_event', true],
  ]);
});

test('no answer, a cut line and a late answer count as failures without a status', async () => {
  const cut = await startReceiver(() => null);
  const late = await startReceiver(() => new Promise<number>(() => {}));
  for (const url of ['http://127.0.0.1:1/', cut.url, late.url]) {
    const { send, activities } = deliverTo(url, [], { timeoutMs: 50 });
    webhooksOfChat(0).forEach(send);
    await until(() => activities.length === 1);
    expect(activities[0]).toMatchObject({ status: null, ok: false, gaveUp: true });
  }
});

test('stopping drops the retries that wait', async () => {
  const receiver = await startReceiver(() => 500);
  const stopped = deliverTo(receiver.url, [1], { onActivity: () => stopped.stop() });
  webhooksOfChat(0).forEach(stopped.send);
  await until(() => stopped.activities.length === 1);
  const other = deliverTo(receiver.url, [20]);
  webhooksOfChat(0).forEach(other.send);
  await until(() => other.activities.length === 2);
  expect(stopped.activities).toHaveLength(1);
  expect(receiver.bodies).toHaveLength(3);
});

test('chats do not wait for each other', async () => {
  const waiting: string[] = [];
  const receiver = await startReceiver(({ payload }) => {
    waiting.push(JSON.stringify(payload));
    return new Promise((resolve) => {
      const check = () => (waiting.length === 10 ? resolve(200) : setImmediate(check));
      check();
    });
  });
  const { send, activities } = deliverTo(receiver.url, []);
  for (let n = 0; n < 10; n++) {
    for (const webhook of webhooksOfChat(0)) send({ ...webhook, chatId: `T${n}` });
  }
  await until(() => activities.length === 10);
  expect(activities.every(({ ok }) => ok)).toBe(true);
});

test('stopping cuts off what is under way, also what still waits for a connection', async () => {
  const receiver = await startReceiver(() => new Promise<number>(() => {}));
  const { send, stop, activities } = deliverTo(receiver.url, []);
  for (let n = 0; n < 200; n++) {
    for (const webhook of webhooksOfChat(0)) send({ ...webhook, chatId: `T${n}` });
  }
  await until(() => receiver.bodies.length === 128);
  stop();
  const other = deliverTo(receiver.url, [], { timeoutMs: 50 });
  webhooksOfChat(0).forEach(other.send);
  await until(() => other.activities.length === 1);
  expect(receiver.bodies).toHaveLength(129);
  expect(activities).toEqual([]);
});
