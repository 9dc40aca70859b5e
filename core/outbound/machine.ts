/** Where the state machine's two resources are. */
export interface MachineResources {
  readonly sendFunctionArn: string;
  readonly deadLetterQueueUrl: string;
}

/** What the machine hands to functions/send. A run that waits over a deployment calls the new function with the old input. */
export const sendInputVersion = 1;

/** Failures that the machine itself tries again, up to three times a visit; everything else the step decides. */
export const triedAgain: readonly string[] = [
  'LiveChatServerError',
  'LiveChatNetworkError',
  'StepFailed',
  'FileUnavailable',
  'IdempotencyPersistenceLayerError',
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
 * The state machine that delivers one send request, in Amazon States Language (JSONPath). The happy path is the one
 * state `Send`. States name only `$` and `$$.Execution.Id`: an error of the machine itself is caught by nothing.
 */
export function sendMachine({ sendFunctionArn, deadLetterQueueUrl }: MachineResources) {
  return {
    Comment: 'Delivers one send request to LiveChat',
    StartAt: 'Send',
    TimeoutSeconds: 172_800,
    States: {
      Send: {
        Type: 'Task',
        Resource: sendFunctionArn,
        TimeoutSeconds: 70,
        Parameters: { version: sendInputVersion, 'input.$': '$', 'execution.$': '$$.Execution.Id' },
        Retry: [
          {
            ErrorEquals: ['Lambda.TooManyRequestsException'],
            IntervalSeconds: 2,
            BackoffRate: 2,
            MaxDelaySeconds: 10,
            MaxAttempts: 1000,
            JitterStrategy: 'FULL',
          },
          {
            ErrorEquals: triedAgain,
            IntervalSeconds: 1,
            BackoffRate: 2,
            MaxDelaySeconds: 30,
            MaxAttempts: 3,
            JitterStrategy: 'FULL',
          },
        ],
        Catch: [
          { ErrorEquals: ['Deferred'], ResultPath: '$.deferral', Next: 'ReadDeferral' },
          { ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'DeadLetter' },
        ],
        End: true,
      },
      ReadDeferral: {
        Type: 'Pass',
        Parameters: { 'cause.$': 'States.StringToJson($.deferral.Cause)' },
        ResultPath: '$.deferral',
        Next: 'WaitUntil',
      },
      WaitUntil: { Type: 'Wait', TimestampPath: '$.deferral.cause.errorMessage', Next: 'Send' },
      DeadLetter: {
        Type: 'Task',
        Resource: 'arn:aws:states:::sqs:sendMessage',
        Parameters: {
          QueueUrl: deadLetterQueueUrl,
          MessageBody: { kind: 'send', 'execution.$': '$$.Execution.Id', 'state.$': '$' },
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
