import { archiveDays, arn, componentName, named, shared } from './settings.ts';
import { alertRule, archive, busName, consumers, type Pattern, type RuleSpec, rules } from './topology.ts';

/** To be written down: every service of the company puts its send requests on this bus. */
const name = shared(busName);

export const bus = new sst.aws.Bus('Bus', { transform: { bus: { name } } });

/** For replays: docs/how-to/replay-events.md says how. */
new aws.cloudwatch.EventArchive('BusArchive', {
  name: named('bus'),
  eventSourceArn: bus.arn,
  eventPattern: JSON.stringify(archive.pattern),
  retentionDays: archiveDays,
});

/** The ARN of one of our rules, known by its name before the rule is there. */
export function ruleArn(rule: string, on?: RuleSpec['bus']) {
  return arn('events', on === 'default' ? `rule/${named(rule)}` : `rule/${name}/${named(rule)}`);
}

const { maxReceiveCount } = consumers['dead-letters'];

/** The longest that SQS keeps a message. */
const kept = { messageRetentionSeconds: 14 * 86_400, sqsManagedSseEnabled: true };

/** What functions/dead-letter itself could not handle. Nothing reads it but a human. */
export const quarantine = new sst.aws.Queue('Quarantine', { transform: { queue: kept } });

/** What failed. A message that is being handled stays hidden for six times the function's time, as Lambda asks for. */
export const deadLetters = new sst.aws.Queue('DeadLetters', {
  visibilityTimeout: '6 minutes',
  dlq: { queue: quarantine.arn, retry: maxReceiveCount },
  transform: { queue: kept },
});

new aws.sqs.RedriveAllowPolicy('QuarantineSource', {
  queueUrl: quarantine.url,
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

/** As long and as often as EventBridge can; then the event is a dead letter. */
export const retryPolicy = { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 };

export interface Target {
  readonly arn: $util.Input<string>;
  /** By which EventBridge calls the target; functions, queues and topics let it in by their own policies. */
  readonly roleArn?: $util.Input<string>;
}

export interface RuleOptions {
  readonly name: string;
  readonly pattern: $util.Input<Pattern>;
  readonly target: Target;
  readonly bus?: RuleSpec['bus'];
  readonly parent?: $util.Resource;
}

/** A rule with its one target. What the target does not take in the end lies in the dead-letter queue. */
export function createRule({ name, pattern, target, bus: where, parent }: RuleOptions): aws.cloudwatch.EventRule {
  const component = componentName(name);
  const options = parent ? { parent } : {};
  const onBus = where === 'default' ? {} : { eventBusName: bus.name };
  const rule = new aws.cloudwatch.EventRule(
    `${component}Rule`,
    { name: named(name), eventPattern: $jsonStringify(pattern), ...onBus },
    options,
  );
  new aws.cloudwatch.EventTarget(
    `${component}Target`,
    { rule: rule.name, ...onBus, targetId: name, ...target, deadLetterConfig: { arn: deadLetters.arn }, retryPolicy },
    options,
  );
  return rule;
}
