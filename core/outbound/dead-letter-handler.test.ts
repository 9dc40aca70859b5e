import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { executionInput } from '../../test/model/requests.ts';
import { crashAt, sendWorld } from '../../test/model/send-world.ts';
import { sharedLocal } from '../../test/shared-local.ts';
import { parseEvent } from '../events/event.ts';
import type { DeadLetter, DeadLetterFilter, DeadLetterSummary } from './dead-letter.ts';
import { deadLetterCategories, deadLetterCategory } from './errors.ts';
import { type ExecutionInput, executionName } from './request.ts';

const recorded = vi.hoisted(() => ({
  queued: [] as { readonly body: unknown; readonly delaySeconds: number }[],
  events: [] as { readonly type: string; readonly data: unknown }[],
  put: [] as unknown[],
  counted: [] as string[],
}));
vi.mock('../platform/queue.ts', () => ({
  sendToDeadLetterQueue: async (body: unknown, delaySeconds: number) =>
    void recorded.queued.push({ body, delaySeconds }),
}));
vi.mock('../events/bus.ts', () => ({
  createBusPublisher: () => async (events: readonly { type: string; data: unknown }[]) =>
    void recorded.events.push(...events),
  putEvent: async (event: unknown) => void recorded.put.push(event),
}));
vi.mock('../platform/metrics.ts', () => ({ count: (name: string) => void recorded.counted.push(name) }));

let handler: typeof import('./dead-letter-handler.ts');
let archive: typeof import('./dead-letter.ts');

beforeAll(async () => {
  const { environment } = await sharedLocal();
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  vi.resetModules();
  handler = await import('./dead-letter-handler.ts');
  archive = await import('./dead-letter.ts');
});
afterAll(() => {
  vi.unstubAllEnvs();
});
beforeEach(() => {
  for (const list of Object.values(recorded)) list.length = 0;
});

/** A world with an accepted request of its own id, since the archive is shared. */
async function worldWith(more: Partial<ExecutionInput> = {}) {
  const world = sendWorld();
  const requestId = randomUUID();
  const request = await world.accept(
    executionInput({ requestId, deliveries: [{ id: `${requestId}.0` }, { id: `${requestId}.1` }], ...more }),
  );
  const ids = request.deliveries.map(({ id }) => id);
  const deadLetter = (name: string, wasStopped = false): Extract<DeadLetter, { kind: 'send' }> => ({
    ...{ kind: 'send', id: archive.deriveDeadLetterId('send', executionName(request)), request },
    error: { name, message: 'text' },
    wasStopped,
  });
  const find = async () => (await archive.findDeadLetter(deadLetter('any').id))?.summary;
  return { ...world, request, ids, deadLetter, find };
}

const types = () => recorded.events.map(({ type }) => type);

