import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { type Local, organizationId, pollOptions, post, startLocal } from '../../test/local.ts';
import { logPrefix, startLogs } from '../../test/logs.ts';
import { outbound } from '../../test/outbound.ts';
import type { EventSource } from '../event-source.ts';

const logged = z.looseObject({ ms: z.number(), webhook: z.optional(z.string()), event: z.optional(z.string()) });
const firstAt = Date.UTC(2026, 2, 11, 9);

let local: Local;
let chatId: string;
let events: EventSource;
/** The lines that the functions of an engine log. */
let lines: string[];
let logs: Awaited<ReturnType<typeof startLogs>>;
let limit = 1_000;
let linesPerSecond = 1;
let logsError: { readonly __type: string; readonly message: string } | undefined;
let answer: 'Complete' | 'Failed' = 'Complete';

/** Newest first. */
const results = () =>
  lines
    .map((message, index) => {
      const { webhook, event = '' } = logged.parse(JSON.parse(message));
      const at = new Date(firstAt + Math.floor(index / linesPerSecond) * 1_000).toISOString();
      return { at, function: webhook === undefined ? event.replaceAll('.', '-') : 'webhook', message };
    })
    .toReversed()
    .slice(0, limit);

beforeAll(async () => {
  local = await startLocal();
  const bridge = outbound(local);
  chatId = await bridge.chat({ text: 'Where is my parcel?' });
  await local.idle();
  await bridge.send(chatId, bridge.text('On its way.'));
  await bridge.waitForExecutions();
  await post(local, { action: 'incoming_event', organization_id: organizationId, secret_key: 'wrong', payload: {} });
  await local.idle();
  const recorded = () =>
    local
      .output()
      .split('\n')
      .filter((text) => /^\{"(webhook|event)"/.test(text));
  await vi.waitFor(() => expect(recorded().at(-1)).toContain('"status":401'), pollOptions);
  lines = recorded();
  logs = await startLogs({ find: results, status: () => answer, error: () => logsError });
  for (const [name, value] of Object.entries({
    ...local.environment,
    AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: logs.url,
    FUNCTION_LOG_PREFIX: logPrefix,
  })) {
    vi.stubEnv(name, value);
  }
  const { stageEvents } = await import('./events.ts');
  events = stageEvents();
}, 60_000);
afterAll(async () => {
  vi.unstubAllEnvs();
  await logs?.stop();
  await local?.stop();
});
beforeEach(() => {
  limit = 1_000;
  linesPerSecond = 1;
  answer = 'Complete';
  logsError = undefined;
  logs.queries.length = 0;
});

describe('the events of a stage', () => {
  it('are read from the lines of the functions, newest first, without contents', async () => {
    const { entries } = await events.list({ limit: 100 });
    const times = entries.map(({ at }) => at);
    expect(times).toEqual(times.toSorted().toReversed());
    expect(entries[0]).toMatchObject({
      kind: 'webhook',
      type: 'incoming_event',
      status: 'refused',
      organizationId,
      response: { status: 401, reason: 'Invalid signature' },
    });
    expect(new Set(entries.map(({ type }) => type))).toEqual(
      new Set([
        'incoming_chat',
        'incoming_event',
        'chat.started',
        'message.received',
        'message.send.requested',
        'message.delivered',
        'message.sent',
      ]),
    );
    expect(lines.join('\n')).not.toMatch(/parcel|On its way/);
    expect(logs.queries).toMatchObject([{ logGroupNames: [`${logPrefix}webhook`, `${logPrefix}send`], limit: 100 }]);
  });

  it('are filtered by the query of the logs', async () => {
    const { entries } = await events.list({
      limit: 100,
      type: 'message.received',
      organizationId,
      conversationId: chatId,
      since: '2026-03-11T08:00:00.000Z',
      until: '2026-03-11T10:00:00.000Z',
    });
    expect(entries).toMatchObject([{ type: 'message.received', status: 'handled', conversationId: chatId }]);
    const [query] = logs.queries;
    expect(query).toMatchObject({ startTime: firstAt / 1_000 - 3_600, endTime: firstAt / 1_000 + 3_600 });
    expect(query?.queryString).toContain(
      `(webhook = "message.received" or event = "message.received" or @message like /"message\\.received /) and organizationId = "${organizationId}" and conversationId = "${chatId}"`,
    );
  });

  it('are not queried for a filter that would change the query', async () => {
    const { entries } = await events.list({ limit: 100, conversationId: 'x" or ispresent(ms) or ms = "' });
    expect(entries).toEqual([]);
    expect(logs.queries).toEqual([]);
  });

  it('include events that no function handles, once', async () => {
    const { entries } = await events.list({ limit: 100, status: 'published' });
    expect(entries).toMatchObject([
      { kind: 'event', type: 'message.sent', source: 'omnichannel.livechat', organizationId, conversationId: chatId },
    ]);
    expect(logs.queries[0]?.queryString).toContain('and @message like /"published":/');
  });

  it('continue after the last line of a page', async () => {
    limit = 2;
    const { next } = await events.list({ limit: 2 });
    expect(next).toBe(String(firstAt + (lines.length - 2) * 1_000 + 1));
    await events.list({ limit: 2, after: next });
    expect(logs.queries.at(-1)?.queryString).toContain(`toMillis(@timestamp) < ${next}`);
  });

  it('continues with all lines of the millisecond in which a page ends', async () => {
    limit = 3;
    linesPerSecond = 2;
    const { next } = await events.list({ limit: 3 });
    expect(next).toBe(String(firstAt + Math.floor((lines.length - 3) / 2) * 1_000 + 1));
  });

  it('are unavailable if a query fails', async () => {
    answer = 'Failed';
    await expect(events.list({ limit: 2 })).rejects.toThrow('ended with the status Failed');
  });

  it('are unavailable without the permission, which the console names', async () => {
    logsError = { __type: 'AccessDeniedException', message: 'no' };
    const { api } = await import('../api.ts');
    const { stageEvents } = await import('./events.ts');
    const response = await api({ bus: 'bus', events: stageEvents() }).request('/events');
    expect(response.status).toBe(502);
    expect(await response.text()).toMatch(/AccessDeniedException.*logs:DescribeLogGroups/);
  });

  it('are unavailable for a period that CloudWatch Logs rejects, for the reason that it gives', async () => {
    logsError = { __type: 'MalformedQueryException', message: "end date and time exceeds the log groups' retention" };
    await expect(events.list({ limit: 100, since: '2020-01-01T00:00:00.000Z' })).rejects.toThrow(
      "The logs of the functions cannot be read (MalformedQueryException). end date and time exceeds the log groups' retention",
    );
  });

  it('are not queried with a cursor that the list did not return', async () => {
    const { api } = await import('../api.ts');
    const response = await api({ bus: 'bus', events }).request('/events?after=now');
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: { field: 'after', expected: 'the `next` of the previous page' } });
    expect(logs.queries).toEqual([]);
  });
});

