import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { afterEach, expect, test, vi } from 'vitest';
import { type TemporaryFunctions, writeFunctions } from '../../test/temporary-functions.ts';
import type { CallJson } from '../aws/endpoint.ts';
import { close, listen } from '../listen.ts';
import { type InvocationOutcome, type Runtime, type RuntimeOptions, startRuntime } from './runtime.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface TestRuntime extends Runtime {
  readonly lines: string[];
  readonly outcomes: InvocationOutcome[];
}

async function start(
  written: TemporaryFunctions,
  env: Record<string, string> = {},
  options: Pick<RuntimeOptions, 'aws' | 'inspectPort'> = {},
): Promise<TestRuntime> {
  const lines: string[] = [];
  const outcomes: InvocationOutcome[] = [];
  cleanups.push(() => written.remove());
  const runtime = await startRuntime({
    ...written,
    env,
    ...options,
    onLog: (line) => lines.push(line),
    onInvocation: (run) => outcomes.push(run),
  });
  cleanups.push(() => runtime.stop());
  return { ...runtime, lines, outcomes };
}

test('passes the event and the result as JSON', async () => {
  const { invoke } = await start(
    await writeFunctions({ echo: 'return { event, at: new Date(0), none: undefined }', nothing: '' }),
  );

  expect(await invoke('echo', { a: 1, when: new Date(0), none: undefined })).toEqual({
    event: { a: 1, when: '1970-01-01T00:00:00.000Z' },
    at: '1970-01-01T00:00:00.000Z',
  });
  expect(await invoke('nothing', {})).toBeNull();
});

test("passes Lambda's context and only the given environment", async () => {
  vi.stubEnv('OUTSIDE', 'yes');
  const { invoke } = await start(
    await writeFunctions({
      context: `return { ...context, left: context.getRemainingTimeInMillis(), outside: process.env.OUTSIDE ?? null, inside: process.env.INSIDE }`,
    }),
    { INSIDE: 'yes' },
  );

  expect(await invoke('context', {}, { requestId: 'request-1' })).toMatchObject({
    functionName: 'context',
    awsRequestId: 'request-1',
    invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:context',
    memoryLimitInMB: '512',
    logGroupName: '/aws/lambda/context',
    left: expect.closeTo(5_000, -3),
    outside: null,
    inside: 'yes',
  });
});

test('keeps the name, message and trace of a thrown error', async () => {
  const { invoke, outcomes } = await start(
    await writeFunctions({ fail: `throw Object.assign(new Error('no slot'), { name: 'Deferred' })` }),
  );

  await expect(invoke('fail', {})).rejects.toMatchObject({
    name: 'Deferred',
    message: 'no slot',
    trace: expect.arrayContaining([expect.stringContaining('functions/fail.ts')]),
  });
  expect(outcomes).toEqual([{ function: 'fail', ok: false, ms: expect.any(Number), error: 'Deferred' }]);
});

test('runs invocations concurrently', async () => {
  const { invoke } = await start(
    await writeFunctions({
      meet: `globalThis.met ??= Promise.withResolvers(); if (event.last) globalThis.met.resolve(); await globalThis.met.promise; return event.last ?? false`,
    }),
  );

  const first = invoke('meet', {});
  expect(await invoke('meet', { last: true })).toBe(true);
  expect(await first).toBe(false);
});

test('lets a function exceed its timeout if a debugger can attach', async () => {
  const written = await writeFunctions(
    { slow: "await new Promise((resolve) => setTimeout(resolve, 150)); return 'ok'" },
    0.05,
  );
  const { invoke } = await start(written, {}, { inspectPort: 0 });

  expect(await invoke('slow', {})).toBe('ok');
});

test('fails a function after its timeout with Sandbox.Timedout while others continue', async () => {
  const { invoke } = await start(
    await writeFunctions({ wait: 'await new Promise(() => {})', quick: 'return "ok"' }, 0.05),
  );

  await expect(invoke('wait', {})).rejects.toMatchObject({ name: 'Sandbox.Timedout' });
  expect(await invoke('quick', {})).toBe('ok');
});

test('terminates the thread of an endless loop', async () => {
  const { invoke } = await start(await writeFunctions({ loop: 'for (;;);', quick: 'return "ok"' }, 0.2));

  await expect(invoke('loop', {})).rejects.toMatchObject({ name: 'Sandbox.Timedout' });
  await expect.poll(() => invoke('quick', {}).catch(() => 'not yet'), { timeout: 5_000 }).toBe('ok');
});

test.each([
  ['process.exit', 'process.exit(3)'],
  ['an uncaught exception', `setImmediate(() => { throw new Error('stray') }); await new Promise(() => {})`],
  ['an unhandled rejection', `Promise.reject(new Error('stray')); await new Promise(() => {})`],
])('fails every invocation in flight on %s and starts a new thread', async (_what, body) => {
  const server = createServer();
  const port = await listen(server, 0, '--port');
  cleanups.push(() => close(server));
  const { invoke } = await start(
    await writeFunctions({ die: body, wait: `await fetch('http://127.0.0.1:${port}')`, quick: 'return "ok"' }),
  );

  const waiting = expect(invoke('wait', {})).rejects.toMatchObject({ name: 'Runtime.ExitError' });
  await once(server, 'request');
  await expect(invoke('die', {})).rejects.toMatchObject({ name: 'Runtime.ExitError' });
  await waiting;
  expect(await invoke('quick', {})).toBe('ok');
});