describe('the dead letter of a failed request', () => {
  it('marks its deliveries, leaves the group, publishes message.failed and is archived', async () => {
    const { ports, request, ids, deadLetter, find, stores, waiting } = await worldWith();
    await handler.handleDeadLetter(deadLetter('ChannelClientError'), ports);
    for (const id of ids) {
      expect(stores.delivery(id)).toMatchObject({ status: 'failed', deadLetterId: deadLetter('any').id });
    }
    expect(waiting()).toEqual([]);
    expect(recorded.events).toMatchObject([
      { type: 'message.failed', data: { requestId: request.requestId, deliveryIds: ids, redrives: 0 } },
    ]);
    expect(await find()).toMatchObject({
      ...{ status: 'open', kind: 'send', errorName: 'ChannelClientError', requestId: request.requestId, redrives: 0 },
    });
    expect(recorded.counted).toEqual(['DeadLetters', 'SendsFailed']);
    expect(recorded.queued).toEqual([]);
  });

  it('is handled once', async () => {
    const { ports, deadLetter } = await worldWith();
    await handler.handleDeadLetter(deadLetter('ChannelClientError'), ports);
    await handler.handleDeadLetter(deadLetter('ChannelClientError'), ports);
    expect(types()).toEqual(['message.failed']);
  });

  it('wakes the next request', async () => {
    const { ports, deadLetter, accept, group, completed } = await worldWith();
    const next = await accept(executionInput({ requestId: 'next', orderKey: 9 }));
    await group(next).waitForTurn('token', 300_000);
    await handler.handleDeadLetter(deadLetter('ChannelClientError'), ports);
    expect(completed).toMatchObject([{ token: 'token' }]);
  });

  it('of a stopped execution wakes the next when its function has ended', async () => {
    const { ports, deadLetter, group, request, stores, ids } = await worldWith();
    await group(request).lock(45_500);
    await handler.handleDeadLetter(deadLetter('ABORTED', true), ports);
    expect(recorded.queued).toEqual([{ body: { kind: 'wake', request }, delaySeconds: 47 }]);
    // Also parts that were not claimed yet.
    expect(ids.map((id) => stores.delivery(id)?.status)).toEqual(['failed', 'failed']);
  });

  it('is redriven after ten minutes if its failure may be temporary, once', async () => {
    for (const [name, redrive, expected] of [
      ['ChannelServerError', 0, 1],
      ['RequestExpired', 0, 1],
      ['ChannelServerError', 1, 0],
      ['ChannelClientError', 0, 0],
      ['ABORTED', 0, 0],
    ] as const) {
      recorded.queued.length = 0;
      const { ports, deadLetter } = await worldWith({ redrive });
      await handler.handleDeadLetter(deadLetter(name), ports);
      const action = { body: { kind: 'redrive', id: deadLetter(name).id }, delaySeconds: 600 };
      expect(recorded.queued).toEqual(Array(expected).fill(action));
    }
  });

  it('raises an alert after three failed calls, or at the second redrive', async () => {
    for (const [failedCalls, redrive, expected] of [
      [2, 0, false],
      [3, 0, true],
      [0, 1, false],
      [0, 2, true],
    ] as const) {
      recorded.events.length = 0;
      const { ports, deadLetter, ids, stores } = await worldWith({ redrive });
      const key = { organizationId: 'organization', conversationId: 'chat', id: ids[0] ?? '' };
      await stores.deliveries.claim(key, { leaseUntil: 9, redrive, redrivenAt: undefined, now: 0 });
      const state = { unknown: 'no', settledAt: 0, failedCalls, lastError: 'x', attempts: [] } as const;
      await stores.deliveries.release(key, state, 9);
      await handler.handleDeadLetter(deadLetter('ChannelClientError'), ports);
      expect(types().includes('alert.raised')).toBe(expected);
    }
  });

  it('is resolved where every part was sent after all', async () => {
    const { ports, deadLetter, ids, stores, find } = await worldWith();
    const place = { organizationId: 'organization', conversationId: 'chat' };
    for (const id of ids) stores.markDelivered({ ...place, id }, { threadId: 'T', messageId: 'E', deliveredAt: 5 });
    await handler.handleDeadLetter(deadLetter('ABORTED', true), ports);
    expect(types()).toEqual(['message.sent', 'message.sent']);
    expect(await find()).toMatchObject({ status: 'resolved' });
  });

  it('publishes message.sent for the parts that were sent before another failed', async () => {
    const { ports, deadLetter, ids, stores } = await worldWith();
    const [sent = '', failed = ''] = ids;
    const key = { organizationId: 'organization', conversationId: 'chat', id: sent };
    stores.markDelivered(key, { threadId: 'T', messageId: 'E', deliveredAt: 5 });
    await handler.handleDeadLetter(deadLetter('ChannelClientError'), ports);
    expect(recorded.events).toMatchObject([
      { type: 'message.sent', data: { deliveryId: sent, part: 0, parts: 2, threadId: 'T', messageId: 'E' } },
      { type: 'message.failed', data: { deliveryIds: [failed] } },
    ]);
  });

  it.each([1, 2, 3, 4, 5, 6])('is completed by SQS’s retry after a crash at operation %i', async (at) => {
    const { ports, deadLetter, find, waiting, ids, stores } = await worldWith();
    await handler.handleDeadLetter(deadLetter('ChannelServerError'), crashAt(ports, at, 'after')).catch(() => {});
    await handler.handleDeadLetter(deadLetter('ChannelServerError'), ports);
    expect(await find()).toMatchObject({ status: 'open' });
    expect(waiting()).toEqual([]);
    for (const id of ids) expect(stores.delivery(id)).toMatchObject({ status: 'failed' });
    expect(types()).toContain('message.failed');
  });
});

