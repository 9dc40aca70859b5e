import { ruleArn } from './bus.ts';
import { alertRule, consumers, rules } from './topology.ts';

const { maxReceiveCount } = consumers['dead-letters'];

/** The longest that SQS keeps a message. */
const kept = { messageRetentionSeconds: 14 * 86_400, sqsManagedSseEnabled: true };

/** What functions/dead-letter itself could not handle. Nothing reads it but a human. */
export const parked = new sst.aws.Queue('Parked', { transform: { queue: kept } });

/** What failed. A message that is being handled stays hidden for six times the function's time, as Lambda asks for. */
export const deadLetters = new sst.aws.Queue('DeadLetters', {
  visibilityTimeout: '6 minutes',
  dlq: { queue: parked.arn, retry: maxReceiveCount },
  transform: { queue: kept },
});

new aws.sqs.RedriveAllowPolicy('ParkedSource', {
  queueUrl: parked.url,
  redriveAllowPolicy: $jsonStringify({ redrivePermission: 'byQueue', sourceQueueArns: [deadLetters.arn] }),
});

/** From outside only our rules may put anything into the queue; functions and the send machine do by their roles. */
new aws.sqs.QueuePolicy('DeadLettersPolicy', {
  queueUrl: deadLetters.url,
  policy: $jsonStringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 'events.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: deadLetters.arn,
        Condition: {
          ArnEquals: {
            'aws:SourceArn': [
              ...Object.entries(rules).map(([name, { bus }]) => ruleArn(name, bus)),
              ruleArn(alertRule.name),
            ],
          },
        },
      },
    ],
  }),
});
