import {
  alertRule,
  bucket,
  busName,
  consumers,
  type FunctionSpec,
  functions,
  queues,
  reserveConcurrency,
  rules,
  type StateMachineName,
  schedules,
  stateMachines,
  tables,
  webhookRoute,
  webhookRoutes,
} from '../../../stacks/topology.ts';
import { type App, stages } from '../app.ts';
import { addResource, type Checks, inlinePolicy, removeResource, setInput, types } from '../faults.ts';
import {
  at,
  type Check,
  componentName,
  differences,
  find,
  isEqual,
  isLive,
  isProduction,
  listAt,
  ofType,
  type Problem,
  parseStatements,
  report,
  resourceName,
  stageName,
  textAt,
} from '../select.ts';

const invokedByRules: ReadonlySet<string> = new Set(
  Object.values(rules).flatMap(({ target }) => ('function' in target ? [target.function] : [])),
);

const checkFunctions: Check = (app) =>
  Object.entries(functions).flatMap(([name, spec]) => report(`function ${name}`, functionProblems(app, name, spec)));

function functionProblems(app: App, name: string, spec: FunctionSpec): Problem[] {
  const { inputs } = find(app, 'aws:lambda/function:Function', resourceName(app, name));
  const { concurrency } = reserveConcurrency({ [name]: spec }, sendConcurrency(app))[name] ?? {};
  const reserved = concurrency || undefined;
  return [
    inputs.memorySize === spec.memoryMb || `its memory is ${inputs.memorySize} MB`,
    inputs.timeout === spec.timeoutSeconds || `its timeout is ${inputs.timeout} s`,
    inputs.reservedConcurrentExecutions === reserved ||
      `its reserved concurrency is ${inputs.reservedConcurrentExecutions}`,
    at(inputs, 'loggingConfig.logFormat') === 'JSON' || 'it does not log in JSON',
    at(inputs, 'loggingConfig.systemLogLevel') === 'WARN' || 'Lambda logs every invocation',
    at(inputs, 'tracingConfig.mode') === (isTraced(app) ? 'Active' : 'PassThrough') || 'it has the wrong tracing mode',
    ...(isLive(app) ? [] : runtimeProblems(inputs)),
    ...retentionProblems(app, textAt(inputs, 'loggingConfig.logGroup')),
    ...(invokedByRules.has(name) ? destinationProblems(app, name) : []),
  ];
}

function environmentOf(app: App): Readonly<Record<string, string>> {
  return Object.values(stages).find(({ stage }) => stage === stageName(app))?.environment ?? {};
}

function isTraced(app: App): boolean {
  return environmentOf(app).TRACING !== 'off';
}

/** The setting SEND_CONCURRENCY, or its default. */
function sendConcurrency(app: App): number {
  const setting = environmentOf(app);
  if ('SEND_CONCURRENCY' in setting) return Number(setting.SEND_CONCURRENCY);
  return isProduction(app) ? 200 : 0;
}

function runtimeProblems(inputs: Readonly<Record<string, unknown>>): Problem[] {
  return [
    inputs.runtime === 'nodejs24.x' || `its runtime is ${inputs.runtime}`,
    listAt(inputs, 'architectures').join() === 'arm64' || `it runs on ${listAt(inputs, 'architectures').join()}`,
  ];
}

function retentionProblems(app: App, group: string): Problem[] {
  const days = find(app, 'aws:cloudwatch/logGroup:LogGroup', group).inputs.retentionInDays;
  return [days === (isProduction(app) ? 90 : 7) || `its logs are kept for ${days} days`];
}

function destinationProblems(app: App, name: string): Problem[] {
  const config = ofType(app, 'aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig').find(
    ({ inputs }) => inputs.functionName === resourceName(app, name),
  );
  const destination = textAt(config?.inputs, 'destinationConfig.onFailure.destination');
  return [
    destination.includes('DeadLettersQueue') || 'it has no failure destination',
    config?.inputs.maximumRetryAttempts === 2 || 'it is not retried',
  ];
}

const checkLogRetention: Check = (app) =>
  ofType(app, 'aws:cloudwatch/logGroup:LogGroup').flatMap(({ name, inputs }) =>
    inputs.retentionInDays === (isProduction(app) ? 90 : 7)
      ? []
      : [`log group ${name}: kept for ${inputs.retentionInDays} days`],
  );

