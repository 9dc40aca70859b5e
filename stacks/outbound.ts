import { keyArn } from './encryption.ts';
import { createFunction, createSubscribers } from './functions.ts';
import { createRule, deadLetters } from './resources.ts';
import { accountId, arn, isTraced, logRetention, policyJson, resourceName } from './settings.ts';
import { consumers, outboundPath, resolvePattern, rules, stateMachines } from './topology.ts';

/** The send path, from the send request to LiveChat or a dead letter. Deployed alone by `npm run deploy:livechat-outbound`. */
const outbound = new $util.ComponentResource('livechat:bridge:Outbound', 'Outbound');
const within = { parent: outbound };

const consumer = consumers['dead-letters'];
const { definition, functions: steps } = stateMachines.send;

createSubscribers((name) => outboundPath.has(name), outbound);
const send = createFunction(steps.sendFunctionArn, outbound);
const waitForTurn = createFunction(steps.waitForTurnFunctionArn, outbound);
const deadLetter = createFunction(consumer.function, outbound);

const machineName = resourceName('send');

/** Log groups with the prefix `/aws/vendedlogs/` need no resource policy, of which an account can have only ten. */
const log = new aws.cloudwatch.LogGroup(
  'SendMachineLog',
  { name: `/aws/vendedlogs/states/${machineName}`, retentionInDays: logRetention.days, kmsKeyId: keyArn },
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

const machineTrust = {
  Principal: { Service: 'states.amazonaws.com' },
  Action: 'sts:AssumeRole',
  Condition: {
    StringEquals: { 'aws:SourceAccount': accountId },
    ArnEquals: { 'aws:SourceArn': arn('states', `stateMachine:${machineName}`) },
  },
};

const machinePermissions = policyJson(
  { Action: ['lambda:InvokeFunction'], Resource: [send.arn, waitForTurn.arn] },
  { Action: ['sqs:SendMessage'], Resource: [deadLetters.arn] },
  { Action: logAndTraceActions, Resource: ['*'] },
);

const machineRole = new aws.iam.Role(
  'SendMachineRole',
  {
    name: resourceName('send-machine'),
    assumeRolePolicy: policyJson(machineTrust),
    inlinePolicies: [{ name: 'inline', policy: machinePermissions }],
  },
  within,
);

/** Logs states and errors without execution data, so message contents are never logged. */
export const machine = new aws.sfn.StateMachine(
  'SendMachine',
  {
    name: machineName,
    type: 'STANDARD',
    roleArn: machineRole.arn,
    definition: $resolve([send.arn, waitForTurn.arn, deadLetters.url]).apply(
      ([sendFunctionArn, waitForTurnFunctionArn, deadLetterQueueUrl]) =>
        JSON.stringify(definition({ sendFunctionArn, waitForTurnFunctionArn, deadLetterQueueUrl })),
    ),
    loggingConfiguration: { level: 'ERROR', includeExecutionData: false, logDestination: $interpolate`${log.arn}:*` },
    tracingConfiguration: { enabled: isTraced },
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

for (const [name, spec] of Object.entries(rules)) {
  if (!('queue' in spec.target)) continue;
  const pattern = resolvePattern(spec, { stateMachineArn: () => machine.arn, alarmName: resourceName });
  createRule({ name, pattern, bus: spec.bus, target: deadLetters.arn, parent: outbound });
}
