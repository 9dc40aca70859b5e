import { type StateMachineName, stateMachines } from '../../../stacks/topology.ts';
import type { App } from '../emitted.ts';
import { at, type Check, find, named, same, textAt } from '../select.ts';

/** The state machine is core's, and its logs hold nothing of what is sent. */
export const machines: Check = (app) =>
  Object.entries(stateMachines).flatMap(([name, spec]) => {
    const { inputs } = find(app, 'aws:sfn/stateMachine:StateMachine', named(app, name));
    const problems = [
      same(JSON.parse(textAt(inputs, 'definition') || '{}'), definitionOf(app, spec)) || 'its definition is not core’s',
      inputs.type === 'STANDARD' || `it is ${inputs.type}`,
      at(inputs, 'loggingConfiguration.includeExecutionData') === false || 'what is sent is logged',
      /log-group:\S+:\*$/.test(textAt(inputs, 'loggingConfiguration.logDestination')) || 'it logs nowhere',
      at(inputs, 'tracingConfiguration.enabled') === true || 'it is not traced',
    ];
    return problems.flatMap((problem) => (problem === true ? [] : [`state machine ${name}: ${problem}`]));
  });

function definitionOf(app: App, { definition, function: step }: (typeof stateMachines)[StateMachineName]): unknown {
  const region = textAt(app.settings, 'providers.aws.region');
  const queue = textAt(find(app, 'aws:sqs/queue:Queue', 'DeadLettersQueue').inputs, 'name');
  return definition({
    sendFunctionArn: `arn:aws:lambda:${region}:123456789012:function:${named(app, step)}`,
    deadLetterQueueUrl: `https://sqs.${region}.amazonaws.com/123456789012/${queue}`,
  });
}
