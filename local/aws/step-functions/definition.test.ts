import { expect, test } from 'vitest';
import { functionArn } from '../arn.ts';
import { compileMachine } from './definition.ts';

const task = (fields: object) => ({ Type: 'Task', Resource: functionArn('send'), End: true, ...fields });
const pass = (expression: string) => ({ Type: 'Pass', Parameters: { 'a.$': expression }, End: true });
const waitForToken = 'arn:aws:states:::lambda:invoke.waitForTaskToken';

const compile = (state: object) => () => compileMachine('send', { StartAt: 'A', States: { A: state } });

test.each<[string, object]>([
  ['The resource arn:aws:states:::sns:publish of the state "A"', task({ Resource: 'arn:aws:states:::sns:publish' })],
  ['The Map state "A"', { Type: 'Map', ItemProcessor: {}, End: true }],
  ['JSONata of the state "A"', { Type: 'Pass', QueryLanguage: 'JSONata', End: true }],
  ['Assign of the state "A"', { Type: 'Pass', Assign: { x: 1 }, End: true }],
  ['The path $.list[*]', pass('$.list[*]')],
  ['The path $..name', { Type: 'Pass', InputPath: '$..name', End: true }],
  ['The intrinsic function States.MathRandom', pass('States.MathRandom(1, 2)')],
  [
    'The parameter InvocationType of the state "A"',
    task({ Resource: waitForToken, Parameters: { FunctionName: 'send', InvocationType: 'Event' } }),
  ],
])('rejects %s', (what, state) => {
  const message = `${what} in the state machine "send" is not supported by the local engine`;
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
  [
    'an invocation without a function',
    task({ Resource: waitForToken, Parameters: { 'Payload.$': '$' } }),
    'The parameter FunctionName of the state "A" is missing',
  ],
])('rejects %s as invalid', (_what, state, message) => {
  const error = { name: 'InvalidStateMachineError', message: expect.stringContaining(message) };
  expect(compile(state)).toThrow(expect.objectContaining(error));
});
