import { createFunction } from './functions.ts';
import { createRule, deadLetters, ruleArn, type Target } from './resources.ts';
import { accountId, arn, componentName, logRetention, resourceName } from './settings.ts';
import { consumers, type RuleSpec, resolvePattern, rules, stateMachines } from './topology.ts';

/** The send path, from the send request to LiveChat or a dead letter. Deployed alone by `npm run deploy:livechat-outbound`. */
const outbound = new $util.ComponentResource('livechat:bridge:Outbound', 'Outbound');
const within = { parent: outbound };

const consumer = consumers['dead-letters'];
const { definition, function: step } = stateMachines.send;

export const send = createFunction(step, outbound);
export const deadLetter = createFunction(consumer.function, outbound);

interface RoleOptions {
  readonly name: string;
  /** The service that may assume the role, on behalf of `sourceArn` only. */
  readonly service: 'events' | 'states';
  readonly sourceArn: $util.Input<string>;
  readonly statements: readonly {
    readonly Action: readonly string[];
    readonly Resource: readonly $util.Input<string>[];
  }[];
}

/** Creates a role for a resource that acts on behalf of the bridge. */
function createRole({ name, service, sourceArn, statements }: RoleOptions): aws.iam.Role {
  const trust = {
    Effect: 'Allow',
    Principal: { Service: `${service}.amazonaws.com` },
    Action: 'sts:AssumeRole',
    Condition: { StringEquals: { 'aws:SourceAccount': accountId }, ArnEquals: { 'aws:SourceArn': sourceArn } },
  };
  const allowed = statements.map((statement) => ({ Effect: 'Allow', ...statement }));
  return new aws.iam.Role(
    `${componentName(name)}Role`,
    {
      name: resourceName(name),
      assumeRolePolicy: $jsonStringify({ Version: '2012-10-17', Statement: [trust] }),
      inlinePolicies: [{ name: 'inline', policy: $jsonStringify({ Version: '2012-10-17', Statement: allowed }) }],
    },
    within,
  );
}

const machineName = resourceName('send');

/** Log groups with the prefix `/aws/vendedlogs/` need no resource policy, of which an account can have only ten. */
const log = new aws.cloudwatch.LogGroup(
  'SendMachineLog',
  { name: `/aws/vendedlogs/states/${machineName}`, retentionInDays: logRetention.days },
  within,
);

/** Step Functions delivers logs and traces with actions that do not support resource-level permissions. */
const logAndTraceActions = [
  'logs:CreateLogDelivery',
  'logs:GetLogDelivery',
  'logs:UpdateLogDelivery',
  'logs:DeleteLogDelivery',
  'logs:ListLogDeliveries',
  'logs:PutResourcePolicy',
  'logs:DescribeResourcePolicies',
  'logs:DescribeLogGroups',
  'xray:PutTraceSegments',
  'xray:PutTelemetryRecords',
  'xray:GetSamplingRules',
  'xray:GetSamplingTargets',
];

const machineRole = createRole({
  name: 'send-machine',
  service: 'states',
  sourceArn: arn('states', `stateMachine:${machineName}`),
  statements: [
    { Action: ['lambda:InvokeFunction'], Resource: [send.arn] },
    { Action: ['sqs:SendMessage'], Resource: [deadLetters.arn] },
    { Action: logAndTraceActions, Resource: ['*'] },
  ],
});

/** Logs states and errors without execution data, so message contents are never logged. */
export const machine = new aws.sfn.StateMachine(
  'SendMachine',
  {
    name: machineName,
    type: 'STANDARD',
    roleArn: machineRole.arn,
    definition: $resolve([send.arn, deadLetters.url]).apply(([sendFunctionArn, deadLetterQueueUrl]) =>
      JSON.stringify(definition({ sendFunctionArn, deadLetterQueueUrl })),
    ),
    loggingConfiguration: { level: 'ERROR', includeExecutionData: false, logDestination: $interpolate`${log.arn}:*` },
    tracingConfiguration: { enabled: true },
  },
  within,
);

new aws.lambda.EventSourceMapping(
  'DeadLetterSource',
  {
    eventSourceArn: deadLetters.arn,
    functionName: deadLetter.name,
    batchSize: consumer.batchSize,
    functionResponseTypes: ['ReportBatchItemFailures'],
  },
  within,
);

function createTarget(rule: string, { target, bus }: RuleSpec): Target | undefined {
  if ('queue' in target) return { arn: deadLetters.arn };
  if (!('stateMachine' in target)) return undefined;
  const { arn: roleArn } = createRole({
    name: rule,
    service: 'events',
    sourceArn: ruleArn(rule, bus),
    statements: [{ Action: ['states:StartExecution'], Resource: [machine.arn] }],
  });
  return { arn: machine.arn, roleArn };
}

for (const [name, spec] of Object.entries(rules)) {
  const target = createTarget(name, spec);
  const pattern = resolvePattern(spec, () => machine.arn);
  if (target) createRule({ name, pattern, bus: spec.bus, target, parent: outbound });
}
