import {
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  ListStateMachinesCommand,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { afterEach, expect, test } from 'vitest';
import { failsWith, sendArn, startTestMachine, type TestMachine } from '../../../test/test-aws.ts';
import { type Execution, executionStatus } from './executions.ts';

let machine: TestMachine;
afterEach(() => machine.stop());

const startWith = (overrides: object) =>
  machine.sfn.send(new StartExecutionCommand({ stateMachineArn: sendArn, ...overrides }));
const list = (overrides: object = {}) =>
  machine.sfn.send(new ListExecutionsCommand({ stateMachineArn: sendArn, ...overrides }));

test('starts an execution idempotently for the same name and input, and rejects the name otherwise', async () => {
  const running = Promise.withResolvers<void>();
  machine = await startTestMachine([() => running.promise]);
  const first = await startWith({ name: 'one', input: '{"a":1}' });

  expect(await startWith({ name: 'one', input: '{"a":1}' })).toMatchObject({
    executionArn: first.executionArn,
    startDate: first.startDate,
  });
  const taken = { name: 'ExecutionAlreadyExists' };
  await expect(startWith({ name: 'one', input: '{"a":2}' })).rejects.toMatchObject(taken);
  running.resolve();
  await machine.ended(first.executionArn ?? '');
  await expect(startWith({ name: 'one', input: '{"a":1}' })).rejects.toMatchObject(taken);
  expect(machine.sent).toHaveLength(1);
});

const invalidStarts: readonly [string, object, string][] = [
  ['an input that is not JSON', { input: '{' }, 'InvalidExecutionInput'],
  ['an input above 256 KB', { input: JSON.stringify('x'.repeat(262_144)) }, 'ValidationException'],
  ['a name with a space', { name: 'a b' }, 'InvalidName'],
  ['a name with a colon', { name: 'a:b' }, 'InvalidName'],
  ['a name with a control character', { name: 'a\u0085' }, 'InvalidName'],
  ['an empty name', { name: '' }, 'ValidationException'],
  ['a name of 81 characters', { name: 'a'.repeat(81) }, 'ValidationException'],
  ['an unknown state machine', { stateMachineArn: `${sendArn}2` }, 'StateMachineDoesNotExist'],
];

test('rejects a start with an invalid name, input or state machine', async () => {
  machine = await startTestMachine([]);

  for (const [what, overrides, name] of invalidStarts) {
    await expect(startWith(overrides), what).rejects.toMatchObject({ name });
  }
  expect(machine.sent).toEqual([]);
});

test('responds with ExecutionDoesNotExist for an unknown execution', async () => {
  machine = await startTestMachine([]);

  await expect(machine.sfn.send(new DescribeExecutionCommand({ executionArn: 'arn' }))).rejects.toMatchObject({
    name: 'ExecutionDoesNotExist',
  });
});

test('lists executions newest first, by status and in pages', async () => {
  machine = await startTestMachine([() => 'sent', failsWith('ChannelClientError'), () => 'sent']);
  for (const name of ['a', 'b', 'c']) await machine.ended(await machine.start({}, name));

  expect((await list()).executions?.map(({ name }) => name)).toEqual(['c', 'b', 'a']);
  expect((await list({ statusFilter: 'FAILED' })).executions).toMatchObject([
    { name: 'b', status: 'FAILED', stateMachineArn: sendArn, stopDate: expect.any(Date) },
  ]);
  const { executions, nextToken } = await list({ maxResults: 2 });
  expect(executions?.map(({ name }) => name)).toEqual(['c', 'b']);
  const rest = await list({ maxResults: 2, nextToken });
  expect(rest.executions?.map(({ name }) => name)).toEqual(['a']);
  expect(rest.nextToken).toBeUndefined();
  await expect(list({ nextToken: 'x' })).rejects.toMatchObject({ name: 'InvalidToken' });
});

test('returns a history in pages, in either order', async () => {
  machine = await startTestMachine([() => 'sent']);
  const executionArn = await machine.start({});
  await machine.ended(executionArn);
  const page = (overrides: object) => machine.sfn.send(new GetExecutionHistoryCommand({ executionArn, ...overrides }));

  const first = await page({ maxResults: 5 });
  expect(first.events?.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5]);
  expect((await page({ nextToken: first.nextToken })).events?.map(({ id }) => id)).toEqual([6, 7]);
  const last = await page({ reverseOrder: true, maxResults: 1 });
  expect(last.events).toMatchObject([
    { id: 7, type: 'ExecutionSucceeded', executionSucceededEventDetails: { output: '"sent"' } },
  ]);
});

