import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stateMachineArn } from '../arn.ts';
import { resources, startTestAws, type TestAws } from '../testing.ts';

/** The input of every execution. */
const input = {
  text: 'a|b||c',
  quoted: 'say "hi" \\ bye',
  number: 3,
  list: [1, { x: 2 }, [3]],
  nested: { 'with space': true, 'a-b': 'dash', deep: { value: 1 } },
  json: '{"errorMessage":"2030-01-01T00:00:00Z|5"}',
  nothing: null,
  time: '2030-01-01T00:00:00Z',
};

/** States, of which `A` is the first, with the expected output or error. */
interface Case {
  readonly states: Readonly<Record<string, object>>;
  readonly output?: unknown;
  readonly error?: string;
}

const end = { End: true };
const pass = (fields: object): Case['states'] => ({ A: { Type: 'Pass', ...fields, ...end } });
const value = (expression: string): Case['states'] =>
  pass({ Parameters: { 'value.$': expression }, OutputPath: '$.value' });
const choose = (rule: object): Case['states'] => ({
  A: { Type: 'Choice', Choices: [{ ...rule, Next: 'Yes' }], Default: 'No' },
  Yes: { Type: 'Pass', Result: 'yes', ...end },
  No: { Type: 'Pass', Result: 'no', ...end },
});
const waitFor = (fields: object): Case['states'] => ({
  A: { Type: 'Wait', ...fields, Next: 'B' },
  B: { Type: 'Pass', Result: 'waited', ...end },
});
const fail = (fields: object): Case['states'] => ({ A: { Type: 'Fail', ...fields } });

const cases: Readonly<Record<string, Case>> = {
  'reads a path': { states: value('$.nested.deep.value'), output: 1 },
  'reads an index': { states: value('$.list[1].x'), output: 2 },
  'reads quoted names': { states: value("$.nested['with space']"), output: true },
  'reads a name with a hyphen': { states: value('$.nested.a-b'), output: 'dash' },
  'reads null': { states: value('$.nothing'), output: null },
  'fails on a missing path': { states: value('$.absent'), error: 'States.Runtime' },
  'reads the execution name': { states: value('$$.Execution.Name'), output: 'reads-the-execution-name' },
  'reads the execution id': {
    states: value('$$.Execution.Id'),
    output: 'arn:aws:states:us-east-1:000000000000:execution:cases:reads-the-execution-id',
  },
  'reads the execution input': { states: value('$$.Execution.Input.number'), output: 3 },
  'reads the start time': { states: value('$$.Execution.StartTime'), output: expect.stringMatching(/^20.*Z$/) },
  'reads the state': {
    states: pass({ Parameters: { 'name.$': '$$.State.Name', 'entered.$': '$$.State.EnteredTime' } }),
    output: { name: 'reads-the-state A', entered: expect.stringMatching(/^20.*Z$/) },
  },
  'fails on a token outside a task': { states: value('$$.Task.Token'), error: 'States.Runtime' },
  'splits text': { states: value("States.StringSplit($.text, '|')"), output: ['a', 'b', 'c'] },
  'splits text at several characters': { states: value("States.StringSplit('1.2,3', '.,')"), output: ['1', '2', '3'] },
  'gets an item of nested functions': {
    states: value("States.ArrayGetItem(States.StringSplit($.text, '|'), 1)"),
    output: 'b',
  },
  'fails on an item out of range': {
    states: value('States.ArrayGetItem($.list, 3)'),
    error: 'States.IntrinsicFailure',
  },
  'parses JSON': { states: value('States.StringToJson($.json)'), output: { errorMessage: '2030-01-01T00:00:00Z|5' } },
  'fails on invalid JSON': { states: value('States.StringToJson($.text)'), error: 'States.IntrinsicFailure' },
  'parses a number': { states: value("States.StringToJson('5')"), output: 5 },
  'formats text and keeps quotes and backslashes': {
    states: value("States.Format('{}: {} \\{\\} it\\'s {}', $.number, $.quoted, $.nothing)"),
    output: '3: say "hi" \\ bye {} it\'s null',
  },
  'fails on a missing format argument': {
    states: value("States.Format('{} {}', 1)"),
    error: 'States.IntrinsicFailure',
  },
  'adds numbers': { states: value('States.MathAdd($.number, -5)'), output: -2 },
  'merges objects': {
    states: value('States.JsonMerge($.nested, $.nested.deep, false)'),
    output: { ...input.nested, value: 1 },
  },
  'rejects a deep merge': { states: value('States.JsonMerge($, $, true)'), error: 'States.IntrinsicFailure' },
  'builds arrays': { states: value("States.Array('x', 1, true, null, $.number)"), output: ['x', 1, true, null, 3] },
  'counts items': { states: value('States.ArrayLength($.list)'), output: 3 },
  'finds items': { states: value('States.ArrayContains($.list, $.list[1])'), output: true },
  'removes duplicates': { states: value('States.ArrayUnique(States.Array(1, 1, 2))'), output: [1, 2] },
  'encodes base 64': { states: value("States.Base64Encode('a')"), output: 'YQ==' },
  'decodes base 64': { states: value("States.Base64Decode('YQ==')"), output: 'a' },
  'hashes text': { states: value("States.Hash('a', 'MD5')"), output: '0cc175b9c0f1b6a831c399e269772661' },
  'makes a UUID': { states: value('States.UUID()'), output: expect.stringMatching(/^[\da-f-]{36}$/) },
  'prints JSON': { states: value('States.JsonToString($.list)'), output: '[1,{"x":2},[3]]' },
  'keeps constants and nested templates': {
    states: pass({ Parameters: { a: { 'b.$': '$.number' }, c: [{ 'd.$': '$.text' }, 1], e: null } }),
    output: { a: { b: 3 }, c: [{ d: 'a|b||c' }, 1], e: null },
  },
  'places a result': {
    states: pass({ Result: 0, ResultPath: '$.nested.deep.zero' }),
    output: { ...input, nested: { ...input.nested, deep: { value: 1, zero: 0 } } },
  },
  'discards a result': { states: pass({ Result: 1, ResultPath: null, OutputPath: '$.number' }), output: 3 },
  'fails to place a result in text': {
    states: pass({ Result: 1, ResultPath: '$.text.x' }),
    error: 'States.ResultPathMatchFailure',
  },
  'selects an input': { states: pass({ InputPath: '$.nested.deep' }), output: { value: 1 } },
  'empties an input': { states: pass({ InputPath: null }), output: {} },
  'chooses by presence': { states: choose({ Variable: '$.absent', IsPresent: false }), output: 'yes' },
  'chooses by absence': { states: choose({ Variable: '$.nothing', IsPresent: true }), output: 'yes' },
  'chooses by null': { states: choose({ Variable: '$.number', IsNull: false }), output: 'yes' },
  'chooses by text': { states: choose({ Variable: '$.text', StringEquals: 'a|b||c' }), output: 'yes' },
  'chooses by pattern': { states: choose({ Variable: '$.text', StringMatches: 'a|*c' }), output: 'yes' },
  'chooses by number': { states: choose({ Variable: '$.number', NumericGreaterThanEquals: 4 }), output: 'no' },
  'chooses by another path': { states: choose({ Variable: '$.number', NumericEqualsPath: '$.number' }), output: 'yes' },
  'never matches another type': { states: choose({ Variable: '$.number', StringLessThan: 'x' }), output: 'no' },
  'chooses by time': {
    states: choose({ Variable: '$.time', TimestampLessThanPath: '$$.Execution.StartTime' }),
    output: 'no',
  },
  'chooses by a boolean': {
    states: choose({ Variable: "$.nested['with space']", BooleanEquals: true }),
    output: 'yes',
  },
  'combines conditions': {
    states: choose({
      And: [
        { Variable: '$.number', IsNumeric: true },
        { Or: [{ Variable: '$.text', IsNumeric: true }, { Not: { Variable: '$.text', IsTimestamp: true } }] },
      ],
    }),
    output: 'yes',
  },
  'fails to choose by a missing path': {
    states: choose({ Variable: '$.absent', IsNull: true }),
    error: 'States.Runtime',
  },
  'does not wait for a past time': { states: waitFor({ Timestamp: '2020-01-01T00:00:00Z' }), output: 'waited' },
  'does not wait for zero seconds': { states: waitFor({ Seconds: 0 }), output: 'waited' },
  'fails to wait for negative seconds': {
    states: { A: { Type: 'Pass', Result: { s: -1 }, Next: 'W' }, W: { Type: 'Wait', SecondsPath: '$.s', ...end } },
    error: 'States.Runtime',
  },
  'fails to wait for text': { states: waitFor({ TimestampPath: '$.text' }), error: 'States.Runtime' },
  'fails with constants': { states: fail({ Error: 'Gone', Cause: 'no' }), error: 'Gone' },
  'fails with an error from a path': {
    states: fail({ ErrorPath: '$.text', CausePath: "States.Format('{}', $.number)" }),
    error: 'a|b||c',
  },
  'fails with a path that is not text': { states: fail({ ErrorPath: '$.number' }), error: 'States.Runtime' },
  'ends with a part of the input': { states: { A: { Type: 'Succeed', OutputPath: '$.number' } }, output: 3 },
};

