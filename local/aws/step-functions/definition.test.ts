import { expect, test } from 'vitest';
import { functionArn } from '../arn.ts';
import { compileMachine } from './definition.ts';

const FunctionName = functionArn('send');
const task = (fields: object) => ({ Type: 'Task', Resource: FunctionName, End: true, ...fields });
const pass = (expression: string) => ({ Type: 'Pass', Parameters: { 'a.$': expression }, End: true });
const waitForToken = 'arn:aws:states:::lambda:invoke.waitForTaskToken';

const compile = (state: object) => () => compileMachine('send', { StartAt: 'A', States: { A: state } });

test.each<[string, object]>([
  ['The resource arn:aws:states:::sns:publish', task({ Resource: 'arn:aws:states:::sns:publish' })],
  [
    'States.A.Type: The type "Map" (supported: Task, Pass, Wait, Fail)',
    { Type: 'Map', ItemProcessor: { StartAt: 'B', States: { B: { Type: 'Pass', End: true } } }, End: true },
  ],
  ['States.A: Unrecognized key: "QueryLanguage"', { Type: 'Pass', QueryLanguage: 'JSONata', End: true }],
  ['States.A: Unrecognized key: "Assign"', { Type: 'Pass', Assign: { x: 1 }, End: true }],
  ['States.A: Unrecognized key: "OutputPath"', { Type: 'Pass', OutputPath: '$.a', End: true }],
  [
    'States.A.Catch.0: Unrecognized key: "Comment"',
    task({ Catch: [{ ErrorEquals: ['States.ALL'], Comment: '', Next: 'A' }] }),
  ],
  ['The path $.list[*]', pass('$.list[*]')],
  ['The path $..name', { Type: 'Fail', ErrorPath: '$..name', CausePath: '$.a' }],
  ['The path $$.Execution.Name', pass('$$.Execution.Name')],
  ['The intrinsic function States.MathRandom', pass('States.MathRandom(1, 2)')],
  [
    'A task of arn:aws:states:::lambda:invoke.waitForTaskToken (the body: Unrecognized key: "InvocationType")',
    task({ Resource: waitForToken, Parameters: { FunctionName, Payload: 1, InvocationType: 'Event' } }),
  ],
  [
    'A task of arn:aws:states:::lambda:invoke.waitForTaskToken (FunctionName: Invalid input: expected string, received undefined)',
    task({ Resource: waitForToken, Parameters: { Payload: 1 } }),
  ],
])('rejects %s', (what, state) => {
  const message = `${what} is not supported by the local engine's state machines`;
  expect(compile(state)).toThrow(expect.objectContaining({ name: 'UnsupportedStateMachineError', message }));
});

test.each<[string, object, string]>([
  ['a transition to a missing state', { Type: 'Pass', Next: 'B' }, 'MISSING_TRANSITION_TARGET'],
  ['a task with two time limits', task({ TimeoutSeconds: 1, TimeoutSecondsPath: '$.a' }), 'TASK_TIMEOUT'],
  ['a time limit of 0', task({ TimeoutSeconds: 0 }), 'SCHEMA_VALIDATION_FAILED'],
  [
    'a heartbeat that is not below the time limit',
    task({ TimeoutSeconds: 5, HeartbeatSeconds: 5 }),
    'HeartbeatSeconds of the state "A" must be less than TimeoutSeconds',
  ],
  ['a wait without a duration', { Type: 'Wait', End: true }, 'WAIT_DURATION'],
  ['a path into the result of a function', pass('States.StringToJson($.a).b'), 'SCHEMA_VALIDATION_FAILED'],
])('rejects %s as invalid', (_what, state, message) => {
  const error = { name: 'InvalidStateMachineError', message: expect.stringContaining(message) };
  expect(compile(state)).toThrow(expect.objectContaining(error));
});
