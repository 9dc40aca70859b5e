import { replaceCarrier } from '../core/channel/secrets.ts';
import { channels } from '../core/channels.ts';
import { denyPlainHttp, keyArn } from './encryption.ts';
import {
  archiveDays,
  arn,
  componentName,
  logRetention,
  mediaDays,
  policyJson,
  production,
  resourceName,
  sharedName,
} from './settings.ts';
import {
  alertRule,
  archive,
  bucket,
  busName,
  consumers,
  debugTimeoutSeconds,
  expiryAttribute,
  functions,
  type Pattern,
  type RuleSpec,
  rules,
  type TableSpec,
  tables,
} from './topology.ts';

// The bus with its rules, the queues, the secret, the tables, the bucket and the audit log.

/** A shared name, because other services publish send requests on this bus. */
const busFullName = sharedName(busName);

export const bus = new sst.aws.Bus('Bus', { transform: { bus: { name: busFullName } } });

/** See docs/how-to/replay-events.md. */
new aws.cloudwatch.EventArchive('BusArchive', {
  name: resourceName(archive.name),
  eventSourceArn: bus.arn,
  eventPattern: JSON.stringify(archive.pattern),
  retentionDays: archiveDays,
  kmsKeyIdentifier: keyArn,
});

/** The ARN of a rule, available before the rule is created. */
export function ruleArn(rule: string, on?: RuleSpec['bus']) {
  return arn('events', `rule/${on === 'default' ? '' : `${busFullName}/`}${resourceName(rule)}`);
}

/** SQS's maximum retention. */
const queue = {
  messageRetentionSeconds: 14 * 86_400,
  ...(keyArn ? { kmsMasterKeyId: keyArn } : { sqsManagedSseEnabled: true }),
};

/** Messages that functions/dead-letter failed to process. An operator inspects them. */
export const quarantine = new sst.aws.Queue('Quarantine', { transform: { queue } });

/** Six times the timeout of the function, as Lambda recommends. Lambda rejects less than the timeout. */
const visibilitySeconds = $dev ? debugTimeoutSeconds : 6 * functions[consumers['dead-letters'].function].timeoutSeconds;

export const deadLetters = new sst.aws.Queue('DeadLetters', {
  visibilityTimeout: `${visibilitySeconds} seconds`,
  dlq: { queue: quarantine.arn, retry: consumers['dead-letters'].maxReceiveCount },
  transform: { queue },
});

new aws.sqs.RedriveAllowPolicy('QuarantineSource', {
  queueUrl: quarantine.url,
  redriveAllowPolicy: $jsonStringify({ redrivePermission: 'byQueue', sourceQueueArns: [deadLetters.arn] }),
});

const ruleArns = [...Object.entries(rules).map(([name, { bus: on }]) => ruleArn(name, on)), ruleArn(alertRule.name)];