const checkStateMachines: Check = (app) =>
  Object.entries(stateMachines).flatMap(([name, spec]) => {
    const { inputs } = find(app, 'aws:sfn/stateMachine:StateMachine', resourceName(app, name));
    const problems = [
      isEqual(JSON.parse(textAt(inputs, 'definition') || '{}'), buildDefinition(app, spec)) || 'its definition differs',
      inputs.type === 'STANDARD' || `it is ${inputs.type}`,
      at(inputs, 'loggingConfiguration.includeExecutionData') === false || 'its logs contain execution data',
      /log-group:\S+:\*$/.test(textAt(inputs, 'loggingConfiguration.logDestination')) || 'it has no log group',
      at(inputs, 'tracingConfiguration.enabled') === isTraced(app) || 'it has the wrong tracing mode',
      ...roleProblems(app, textAt(inputs, 'roleArn'), spec),
    ];
    return report(`state machine ${name}`, problems);
  });

function buildDefinition(
  app: App,
  { definition, functions: steps }: (typeof stateMachines)[StateMachineName],
): unknown {
  const region = textAt(app.settings, 'providers.aws.region');
  const queue = textAt(find(app, 'aws:sqs/queue:Queue', 'DeadLettersQueue').inputs, 'name');
  const functionArn = (name: string) => `arn:aws:lambda:${region}:123456789012:function:${resourceName(app, name)}`;
  return definition({
    sendFunctionArn: functionArn(steps.sendFunctionArn),
    waitForTurnFunctionArn: functionArn(steps.waitForTurnFunctionArn),
    deadLetterQueueUrl: `https://sqs.${region}.amazonaws.com/123456789012/${queue}`,
  });
}

/** The role allows exactly what the definition does: to invoke its functions, and to send to the queue. */
function roleProblems(
  app: App,
  arn: string,
  { functions: steps }: (typeof stateMachines)[StateMachineName],
): Problem[] {
  const role = find(app, 'aws:iam/role:Role', arn.split('/').at(-1) ?? '');
  const statements = listAt(role.inputs, 'inlinePolicies').flatMap((policy) =>
    parseStatements(textAt(policy, 'policy')),
  );
  const allowed = statements.filter(({ resources }) => !resources.includes('*'));
  const allows = (action: string, name: string) =>
    allowed.some(
      ({ actions, resources }) => actions.includes(action) && resources.some((one) => one.endsWith(`:${name}`)),
    );
  const queue = textAt(find(app, 'aws:sqs/queue:Queue', 'DeadLettersQueue').inputs, 'name');
  const expected = ['lambda:InvokeFunction', 'sqs:SendMessage'];
  const count = allowed.flatMap(({ resources }) => resources).length;
  return [
    ...Object.values(steps).map(
      (name) => allows('lambda:InvokeFunction', resourceName(app, name)) || `it may not invoke ${name}`,
    ),
    allows('sqs:SendMessage', queue) || 'it may not send to the dead-letter queue',
    allowed.every(({ actions }) => actions.every((action) => expected.includes(action))) ||
      'its role allows more actions',
    count === Object.values(steps).length + 1 || 'its role allows more resources',
  ];
}

const checkApi: Check = (app) => {
  const [stage] = ofType(app, 'aws:apigatewayv2/stage:Stage');
  const [api] = ofType(app, 'aws:apigatewayv2/api:Api');
  const [integration] = ofType(app, 'aws:apigatewayv2/integration:Integration');
  const logged = textAt(stage?.inputs, 'accessLogSettings.format');
  const [perSecond, burst] = isProduction(app) ? [3_000, 5_000] : [20, 40];
  const problems = [
    at(stage?.inputs, 'defaultRouteSettings.throttlingRateLimit') === perSecond || 'the webhook is not throttled',
    at(stage?.inputs, 'defaultRouteSettings.throttlingBurstLimit') === burst || 'the webhook has no burst limit',
    JSON.stringify(api?.inputs.corsConfiguration ?? {}) === '{}' || 'the webhook allows CORS',
    logged.includes('"status":$context.status') || 'the access log has no status to filter by',
    !/body|header|userAgent/i.test(logged) || 'the access log contains request data',
    textAt(integration?.inputs, 'integrationUri').endsWith(`:${resourceName(app, webhookRoute.function)}`) ||
      'the route has the wrong integration',
  ];
  return report('webhook', problems);
};

