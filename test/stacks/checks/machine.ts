import { type StateMachineName, stateMachines } from '../../../stacks/topology.ts';
import type { App } from '../app.ts';
import { at, type Check, find, isEqual, listAt, parseStatements, resourceName, textAt } from '../select.ts';

export const checkStateMachines: Check = (app) =>
  Object.entries(stateMachines).flatMap(([name, spec]) => {
    const { inputs } = find(app, 'aws:sfn/stateMachine:StateMachine', resourceName(app, name));
    const problems = [
      isEqual(JSON.parse(textAt(inputs, 'definition') || '{}'), buildDefinition(app, spec)) || 'its definition differs',
      inputs.type === 'STANDARD' || `it is ${inputs.type}`,
      at(inputs, 'loggingConfiguration.includeExecutionData') === false || 'its logs contain execution data',
      /log-group:\S+:\*$/.test(textAt(inputs, 'loggingConfiguration.logDestination')) || 'it has no log group',
      at(inputs, 'tracingConfiguration.enabled') === true || 'it is not traced',
      ...roleProblems(app, textAt(inputs, 'roleArn'), spec),
    ];
    return problems.flatMap((problem) => (problem === true ? [] : [`state machine ${name}: ${problem}`]));
  });

function buildDefinition(app: App, { definition, functions }: (typeof stateMachines)[StateMachineName]): unknown {
  const region = textAt(app.settings, 'providers.aws.region');
  const queue = textAt(find(app, 'aws:sqs/queue:Queue', 'DeadLettersQueue').inputs, 'name');
  const functionArn = (name: string) => `arn:aws:lambda:${region}:123456789012:function:${resourceName(app, name)}`;
  return definition({
    sendFunctionArn: functionArn(functions.sendFunctionArn),
    waitForTurnFunctionArn: functionArn(functions.waitForTurnFunctionArn),
    deadLetterQueueUrl: `https://sqs.${region}.amazonaws.com/123456789012/${queue}`,
  });
}

/** The role allows exactly what the definition does: to invoke its functions, and to send to the queue. */
function roleProblems(
  app: App,
  arn: string,
  { functions }: (typeof stateMachines)[StateMachineName],
): readonly (true | string)[] {
  const role = find(app, 'aws:iam/role:Role', arn.split('/').at(-1) ?? '');
  const statements = listAt(role.inputs, 'inlinePolicies').flatMap((policy) =>
    parseStatements(textAt(policy, 'policy')),
  );
  const allowed = statements.filter(({ resources }) => !resources.includes('*'));
  const allows = (action: string, name: string) =>
    allowed.some(
      ({ actions, resources }) => actions.includes(action) && resources.some((one) => one.endsWith(`:${name}`)),
    );
  const queue = textAt(find(app, 'aws:sqs/queue:Queue', 'DeadLettersQueue').inputs, 'name');
  const expected = ['lambda:InvokeFunction', 'sqs:SendMessage'];
  const count = allowed.flatMap(({ resources }) => resources).length;
  return [
    ...Object.values(functions).map(
      (name) => allows('lambda:InvokeFunction', resourceName(app, name)) || `it may not invoke ${name}`,
    ),
    allows('sqs:SendMessage', queue) || 'it may not send to the dead-letter queue',
    allowed.every(({ actions }) => actions.every((action) => expected.includes(action))) ||
      'its role allows more actions',
    count === Object.values(functions).length + 1 || 'its role allows more resources',
  ];
}