test('fails every invocation in flight on kill and starts a new thread', async () => {
  const server = createServer();
  const port = await listen(server, 0, '--port');
  cleanups.push(() => close(server));
  const { invoke, kill } = await start(
    await writeFunctions({ wait: `await fetch('http://127.0.0.1:${port}')`, quick: 'return "ok"' }),
  );

  const waiting = expect(invoke('wait', {})).rejects.toMatchObject({ name: 'Runtime.ExitError' });
  await once(server, 'request');
  await kill();

  await waiting;
  expect(await invoke('quick', {})).toBe('ok');
});

test('throttles only the function whose reserved concurrency is exceeded', async () => {
  const written = await writeFunctions({
    meet: 'globalThis.met ??= Promise.withResolvers(); await globalThis.met.promise',
    release: 'globalThis.met.resolve()',
  });
  const { meet, release } = written.functions;
  if (!meet || !release) throw new Error('not written');
  const { invoke } = await start({ ...written, functions: { meet: { ...meet, concurrency: 2 }, release } });

  const running = [invoke('meet', {}), invoke('meet', {})];
  await expect(invoke('meet', {})).rejects.toMatchObject({ name: 'TooManyRequestsException', statusCode: 429 });
  await invoke('release', {});

  expect(await Promise.all(running)).toEqual([null, null]);
  expect(await invoke('meet', {})).toBeNull();
});

test('does not throttle a function whose reserved concurrency is 0', async () => {
  const written = await writeFunctions({ quick: 'return "ok"' });
  const { quick } = written.functions;
  if (!quick) throw new Error('not written');
  const { invoke } = await start({ ...written, functions: { quick: { ...quick, concurrency: 0 } } });

  expect(await Promise.all([invoke('quick', {}), invoke('quick', {})])).toEqual(['ok', 'ok']);
});

test('reports stdout and stderr of functions by line', async () => {
  const { invoke, lines } = await start(
    await writeFunctions({ talk: `console.log('one\\ntwo'); console.error('three')` }),
  );

  await invoke('talk', {});
  await expect.poll(() => [...lines].sort()).toEqual(['one', 'three', 'two']);
});

test('rejects a function that cannot be loaded with its file and the reason', async () => {
  const written = await writeFunctions({ fine: '' });
  const missing = { handler: 'functions/missing.handler', memoryMb: 128, timeoutSeconds: 1 };
  const wrongExport = { handler: 'functions/fine.other', memoryMb: 128, timeoutSeconds: 1 };

  const starting = start({ ...written, functions: { ...written.functions, missing, wrongExport } });

  await expect(starting).rejects.toThrow(/functions\/missing\.ts: Cannot find module/);
  await expect(starting).rejects.toThrow(/functions\/fine\.ts: it exports no function "other"/);
});

test('calls the local AWS without HTTP, except for SQS and other addresses', async () => {
  const url = 'http://127.0.0.1:9';
  const calls: unknown[] = [];
  const callJson: CallJson = async (target, body) => {
    calls.push([target, JSON.parse(body)]);
    if (target.endsWith('GetItem')) return { status: 200, body: '{"Item":{"pk":{"S":"é"}}}' };
    return { status: 400, body: '{"__type":"ConditionalCheckFailedException","message":"no","Item":{"pk":{"S":"a"}}}' };
  };
  const { resolve } = createRequire(import.meta.url);
  const client = (service: string, endpoint = url) =>
    `const { ${service}Client: Client, ...commands } = await import('${resolve(`@aws-sdk/client-${service.toLowerCase()}`)}');
    const client = new Client({ endpoint: '${endpoint}', region: 'us-east-1', maxAttempts: 1, credentials: { accessKeyId: 'a', secretAccessKey: 'b' } });`;
  const key = `{ TableName: 'messages', Key: { pk: { S: 'a' } } }`;
  const { invoke } = await start(
    await writeFunctions({
      read: `${client('DynamoDB')} return (await client.send(new commands.GetItemCommand(${key}))).Item;`,
      write: `${client('DynamoDB')} return client.send(new commands.DeleteItemCommand(${key})).catch(({ name, Item }) => ({ name, Item }));`,
      elsewhere: `${client('DynamoDB', 'http://127.0.0.1:10')} return client.send(new commands.GetItemCommand(${key})).catch(({ code }) => code);`,
      queue: `${client('SQS')} return client.send(new commands.ListQueuesCommand({})).catch(({ code }) => code);`,
    }),
    {},
    { aws: { url, callJson } },
  );

  expect(await invoke('read', {})).toEqual({ pk: { S: 'é' } });
  expect(await invoke('write', {})).toEqual({ name: 'ConditionalCheckFailedException', Item: { pk: { S: 'a' } } });
  expect(calls).toEqual([
    ['DynamoDB_20120810.GetItem', { TableName: 'messages', Key: { pk: { S: 'a' } } }],
    ['DynamoDB_20120810.DeleteItem', { TableName: 'messages', Key: { pk: { S: 'a' } } }],
  ]);
  expect(await invoke('elsewhere', {})).toBe('ECONNREFUSED');
  expect(await invoke('queue', {})).toBe('ECONNREFUSED');
});