describe('another dead letter', () => {
  const event = (more: object = {}) => ({
    id: randomUUID(),
    source: 'shop',
    'detail-type': 'message.send.requested',
    time: '2026-11-22T15:00:00Z',
    detail: { data: { requestId: randomUUID(), organizationId: 'organization', conversationId: 'chat' }, ...more },
  });
  const error = { name: 'RequestConflict', message: 'text' };
  const forceRedrive = (id: string) => handler.redrive(id, sendWorld().ports, { force: true });

  it('of a rejected request publishes message.failed, and no alert', async () => {
    const deadLetter: DeadLetter = { kind: 'rejected', id: randomUUID(), event: event(), error };
    await handler.handleDeadLetter(deadLetter, sendWorld().ports);
    expect(recorded.events).toMatchObject([{ type: 'message.failed', data: { deliveryIds: [], redrives: 0 } }]);
    expect((await archive.findDeadLetter(deadLetter.id))?.summary).toMatchObject({ kind: 'rejected', status: 'open' });
    expect(await forceRedrive(deadLetter.id)).toMatchObject({ refused: expect.stringContaining('new requestId') });
  });

  it.each([
    [null],
    ['text'],
    [[]],
    [{ id: null }],
    [{ id: 5 }],
    [{ correlationId: {} }],
    [{ id: '' }],
    [{ correlationId: '' }],
    [{ organizationId: '' }],
    [{ organizationId: 'ORGANIZATION' }],
  ])('of a rejected request with the metadata %j publishes message.failed', async (metadata) => {
    const deadLetter: DeadLetter = { kind: 'rejected', id: randomUUID(), event: event({ metadata }), error };
    await handler.handleDeadLetter(deadLetter, sendWorld().ports);
    expect(recorded.events).toMatchObject([
      { type: 'message.failed', metadata: { organizationId: 'organization' }, data: { conversationId: 'chat' } },
    ]);
    expect(() => parseEvent('message.failed', recorded.events[0])).not.toThrow();
  });

  it('of an event raises an alert, and is published again by a redrive', async () => {
    const failed = event();
    const deadLetter: DeadLetter = { kind: 'event', id: randomUUID(), event: failed, error };
    await handler.handleDeadLetter(deadLetter, sendWorld().ports);
    expect(types()).toEqual(['alert.raised']);
    await handler.redrive(deadLetter.id, sendWorld().ports);
    const { source, detail } = failed;
    expect(recorded.put).toEqual([{ source, detail, detailType: 'message.send.requested' }]);
  });

  it('that is unreadable raises an alert, and cannot be redriven', async () => {
    const deadLetter: DeadLetter = { kind: 'unreadable', id: randomUUID(), body: 'text', error };
    await handler.handleDeadLetter(deadLetter, sendWorld().ports);
    expect(types()).toEqual(['alert.raised']);
    expect(await forceRedrive(deadLetter.id)).toMatchObject({ refused: expect.stringContaining('unreadable') });
  });
});

/** A world whose request is a dead letter. */
async function deadWorld(name = 'ChannelServerError') {
  const world = await worldWith();
  await handler.handleDeadLetter(world.deadLetter(name), world.ports);
  world.statuses.set(executionName(world.request), 'ended');
  const next = executionName({ ...world.request, redrive: 1 });
  return { ...world, id: world.deadLetter(name).id, next };
}