const checkInventory: Check = (app) => {
  const names = (type: string, path = 'name') => ofType(app, type).map(({ inputs }) => textAt(inputs, path));
  const own = (expected: readonly string[]) => expected.map((name) => resourceName(app, name));
  const bus = isProduction(app) ? busName : `${busName}-${String(app.settings.stage)}`;
  return [
    ...differences('function', own(Object.keys(functions)), names('aws:lambda/function:Function')),
    ...differences('rule', own([...Object.keys(rules), alertRule.name]), names('aws:cloudwatch/eventRule:EventRule')),
    ...differences('schedule', own(Object.keys(schedules)), names('aws:scheduler/schedule:Schedule')),
    ...differences('state machine', own(Object.keys(stateMachines)), names('aws:sfn/stateMachine:StateMachine')),
    ...differences('bus', [bus], names('aws:cloudwatch/eventBus:EventBus')),
    ...differences(
      'route',
      webhookRoutes.map(({ method, path }) => `${method} ${path}`),
      names('aws:apigatewayv2/route:Route', 'routeKey'),
    ),
    ...differences(
      'consumer',
      Object.values(consumers).map((consumer) => resourceName(app, consumer.function)),
      names('aws:lambda/eventSourceMapping:EventSourceMapping', 'functionName'),
    ),
    ...differences(
      'table',
      Object.keys(tables).map((name) => `${componentName(name)}Table`),
      ofType(app, 'aws:dynamodb/table:Table').map(({ name }) => name),
    ),
    ...differences(
      'queue',
      Object.values(queues).map((name) => `${componentName(name)}Queue`),
      ofType(app, 'aws:sqs/queue:Queue').map(({ name }) => name),
    ),
    ...differences(
      'bucket',
      [`${componentName(bucket.name)}Bucket`],
      ofType(app, 'aws:s3/bucket:Bucket').map(({ name }) => name),
    ),
  ];
};

const { fn, role, rule, table, queue, machine, apiStage, invokeConfig } = types;

export const functionsChecks: Checks = {
  'deploys exactly the resources of the topology': {
    check: checkInventory,
    faults: [
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
      ['a schedule is missing', removeResource('aws:scheduler/schedule:Schedule'), /schedule is missing/],
      ['a state machine is missing', removeResource(machine), /state machine is missing/],
    ],
  },
  'configures functions as in the topology, with logs, traces and a failure destination': {
    check: checkFunctions,
    faults: [
      ['the memory differs', setInput(fn, 'SendFunction', 'memorySize', 128), /send: its memory is 128 MB/],
      ['a timeout differs', setInput(fn, 'WebhookFunction', 'timeout', 20), /webhook: its timeout is 20 s/],
      [
        'sends have no reserved concurrency',
        setInput(fn, 'SendFunction', 'reservedConcurrentExecutions', undefined),
        /send: its reserved concurrency is undefined/,
      ],
      [
        'logs are text',
        setInput(fn, 'SendFunction', 'loggingConfig.logFormat', 'Text'),
        /send: it does not log in JSON/,
      ],
      [
        'Lambda logs every invocation',
        setInput(fn, 'SendFunction', 'loggingConfig.systemLogLevel', 'INFO'),
        /send: Lambda logs every invocation/,
      ],
      [
        'tracing is disabled',
        setInput(fn, 'SendFunction', 'tracingConfig', undefined),
        /send: it has the wrong tracing mode/,
      ],
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
  },
  'sets the log retention of the stage': {
    check: checkLogRetention,
    faults: [
      [
        'logs do not expire',
        setInput('aws:cloudwatch/logGroup:LogGroup', 'SendMachineLog', 'retentionInDays', 0),
        /SendMachineLog: kept for 0 days/,
      ],
    ],
  },
  'deploys the state machine of core and logs no execution data': {
    check: checkStateMachines,
    faults: [
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
          role,
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
          role,
          'SendMachineRole',
          'inlinePolicies',
          inlinePolicy('events:PutEvents', 'arn:aws:events:us-east-1:123456789012:event-bus/omnichannel'),
        ),
        /send: its role allows more actions/,
      ],
      ['it is an express state machine', setInput(machine, 'SendMachine', 'type', 'EXPRESS'), /it is EXPRESS/],
    ],
  },
  'throttles the webhook and enables no CORS': {
    check: checkApi,
    faults: [
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
  },
};
