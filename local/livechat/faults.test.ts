import { describe, expect, test } from 'vitest';
import { apiFixture, manualClock, type Running, startApi, until } from '../../test/test-simulator.ts';
import { createFaults } from './faults.ts';

const startWithFault = async (fault: object, options: Parameters<typeof startApi>[0] = {}) => {
  const running = await startApi(options);
  const chatId = await running.startChat();
  expect((await running.simulatorApi('faults', fault)).status).toBe(200);
  const attempt = () => running.send(chatId, { custom_id: 'out-1' });
  return { ...running, chatId, attempt };
};

const arrivals = async ({ simulatorApi }: Pick<Running, 'simulatorApi'>) =>
  JSON.stringify((await simulatorApi('calls')).json).split('out-1').length - 1;

const connectionReset = { cause: { code: 'ECONNRESET' } };

test('sends the headers that the fault sets with an accepted call', async () => {
  const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '3' };
  const { attempt, simulatorApi } = await startWithFault({ kind: 'headers', headers, count: 1 });
  const accepted = await attempt();
  expect(accepted.status).toBe(200);
  expect(Object.fromEntries(accepted.headers)).toMatchObject(headers);
  expect(await arrivals({ simulatorApi })).toBe(1);
  expect((await attempt()).headers.has('x-ratelimit-remaining')).toBe(false);
});

describe('faults that reject a call', () => {
  test.each([
    [{ kind: 'error' }, 500, apiFixture('error.internal.500')],
    [{ kind: 'error', status: 503 }, 503, apiFixture('error.service_unavailable.503')],
    [{ kind: 'error', type: 'request_timeout' }, 504, apiFixture('error.request_timeout.504')],
    [{ kind: 'error', status: 400, type: 'license_expired' }, 400, apiFixture('error.license_expired')],
    [{ kind: 'error', status: 422 }, 422, { error: { type: 'validation', message: 'Validation error' } }],
    [{ kind: 'chat-inactive' }, 422, apiFixture('error.chat_inactive.422')],
    [{ kind: 'chat-inactive', form: 'validation' }, 422, apiFixture('error.validation_chat_inactive.422')],
    [{ kind: 'not-a-member' }, 403, apiFixture('error.authorization_not_member.403')],
    [{ kind: 'misdirected' }, 400, apiFixture('error.misdirected_request')],
    [{ kind: 'expired-token' }, 401, apiFixture('error.authentication.401')],
  ])('%j', async (fault, status, json) => {
    const { attempt, simulatorApi } = await startWithFault({ ...fault, count: 1 });
    const rejected = await attempt();
    expect({ status: rejected.status, json: rejected.json }).toEqual({ status, json });
    expect(await arrivals({ simulatorApi })).toBe(0);
    expect((await attempt()).status).toBe(200);
  });

  test('sends Retry-After if the fault sets it', async () => {
    const { attempt, simulatorApi } = await startWithFault({
      kind: 'error',
      type: 'too_many_requests',
      retryAfterSeconds: 7,
      count: 1,
    });
    const { status, headers } = await attempt();
    expect([status, headers.get('retry-after')]).toEqual([429, '7']);
    expect((await simulatorApi('calls')).json).toMatchObject({
      methods: { send_event: { rate_limited: 1, accepted: 0 } },
    });
  });

  test('misdirected: accepts a call that names the region', async () => {
    const { send, attempt, chatId } = await startWithFault({ kind: 'misdirected', region: 'fra' });
    expect((await attempt()).json).toMatchObject({ error: { data: { region: 'fra' } } });
    expect((await send(chatId, {}, { headers: { 'x-region': 'dal' } })).status).toBe(400);
    expect((await send(chatId, {}, { headers: { 'x-region': 'fra' } })).status).toBe(200);
  });

  test('resets the connection', async () => {
    const { attempt, simulatorApi } = await startWithFault({ kind: 'reset-before-accept', count: 1 });
    await expect(attempt()).rejects.toMatchObject(connectionReset);
    expect(await arrivals({ simulatorApi })).toBe(0);
    expect((await attempt()).status).toBe(200);
  });
});