describe('a redrive', () => {
  it('starts the next execution, enters the group, and marks the dead letter', async () => {
    const { ports, id, find, statuses, next, waiting, request } = await deadWorld();
    expect(await handler.redrive(id, ports)).toMatchObject({ id, redriven: { id } });
    expect(statuses.get(next)).toBe('running');
    expect(waiting()).toEqual([request.requestId]);
    expect(await find()).toMatchObject({ status: 'redriven' });
    expect(await handler.redrive(id, ports)).toEqual({
      id,
      refused: expect.stringContaining('it is already redriven'),
    });
  });

  it.each([1, 2, 3, 4].flatMap((at) => (['before', 'after'] as const).map((when) => [when, at] as const)))(
    'that is interrupted %s operation %i marks no dead letter without its execution, and can be repeated',
    async (when, at) => {
      const { ports, id, find, statuses, next, started } = await deadWorld();
      await handler.redrive(id, crashAt(ports, at, when)).catch(() => {});
      if ((await find())?.status === 'redriven') expect(statuses.get(next)).toBe('running');
      else await handler.redrive(id, ports);
      expect(await find()).toMatchObject({ status: 'redriven' });
      expect(statuses.get(next)).toBe('running');
      expect(started).toHaveLength(1);
    },
  );

  it.each(['ChannelClientError', 'ChannelRepairableError', 'FileRefused'])(
    'of %s is refused, since it fails again, unless it is forced',
    async (name) => {
      const { ports, id, statuses, next } = await deadWorld(name);
      const refused = expect.stringContaining(`${name}: the same request will fail again`);
      expect(await handler.redrive(id, ports)).toEqual({ id, refused });
      expect(statuses.has(next)).toBe(false);
      await handler.redrive(id, ports, { force: true });
      expect(statuses.get(next)).toBe('running');
    },
  );

  it('of nothing is refused', async () => {
    const refused = expect.stringContaining('does not exist');
    expect(await handler.redrive('none', sendWorld().ports)).toEqual({ id: 'none', refused });
  });

  it('of several dead letters keeps the order of the requests of a conversation', async () => {
    const { ports, started } = sendWorld();
    const requestIds = ['a', 'b', 'c'].map((name) => `${name} ${randomUUID()}`);
    const summaries: DeadLetterSummary[] = [];
    // They expire at the same time, so that their dead letters are archived in another order.
    for (const [index, requestId] of [...requestIds.entries()].toReversed()) {
      const world = await worldWith({ requestId, orderKey: index, deliveries: [{ id: requestId }] });
      await handler.handleDeadLetter(world.deadLetter('RequestExpired'), world.ports);
      const summary = await world.find();
      if (summary) summaries.unshift(summary);
    }
    const put: typeof ports.groups.put = async (...entry) => {
      // The first redrive is the slowest.
      if (started.length === 0) for (let read = 0; read < 20; read += 1) await archive.findDeadLetter('none');
      return ports.groups.put(...entry);
    };
    await handler.redriveAll(summaries, { ...ports, groups: { ...ports.groups, put } }, { onDone() {} });
    expect(started.map((input): unknown => JSON.parse(input).request.requestId)).toEqual(requestIds);
  });

  it('of many continues after one that is refused', async () => {
    const { ports, id, find } = await deadWorld();
    const summary = await find();
    if (!summary) throw new Error('not archived');
    const missing: DeadLetterSummary = { ...summary, id: 'missing' };
    const done: string[] = [];
    const results = await handler.redriveAll([summary, missing], ports, {
      onDone: (result) => void done.push(result.id),
    });
    expect(results).toEqual([
      { id: 'missing', refused: expect.stringContaining('does not exist') },
      { id, redriven: summary },
    ]);
    expect(done.toSorted()).toEqual(['missing', id].toSorted());
  });
});

