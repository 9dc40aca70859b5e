import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { cliFor } from '../test/cli.ts';
import { type Received, startServer } from '../test/http-server.ts';
import { type Local, startLocal } from '../test/local.ts';
import { clearAwsFaults, countAwsCalls, injectAwsFault, putStage } from '../test/local-aws.ts';
import { outbound } from '../test/outbound.ts';
import { createSeeder } from '../test/seed.ts';

/** The command starts a process and then polls every two seconds. */
const slowly = { timeout: 25_000 };

let local: Local;
beforeAll(async () => {
  local = await startLocal();
});
afterAll(() => local?.stop());

const passed = z.object({ total: z.number() });
const quantiles = z.nullable(z.object({ p50: z.number(), p99: z.number() }));
const flow = z.object({
  slices: z.array(z.object({ inboundMs: quantiles, sendMs: quantiles })),
  stations: z.object({ machine: passed, 'dead-letters': passed }),
  notMeasured: z.array(z.string()),
  sampledAt: z.nullable(z.number()),
  running: z.number(),
});
const ready = z.object({ console: z.string(), stage: z.string() });

describe('livechat console', () => {
  it('serves the console, streams new table items and exits on SIGTERM', async () => {
    const command = cliFor(local).start('console', '--port', '0', '--json');
    await expect.poll(() => command.printed(), slowly).toContain('}');
    const { console: address, stage } = ready.parse(JSON.parse(command.printed()));
    expect(stage).toBe('local');
    expect(await (await fetch(`${address}api/console`)).json()).toEqual({
      simulator: false,
      events: false,
      stage: 'local',
      organizationNames: {},
      channelNames: { livechat: 'LiveChat' },
    });

    const stream = await fetch(`${address}api/stream`);
    let streamed = '';
    const reading = (async () => {
      for await (const chunk of stream.body ?? []) streamed += Buffer.from(chunk).toString();
    })().catch(() => {});
    await expect.poll(() => streamed).toContain('event: flow');
    const { chat, act, send, text } = outbound(local);
    const chatId = await chat();
    await local.idle();
    await expect.poll(() => streamed, slowly).toContain(chatId);
    await send(chatId, text('Hello from a service'));
    const measured = async () => {
      const { slices } = flow.parse(await (await fetch(`${address}api/flow`)).json());
      return { inbound: slices.some(({ inboundMs }) => inboundMs), sent: slices.some(({ sendMs }) => sendMs) };
    };
    await expect.poll(measured, slowly).toEqual({ inbound: true, sent: true });
    await act(chatId, { action: 'message', text: 'One more' });
    await expect.poll(() => streamed.split('"message.received"').length, slowly).toBeGreaterThanOrEqual(3);
    expect(streamed).not.toContain('One more');
    expect(streamed).not.toContain('Hello from');

    command.kill('SIGTERM');
    expect((await command.ended).code).toBe(0);
    await reading;
  }, 90_000);

  it('streams hundreds of messages, executions and dead letters once each', async () => {
    const seed = await createSeeder(local);
    const { chat, send, rateLimit, waitForExecutions } = outbound(local);
    const command = cliFor(local).start('console', '--port', '0', '--json');
    await expect.poll(() => command.printed(), slowly).toContain('}');
    const { console: address } = ready.parse(JSON.parse(command.printed()));
    let streamed = '';
    const stream = await fetch(`${address}api/stream`);
    const reading = (async () => {
      for await (const chunk of stream.body ?? []) streamed += Buffer.from(chunk).toString();
    })().catch(() => {});
    // The first poll only records what exists; later polls stream what is new.
    await expect
      .poll(async () => {
        await chat();
        return streamed;
      }, slowly)
      .toContain('"message.received"');
    const flowNow = async () => flow.parse(await (await fetch(`${address}api/flow`)).json());
    const { stations, notMeasured } = await flowNow();
    expect(notMeasured).toEqual(['webhook', 'functions']);
    expect(stations).toMatchObject({ machine: { total: 0 }, 'dead-letters': { total: 0 } });

    // While the organization is paused, a request that expires before the pause is checked again fails at once.
    await rateLimit('pause');
    const [expired, rejected] = [110, 5];
    const expiring = { options: { expiresInSeconds: 20 } };
    await Promise.all([
      seed.burst(300, 'BUSY'),
      ...Array.from({ length: expired }, (_, index) => send(`PAUSED${index}`, expiring)),
      ...Array.from({ length: rejected }, (_, index) => send(`PAUSED${index}`, { messages: [] })),
    ]);
    await waitForExecutions();
    const countOf = (text: RegExp) => streamed.match(text)?.length;
    const received = /"message\.received","detail":\{"data":\{"conversationId":"BUSY\d+"/g;
    await expect.poll(() => new Set(streamed.match(received)).size, slowly).toBe(300);
    await expect.poll(async () => (await flowNow()).stations['dead-letters'].total, slowly).toBe(expired + rejected);
    await expect.poll(async () => (await flowNow()).stations.machine.total, slowly).toBe(expired);
    await expect.poll(async () => (await flowNow()).running, slowly).toBe(0);

    // Nothing is streamed twice.
    const last = await chat();
    await expect.poll(() => streamed, slowly).toContain(last);
    expect(countOf(received)).toBe(300);
    expect((await flowNow()).stations).toMatchObject({
      machine: { total: expired },
      'dead-letters': { total: expired + rejected },
    });
    expect((await flowNow()).sampledAt).toBeNull();
    await rateLimit('resume');
    command.kill('SIGTERM');
    expect((await command.ended).code).toBe(0);
    await reading;
  }, 120_000);

  it('logs a polling failure once', async () => {
    const polls = async () => (await countAwsCalls(local))['states.ListExecutions'] ?? 0;
    const fault = { service: 'states', operation: 'ListExecutions', kind: 'unavailable', count: 1_000 };
    await injectAwsFault(local, fault);
    const command = cliFor(local).start('console', '--port', '0', '--json');
    const before = await polls();
    // At most three attempts per poll.
    await expect.poll(polls, slowly).toBeGreaterThan(before + 9);
    const failures = () => command.printed().split('Cannot read the stage').length - 1;
    expect(failures()).toBe(1);
    await clearAwsFaults(local);
    command.kill('SIGTERM');
    expect((await command.ended).code).toBe(0);
  }, 60_000);

  it('suggests --port if the port is in use', async () => {
    const taken = new URL(local.console).port;
    const { code, stderr } = await cliFor(local).run('console', '--port', taken);
    expect(code).toBe(1);
    expect(stderr).toContain(`Port ${taken} cannot be used. Choose another one with --port`);
  });

  it('rejects an invalid port', async () => {
    const { code, stderr } = await cliFor(local).run('console', '--port', 'http');
    expect(code).toBe(2);
    expect(stderr).toContain('--port must be a whole number from 0 to 65535.');
  });
});

const open = z.object({ address: z.string(), token: z.string(), console: z.string(), stage: z.string() });
const putEvents = z.object({
  logGroupName: z.string(),
  logStreamName: z.string(),
  logEvents: z.array(z.object({ timestamp: z.number(), message: z.string() })),
});
const arn = 'arn:aws:sts::123456789012:assumed-role/support/ada';

/** STS and CloudWatch Logs; `refused` makes CloudWatch Logs refuse every line. */
async function startAudit() {
  const state = { refused: false, rejected: false };
  const { url, received, stop } = await startServer((response, { headers }) => {
    const identity = `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>${arn}</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>`;
    if (headers['x-amz-target'] === undefined) response.end(identity);
    else if (state.refused) response.writeHead(400).end('{"__type":"AccessDeniedException","message":"not allowed"}');
    else response.end(state.rejected ? '{"rejectedLogEventsInfo":{"tooNewLogEventStartIndex":0}}' : '{}');
  });
  const putEventsCalls = ({ headers }: Received) => headers['x-amz-target'] === 'Logs_20140328.PutLogEvents';
  return {
    state,
    stop,
    calls: () => received.filter(putEventsCalls).map(({ body }) => putEvents.parse(JSON.parse(body.toString()))),
    environment: {
      AWS_ENDPOINT_URL_STS: url,
      AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: url,
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'mine',
      AWS_SECRET_ACCESS_KEY: 'mine',
    },
  };
}

describe('livechat console --stage', () => {
  let log: Awaited<ReturnType<typeof startAudit>>;
  beforeAll(async () => {
    log = await startAudit();
    await putStage(local, 'blue', { environment: { AUDIT_LOG_GROUP: '/livechat/blue/audit' } });
  });
  afterAll(() => log?.stop());
  const start = () => cliFor(local, log.environment).start('console', '--stage', 'blue', '--port', '0', '--json');

  it('needs the token that it prints, and records who did what and when, or refuses it', async () => {
    const chatId = await outbound(local).chat();
    await local.idle();
    const command = start();
    await expect.poll(() => command.printed(), slowly).toMatch(/are recorded in the log group .*\n/);
    expect(command.printed()).toContain(
      `Opened items and actions of ${arn} are recorded in the log group /livechat/blue/audit.`,
    );
    const { address, token, console: link, stage } = open.parse(JSON.parse(command.printed().split('\n')[0] ?? ''));
    expect(stage).toBe('blue');
    expect(link).toBe(`${address}?token=${token}`);

    const call = (path: string, init: RequestInit = {}) =>
      fetch(`${address}api/${path}`, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } });
    expect((await fetch(address)).status).toBe(401);
    expect((await fetch(`${address}api/conversations`)).status).toBe(401);
    expect((await call('conversations')).status).toBe(200);
    const pause = { method: 'POST', body: '{"do":"pause"}' };
    const foreign = await call('rate-limits/O', { ...pause, headers: { origin: 'https://evil.example' } });
    expect(foreign.status).toBe(403);
    const before = Date.now();
    expect((await call(`conversations/${chatId}`)).status).toBe(200);
    expect((await call('rate-limits/O', pause)).status).toBe(200);
    const calls = log.calls();
    expect(new Set(calls.map(({ logGroupName }) => logGroupName))).toEqual(new Set(['/livechat/blue/audit']));
    const lines = calls.flatMap(({ logEvents }) => logEvents);
    const record = { at: expect.any(String), stage: 'blue', who: arn };
    expect(lines.map(({ message }) => JSON.parse(message))).toEqual([
      { ...record, request: 'livechat console' },
      { ...record, request: `GET /api/conversations/${chatId}` },
      { ...record, request: 'POST /api/rate-limits/O', do: 'pause' },
    ]);
    for (const { timestamp } of lines.slice(1)) expect(timestamp).toBeGreaterThanOrEqual(before);

    for (const fault of ['refused', 'rejected'] as const) {
      log.state[fault] = true;
      const resumed = await call('rate-limits/O', { method: 'POST', body: '{"do":"resume"}' });
      expect(resumed.status).toBe(503);
      log.state[fault] = false;
    }
    expect(await (await call('rate-limits?organizationId=O')).json()).toMatchObject({ rateLimits: [{ paused: true }] });
    command.kill('SIGTERM');
    expect((await command.ended).code).toBe(0);
  }, 60_000);

  it('does not start without its audit log', async () => {
    log.state.refused = true;
    const { code, stdout } = await start().ended;
    log.state.refused = false;
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: expect.stringContaining('/livechat/blue/audit') });
  });
});
