import { addResource, inlinePolicy, type Mutations, removeResource, setInput, types } from './mutate.ts';

const { fn, rule, table, queue, machine, apiStage, invokeConfig } = types;

export const running: Mutations = {
  'deploys exactly the resources of the topology': [
    [
      'a function is missing',
      removeResource(fn, 'WebhookFunction'),
      /function is missing: livechat-production-webhook/,
    ],
    [
      'a function is added',
      addResource(fn, 'Extra', { name: 'livechat-production-extra' }),
      /not in the topology: .*extra/,
    ],
    ['a rule is missing', removeResource(rule, 'ChatStartedRule'), /rule is missing: .*chat-started/],
    ['a rule is added', addResource(rule, 'Extra', { name: 'other' }), /rule is not in the topology: other/],
    ['a table is missing', removeResource(table, 'ControlTable'), /table is missing: ControlTable/],
    ['a queue is added', addResource(queue, 'ExtraQueue', {}), /queue is not in the topology: ExtraQueue/],
    ['a route is added', addResource('aws:apigatewayv2/route:Route', 'R', { routeKey: 'GET /' }), /route is not in/],
    ['a state machine is missing', removeResource(machine), /state machine is missing/],
  ],
  'configures functions as in the topology, with logs, traces and a failure destination': [
    ['the memory differs', setInput(fn, 'SendFunction', 'memorySize', 128), /send: its memory is 128 MB/],
    ['a timeout differs', setInput(fn, 'WebhookFunction', 'timeout', 20), /webhook: its timeout is 20 s/],
    [
      'sends have no reserved concurrency',
      setInput(fn, 'SendFunction', 'reservedConcurrentExecutions', undefined),
      /send: its reserved concurrency is undefined/,
    ],
    ['logs are text', setInput(fn, 'SendFunction', 'loggingConfig.logFormat', 'Text'), /send: it does not log in JSON/],
    ['tracing is disabled', setInput(fn, 'SendFunction', 'tracingConfig', undefined), /send: it is not traced/],
    ['a function runs on x86', setInput(fn, 'SendFunction', 'architectures', ['x86_64']), /send: it runs on x86_64/],
    ['the runtime is older', setInput(fn, 'SendFunction', 'runtime', 'nodejs20.x'), /send: its runtime/],
    [
      'there is no failure destination',
      removeResource(invokeConfig, 'NoteReceivedEventInvokeConfig'),
      /note-received: it has no failure destination/,
    ],
    [
      'failed events are not retried',
      setInput(invokeConfig, 'NoteReceivedEventInvokeConfig', 'maximumRetryAttempts', 0),
      /note-received: it is not retried/,
    ],
  ],
  'sets the log retention of the stage': [
    [
      'logs do not expire',
      setInput('aws:cloudwatch/logGroup:LogGroup', 'SendMachineLog', 'retentionInDays', 0),
      /SendMachineLog: kept for 0 days/,
    ],
  ],
  'deploys the state machine of core and logs no execution data': [
    [
      'the definition differs',
      setInput(machine, 'SendMachine', 'definition', '{"StartAt":"Send"}'),
      /its definition differs/,
    ],
    [
      'execution data is logged',
      setInput(machine, 'SendMachine', 'loggingConfiguration.includeExecutionData', true),
      /its logs contain execution data/,
    ],
    [
      'it may not invoke a function',
      setInput(
        'aws:iam/role:Role',
        'SendMachineRole',
        'inlinePolicies',
        inlinePolicy(
          'lambda:InvokeFunction',
          'arn:aws:lambda:us-east-1:123456789012:function:livechat-production-send',
        ),
      ),
      /send: it may not invoke wait-for-turn\n.*it may not send to the dead-letter queue/,
    ],
    [
      'its role allows another action',
      setInput(
        'aws:iam/role:Role',
        'SendMachineRole',
        'inlinePolicies',
        inlinePolicy('events:PutEvents', 'arn:aws:events:us-east-1:123456789012:event-bus/omnichannel'),
      ),
      /send: its role allows more actions/,
    ],
    ['it is an express state machine', setInput(machine, 'SendMachine', 'type', 'EXPRESS'), /it is EXPRESS/],
  ],
  'throttles the webhook and enables no CORS': [
    [
      'the webhook is not throttled',
      setInput(apiStage, 'ApiStage', 'defaultRouteSettings', undefined),
      /not throttled/,
    ],
    [
      'the webhook allows CORS',
      setInput('aws:apigatewayv2/api:Api', 'ApiApi', 'corsConfiguration', { allowOrigins: ['*'] }),
      /the webhook allows CORS/,
    ],
    [
      'the access log contains request data',
      setInput(apiStage, 'ApiStage', 'accessLogSettings.format', '{"status":$context.status,"body":"x"}'),
      /contains request data/,
    ],
  ],
};
