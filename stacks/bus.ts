import { archiveDays, arn, componentName, resourceName, sharedName } from './settings.ts';
import { alertRule, archive, busName, consumers, type Pattern, type RuleSpec, rules } from './topology.ts';

/** A shared name, because other services publish send requests on this bus. */
const name = sharedName(busName);

export const bus = new sst.aws.Bus('Bus', { transform: { bus: { name } } });

/** See docs/how-to/replay-events.md. */
new aws.cloudwatch.EventArchive('BusArchive', {
  name: resourceName('bus'),
  eventSourceArn: bus.arn,
  eventPattern: JSON.stringify(archive.pattern),
  retentionDays: archiveDays,
});

/** The ARN of a rule, available before the rule is created. */
export function ruleArn(rule: string, on?: RuleSpec['bus']) {
  return arn('events', `rule/${on === 'default' ? '' : `${name}/`}${resourceName(rule)}`);
}

const { maxReceiveCount } = consumers['dead-letters'];

/** SQS's maximum retention. */
const queue = { messageRetentionSeconds: 14 * 86_400, sqsManagedSseEnabled: true };

/** Messages that functions/dead-letter failed to process. An operator inspects them. */
export const quarantine = new sst.aws.Queue('Quarantine', { transform: { queue } });

/** The visibility timeout is six times the timeout of the function, as Lambda recommends. */
export const deadLetters = new sst.aws.Queue('DeadLetters', {
  visibilityTimeout: '6 minutes',
  dlq: { queue: quarantine.arn, retry: maxReceiveCount },
  transform: { queue },
});

new aws.sqs.RedriveAllowPolicy('QuarantineSource', {
  queueUrl: quarantine.url,
  redriveAllowPolicy: $jsonStringify({ redrivePermission: 'byQueue', sourceQueueArns: [deadLetters.arn] }),
});

/** Allows only the rules of the bridge to send messages. Functions and the state machine use their roles. */
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

/** EventBridge's maximum. Afterwards the event goes to the dead-letter queue. */
export const retryPolicy = { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 };

export interface Target {
  readonly arn: $util.Input<string>;
  /** Required for state machines. Functions, queues and topics have resource policies instead. */
  readonly roleArn?: $util.Input<string>;
}

export interface RuleOptions {
  readonly name: string;
  readonly pattern: $util.Input<Pattern>;
  readonly target: Target;
  readonly bus?: RuleSpec['bus'];
  readonly parent?: $util.Resource;
}

/** Creates a rule with one target. Undeliverable events go to the dead-letter queue. */
export function createRule({ name, pattern, target, bus: where, parent }: RuleOptions): aws.cloudwatch.EventRule {
  const component = componentName(name);
  const options = parent ? { parent } : {};
  const onBus = where === 'default' ? {} : { eventBusName: bus.name };
  const rule = new aws.cloudwatch.EventRule(
    `${component}Rule`,
    { name: resourceName(name), eventPattern: $jsonStringify(pattern), ...onBus },
    options,
  );
  new aws.cloudwatch.EventTarget(
    `${component}Target`,
    { rule: rule.name, ...onBus, targetId: name, ...target, deadLetterConfig: { arn: deadLetters.arn }, retryPolicy },
    options,
  );
  return rule;
}