/** Allows only the rules of the bridge to send messages. Functions and the state machine use their roles. */
new aws.sqs.QueuePolicy('DeadLettersPolicy', {
  queueUrl: deadLetters.url,
  policy: policyJson(
    {
      Principal: { Service: 'events.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Resource: deadLetters.arn,
      Condition: { ArnEquals: { 'aws:SourceArn': ruleArns } },
    },
    denyPlainHttp('sqs:*', deadLetters.arn),
  ),
});

new aws.sqs.QueuePolicy('QuarantinePolicy', {
  queueUrl: quarantine.url,
  policy: policyJson(denyPlainHttp('sqs:*', quarantine.arn)),
});

/** EventBridge's maximum. Afterwards the event goes to the dead-letter queue. */
const retryPolicy = { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 };

interface RuleOptions {
  readonly name: string;
  readonly pattern: $util.Input<Pattern>;
  /** The ARN of a function, queue or topic, whose resource policy allows the rule. */
  readonly target: $util.Input<string>;
  readonly bus?: RuleSpec['bus'];
  readonly parent?: $util.Resource;
}

/** Creates a rule with one target. Undeliverable events go to the dead-letter queue. */
export function createRule({ name, pattern, target, bus: where, parent }: RuleOptions): aws.cloudwatch.EventRule {
  const component = componentName(name);
  const onBus = where === 'default' ? {} : { eventBusName: bus.name };
  const rule = new aws.cloudwatch.EventRule(
    `${component}Rule`,
    { name: resourceName(name), eventPattern: $jsonStringify(pattern), ...onBus },
    { parent },
  );
  new aws.cloudwatch.EventTarget(
    `${component}Target`,
    { rule: rule.name, ...onBus, targetId: name, arn: target, deadLetterConfig: { arn: deadLetters.arn }, retryPolicy },
    { parent },
  );
  return rule;
}

/** The name prefix of LiveChat's secrets: `livechat/…` in production, `livechat/<stage>/…` elsewhere. */
export const secretPrefix = production ? 'livechat' : `livechat/${$app.stage}`;

/** Returns the name of a carrier's default secret. */
const defaultSecret = (carrier: string) => `${replaceCarrier(secretPrefix, carrier)}/default`;

/**
 * Created without a value: an operator sets it, and deployments never change it. Until then, the functions throw an error with
 * the expected format.
 */
for (const [carrier, { name }] of Object.entries(channels)) {
  new aws.secretsmanager.Secret(
    `${name}Secret`,
    {
      name: defaultSecret(carrier),
      description: `${name} credentials of every organization without a secret of its own`,
      recoveryWindowInDays: production ? 30 : 0,
    },
    { retainOnDelete: production },
  );
}

/**
 * The ARN patterns of the default secrets and the secrets of organizations. They exclude the secrets of other stages in the
 * same account.
 */
export const secretArns = Object.entries(channels).flatMap(([carrier, { organizationIds }]) => [
  arn('secretsmanager', `secret:${defaultSecret(carrier)}*`),
  arn('secretsmanager', `secret:${replaceCarrier(secretPrefix, carrier)}/${organizationIds}*`),
]);

/** With point-in-time recovery for 35 days. */
function createTable(name: keyof typeof tables): sst.aws.Dynamo {
  const { indexes }: TableSpec = tables[name];
  const keys = ['pk', 'sk', ...indexes.flatMap(({ partitionKey, sortKey }) => [partitionKey, sortKey])];
  const globalIndexes = indexes.map(({ name, partitionKey: hashKey, sortKey: rangeKey, projection }) => [
    name,
    { hashKey, rangeKey, projection: projection === 'ALL' ? 'all' : 'keys-only' } as const,
  ]);
  return new sst.aws.Dynamo(componentName(name), {
    fields: Object.fromEntries(keys.map((key) => [key, 'string' as const])),
    primaryIndex: { hashKey: 'pk', rangeKey: 'sk' },
    globalIndexes: Object.fromEntries(globalIndexes),
    ttl: expiryAttribute,
    deletionProtection: production,
    transform: { table: { ...(keyArn && { serverSideEncryption: { enabled: true, kmsKeyArn: keyArn } }) } },
  });
}

export const conversations = createTable('conversations');
export const messages = createTable('messages');
export const control = createTable('control');

/** Private: read with presigned URLs or by the functions. SST's bucket policy denies requests without TLS. */
export const media = new sst.aws.Bucket(componentName(bucket.name), {
  cors: false,
  // Large messages in the table refer to objects with the events prefix, so these must not expire earlier.
  lifecycle: [
    { id: 'events', prefix: bucket.eventsPrefix, expiresIn: `${mediaDays} days` },
    { id: 'media', expiresIn: `${mediaDays} days` },
  ],
  transform: { bucket: { forceDestroy: !production } },
});

new aws.s3.BucketServerSideEncryptionConfiguration('MediaEncryption', {
  bucket: media.name,
  rules: [
    keyArn
      ? {
          applyServerSideEncryptionByDefault: { sseAlgorithm: 'aws:kms', kmsMasterKeyId: keyArn },
          // One call to KMS for many objects.
          bucketKeyEnabled: true,
        }
      : { applyServerSideEncryptionByDefault: { sseAlgorithm: 'AES256' } },
  ],
});

/**
 * The audit log of `livechat console --stage`: the items that operators open and change. The console writes it with their
 * credentials.
 */
export const auditLog = new aws.cloudwatch.LogGroup(
  'AuditLog',
  { name: `/livechat/${$app.stage}/audit`, retentionInDays: logRetention.days, kmsKeyId: keyArn },
  { retainOnDelete: production },
);
