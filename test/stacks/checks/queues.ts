import { consumers, functions } from '../../../stacks/topology.ts';
import { at, type Check, find, ofType, statementsOf, textAt } from '../select.ts';

const fourteenDays = 14 * 86_400;

/** Queues keep for as long as they can, encrypted; messages that keep failing go to the quarantine queue. */
export const queued: Check = (app) => {
  const queues = ofType(app, 'aws:sqs/queue:Queue');
  const waiting = find(app, 'aws:sqs/queue:Queue', 'DeadLettersQueue');
  const { maxReceiveCount, function: consumer } = consumers['dead-letters'];
  const redrive: unknown = JSON.parse(textAt(waiting.inputs, 'redrivePolicy') || '{}');
  return [
    ...queues.flatMap(({ name, inputs }) => [
      ...(inputs.messageRetentionSeconds === fourteenDays
        ? []
        : [`queue ${name}: keeps messages for less than 14 days`]),
      ...(inputs.sqsManagedSseEnabled === true ? [] : [`queue ${name}: not encrypted`]),
    ]),
    ...(textAt(redrive, 'deadLetterTargetArn').includes('QuarantineQueue')
      ? []
      : ['the dead-letter queue parks nothing']),
    ...(at(redrive, 'maxReceiveCount') === maxReceiveCount ? [] : ['the dead-letter queue parks at another count']),
    ...(Number(waiting.inputs.visibilityTimeoutSeconds) >= 6 * functions[consumer].timeoutSeconds
      ? []
      : ['a dead letter may be read by two at once']),
  ];
};

/** Whatever lets a service in names the one thing that the service may come from. */
export const sources: Check = (app) =>
  ['aws:sqs/queuePolicy:QueuePolicy', 'aws:sns/topicPolicy:TopicPolicy'].flatMap((type) =>
    ofType(app, type).flatMap(({ name, inputs }) =>
      statementsOf(inputs.policy).flatMap(({ condition, principal }) => {
        const from = [at(condition, 'ArnEquals.aws:SourceArn') ?? at(condition, 'ArnLike.aws:SourceArn')].flat();
        const bound = from.every((arn) => typeof arn === 'string' && arn.includes(':123456789012:'));
        return bound && textAt(principal, 'Service') !== '' ? [] : [`${name}: lets in more than one source`];
      }),
    ),
  );

/** The same for functions: every permission is for one service and one source. */
export const invokers: Check = (app) =>
  ofType(app, 'aws:lambda/permission:Permission').flatMap(({ name, inputs }) => {
    const bound = /^arn:aws:[\w-]+:[\w-]+:123456789012:/.test(textAt(inputs, 'sourceArn'));
    return bound && textAt(inputs, 'principal').endsWith('.amazonaws.com')
      ? []
      : [`${name}: lets in more than one source`];
  });
