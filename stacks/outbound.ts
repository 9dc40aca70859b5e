import { createRule, deadLetters, ruleArn, type Target } from './bus.ts';
import { createFunction } from './functions.ts';
import { createRole } from './grants.ts';
import { arn, logRetention, named } from './settings.ts';
import { consumers, patternOf, type RuleSpec, rules, stateMachines } from './topology.ts';

/** From a send request to LiveChat, or to a dead letter: what `npm run deploy:livechat-outbound` deploys. */
const outbound = new $util.ComponentResource('livechat:bridge:Outbound', 'Outbound');
const within = { parent: outbound };

const consumer = consumers['dead-letters'];
const { definition, function: step } = stateMachines.send;

export const send = createFunction(step, outbound);
export const deadLetter = createFunction(consumer.function, outbound);

const machineName = named('send');

/** `/aws/vendedlogs/`: a log group of another name would need a resource policy, of which an account has ten. */
const log = new aws.cloudwatch.LogGroup(
  'SendMachineLog',
  { name: `/aws/vendedlogs/states/${machineName}`, retentionInDays: logRetention.days },
  within,
);

/** Step Functions delivers logs and traces by calls that know no resources. */
const forLogsAndTraces = [
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
  allow: [
    { actions: ['lambda:InvokeFunction'], resources: [send.arn] },
    { actions: ['sqs:SendMessage'], resources: [deadLetters.arn] },
    { actions: forLogsAndTraces, resources: ['*'] },
  ],
  parent: outbound,
});

/** The definition as core has it. Its logs tell states and errors, never what is sent. */
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

function targetOf(rule: string, { target, bus }: RuleSpec): Target | undefined {
  if ('queue' in target) return { arn: deadLetters.arn };
  if (!('stateMachine' in target)) return undefined;
  const { arn: roleArn } = createRole({
    name: rule,
    service: 'events',
    sourceArn: ruleArn(rule, bus),
    allow: [{ actions: ['states:StartExecution'], resources: [machine.arn] }],
    parent: outbound,
  });
  return { arn: machine.arn, roleArn };
}

for (const [name, spec] of Object.entries(rules)) {
  const target = targetOf(name, spec);
  if (target)
    createRule({ name, pattern: patternOf(spec, () => machine.arn), bus: spec.bus, target, parent: outbound });
}