describe('a dismissal', () => {
  const now = Date.parse('2026-11-27T12:00:00Z');

  it('keeps the first reason and time, and starts no execution', async () => {
    const { ports, id, find, statuses, next, request } = await deadWorld();
    const dismissal = { status: 'dismissed', dismissReason: 'too late', dismissedAt: '2026-11-27T12:00:00.000Z' };
    expect(await handler.dismiss(id, 'too late', now)).toMatchObject({ id, dismissed: dismissal });
    expect(await handler.dismiss(id, 'another reason', now + 1)).toMatchObject({ id, dismissed: dismissal });
    expect(await find()).toMatchObject(dismissal);
    expect(statuses.has(next)).toBe(false);
    const refused = expect.stringContaining('it is already dismissed');
    expect(await handler.redrive(id, ports, { force: true })).toEqual({ id, refused });
    const { deadLetters } = await archive.listDeadLetters('dismissed', {
      limit: 10,
      filter: { request: request.requestId },
    });
    expect(deadLetters).toMatchObject([{ id, ...dismissal }]);
  });

  it('of a redriven or unknown dead letter is refused', async () => {
    const { ports, id } = await deadWorld();
    await handler.redrive(id, ports);
    expect(await handler.dismiss(id, 'late', now)).toEqual({ id, refused: `dead letter ${id} is already redriven` });
    expect(await handler.dismiss('none', 'late', now)).toEqual({
      id: 'none',
      refused: 'dead letter none does not exist',
    });
  });

  it.each([1, 2, 3, 4])('during a redrive is refused (operation %i)', async (at) => {
    const { ports, id, find } = await deadWorld();
    await handler.redrive(id, crashAt(ports, at, 'after')).catch(() => {});
    const startedAt = ports.clock.now();
    const isOpen = (await find())?.status === 'open';
    const refused = `dead letter ${id} is ${isOpen ? 'being redriven' : 'already redriven'}`;
    expect(await handler.dismiss(id, 'late', startedAt + 1_000)).toEqual({ id, refused });
    // An interrupted redrive blocks a dismissal for a limited time. If the redrive completes after the dismissal, the status is
    // `redriven`.
    if (!isOpen) return;
    expect(await handler.dismiss(id, 'late', startedAt + 120_000)).toMatchObject({ dismissed: { id } });
    await archive.markRedriven(id);
    expect(await find()).toMatchObject({ status: 'redriven' });
  });

  it('and a redrive at the same time do not both succeed', async () => {
    for (let turn = 0; turn < 10; turn += 1) {
      const { ports, id, find, statuses, next } = await deadWorld();
      const [redriven, dismissed] = await Promise.all([
        handler.redrive(id, ports),
        handler.dismiss(id, 'late', ports.clock.now()),
      ]);
      expect([redriven.refused, dismissed.refused].filter((refused) => refused === undefined)).toHaveLength(1);
      expect((await find())?.status).toBe(redriven.redriven ? 'redriven' : 'dismissed');
      expect(statuses.has(next)).toBe(redriven.redriven !== undefined);
    }
  });

  it('of many continues after one that is refused', async () => {
    const { id } = await deadWorld();
    const done: string[] = [];
    const results = await handler.dismissAll([{ id: 'missing' }, { id }], 'late', {
      now,
      onDone: (result) => void done.push(result.id),
    });
    expect(results.map(({ refused }) => refused === undefined)).toEqual([false, true]);
    expect(done.toSorted()).toEqual(['missing', id].toSorted());
  });
});

