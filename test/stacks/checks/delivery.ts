import {
  alertRule,
  archive,
  consumers,
  functions,
  type RuleSpec,
  resolvePattern,
  rules,
} from '../../../stacks/topology.ts';
import type { App, Resource } from '../app.ts';
import { type Checks, removeResource, resourcePolicy, setInput, types } from '../faults.ts';
import {
  at,
  type Check,
  find,
  isEqual,
  listAt,
  ofType,
  type Problem,
  parseStatements,
  report,
  resourceName,
  textAt,
} from '../select.ts';

interface Expectation {
  readonly pattern: unknown;
  readonly kind: 'lambda' | 'sqs' | 'sns';
  /** The end of the ARN. */
  readonly target: string;
}

function expectRule(app: App, spec: RuleSpec): Expectation {
  const machine = textAt(find(app, 'aws:sfn/stateMachine:StateMachine', resourceName(app, 'send')).inputs, 'name');
  const region = textAt(app.settings, 'providers.aws.region');
  const pattern = resolvePattern(spec, {
    stateMachineArn: () => `arn:aws:states:${region}:123456789012:stateMachine:${machine}`,
    alarmName: (name) => resourceName(app, name),
  });
  const { target } = spec;
  if ('function' in target)
    return { pattern, kind: 'lambda', target: `:function:${resourceName(app, target.function)}` };
  const queue = find(app, 'aws:sqs/queue:Queue', 'DeadLettersQueue');
  return { pattern, kind: 'sqs', target: `:${textAt(queue.inputs, 'name')}` };
}

const checkRules: Check = (app) => {
  const alert = { pattern: alertRule.pattern, kind: 'sns', target: 'AlertsTopic' } as const;
  return [
    ...Object.entries(rules).flatMap(([name, spec]) => ruleProblems(app, name, expectRule(app, spec), spec.bus)),
    ...ruleProblems(app, alertRule.name, alert),
  ];
};

function ruleProblems(app: App, name: string, expected: Expectation, bus?: string): string[] {
  const rule = find(app, 'aws:cloudwatch/eventRule:EventRule', resourceName(app, name));
  const targets = ofType(app, 'aws:cloudwatch/eventTarget:EventTarget').filter(
    ({ inputs }) => inputs.rule === resourceName(app, name),
  );
  const [target] = targets;
  if (!target || targets.length > 1) return [`rule ${name}: expected one target, not ${targets.length}`];
  const problems = [
    isEqual(sorted(JSON.parse(textAt(rule.inputs, 'eventPattern') || '{}')), sorted(expected.pattern)) ||
      'its pattern differs',
    (rule.inputs.eventBusName === undefined) === (bus === 'default') || 'it is on the wrong bus',
    rule.inputs.eventBusName === target.inputs.eventBusName || 'its target is on the wrong bus',
    pointsAt(textAt(target.inputs, 'arn'), expected) || `its target is ${textAt(target.inputs, 'arn')}`,
    textAt(target.inputs, 'deadLetterConfig.arn').includes('DeadLettersQueue') || 'its target has no dead-letter queue',
    at(target.inputs, 'retryPolicy.maximumRetryAttempts') === 185 || 'its target has no retry policy',
    at(target.inputs, 'retryPolicy.maximumEventAgeInSeconds') === 86_400 || 'its target has no retry policy',
    ...policyProblems(app, rule, target, expected),
  ];
  return report(`rule ${name}`, problems);
}

function pointsAt(arn: string, { kind, target }: Expectation): boolean {
  return arn.startsWith(`arn:aws:${kind}:`) && (kind === 'sns' ? arn.includes(target) : arn.endsWith(target));
}

/** The target and the dead-letter queue must accept events of this rule. */
function policyProblems(app: App, rule: Resource, target: Resource, { kind }: Expectation): Problem[] {
  const arn = ruleArn(app, rule);
  const queue = find(app, 'aws:sqs/queuePolicy:QueuePolicy', 'DeadLettersPolicy');
  const topic = find(app, 'aws:sns/topicPolicy:TopicPolicy', 'AlertsPolicy');
  const permission = ofType(app, 'aws:lambda/permission:Permission').find(
    ({ inputs }) =>
      inputs.sourceArn === arn &&
      inputs.principal === 'events.amazonaws.com' &&
      textAt(target.inputs, 'arn').endsWith(`:${textAt(inputs, 'function')}`),
  );
  return [
    allowsSource(queue, arn) || 'the dead-letter queue denies it',
    kind !== 'lambda' || permission !== undefined || 'its function denies it',
    kind !== 'sns' || allowsSource(topic, arn) || 'the topic denies it',
  ];
}

function allowsSource({ inputs }: Resource, arn: string): boolean {
  if (inputs.policy === undefined) return false;
  return parseStatements(inputs.policy).some(({ condition }) =>
    [at(condition, 'ArnEquals.aws:SourceArn')].flat().includes(arn),
  );
}

