import { type Mutations, removeResource, resourcePolicy, setInput, types } from './mutate.ts';

const { rule, target, queue, permission } = types;

export const delivery: Mutations = {
  'gives every rule its pattern, target, retry policy and dead-letter queue': [
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
    ['the topic denies alerts', removeResource('aws:sns/topicPolicy:TopicPolicy'), /alert-raised: the topic denies it/],
  ],
  'archives all events except send requests': [
    ['there is no archive', removeResource('aws:cloudwatch/eventArchive:EventArchive'), /expected one archive/],
    [
      'send requests are archived',
      setInput('aws:cloudwatch/eventArchive:EventArchive', 'BusArchive', 'eventPattern', '{"source":[{"prefix":""}]}'),
      /includes send requests/,
    ],
    [
      'the archive has no retention',
      setInput('aws:cloudwatch/eventArchive:EventArchive', 'BusArchive', 'retentionDays', 0),
      /archive has no retention/,
    ],
  ],
  'connects the dead-letter queue to its function': [
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
  'encrypts queues, retains messages for 14 days and sets the quarantine queue': [
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
  'restricts queue and topic policies to sources in the account': [
    [
      'a queue accepts messages of any rule',
      setInput('aws:sqs/queuePolicy:QueuePolicy', 'DeadLettersPolicy', 'policy', resourcePolicy()),
      /DeadLettersPolicy: allows more than one source/,
    ],
  ],
  'restricts function policies to sources in the account': [
    [
      'any rule may invoke a function',
      setInput(permission, 'ChatStartedPermission', 'sourceArn', undefined),
      /ChatStartedPermission: allows/,
    ],
    [
      'any principal may invoke a function',
      setInput(permission, 'ChatStartedPermission', 'principal', '*'),
      /ChatStartedPermission: allows/,
    ],
  ],
};
