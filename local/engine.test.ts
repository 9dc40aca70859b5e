import { createServer } from 'node:http';
import { afterEach, expect, test, vi } from 'vitest';
import * as deployed from '../stacks/topology.ts';
import { writeFunctions } from '../test/temporary-functions.ts';
import type { Activity } from './activity.ts';
import { type Engine, type EngineOptions, type EngineParts, startEngine } from './engine.ts';
import { createInFlight } from './in-flight.ts';
import { close, listen } from './listen.ts';
import { type SimulatorSettings, startSimulatorThread } from './livechat/server.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const putEvents = `
  const answer = await fetch(process.env.AWS_ENDPOINT_URL, {
    method: 'POST',
    headers: { 'x-amz-target': 'AWSEvents.PutEvents', 'content-type': 'application/x-amz-json-1.1' },
    body: JSON.stringify({ Entries: [{ Source: 'test', DetailType: 'chat.started', EventBusName: process.env.BUS_NAME, Detail: event.body }] }),
  });
  return { statusCode: (await answer.json()).FailedEntryCount === 0 ? 200 : 500, body: 'accepted' };`;

const bodies = { webhook: putEvents, note: 'console.log("noted", JSON.stringify(event.detail))' };

interface Started {
  readonly engine: Engine;
  readonly activities: Activity[];
  readonly lines: string[];
  readonly simulators: SimulatorSettings[];
}

async function start(overrides: Partial<EngineOptions> = {}): Promise<Started> {
  const written = await writeFunctions(bodies);
  cleanups.push(() => written.remove());
  const simulators: SimulatorSettings[] = [];
  const lines: string[] = [];
  const parts: EngineParts = {
    async startSimulator(settings) {
      simulators.push(settings);
      return { port: 4999, stop: async () => {} };
    },
    createConsole: async ({ bus }) => ({ fetch: () => Response.json({ bus, region: process.env.AWS_REGION }) }),
  };
  const rules = { note: { pattern: { 'detail-type': ['chat.started'] }, target: { function: 'note' } } };
  const engine = await startEngine({
    port: 0,
    awsPort: 0,
    livechatPort: 0,
    asyncRetryDelayMs: 1,
    report: (message) => lines.push(message),
    onLog: (line) => lines.push(line),
    environment: {},
    topology: { ...deployed, functions: written.functions, rules, consumers: {} },
    root: written.root,
    parts,
    ...overrides,
  });
  cleanups.push(() => engine.stop());
  const activities: Activity[] = [];
  engine.subscribe((activity) => activities.push(activity));
  return { engine, activities, lines, simulators };
}

test("passes a webhook through its function and the bus to the rule's function", async () => {
  const { engine, activities, lines } = await start();

  const response = await fetch(engine.addresses.webhook, { method: 'POST', body: '{"data":{"conversationId":"C1"}}' });
  await fetch(`${engine.addresses.aws}/_local/idle`);

  expect([response.status, await response.text()]).toEqual([200, 'accepted']);
  await expect.poll(() => lines).toEqual(['noted {"data":{"conversationId":"C1"}}']);
  expect(activities.map(({ type }) => type).sort()).toEqual(['event', 'invocation', 'invocation', 'webhook']);
  expect(activities).toContainEqual(
    expect.objectContaining({ type: 'event', detailType: 'chat.started', detail: { data: { conversationId: 'C1' } } }),
  );
  expect(activities).toContainEqual(expect.objectContaining({ type: 'invocation', function: 'note', ok: true }));
});

test('is not idle while the simulator has an undelivered webhook', async () => {
  const { engine, simulators } = await start();
  const pendingWebhooks = createInFlight(simulators[0]?.pendingWebhooks);
  const arrived: string[] = [];

  const end = pendingWebhooks.track();
  const idle = fetch(`${engine.addresses.aws}/_local/idle`).then(({ status }) => arrived.push(`idle ${status}`));
  await fetch(engine.addresses.webhook, { method: 'POST', body: '{"data":{"conversationId":"C1"}}' });
  arrived.push('webhook');
  end();
  await idle;

  expect(arrived).toEqual(['webhook', 'idle 200']);
});

const sendFunctions = {
  webhook: putEvents.replace('chat.started', 'message.send.requested'),
  'send-requested': `
    const answer = await fetch(process.env.AWS_ENDPOINT_URL, {
      method: 'POST',
      headers: { 'x-amz-target': 'AWSStepFunctions.StartExecution', 'content-type': 'application/x-amz-json-1.0' },
      body: JSON.stringify({ stateMachineArn: process.env.SEND_MACHINE_ARN, input: JSON.stringify({ request: event.detail }) }),
    });
    if (!answer.ok) throw new Error(await answer.text());`,
  send: `
    if (event.request.answer === 'ok') return { outcome: 'sent' };
    throw Object.assign(new Error('not found'), { name: 'ChannelClientError' });`,
  'dead-letter': `for (const { body } of event.Records) console.log('dead letter', JSON.parse(body).kind ?? 'status');`,
};

async function startSends(functions: Record<string, string>): Promise<Started> {
  const written = await writeFunctions(functions);
  cleanups.push(() => written.remove());
  const topology = { ...deployed, functions: written.functions };
  return start({ topology, root: written.root, machineRetryDelayMs: 1 });
}

test('passes a send request through its function to the state machine, and a failed one to the dead-letter queue', async () => {
  const { engine, activities, lines } = await startSends(sendFunctions);

  await fetch(engine.addresses.webhook, { method: 'POST', body: '{"answer":"ok"}' });
  await fetch(engine.addresses.webhook, { method: 'POST', body: '{"answer":"no"}' });
  await fetch(`${engine.addresses.aws}/_local/idle`);

  await expect
    .poll(() => lines.filter((line) => line.startsWith('dead letter')).sort())
    .toEqual(['dead letter send', 'dead letter status']);
  const executions = activities.filter((activity) => activity.type === 'execution');
  expect(executions.map(({ status, error }) => [status, error])).toEqual([
    ['RUNNING', undefined],
    ['SUCCEEDED', undefined],
    ['RUNNING', undefined],
    ['FAILED', 'ChannelClientError'],
  ]);
});

test('retries a send whose function is killed', async () => {
  const called = Promise.withResolvers<void>();
  const server = createServer(() => called.resolve());
  const port = await listen(server, 0, '--port');
  cleanups.push(() => close(server));
  const send = `await fetch('http://127.0.0.1:' + event.request.port);`;
  const { engine, activities } = await startSends({ ...sendFunctions, send });

  await fetch(engine.addresses.webhook, { method: 'POST', body: JSON.stringify({ port }) });
  await called.promise;
  // Later calls get a response.
  server.removeAllListeners('request').on('request', (_request, response) => response.end());
  const killed = await fetch(`${engine.addresses.aws}/_local/kill`, { method: 'POST' });
  await fetch(`${engine.addresses.aws}/_local/idle`);

  expect(await killed.json()).toEqual({ killed: true });
  expect(activities).toContainEqual(
    expect.objectContaining({ type: 'invocation', function: 'send', error: 'Runtime.ExitError' }),
  );
  expect(activities.at(-1)).toMatchObject({ type: 'execution', status: 'SUCCEEDED' });
});

/** Sends ten events at once to a function with a reserved concurrency of 1. */
async function sendToReserved(environment: Readonly<Record<string, string>>) {
  const note = 'await new Promise((resolve) => setTimeout(resolve, 5)); console.log("noted")';
  const written = await writeFunctions({ ...bodies, note });
  cleanups.push(() => written.remove());
  const { note: spec } = written.functions;
  if (!spec) throw new Error('not written');
  const functions = { ...written.functions, note: { ...spec, concurrency: 1 } };
  const rules = { note: { pattern: { 'detail-type': ['chat.started'] }, target: { function: 'note' } } };
  const topology = { ...deployed, functions, rules, consumers: {} };
  const { engine, lines } = await start({ topology, root: written.root, environment });
  const { aws, webhook } = engine.addresses;
  await Promise.all(Array.from({ length: 10 }, () => fetch(webhook, { method: 'POST', body: '{}' })));
  await fetch(`${aws}/_local/idle`);
  await expect.poll(() => lines).toEqual(Array.from({ length: 10 }, () => 'noted'));
  return (await fetch(`${aws}/_local/calls`)).json();
}

test('queues the events of a function whose reserved concurrency is used up, and counts the throttles', async () => {
  expect(await sendToReserved({})).toMatchObject({ 'lambda.Throttles:note': expect.any(Number) });
});

test('reserves no concurrency with SEND_CONCURRENCY=0', async () => {
  expect(await sendToReserved({ SEND_CONCURRENCY: '0' })).not.toHaveProperty('lambda.Throttles:note');
});

test('rejects a malformed SEND_CONCURRENCY', async () => {
  await expect(start({ environment: { SEND_CONCURRENCY: '-1' } })).rejects.toThrow(
    'SEND_CONCURRENCY: expected a whole number of at least 0',
  );
});

/** An engine whose schedule invokes a function that logs its event. The test can advance its timers. */
async function startScheduled(environment: Readonly<Record<string, string>>): Promise<Started> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
  cleanups.push(() => vi.useRealTimers());
  const written = await writeFunctions({ ...bodies, 'schedule-reconciliation': 'console.log(JSON.stringify(event))' });
  cleanups.push(() => written.remove());
  const topology = { ...deployed, functions: written.functions, rules: {}, consumers: {} };
  return start({ topology, root: written.root, environment });
}

test.each([
  ['every 15 minutes', {}, 15],
  ['at the interval of RECONCILIATION_MINUTES', { RECONCILIATION_MINUTES: '3' }, 3],
])('invokes the scheduled function %s with the event of the schedule', async (_interval, environment, minutes) => {
  const { engine, lines } = await startScheduled(environment);
  vi.advanceTimersByTime(minutes * 60_000 - 30_000);
  await fetch(`${engine.addresses.aws}/_local/idle`);
  expect(lines).toEqual([]);

  vi.advanceTimersByTime(30_000 + minutes * 60_000);
  await fetch(`${engine.addresses.aws}/_local/idle`);

  await expect.poll(() => lines).toHaveLength(2);
  const events = lines.map((line): { id: string; time: string } => JSON.parse(line));
  expect(new Set(events.map(({ id }) => id)).size).toBe(2);
  const keys = Object.keys(deployed.scheduledEvent()).toSorted();
  for (const event of events) {
    expect(Object.keys(event).toSorted()).toEqual(keys);
    expect(Date.now() - Date.parse(event.time)).toBeLessThan(60_000);
  }
});

test('runs no schedule with RECONCILIATION_MINUTES=0', async () => {
  const { engine, lines } = await startScheduled({ RECONCILIATION_MINUTES: '0' });
  vi.advanceTimersByTime(24 * 3_600_000);
  await fetch(`${engine.addresses.aws}/_local/idle`);
  expect(lines).toEqual([]);
});

test('rejects a malformed RECONCILIATION_MINUTES', async () => {
  await expect(start({ environment: { RECONCILIATION_MINUTES: 'often' } })).rejects.toThrow(
    'RECONCILIATION_MINUTES: expected a whole number of at least 0',
  );
});

test('serves the console with the environment of the functions', async () => {
  const { engine } = await start();

  const response = await fetch(engine.addresses.console);

  expect(await response.json()).toEqual({ bus: 'omnichannel', region: 'us-east-1' });
});

test('starts the simulator with the credentials and the webhook URL', async () => {
  const environment = { LIVECHAT_WEBHOOK_SECRET: 'my own secret', LIVECHAT_ORGANIZATION_ID: 'org' };
  const { engine, simulators } = await start({ environment });

  expect(engine.addresses.livechat).toBe('http://localhost:4999');
  expect(simulators).toEqual([
    {
      port: 0,
      pendingWebhooks: expect.any(SharedArrayBuffer),
      webhookUrl: engine.addresses.webhook,
      secretKey: 'my own secret',
      organizationId: 'org',
      clientId: engine.generated.LIVECHAT_CLIENT_ID,
      agentId: 'bridge@local.example',
      accountId: engine.generated.LIVECHAT_ACCOUNT_ID,
      apiKey: engine.generated.LIVECHAT_API_KEY,
    },
  ]);
});

test('starts no simulator with the address of a real account', async () => {
  const { engine, simulators } = await start({ environment: { LIVECHAT_API_BASE_URL: 'https://api.livechatinc.com' } });

  expect(engine.addresses.livechat).toBe('https://api.livechatinc.com');
  expect(simulators).toEqual([]);
});

test('rejects an invalid address with the name of the setting', async () => {
  await expect(start({ environment: { LIVECHAT_API_BASE_URL: 'livechat' } })).rejects.toThrow(/LIVECHAT_API_BASE_URL/);
});

test('frees the ports and restores the environment on stop', async () => {
  const before = { ...process.env };
  const { engine } = await start();
  expect(process.env).not.toEqual(before);

  await engine.stop();

  expect(process.env).toEqual(before);
  await expect(fetch(engine.addresses.aws)).rejects.toThrow();
  await expect(fetch(engine.addresses.webhook)).rejects.toThrow();
});

test('cleans up after a failed start', async () => {
  const { engine } = await start();
  const port = Number(new URL(engine.addresses.webhook).port);

  await expect(start({ port })).rejects.toMatchObject({
    name: 'PortTakenError',
    message: expect.stringContaining(`Port ${port} is taken. Choose another one with --port`),
  });
});

test("names the simulator's port option if the port is in use", async () => {
  const server = createServer();
  const livechatPort = await listen(server, 0, '--port');
  cleanups.push(() => close(server));
  const parts: EngineParts = {
    startSimulator: startSimulatorThread,
    createConsole: () => Promise.reject(new Error('not reached')),
  };

  await expect(start({ livechatPort, parts })).rejects.toThrow(
    `Port ${livechatPort} is taken. Choose another one with --livechat-port`,
  );
});