function ruleArn(app: App, { inputs }: Resource): string {
  const bus = textAt(inputs, 'eventBusName');
  const region = textAt(app.settings, 'providers.aws.region');
  return `arn:aws:events:${region}:123456789012:rule/${bus ? `${bus}/` : ''}${textAt(inputs, 'name')}`;
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

const checkArchive: Check = (app) => {
  const [archived, ...others] = ofType(app, 'aws:cloudwatch/eventArchive:EventArchive');
  if (!archived || others.length > 0) return ['expected one archive'];
  const pattern: unknown = JSON.parse(textAt(archived.inputs, 'eventPattern'));
  const excluded = listAt(pattern, 'detail-type').some((one) => at(one, 'anything-but') === 'message.send.requested');
  return [
    ...(excluded ? [] : ['the archive includes send requests']),
    ...(isEqual(pattern, archive.pattern) ? [] : ['the pattern of the archive differs']),
    ...(Number(archived.inputs.retentionDays) > 0 ? [] : ['the archive has no retention']),
  ];
};

const fourteenDays = 14 * 86_400;

const checkQueues: Check = (app) => {
  const queues = ofType(app, 'aws:sqs/queue:Queue');
  const deadLetters = find(app, 'aws:sqs/queue:Queue', 'DeadLettersQueue');
  const { maxReceiveCount, function: consumer } = consumers['dead-letters'];
  const redrive: unknown = JSON.parse(textAt(deadLetters.inputs, 'redrivePolicy') || '{}');
  return [
    ...queues.flatMap(({ name, inputs }) => [
      ...(inputs.messageRetentionSeconds === fourteenDays
        ? []
        : [`queue ${name}: keeps messages for less than 14 days`]),
      ...(inputs.sqsManagedSseEnabled === true || inputs.kmsMasterKeyId !== undefined
        ? []
        : [`queue ${name}: not encrypted`]),
    ]),
    ...(textAt(redrive, 'deadLetterTargetArn').includes('QuarantineQueue')
      ? []
      : ['the dead-letter queue has no quarantine queue']),
    ...(at(redrive, 'maxReceiveCount') === maxReceiveCount
      ? []
      : ['the maxReceiveCount of the dead-letter queue differs']),
    ...(Number(deadLetters.inputs.visibilityTimeoutSeconds) >= 6 * functions[consumer].timeoutSeconds
      ? []
      : ['the visibility timeout is too short']),
  ];
};

const checkTls: Check = (app) => {
  const policies = [
    ['aws:sqs/queuePolicy:QueuePolicy', 'DeadLettersPolicy', 'sqs:*'],
    ['aws:sqs/queuePolicy:QueuePolicy', 'QuarantinePolicy', 'sqs:*'],
    ['aws:sns/topicPolicy:TopicPolicy', 'AlertsPolicy', 'sns:Publish'],
  ] as const;
  return policies.flatMap(([type, name, action]) => {
    const { inputs } = find(app, type, name);
    const deniesPlainHttp = parseStatements(inputs.policy ?? { Statement: [] }).some(
      ({ effect, principal, actions, resources, condition }) =>
        effect === 'Deny' &&
        principal === '*' &&
        actions.includes(action) &&
        resources.some((arn) => arn.startsWith('arn:aws:s')) &&
        at(condition, 'Bool.aws:SecureTransport') === 'false',
    );
    return deniesPlainHttp ? [] : [`${name}: accepts requests without TLS`];
  });
};

const checkConsumers: Check = (app) =>
  Object.values(consumers).flatMap((consumer) => {
    const source = ofType(app, 'aws:lambda/eventSourceMapping:EventSourceMapping').find(
      ({ inputs }) => inputs.functionName === resourceName(app, consumer.function),
    );
    return [
      ...(source?.inputs.batchSize === consumer.batchSize ? [] : [`${consumer.function}: its batch size differs`]),
      ...(listAt(source?.inputs, 'functionResponseTypes').includes('ReportBatchItemFailures')
        ? []
        : [`${consumer.function}: it does not report batch item failures`]),
    ];
  });

/** The names of alarms in patterns are plain text. */
const checkSourceAlarms: Check = (app) => {
  const alarms = ofType(app, types.alarm).map(({ inputs }) => inputs.name);
  return Object.entries(rules).flatMap(([name, { sourceAlarms = [] }]) =>
    sourceAlarms
      .filter((alarm) => !alarms.includes(resourceName(app, alarm)))
      .map((alarm) => `rule ${name}: there is no alarm ${alarm}`),
  );
};

const { rule, target, queue, permission } = types;

export const deliveryChecks: Checks = {
  'gives every rule its pattern, target, retry policy and dead-letter queue': {
    check: checkRules,
    faults: [
      [
        'a rule has no dead-letter queue',
        setInput(target, 'ChatStartedTarget', 'deadLetterConfig', undefined),
        /chat-started: its target has no dead-letter queue/,
      ],
      [
        'a rule has no retry policy',
        setInput(target, 'ChatStartedTarget', 'retryPolicy', undefined),
        /chat-started: its target has no retry policy/,
      ],
      [
        'a pattern is too broad',
        setInput(rule, 'ChatStartedRule', 'eventPattern', '{"source":["omnichannel.livechat"]}'),
        /chat-started: its pattern differs/,
      ],
      [
        'a replay would send messages',
        setInput(rule, 'SendRequestedRule', 'eventPattern', '{"detail-type":["message.send.requested"]}'),
        /send-requested: its pattern differs/,
      ],
      [
        'a rule has another target',
        setInput(target, 'ChatStartedTarget', 'arn', 'arn:aws:lambda:us-east-1:123456789012:function:other'),
        /chat-started: its target is arn/,
      ],
      [
        'a rule is on another bus',
        setInput(rule, 'ChatStartedRule', 'eventBusName', undefined),
        /chat-started: it is on the wrong bus/,
      ],
      ['a rule has no target', removeResource(target, 'SendEndedTarget'), /send-ended: expected one target, not 0/],
      [
        'a function denies its rule',
        removeResource(permission, 'ChatStartedPermission'),
        /chat-started: its function denies it/,
      ],
      [
        'send requests are not accepted',
        removeResource(permission, 'SendRequestedPermission'),
        /send-requested: its function denies it/,
      ],
      [
        'the dead-letter queue denies a rule',
        setInput(
          'aws:sqs/queuePolicy:QueuePolicy',
          'DeadLettersPolicy',
          'policy',
          resourcePolicy({ ArnEquals: { 'aws:SourceArn': 'arn:x' } }),
        ),
        /send-ended: the dead-letter queue denies it/,
      ],
      [
        'the topic denies alerts',
        removeResource('aws:sns/topicPolicy:TopicPolicy'),
        /alert-raised: the topic denies it/,
      ],
    ],
  },
  'reacts to alarms that exist': {
    check: checkSourceAlarms,
    faults: [
      [
        'an alarm does not exist',
        removeResource(types.alarm, 'WebhookErrors'),
        /webhooks-recovered: there is no alarm webhook-errors/,
      ],
    ],
  },
  'archives all events except send requests': {
    check: checkArchive,
    faults: [
      ['there is no archive', removeResource('aws:cloudwatch/eventArchive:EventArchive'), /expected one archive/],
      [
        'send requests are archived',
        setInput(
          'aws:cloudwatch/eventArchive:EventArchive',
          'BusArchive',
          'eventPattern',
          '{"source":[{"prefix":""}]}',
        ),
        /includes send requests/,
      ],
      [
        'the archive has no retention',
        setInput('aws:cloudwatch/eventArchive:EventArchive', 'BusArchive', 'retentionDays', 0),
        /archive has no retention/,
      ],
    ],
  },
  'denies requests to queues and topic without TLS': {
    check: checkTls,
    faults: [
      [
        'the dead-letter queue accepts plain HTTP',
        setInput(
          'aws:sqs/queuePolicy:QueuePolicy',
          'DeadLettersPolicy',
          'policy',
          resourcePolicy({ ArnEquals: { 'aws:SourceArn': 'arn:x' } }),
        ),
        /DeadLettersPolicy: accepts requests without TLS/,
      ],
      [
        'the quarantine queue has no policy',
        removeResource('aws:sqs/queuePolicy:QueuePolicy', 'QuarantinePolicy'),
        /QuarantinePolicy: accepts requests without TLS/,
      ],
      [
        'the topic has no policy',
        removeResource('aws:sns/topicPolicy:TopicPolicy'),
        /AlertsPolicy: accepts requests without TLS/,
      ],
    ],
  },
  'connects the dead-letter queue to its function': {
    check: checkConsumers,
    faults: [
      [
        'one message fails its whole batch',
        setInput('aws:lambda/eventSourceMapping:EventSourceMapping', 'DeadLetterSource', 'functionResponseTypes', []),
        /batch item failures/,
      ],
      [
        'the queue has no consumer',
        removeResource('aws:lambda/eventSourceMapping:EventSourceMapping'),
        /dead-letter: its batch size/,
      ],
    ],
  },
  'encrypts queues, retains messages for 14 days and sets the quarantine queue': {
    check: checkQueues,
    faults: [
      [
        'messages are retained for four days only',
        setInput(queue, 'QuarantineQueue', 'messageRetentionSeconds', 345_600),
        /QuarantineQueue: keeps messages for less/,
      ],
      [
        'a queue is not encrypted',
        setInput(queue, 'DeadLettersQueue', 'sqsManagedSseEnabled', false),
        /DeadLettersQueue: not encrypted/,
      ],
      [
        'there is no quarantine queue',
        setInput(queue, 'DeadLettersQueue', 'redrivePolicy', undefined),
        /has no quarantine queue/,
      ],
      [
        'the visibility timeout is too short',
        setInput(queue, 'DeadLettersQueue', 'visibilityTimeoutSeconds', 30),
        /visibility timeout is too short/,
      ],
    ],
  },
};