describe('faults that execute a call and lose its response', () => {
  test('resets the connection', async () => {
    const { attempt, simulatorApi } = await startWithFault({ kind: 'accept-then-reset', count: 1 });
    await expect(attempt()).rejects.toMatchObject(connectionReset);
    expect(await arrivals({ simulatorApi })).toBe(1);
  });

  test('responds with an error', async () => {
    const { attempt, simulatorApi } = await startWithFault({ kind: 'accept-then-error', count: 1 });
    expect(await attempt()).toMatchObject({ status: 503, json: apiFixture('error.service_unavailable.503') });
    expect(await arrivals({ simulatorApi })).toBe(1);
  });

  test('never responds', async () => {
    const { send, simulatorApi, chatId, receiver } = await startWithFault({ kind: 'accept-then-hang', count: 1 });
    const client = new AbortController();
    const pending = send(chatId, { custom_id: 'out-1' }, { signal: client.signal });
    await until(() => receiver.bodies.length === 2);
    client.abort();
    await expect(pending).rejects.toMatchObject({ name: 'AbortError' });
    expect(await arrivals({ simulatorApi })).toBe(1);
    expect((await send(chatId)).status).toBe(200);
  });

  test('do not apply to a call that is rejected anyway', async () => {
    const { send, simulatorApi, attempt } = await startWithFault({ kind: 'accept-then-reset', count: 1 });
    expect((await send('T000000000')).status).toBe(404);
    expect((await simulatorApi('faults')).json).toMatchObject({ faults: [{ remaining: 1, applied: 0 }] });
    await expect(attempt()).rejects.toMatchObject(connectionReset);
  });
});

describe('faults that delay', () => {
  test('the response', async () => {
    const clock = manualClock();
    const { attempt, simulatorApi } = await startWithFault({ kind: 'latency', latencyMs: 5000, count: 1 }, { clock });
    const pending = attempt();
    await untilApplied(simulatorApi);
    expect(await arrivals({ simulatorApi })).toBe(0);
    clock.advance(5000);
    expect((await pending).status).toBe(200);
  });

  test.each([
    [{}, 7000],
    [{ latencyMs: 100 }, 100],
  ])('the execution, after a connection reset: %j', async (fault, afterMs) => {
    const clock = manualClock({ random: () => 0.5 });
    const { attempt, simulatorApi, receiver } = await startWithFault(
      { kind: 'accept-late', count: 1, ...fault },
      { clock },
    );
    await expect(attempt()).rejects.toMatchObject(connectionReset);
    clock.advance(afterMs - 1);
    expect(await arrivals({ simulatorApi })).toBe(0);
    clock.advance(1);
    await until(() => receiver.bodies.length === 2);
    expect(await arrivals({ simulatorApi })).toBe(1);
  });
});

/** Waits until the list shows that a fault was applied. */
const untilApplied = async (simulatorApi: Running['simulatorApi']): Promise<void> => {
  const { json } = await simulatorApi('faults');
  if (!JSON.stringify(json).includes('"applied":1')) await untilApplied(simulatorApi);
};

describe('matching', () => {
  test('applies to the given method, up to the count, the oldest fault first', async () => {
    const { simulatorApi, api, attempt } = await startWithFault({
      method: 'send_event',
      kind: 'error',
      status: 503,
      count: 2,
    });
    await simulatorApi('faults', { kind: 'expired-token', count: 1 });
    expect((await api('get_chat', { chat_id: 'T0' })).status).toBe(401);
    expect((await api('get_chat', { chat_id: 'T0' })).status).toBe(404);
    const statuses = [await attempt(), await attempt(), await attempt()].map(({ status }) => status);
    expect(statuses).toEqual([503, 503, 200]);
    expect((await simulatorApi('faults')).json).toEqual({
      faults: [
        { id: 1, method: 'send_event', kind: 'error', status: 503, count: 2, remaining: 0, applied: 2 },
        { id: 2, kind: 'expired-token', count: 1, remaining: 0, applied: 1 },
      ],
    });
  });

  test('applies to every call without a count, until the faults are cleared', async () => {
    const { simulatorApi, attempt } = await startWithFault({ kind: 'not-a-member' });
    expect([(await attempt()).status, (await attempt()).status]).toEqual([403, 403]);
    expect((await simulatorApi('faults')).json).toMatchObject({ faults: [{ remaining: null, applied: 2 }] });
    expect((await simulatorApi('faults', undefined, 'DELETE')).json).toEqual({ cleared: 1 });
    expect((await simulatorApi('faults')).json).toEqual({ faults: [] });
    expect((await attempt()).status).toBe(200);
  });

  test('applies with the given probability', async () => {
    const draws = [0.1, 0.9, 0.29, 0.3];
    const faults = createFaults(manualClock({ random: () => draws.shift() ?? 1 }));
    faults.add({ kind: 'reset-before-accept', probability: 0.3 });
    const execute = () =>
      faults.execute({ name: 'send_event', region: undefined }, () => ({ kind: 'answer', body: {} }));
    const results = await Promise.all([execute(), execute(), execute(), execute()]);
    expect(results.map(({ kind }) => kind)).toEqual(['reset', 'answer', 'reset', 'answer']);
  });
});

