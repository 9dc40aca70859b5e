import { describe, expect, it } from 'vitest';
import { sendRequest } from '../../test/model/requests.ts';
import { crashAt, sendWorld } from '../../test/model/send-world.ts';
import { acceptanceOrder, acceptRequest, redriveRequest } from './accept.ts';
import { type ExecutionInput, executionName, parseExecutionInput } from './request.ts';

const request = sendRequest('request', ['one', 'two', 'file three']);
const key = { organizationId: 'organization', conversationId: 'chat' };
const name = (redrive = 0) => executionName({ ...key, requestId: 'request', redrive });

const inputs = (started: readonly string[]): ExecutionInput[] =>
  started.flatMap((input) => parseExecutionInput(JSON.parse(input)) ?? []);

describe('acceptance', () => {
  it('stores the deliveries, enters the message group and starts the execution', async () => {
    const { ports, stores, waiting, started, live, time } = sendWorld();
    await live(() => time.sleep(7_000));
    expect(await acceptRequest(request, ports)).toBe(name());
    expect(waiting()).toEqual(['request']);
    expect(inputs(started)).toEqual([
      {
        version: 1,
        ...key,
        requestId: 'request',
        deliveries: [{ id: 'request.0' }, { id: 'request.1' }, { id: 'request.2', hasFile: true }],
        options: request.options,
        orderKey: 7_000,
        requestedAt: 0,
        expiresAt: 900_000,
        expiresInMs: 900_000,
        redrive: 0,
        correlationId: 'request',
        causationId: 'request',
      },
    ]);
    expect(stores.delivery('request.1')).toMatchObject({
      status: 'queued',
      content: '"two"',
      hash: request.hash,
      orderKey: 7_000,
      acceptedAt: 7_000,
    });
  });

  it('hands no content to Step Functions, whose history nobody can erase', async () => {
    const { ports, started, stores } = sendWorld();
    await acceptRequest(sendRequest('request', ['a secret of the customer']), ports);
    expect(started.join()).not.toContain('secret');
    expect(JSON.stringify(stores.entries(key))).not.toContain('secret');
  });

  it.each([
    ['the receipt, without a time of the sender', undefined, 100_000],
    ['the time of the sender', 98_000, 98_000],
    ['the time of the sender 5 s ago', 95_000, 95_000],
    ['the receipt, if the time of the sender is older', 94_999, 100_000],
    ['the receipt, if the time of the sender is in the future', 100_001, 100_000],
  ])('orders by %s', (_name, sentAt, expected) => {
    expect(acceptanceOrder(sentAt, 100_000)).toBe(expected);
  });

  it('puts two requests in the order of their sender, although they arrive in another', async () => {
    const { ports, waiting, live, time } = sendWorld();
    await live(() => time.sleep(10_000));
    await acceptRequest(sendRequest('b', ['b'], { sentAt: 9_001 }), ports);
    await acceptRequest(sendRequest('a', ['a'], { sentAt: 9_000 }), ports);
    expect(waiting()).toEqual(['a', 'b']);
  });
});

describe('a duplicate', () => {
  it('keeps the order of the first acceptance', async () => {
    const { ports, waiting, live, time, started } = sendWorld();
    await acceptRequest(request, ports);
    await live(() => time.sleep(60_000));
    await acceptRequest(sendRequest('other'), ports);
    expect(await acceptRequest(request, ports)).toBe(name());
    expect(waiting()).toEqual(['request', 'other']);
    expect(started).toHaveLength(2);
  });

  it('after the end leaves nothing in the message group, and wakes the next', async () => {
    const { ports, waiting, statuses, group, completed, started, live, time, send } = sendWorld();
    await acceptRequest(request, ports);
    await live(() => time.sleep(1));
    await acceptRequest(sendRequest('next'), ports);
    const [first, next] = inputs(started);
    if (!first || !next) throw new Error('not started');
    await group(next).waitForTurn('token', 300_000);
    await live(() => send(first));
    statuses.set(name(), 'ended');
    await acceptRequest(request, ports);
    expect(waiting()).toEqual(['next']);
    expect(completed.map(({ token }) => token)).toEqual(['token', 'token']);
  });

  it('is a conflict if its deliveries have expired and Step Functions still stores the execution of the first', async () => {
    const { ports, started, waiting, statuses } = sendWorld();
    statuses.set(name(), 'ended');
    // The second is Lambda's retry, or the same event again.
    for (const _ of [1, 2]) {
      await expect(acceptRequest(request, ports)).rejects.toMatchObject({ name: 'RequestConflict' });
    }
    expect(started).toEqual([]);
    expect(waiting()).toEqual([]);
  });

  it.each([
    ['another text', ['one', 'secret', 'file three']],
    ['fewer parts', ['one']],
    ['more parts', ['one', 'two', 'file three', 'secret']],
  ])('with %s is a conflict, without an execution', async (_name, contents) => {
    const { ports, started, waiting, stores } = sendWorld();
    await acceptRequest(request, ports);
    await expect(acceptRequest(sendRequest('request', contents), ports)).rejects.toMatchObject({
      name: 'RequestConflict',
      message: expect.not.stringContaining('secret'),
    });
    expect(started).toHaveLength(1);
    expect(waiting()).toEqual(['request']);
    expect(stores.delivery('request.3')).toBeUndefined();
  });
});

