/** The resources that the state machine uses. */
export interface StateMachineResources {
  readonly sendFunctionArn: string;
  readonly waitForTurnFunctionArn: string;
  readonly deadLetterQueueUrl: string;
}

/** Failed calls. The step counts them for each part, and defers after the fourth. */
const retriedCalls: readonly string[] = ['ChannelServerError', 'ChannelNetworkError'];

/** Errors of the step itself, which the state machine retries three times. */
const retriedSteps: readonly string[] = [
  'StepFailed',
  'FileUnavailable',
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.Unknown',
  'Sandbox.Timedout',
  'Runtime.ExitError',
  'States.Timeout',
];

/**
 * Errors that the state machine retries. Throttled invocations have a retry of their own; `NotFirst` and `Deferred` wait; any
 * other error becomes a dead letter.
 */
export const retriedErrors = [...retriedCalls, ...retriedSteps];

/** For errors that need no limit here: the step checks the expiry, and defers after the fourth failed call of a part. */
const unlimited = 1000;

const throttled = {
  ErrorEquals: ['Lambda.TooManyRequestsException'],
  IntervalSeconds: 2,
  BackoffRate: 2,
  MaxDelaySeconds: 10,
  MaxAttempts: unlimited,
  JitterStrategy: 'FULL',
} as const;

const retried = (errors: readonly string[], maxAttempts = 3) => ({
  ErrorEquals: errors,
  IntervalSeconds: 1,
  BackoffRate: 2,
  MaxDelaySeconds: 30,
  MaxAttempts: maxAttempts,
  JitterStrategy: 'FULL',
});

/** Field `index` of the error's Cause, split at `|`. Index 0 is everything before the first `|`. See `turnMessage` in errors.ts. */
const field = (index: number) => `States.ArrayGetItem(States.StringSplit($.turn.Cause, '|'), ${index})`;

const readTurn = (next: string) => ({
  Type: 'Pass',
  Parameters: {
    'until.$': field(1),
    'seconds.$': `States.StringToJson(${field(2)})`,
    slot: {
      'at.$': `States.StringToJson(${field(3)})`,
      'epoch.$': `States.StringToJson(${field(4)})`,
      'missed.$': `States.StringToJson(${field(5)})`,
    },
  },
  ResultPath: '$.turn',
  Next: next,
});

/**
 * The state machine that delivers one send request, in Amazon States Language (JSONPath). If nothing has to wait, an
 * execution enters one state, `Send`. An error of the state machine itself, such as a missing path, cannot be caught, so
 * every path that a state reads is always set.
 */
export function sendStateMachine({
  sendFunctionArn,
  waitForTurnFunctionArn,
  deadLetterQueueUrl,
}: StateMachineResources) {
  return {
    Comment: 'Delivers one send request',
    StartAt: 'Send',
    TimeoutSeconds: 172_800,
    States: {
      Send: {
        Type: 'Task',
        Resource: sendFunctionArn,
        TimeoutSeconds: 70,
        Retry: [throttled, retried(retriedCalls, unlimited), retried(retriedSteps)],
        Catch: [
          { ErrorEquals: ['NotFirst'], ResultPath: '$.turn', Next: 'ReadWait' },
          { ErrorEquals: ['Deferred'], ResultPath: '$.turn', Next: 'ReadDeferral' },
          { ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'DeadLetter' },
        ],
        End: true,
      },
      ReadWait: readTurn('WaitForTurn'),
      // The predecessor in the message group completes the task with the next `turn`. After the timeout, Send looks again:
      // its `turn` is then the error.
      WaitForTurn: {
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
        Parameters: {
          FunctionName: waitForTurnFunctionArn,
          Payload: { 'request.$': '$.request', 'seconds.$': '$.turn.seconds', 'token.$': '$$.Task.Token' },
        },
        TimeoutSecondsPath: '$.turn.seconds',
        Retry: [throttled, retried(retriedSteps.filter((error) => error !== 'States.Timeout'))],
        Catch: [
          { ErrorEquals: ['States.Timeout'], ResultPath: '$.turn', Next: 'Send' },
          { ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'DeadLetter' },
        ],
        ResultPath: '$.turn',
        Next: 'WaitUntil',
      },
      ReadDeferral: readTurn('WaitUntil'),
      WaitUntil: { Type: 'Wait', TimestampPath: '$.turn.until', Next: 'Send' },
      DeadLetter: {
        Type: 'Task',
        Resource: 'arn:aws:states:::sqs:sendMessage',
        Parameters: {
          QueueUrl: deadLetterQueueUrl,
          MessageBody: { kind: 'send', 'request.$': '$.request', 'error.$': '$.error' },
        },
        Retry: [
          {
            ErrorEquals: ['States.ALL'],
            IntervalSeconds: 1,
            BackoffRate: 2,
            MaxDelaySeconds: 60,
            MaxAttempts: 10,
            JitterStrategy: 'FULL',
          },
        ],
        ResultPath: null,
        Next: 'Failed',
      },
      Failed: { Type: 'Fail', ErrorPath: '$.error.Error', CausePath: '$.error.Cause' },
    },
  };
}
