import { expect, it } from 'vitest';
import pattern from '../../examples/first-reply/pattern.json' with { type: 'json' };
import { appFile, loadApp } from './app.ts';
import { at, find, ofType, parseStatements } from './select.ts';
import { synthesize } from './synthesize.ts';

const environment = { MEDIA_BUCKET: 'livechat-media', BUS_NAME: 'omnichannel-dev' };

it('subscribes the function of the example to the bus of the bridge, with the permissions that it needs', async () => {
  await synthesize('dev', 'deploy', appFile('first-reply'), environment, 'examples/first-reply');
  const app = loadApp('first-reply');
  const [rule] = ofType(app, 'aws:cloudwatch/eventRule:EventRule');
  expect(rule?.inputs).toMatchObject({ eventBusName: 'omnichannel-dev', state: 'ENABLED' });
  expect(JSON.parse(String(rule?.inputs.eventPattern))).toEqual(pattern);
  expect(ofType(app, 'aws:cloudwatch/eventBus:EventBus')).toEqual([]);
  expect(app.builds).toMatchObject([{ handler: 'handler.handler' }]);
  const role = find(app, 'aws:iam/role:Role', 'BusSubscriberFirstReplyFunctionRole');
  const statements = parseStatements(at(role.inputs, 'inlinePolicies.0.policy'));
  expect(statements.map(({ actions, resources }) => [...actions, ...resources])).toEqual([
    ['events:PutEvents', 'arn:aws:events:us-east-1:123456789012:event-bus/omnichannel-dev'],
    ['s3:GetObject', 'arn:aws:s3:::livechat-media/events/*'],
    ['sqs:SendMessage', expect.stringContaining('Failed')],
  ]);
});