describe('webhooks-not-sent', () => {
  const received = (running: Running) => running.receiver.bodies.map(({ action }) => action);

  test('drops webhooks, of one action if given, for as many seconds as given', async () => {
    const clock = manualClock();
    const running = await startApi({ clock });
    const { startChat, act, simulatorApi } = running;
    const chatId = await startChat();
    const fault = { kind: 'webhooks-not-sent', action: 'incoming_event', seconds: 60 };
    expect((await simulatorApi('faults', fault)).json).toMatchObject({ until: '2026-03-11T09:15:00.000Z' });
    await act(chatId, { action: 'message', text: 'Lost' });
    await act(chatId, { action: 'leave' });
    clock.advance(60_000);
    await act(chatId, { action: 'reopen', text: 'Again' });
    await act(chatId, { action: 'message', text: 'Received' });
    await until(() => running.receiver.bodies.length === 4);
    expect(received(running)).toEqual(['incoming_chat', 'chat_deactivated', 'incoming_chat', 'incoming_event']);
    expect((await simulatorApi('faults')).json).toMatchObject({ faults: [{ applied: 2 }] });
  });

  test('drops every webhook until the fault is cleared, and affects no API call', async () => {
    const running = await startWithFault({ kind: 'webhooks-not-sent' });
    expect((await running.attempt()).status).toBe(200);
    expect((await running.simulatorApi('faults')).json).toMatchObject({ faults: [{ applied: 1 }] });
    await running.simulatorApi('faults', undefined, 'DELETE');
    await running.act(running.chatId, { action: 'message', text: 'Received' });
    await until(() => running.receiver.bodies.length === 2);
    expect(received(running)).toEqual(['incoming_chat', 'incoming_event']);
  });

  test('drops a share of the webhooks', () => {
    const draws = [0.1, 0.9, 0.29, 0.3];
    const faults = createFaults(manualClock({ random: () => draws.shift() ?? 1 }));
    faults.add({ kind: 'webhooks-not-sent', probability: 0.3 });
    expect([1, 2, 3, 4].map(() => faults.shouldDropWebhook('incoming_event'))).toEqual([true, false, true, false]);
    expect(faults.list()).toMatchObject([{ applied: 2 }]);
  });
});

describe('rejects an invalid body with 400 and the field', () => {
  test.each([
    ['faults', {}, 'kind'],
    ['faults', { kind: 'earthquake' }, 'kind'],
    ['faults', { kind: 'error', method: 'send_mail' }, 'method'],
    ['faults', { kind: 'error', count: 0 }, 'count'],
    ['faults', { kind: 'error', probability: 2 }, 'probability'],
    ['faults', { kind: 'error', seconds: 0 }, 'seconds'],
    ['faults', { kind: 'error', status: 200 }, 'status'],
    ['faults', { kind: 'error', type: 'bad_luck' }, 'type'],
    ['faults', { kind: 'error', retryAfterSeconds: -1 }, 'retryAfterSeconds'],
    ['faults', { kind: 'latency' }, 'latencyMs'],
    ['faults', { kind: 'accept-late', latencyMs: 'long' }, 'latencyMs'],
    ['faults', { kind: 'chat-inactive', form: 'dead' }, 'form'],
    ['faults', { kind: 'misdirected', region: '' }, 'region'],
    ['faults', { kind: 'not-a-member', status: 400 }, 'status'],
    ['faults', { kind: 'webhooks-not-sent', action: 'ping' }, 'action'],
    ['faults', { kind: 'webhooks-not-sent', method: 'send_event' }, 'method'],
    ['settings', { archiveTime: 'closed' }, 'archiveTime'],
    ['settings', { rateLimitPerSecond: 0 }, 'rateLimitPerSecond'],
    ['settings', { joinDelayMs: -1 }, 'joinDelayMs'],
    ['settings', { publicAgentsLimit: 1.5 }, 'publicAgentsLimit'],
    ['settings', { agentId: 'nina' }, 'agentId'],
    ['settings', { inactiveForm: 'dead' }, 'inactiveForm'],
    ['settings', { apiKey: '' }, 'apiKey'],
    ['settings', { colour: 'red' }, 'colour'],
    ['settings', [], 'body'],
  ])('%s %j: %s', async (path, body, field) => {
    const { simulatorApi } = await startApi();
    const { status, json } = await simulatorApi(path, body);
    expect({ status, json }).toEqual({ status: 400, json: { error: { field, expected: expect.stringMatching(/./) } } });
  });
});
