import { type StateMachineName, stateMachines } from '../../../stacks/topology.ts';
import type { App } from '../app.ts';
import { at, type Check, find, isEqual, resourceName, textAt } from '../select.ts';

export const checkStateMachines: Check = (app) =>
  Object.entries(stateMachines).flatMap(([name, spec]) => {
    const { inputs } = find(app, 'aws:sfn/stateMachine:StateMachine', resourceName(app, name));
    const problems = [
      isEqual(JSON.parse(textAt(inputs, 'definition') || '{}'), buildDefinition(app, spec)) || 'its definition differs',
      inputs.type === 'STANDARD' || `it is ${inputs.type}`,
      at(inputs, 'loggingConfiguration.includeExecutionData') === false || 'its logs contain execution data',
      /log-group:\S+:\*$/.test(textAt(inputs, 'loggingConfiguration.logDestination')) || 'it has no log group',
      at(inputs, 'tracingConfiguration.enabled') === true || 'it is not traced',
    ];
    return problems.flatMap((problem) => (problem === true ? [] : [`state machine ${name}: ${problem}`]));
  });

function buildDefinition(app: App, { definition, function: step }: (typeof stateMachines)[StateMachineName]): unknown {
  const region = textAt(app.settings, 'providers.aws.region');
  const queue = textAt(find(app, 'aws:sqs/queue:Queue', 'DeadLettersQueue').inputs, 'name');
  return definition({
    sendFunctionArn: `arn:aws:lambda:${region}:123456789012:function:${resourceName(app, step)}`,
    deadLetterQueueUrl: `https://sqs.${region}.amazonaws.com/123456789012/${queue}`,
  });
}