describe('a list of dead letters', () => {
  it('has those that match every criterion, newest first', async () => {
    const conversationId = randomUUID();
    const now = Date.now();
    const names = ['ChannelServerError', 'ChannelServerError', 'ABORTED'];
    const requests = names.map((_, index) =>
      executionInput({ conversationId, requestId: `${conversationId} ${index}` }),
    );
    for (const [index, request] of requests.entries()) {
      const { requestId, redrive: redrives } = request;
      const error = { name: names[index] ?? '', message: '' };
      const deadLetter: DeadLetter = {
        kind: 'send',
        id: `${conversationId}${index}`,
        request,
        error,
        wasStopped: false,
      };
      const subject = { organizationId: 'organization', conversationId, requestId, redrives, failedCalls: 0 };
      const createdAt = now - 10_000 + index * 1_000;
      await archive.archiveDeadLetter(deadLetter, { ...subject, status: 'open' }, createdAt);
    }
    const search = async (filter: DeadLetterFilter, { limit = 10, maxAgeMs = 60_000 } = {}) => {
      const since = new Date(now - maxAgeMs).toISOString();
      const page = { limit, since, filter: { conversation: conversationId, ...filter } };
      const { deadLetters } = await archive.listDeadLetters('open', page);
      return deadLetters.map(({ requestId }) => Number(requestId.at(-1)));
    };
    expect(await search({})).toEqual([2, 1, 0]);
    expect(await search({}, { limit: 1 })).toEqual([2]);
    expect(await search({ error: 'ChannelServerError' })).toEqual([1, 0]);
    expect(await search({ error: 'LiveChat' })).toEqual([]);
    expect(await search({ kind: 'event' })).toEqual([]);
    expect(await search({ organization: 'other' })).toEqual([]);
    expect(await search({ request: `${conversationId} 1` })).toEqual([1]);
    expect(await search({}, { maxAgeMs: 9_000 })).toEqual([2, 1]);
    expect(await search({}, { maxAgeMs: 8_999 })).toEqual([2]);
  });

  it('has those of a category, by kind and error', async () => {
    const conversationId = randomUUID();
    const event = { id: 'e', source: 's', 'detail-type': 'chat.updated', time: '', detail: {} };
    const of = (name: string) => ({ id: `${conversationId}${name}`, error: { name, message: '' } });
    const deadLetters: DeadLetter[] = [
      { ...of('ChannelServerError'), kind: 'send', request: executionInput({ conversationId }), wasStopped: false },
      { ...of('RequestInvalid'), kind: 'rejected', event },
      { ...of('Odd'), kind: 'rejected', event },
      { ...of('NotDelivered'), kind: 'event', event },
      { ...of('Unreadable'), kind: 'unreadable', body: '' },
    ];
    for (const deadLetter of deadLetters) {
      const subject = { organizationId: 'organization', conversationId, requestId: '', redrives: 0, failedCalls: 0 };
      await archive.archiveDeadLetter(deadLetter, { ...subject, status: 'open' }, Date.now());
    }
    for (const category of deadLetterCategories) {
      const page = { limit: 10, filter: { conversation: conversationId, category } };
      const found = (await archive.listDeadLetters('open', page)).deadLetters.map(({ id }) => id);
      const expected = deadLetters.filter(({ kind, error }) => deadLetterCategory(kind, error.name) === category);
      expect(found, category).toEqual(expected.map(({ id }) => id));
    }
  });

  it('continues with the next page, without a limit at the end', async () => {
    const conversationId = randomUUID();
    const filter = { conversation: conversationId };
    for (const id of ['a', 'b', 'c']) {
      const deadLetter: DeadLetter = {
        kind: 'unreadable',
        id: conversationId + id,
        body: '',
        error: { name: 'x', message: '' },
      };
      const subject = { organizationId: 'organization', conversationId, requestId: id, redrives: 0, failedCalls: 0 };
      await archive.archiveDeadLetter(deadLetter, { ...subject, status: 'open' }, Date.now());
    }
    const ids = (page: { readonly deadLetters: readonly DeadLetterSummary[] }) =>
      page.deadLetters.map(({ requestId }) => requestId);
    const first = await archive.listDeadLetters('open', { limit: 2, filter });
    expect(ids(first)).toEqual(['c', 'b']);
    const second = await archive.listDeadLetters('open', { limit: 2, filter, from: first.next ?? null });
    expect(ids(second)).toEqual(['a']);
    expect(ids(await archive.listDeadLetters('open', { limit: Number.POSITIVE_INFINITY, filter }))).toEqual([
      'c',
      'b',
      'a',
    ]);
    const newest = await archive.listDeadLetters('open', { limit: 1 });
    expect(newest.deadLetters).toHaveLength(1);
  });
});
