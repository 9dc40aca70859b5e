import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resources, startTestAws, type TestAws } from '../../../test/test-aws.ts';
import { stateMachineArn } from '../arn.ts';

/** The input of every execution. */
const input = {
  text: 'a|b||c',
  number: 3,
  list: [1, { x: 2 }, [3]],
  nested: { 'a-b': 'dash', deep: { value: 1 } },
  json: '{"errorMessage":"2030-01-01T00:00:00Z|5"}',
  nothing: null,
  past: '2020-01-01T00:00:00Z',
};

/** States, of which `A` is the first, with the expected output or error. */
interface Case {
  readonly states: Readonly<Record<string, object>>;
  readonly output?: unknown;
  readonly error?: string;
}

const end = { End: true };
const pass = (fields: object): Case['states'] => ({ A: { Type: 'Pass', ...fields, ...end } });
const value = (expression: string): Case['states'] => pass({ Parameters: { 'value.$': expression } });
const waitFor = (path: string): Case['states'] => ({
  A: { Type: 'Wait', TimestampPath: path, Next: 'B' },
  B: { Type: 'Pass', Parameters: 'waited', ...end },
});
const fail = (fields: object): Case['states'] => ({
  A: { Type: 'Fail', ErrorPath: '$.text', CausePath: '$.text', ...fields },
});

const cases: Readonly<Record<string, Case>> = {
  'reads a path': { states: value('$.nested.deep.value'), output: { value: 1 } },
  'reads a name with a hyphen': { states: value('$.nested.a-b'), output: { value: 'dash' } },
  'reads null': { states: value('$.nothing'), output: { value: null } },
  'fails on a missing path': { states: value('$.absent'), error: 'States.Runtime' },
  'fails on a token outside a task': { states: value('$$.Task.Token'), error: 'States.Runtime' },
  'splits text': { states: value("States.StringSplit($.text, '|')"), output: { value: ['a', 'b', 'c'] } },
  'splits text at several characters': {
    states: value("States.StringSplit('1.2,3', '.,')"),
    output: { value: ['1', '2', '3'] },
  },
  'gets an item of nested functions': {
    states: value("States.ArrayGetItem(States.StringSplit($.text, '|'), 1)"),
    output: { value: 'b' },
  },
  'fails on an item out of range': {
    states: value('States.ArrayGetItem($.list, 3)'),
    error: 'States.IntrinsicFailure',
  },
  'parses JSON': {
    states: value('States.StringToJson($.json)'),
    output: { value: { errorMessage: '2030-01-01T00:00:00Z|5' } },
  },
  'fails on invalid JSON': { states: value('States.StringToJson($.text)'), error: 'States.IntrinsicFailure' },
  'parses a number': { states: value("States.StringToJson('5')"), output: { value: 5 } },
  'keeps constants and nested templates': {
    states: pass({ Parameters: { a: { 'b.$': '$.number' }, c: [{ 'd.$': '$.text' }, 1], e: null } }),
    output: { a: { b: 3 }, c: [{ d: 'a|b||c' }, 1], e: null },
  },
  'passes its input': { states: pass({}), output: input },
  'places a result': { states: pass({ Parameters: 0, ResultPath: '$.nested' }), output: { ...input, nested: 0 } },
  'discards a result': { states: pass({ Parameters: 1, ResultPath: null }), output: input },
  'fails to place a result in a number': {
    states: {
      A: { Type: 'Pass', Parameters: 1, Next: 'B' },
      B: { Type: 'Pass', Parameters: 2, ResultPath: '$.x', ...end },
    },
    error: 'States.ResultPathMatchFailure',
  },
  'does not wait for a past time': { states: waitFor('$.past'), output: 'waited' },
  'fails to wait for text': { states: waitFor('$.text'), error: 'States.Runtime' },
  'fails with an error from a path': { states: fail({}), error: 'a|b||c' },
  'fails with an error that is not text': { states: fail({ ErrorPath: '$.number' }), error: 'States.Runtime' },
  'fails with a cause that is not text': { states: fail({ CausePath: '$.number' }), error: 'States.Runtime' },
};

/** Names the state machine of a case. */
const machineName = (title: string): string => title.replaceAll(' ', '-');

let aws: TestAws;
let sfn: SFNClient;
beforeAll(async () => {
  const stateMachines = Object.entries(cases).map(([title, { states }]) => [
    machineName(title),
    {
      definition: () => ({ StartAt: 'A', States: states }),
      functions: { sendFunctionArn: 'none', waitForTurnFunctionArn: 'none' },
      queue: 'deadLetters',
    },
  ]);
  aws = await startTestAws({ resources: { ...resources, stateMachines: Object.fromEntries(stateMachines) } });
  sfn = new SFNClient(aws.client);
});
afterAll(() => aws.stop());

test.each(Object.entries(cases))('%s', async (title, { output, error }) => {
  const start = { stateMachineArn: stateMachineArn(machineName(title)), input: JSON.stringify(input) };
  const { executionArn } = await sfn.send(new StartExecutionCommand(start));
  await aws.control('GET', 'idle?executions=wait');

  const ended = await sfn.send(new DescribeExecutionCommand({ executionArn }));

  expect(ended.error).toBe(error);
  expect(ended.output && JSON.parse(ended.output)).toEqual(output);
});
