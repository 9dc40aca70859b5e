import { also, having, type Mutations, types, without } from './mutation.ts';

const { fn, rule, table, queue, machine, apiStage, invokeConfig } = types;

export const running: Mutations = {
  'everything in the topology is there, and nothing else': [
    ['a function is left out', without(fn, 'WebhookFunction'), /function is missing: livechat-production-webhook/],
    ['a function is added', also(fn, 'Extra', { name: 'livechat-production-extra' }), /not in the topology: .*extra/],
    ['a rule is left out', without(rule, 'ChatStartedRule'), /rule is missing: .*chat-started/],
    ['a rule is added', also(rule, 'Extra', { name: 'other' }), /rule is not in the topology: other/],
    ['a table is left out', without(table, 'ControlTable'), /table is missing: ControlTable/],
    ['a queue is added', also(queue, 'ExtraQueue', {}), /queue is not in the topology: ExtraQueue/],
    ['a route is added', also('aws:apigatewayv2/route:Route', 'R', { routeKey: 'GET /' }), /route is not in/],
    ['a state machine is left out', without(machine), /state machine is missing/],
  ],
  'functions run as the topology says, log, and keep what they fail': [
    ['memory is changed', having(fn, 'SendFunction', 'memorySize', 128), /send: its memory is 128 MB/],
    ['a timeout is changed', having(fn, 'WebhookFunction', 'timeout', 20), /webhook: its timeout is 20 s/],
    [
      'nothing is reserved for sends',
      having(fn, 'SendFunction', 'reservedConcurrentExecutions', undefined),
      /send: undefined are reserved/,
    ],
    ['logs are text', having(fn, 'SendFunction', 'loggingConfig.logFormat', 'Text'), /send: it does not log in JSON/],
    ['nothing is traced', having(fn, 'SendFunction', 'tracingConfig', undefined), /send: it is not traced/],
    ['it runs on x86', having(fn, 'SendFunction', 'architectures', ['x86_64']), /send: it runs on x86_64/],
    ['Node is older', having(fn, 'SendFunction', 'runtime', 'nodejs20.x'), /send: its runtime/],
    [
      'failures go nowhere',
      without(invokeConfig, 'NoteReceivedEventInvokeConfig'),
      /note-received: what it fails goes nowhere/,
    ],
    [
      'nothing is tried again',
      having(invokeConfig, 'NoteReceivedEventInvokeConfig', 'maximumRetryAttempts', 0),
      /note-received: it is not tried again/,
    ],
  ],
  'logs are kept for as long as the stage says': [
    [
      'logs are kept for ever',
      having('aws:cloudwatch/logGroup:LogGroup', 'SendMachineLog', 'retentionInDays', 0),
      /SendMachineLog: kept for 0 days/,
    ],
  ],
  'the state machine is core’s, and logs no messages': [
    ['its definition is another', having(machine, 'SendMachine', 'definition', '{"StartAt":"Send"}'), /not core’s/],
    [
      'messages are logged',
      having(machine, 'SendMachine', 'loggingConfiguration.includeExecutionData', true),
      /what is sent is logged/,
    ],
    ['it is an express one', having(machine, 'SendMachine', 'type', 'EXPRESS'), /it is EXPRESS/],
  ],
  'the webhook is throttled and answers no browser': [
    ['nothing is throttled', having(apiStage, 'ApiStage', 'defaultRouteSettings', undefined), /not throttled/],
    [
      'browsers may call',
      having('aws:apigatewayv2/api:Api', 'ApiApi', 'corsConfiguration', { allowOrigins: ['*'] }),
      /browsers may call/,
    ],
    [
      'the access log says too much',
      having(apiStage, 'ApiStage', 'accessLogSettings.format', '{"status":$context.status,"body":"x"}'),
      /holds more than it needs/,
    ],
  ],
};
