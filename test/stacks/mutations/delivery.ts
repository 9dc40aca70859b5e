import { admitting, having, type Mutations, types, without } from './mutation.ts';

const { rule, target, queue, permission } = types;

export const delivery: Mutations = {
  'rules match, deliver, try again and keep what is not taken': [
    [
      'a rule has no dead-letter queue',
      having(target, 'ChatStartedTarget', 'deadLetterConfig', undefined),
      /chat-started: its target has no dead-letter queue/,
    ],
    [
      'a rule gives up at once',
      having(target, 'ChatStartedTarget', 'retryPolicy', undefined),
      /chat-started: its target has no retry policy/,
    ],
    [
      'a pattern is wider',
      having(rule, 'ChatStartedRule', 'eventPattern', '{"source":["omnichannel.livechat"]}'),
      /chat-started: its pattern is another/,
    ],
    [
      'replays would send',
      having(rule, 'SendRequestedRule', 'eventPattern', '{"detail-type":["message.send.requested"]}'),
      /send-requested: its pattern is another/,
    ],
    [
      'a target is another',
      having(target, 'ChatStartedTarget', 'arn', 'arn:aws:lambda:us-east-1:123456789012:function:other'),
      /chat-started: its target is arn/,
    ],
    [
      'a rule listens to another bus',
      having(rule, 'ChatStartedRule', 'eventBusName', undefined),
      /chat-started: it is on another bus/,
    ],
    ['a target is left out', without(target, 'SendEndedTarget'), /send-ended: expected one target, not 0/],
    [
      'a function lets no rule in',
      without(permission, 'ChatStartedPermission'),
      /chat-started: its function does not let it in/,
    ],
    [
      'the machine cannot be started',
      having(target, 'SendRequestedTarget', 'roleArn', undefined),
      /send-requested: it has no role/,
    ],
    [
      'the queue lets no rule in',
      having(
        'aws:sqs/queuePolicy:QueuePolicy',
        'DeadLettersPolicy',
        'policy',
        admitting({ ArnEquals: { 'aws:SourceArn': 'arn:x' } }),
      ),
      /send-ended: the dead-letter queue does not let it in/,
    ],
    ['alerts reach no one', without('aws:sns/topicPolicy:TopicPolicy'), /alert-raised: the topic does not let it in/],
  ],
  'the bus can be replayed, but for what would send': [
    ['there is no archive', without('aws:cloudwatch/eventArchive:EventArchive'), /expected one archive/],
    [
      'send requests are archived',
      having('aws:cloudwatch/eventArchive:EventArchive', 'BusArchive', 'eventPattern', '{"source":[{"prefix":""}]}'),
      /keeps send requests/,
    ],
    [
      'the archive never forgets',
      having('aws:cloudwatch/eventArchive:EventArchive', 'BusArchive', 'retentionDays', 0),
      /for ever/,
    ],
  ],
  'the dead-letter queue is read': [
    [
      'one message fails its batch',
      having('aws:lambda/eventSourceMapping:EventSourceMapping', 'DeadLetterSource', 'functionResponseTypes', []),
      /fails its whole batch/,
    ],
    ['nobody reads', without('aws:lambda/eventSourceMapping:EventSourceMapping'), /dead-letter: its batches/],
  ],
  'queues keep for 14 days, encrypted, and park': [
    [
      'messages are kept for four days',
      having(queue, 'QuarantineQueue', 'messageRetentionSeconds', 345_600),
      /QuarantineQueue: keeps messages for less/,
    ],
    [
      'a queue is not encrypted',
      having(queue, 'DeadLettersQueue', 'sqsManagedSseEnabled', false),
      /DeadLettersQueue: not encrypted/,
    ],
    ['no quarantine queue', having(queue, 'DeadLettersQueue', 'redrivePolicy', undefined), /parks nothing/],
    [
      'a letter may be read twice',
      having(queue, 'DeadLettersQueue', 'visibilityTimeoutSeconds', 30),
      /read by two at once/,
    ],
  ],
  'queues and topics take from our own sources alone': [
    [
      'a queue takes from any rule',
      having('aws:sqs/queuePolicy:QueuePolicy', 'DeadLettersPolicy', 'policy', admitting()),
      /DeadLettersPolicy: lets in more than one source/,
    ],
  ],
  'functions are invoked by our own sources alone': [
    [
      'any rule may invoke',
      having(permission, 'ChatStartedPermission', 'sourceArn', undefined),
      /ChatStartedPermission: lets in/,
    ],
    [
      'anybody may invoke',
      having(permission, 'ChatStartedPermission', 'principal', '*'),
      /ChatStartedPermission: lets in/,
    ],
  ],
};