describe('an event of a stage', () => {
  const find = async (type: string) => {
    const { entries } = await events.list({ limit: 100, type });
    return events.find(entries.at(-1)?.id ?? '');
  };

  it('has its functions, its chain and the stored message', async () => {
    expect(await find('message.received')).toMatchObject({
      entry: { type: 'message.received' },
      functions: [{ function: 'message-received', ok: true, ms: expect.any(Number) }],
      payload: { content: 'Where is my parcel?' },
    });
    expect(logs.queries.at(-1)?.queryString).toMatch(/correlationId = "[0-9a-f]{32}"/);
  });

  it('has every invocation for a send request', async () => {
    const { functions } = (await find('message.send.requested')) ?? {};
    expect(functions?.map(({ ok }) => ok)).toEqual([true, true]);
  });

  it('has the delivery, and the send request as its cause, if it is message.sent', async () => {
    const request = await find('message.send.requested');
    const sent = await find('message.sent');
    expect(sent).toMatchObject({
      entry: { causationId: request?.entry.eventId },
      functions: [],
      payload: { conversationId: chatId, status: 'delivered' },
    });
    expect(sent?.related.map(({ type }) => type)).toContain('message.send.requested');
  });

  it('has the stored change if it changed the conversation', async () => {
    expect(await find('chat.started')).toMatchObject({
      payload: { type: 'chat.started', data: { conversationId: chatId } },
    });
  });

  it('finds a refused webhook by its time', async () => {
    const { entries } = await events.list({ limit: 1, status: 'refused' });
    expect(await events.find(entries[0]?.id ?? '')).toMatchObject({ entry: { status: 'refused' } });
    expect(logs.queries.at(-1)?.queryString).toContain(
      `toMillis(@timestamp) = ${firstAt + (lines.length - 1) * 1_000}`,
    );
  });

  it.each(['unknown', '1."x', ''])('does not query for the id %j', async (id) => {
    expect(await events.find(id)).toBeUndefined();
    expect(logs.queries).toEqual([]);
  });
});
