import { consumers, functions } from '../../../stacks/topology.ts';
import { at, type Check, find, ofType, parseStatements, textAt } from '../select.ts';

const fourteenDays = 14 * 86_400;

export const checkQueues: Check = (app) => {
  const queues = ofType(app, 'aws:sqs/queue:Queue');
  const deadLetters = find(app, 'aws:sqs/queue:Queue', 'DeadLettersQueue');
  const { maxReceiveCount, function: consumer } = consumers['dead-letters'];
  const redrive: unknown = JSON.parse(textAt(deadLetters.inputs, 'redrivePolicy') || '{}');
  return [
    ...queues.flatMap(({ name, inputs }) => [
      ...(inputs.messageRetentionSeconds === fourteenDays
        ? []
        : [`queue ${name}: keeps messages for less than 14 days`]),
      ...(inputs.sqsManagedSseEnabled === true ? [] : [`queue ${name}: not encrypted`]),
    ]),
    ...(textAt(redrive, 'deadLetterTargetArn').includes('QuarantineQueue')
      ? []
      : ['the dead-letter queue has no quarantine queue']),
    ...(at(redrive, 'maxReceiveCount') === maxReceiveCount
      ? []
      : ['the maxReceiveCount of the dead-letter queue differs']),
    ...(Number(deadLetters.inputs.visibilityTimeoutSeconds) >= 6 * functions[consumer].timeoutSeconds
      ? []
      : ['the visibility timeout is too short']),
  ];
};

/** Every statement of a queue or topic policy names one service and sources in the account. */
export const checkResourcePolicies: Check = (app) =>
  ['aws:sqs/queuePolicy:QueuePolicy', 'aws:sns/topicPolicy:TopicPolicy'].flatMap((type) =>
    ofType(app, type).flatMap(({ name, inputs }) =>
      parseStatements(inputs.policy).flatMap(({ condition, principal }) => {
        const from = [at(condition, 'ArnEquals.aws:SourceArn') ?? at(condition, 'ArnLike.aws:SourceArn')].flat();
        const isRestricted = from.every((arn) => typeof arn === 'string' && arn.includes(':123456789012:'));
        return isRestricted && textAt(principal, 'Service') !== '' ? [] : [`${name}: allows more than one source`];
      }),
    ),
  );

/** Every permission to invoke a function names one service and one source. */
export const checkFunctionPolicies: Check = (app) =>
  ofType(app, 'aws:lambda/permission:Permission').flatMap(({ name, inputs }) => {
    const isRestricted = /^arn:aws:[\w-]+:[\w-]+:123456789012:/.test(textAt(inputs, 'sourceArn'));
    return isRestricted && textAt(inputs, 'principal').endsWith('.amazonaws.com')
      ? []
      : [`${name}: allows more than one source`];
  });