const names = Object.keys(cases).map((title) => title.replaceAll(' ', '-'));

/** Prefixes the names of a case's states. */
function prefix(states: Case['states'], name: string): [string, unknown][] {
  const rename = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(rename);
    if (typeof value !== 'object' || value === null) return value;
    const fields = Object.entries(value).map(([key, field]) => [
      key,
      key === 'Next' || key === 'Default' ? `${name} ${field}` : rename(field),
    ]);
    return Object.fromEntries(fields);
  };
  return Object.entries(states).map(([state, fields]) => [`${name} ${state}`, rename(fields)]);
}

/** One state machine for all cases, since the validation of a definition takes 40 ms: the execution's name selects the case. */
function definition() {
  const Choices = names.map((name) => ({
    Variable: '$$.Execution.Name',
    StringEquals: name,
    Next: `${name} A`,
  }));
  const states = Object.values(cases).flatMap(({ states }, index) => prefix(states, names[index] ?? ''));
  return { StartAt: 'Start', States: { Start: { Type: 'Choice', Choices }, ...Object.fromEntries(states) } };
}

let aws: TestAws;
let sfn: SFNClient;
beforeAll(async () => {
  const stateMachines = {
    cases: {
      definition,
      functions: { sendFunctionArn: 'none', waitForTurnFunctionArn: 'none' },
      queue: 'deadLetters',
    },
  };
  aws = await startTestAws({ resources: { ...resources, stateMachines } });
  sfn = new SFNClient(aws.client);
});
afterAll(() => aws.stop());

test.each(Object.values(cases).map((one, index) => [names[index]?.replaceAll('-', ' '), names[index], one] as const))(
  '%s',
  async (_title, name, { output, error }) => {
    const start = { stateMachineArn: stateMachineArn('cases'), name, input: JSON.stringify(input) };
    const { executionArn } = await sfn.send(new StartExecutionCommand(start));
    await aws.control('GET', 'idle?executions=wait');

    const ended = await sfn.send(new DescribeExecutionCommand({ executionArn }));

    expect(ended.error).toBe(error);
    expect(ended.output && JSON.parse(ended.output)).toEqual(output);
  },
);
