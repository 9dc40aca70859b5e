import {
  alertRule,
  bucket,
  busName,
  consumers,
  functions,
  queues,
  rules,
  stateMachines,
  tables,
  webhookRoute,
} from '../../../stacks/topology.ts';
import { type Check, differences, isProduction, ofType, resourceName, textAt } from '../select.ts';

const component = (name: string) => name.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());

export const checkInventory: Check = (app) => {
  const names = (type: string, path = 'name') => ofType(app, type).map(({ inputs }) => textAt(inputs, path));
  const own = (expected: readonly string[]) => expected.map((name) => resourceName(app, name));
  const bus = isProduction(app) ? busName : `${busName}-${String(app.settings.stage)}`;
  return [
    ...differences('function', own(Object.keys(functions)), names('aws:lambda/function:Function')),
    ...differences('rule', own([...Object.keys(rules), alertRule.name]), names('aws:cloudwatch/eventRule:EventRule')),
    ...differences('state machine', own(Object.keys(stateMachines)), names('aws:sfn/stateMachine:StateMachine')),
    ...differences('bus', [bus], names('aws:cloudwatch/eventBus:EventBus')),
    ...differences(
      'route',
      [`${webhookRoute.method} ${webhookRoute.path}`],
      names('aws:apigatewayv2/route:Route', 'routeKey'),
    ),
    ...differences(
      'consumer',
      Object.values(consumers).map((consumer) => resourceName(app, consumer.function)),
      names('aws:lambda/eventSourceMapping:EventSourceMapping', 'functionName'),
    ),
    ...differences(
      'table',
      Object.keys(tables).map((name) => `${component(name)}Table`),
      ofType(app, 'aws:dynamodb/table:Table').map(({ name }) => name),
    ),
    ...differences(
      'queue',
      Object.values(queues).map((name) => `${component(name)}Queue`),
      ofType(app, 'aws:sqs/queue:Queue').map(({ name }) => name),
    ),
    ...differences(
      'bucket',
      [`${component(bucket.name)}Bucket`],
      ofType(app, 'aws:s3/bucket:Bucket').map(({ name }) => name),
    ),
  ];
};