describe('a crash at any step of the acceptance', () => {
  const crashes = [1, 2, 3, 4, 5].flatMap((at) => (['before', 'after'] as const).map((when) => [when, at] as const));

  it.each(crashes)('%s operation %i is completed by Lambda’s retry, with the order of the first', async (when, at) => {
    const { ports, waiting, started, stores, live, time } = sendWorld();
    await expect(acceptRequest(request, crashAt(ports, at, when))).rejects.toThrow('crashed');
    const wasStored = stores.delivery('request.0') !== undefined;
    await live(() => time.sleep(60_000));
    await acceptRequest(sendRequest('later'), ports);
    await acceptRequest(request, ports);
    expect(
      inputs(started)
        .map(({ requestId }) => requestId)
        .toSorted(),
    ).toEqual(['later', 'request']);
    const orderKeys = ['request.0', 'request.1', 'request.2'].map((id) => stores.delivery(id)?.orderKey);
    expect(new Set(orderKeys)).toEqual(new Set([wasStored ? 0 : 60_000]));
    if (wasStored) expect(waiting()).toEqual(['request', 'later']);
  });

  it('after the request has entered its group is completed by the next request, without a retry', async () => {
    const { ports, group, started, live, time } = sendWorld();
    // Three deliveries, then the group.
    await expect(acceptRequest(request, crashAt(ports, 4, 'after'))).rejects.toThrow('crashed');
    expect(started).toEqual([]);
    await live(() => time.sleep(1));
    await acceptRequest(sendRequest('next'), ports);
    const [next] = inputs(started);
    if (!next) throw new Error('not started');
    await live(() => time.sleep(60_001));
    await expect(group(next).requireTurn()).rejects.toMatchObject({ name: 'NotFirst' });
    expect(inputs(started).map(({ requestId }) => requestId)).toEqual(['next', 'request']);
  });
});

describe('a redrive', () => {
  it('starts the next execution with a new order and a new expiry', async () => {
    const { ports, started, live, time } = sendWorld();
    await acceptRequest(request, ports);
    const [first] = inputs(started);
    if (!first) throw new Error('not started');
    await live(() => time.sleep(1_000_000));
    expect(await redriveRequest(first, ports)).toBe(name(1));
    expect(inputs(started)[1]).toEqual({
      ...first,
      redrive: 1,
      redrivenAt: 1_000_000,
      orderKey: 1_000_000,
      expiresAt: 1_900_000,
    });
  });

  it('is idempotent', async () => {
    const { ports, started, waiting, statuses, group } = sendWorld();
    await acceptRequest(request, ports);
    const [first] = inputs(started);
    if (!first) throw new Error('not started');
    await group(first).leave();
    await redriveRequest(first, ports);
    await redriveRequest(first, ports);
    expect(started).toHaveLength(2);
    const [, redriven] = inputs(started);
    if (!redriven) throw new Error('not redriven');
    await group(redriven).leave();
    statuses.set(name(1), 'ended');
    await redriveRequest(first, ports);
    expect(started).toHaveLength(2);
    expect(waiting()).toEqual([]);
  });
});