test('lists and describes state machines with their definition', async () => {
  machine = await startTestMachine([]);

  const { stateMachines } = await machine.sfn.send(new ListStateMachinesCommand({}));
  expect(stateMachines).toMatchObject([{ name: 'send', stateMachineArn: sendArn, type: 'STANDARD' }]);
  const found = await machine.sfn.send(new DescribeStateMachineCommand({ stateMachineArn: sendArn }));
  expect(found).toMatchObject({ name: 'send', stateMachineArn: sendArn, type: 'STANDARD', status: 'ACTIVE' });
  expect(JSON.parse(found.definition ?? '')).toMatchObject({ StartAt: 'Send', TimeoutSeconds: 172_800 });
});

test('reports both status changes of an execution', async () => {
  const changes: string[] = [];
  machine = await startTestMachine([() => 'sent'], {
    onExecution: (execution: Execution) => changes.push(executionStatus(execution)),
  });

  await machine.ended(await machine.start({}));

  expect(changes).toEqual(['RUNNING', 'SUCCEEDED']);
  expect(await machine.deadLetters()).toEqual([]);
});

test('runs all of a thousand executions in a burst', async () => {
  machine = await startTestMachine([() => 'sent']);

  await Promise.all(Array.from({ length: 1_000 }, () => machine.start({})));
  expect((await machine.control('GET', 'idle?executions=wait')).body).toEqual({ idle: true });

  expect(machine.sent).toHaveLength(1_000);
  const { executions, nextToken } = await list({ statusFilter: 'SUCCEEDED', maxResults: 1_000 });
  expect([executions?.length, nextToken]).toEqual([1_000, undefined]);
});

test('keeps only the latest ended executions', async () => {
  machine = await startTestMachine([() => 'sent'], { maxEndedExecutions: 2 });
  for (const name of ['a', 'b', 'c']) await machine.ended(await machine.start({}, name));

  expect((await list()).executions?.map(({ name }) => name)).toEqual(['c', 'b']);
});

test('allows reuse of the oldest names of deleted executions', async () => {
  machine = await startTestMachine([() => 'sent'], { maxEndedExecutions: 1, maxReservedNames: 2 });
  for (const name of ['a', 'b', 'c', 'd']) await machine.ended(await machine.start({}, name));

  await expect(startWith({ name: 'b' })).rejects.toMatchObject({ name: 'ExecutionAlreadyExists' });
  await expect(startWith({ name: 'a' })).resolves.toMatchObject({ executionArn: expect.stringMatching(/:a$/) });
});

test('reserves the names of deleted executions', async () => {
  machine = await startTestMachine([() => 'sent'], { maxEndedExecutions: 1 });
  const name = `${'é.'.repeat(39)}-_`;
  const first = await machine.start({}, name);
  await machine.ended(first);
  await machine.ended(await machine.start({}, 'b'));

  await expect(startWith({ name, input: '{}' })).rejects.toMatchObject({ name: 'ExecutionAlreadyExists' });
  await expect(machine.sfn.send(new DescribeExecutionCommand({ executionArn: first }))).rejects.toMatchObject({
    name: 'ExecutionDoesNotExist',
  });
});

test('injects faults into Step Functions', async () => {
  machine = await startTestMachine([]);
  await machine.control('POST', 'faults', {
    service: 'states',
    operation: 'StartExecution',
    kind: 'throttle',
    count: 1,
  });

  await expect(startWith({})).rejects.toMatchObject({ name: 'ThrottlingException' });
  await expect(startWith({})).resolves.toMatchObject({ executionArn: expect.stringContaining(':send:') });
});
