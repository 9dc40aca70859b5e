import {
  DescribeEventBusCommand,
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  PutEventsCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { entry, startTestCloud, type TestCloud } from './test-cloud.ts';

const EventBusName = 'omnichannel';
let cloud: TestCloud;
let events: EventBridgeClient;
beforeEach(async () => {
  cloud = await startTestCloud();
  events = new EventBridgeClient(cloud.client);
});
afterEach(() => cloud.stop());

const started = async () => {
  await events.send(new PutEventsCommand({ Entries: [entry()] }));
  await cloud.control('GET', 'idle');
  return cloud.invoked.splice(0).map(({ name }) => name);
};

test('the bus, its rules and their targets are shown', async () => {
  expect(await events.send(new DescribeEventBusCommand({ Name: EventBusName }))).toMatchObject({
    Arn: expect.stringContaining('event-bus/omnichannel'),
  });
  const { Rules } = await events.send(new ListRulesCommand({ EventBusName }));
  expect(Rules).toMatchObject([
    { Name: 'messages', State: 'ENABLED', EventPattern: '{"detail-type":[{"prefix":"message."}]}' },
    { Name: 'everything', State: 'ENABLED' },
  ]);
  const first = await events.send(new ListRulesCommand({ EventBusName, Limit: 1 }));
  expect(first.Rules).toHaveLength(1);
  const { NextToken } = first;
  expect((await events.send(new ListRulesCommand({ EventBusName, NextToken }))).Rules).toMatchObject([
    { Name: 'everything' },
  ]);
  expect(await events.send(new ListTargetsByRuleCommand({ EventBusName, Rule: 'messages' }))).toMatchObject({
    Targets: [
      {
        Arn: expect.stringContaining(':function:message'),
        DeadLetterConfig: { Arn: expect.stringMatching(/:dead-letters$/) },
      },
    ],
  });
  expect((await events.send(new ListRulesCommand({}))).Rules).toEqual([]);
});

test('a rule that is disabled, or that has lost its target, starts nothing', async () => {
  await events.send(new DisableRuleCommand({ EventBusName, Name: 'messages' }));
  expect(await started()).toEqual(['audit']);
  await events.send(new EnableRuleCommand({ EventBusName, Name: 'messages' }));
  expect((await started()).toSorted()).toEqual(['audit', 'message']);
  await events.send(new RemoveTargetsCommand({ EventBusName, Rule: 'everything', Ids: ['target'] }));
  expect(await started()).toEqual(['message']);
});

test('a target can be put back, and changed in nothing but its dead-letter queue', async () => {
  const where = { EventBusName, Rule: 'everything' };
  const { Targets: [target] = [] } = await events.send(new ListTargetsByRuleCommand(where));
  const { Id, Arn } = target ?? {};
  await events.send(new RemoveTargetsCommand({ ...where, Ids: [`${Id}`] }));
  await events.send(new PutTargetsCommand({ ...where, Targets: [{ Id, Arn }] }));
  expect((await events.send(new ListTargetsByRuleCommand(where))).Targets).toEqual([{ Id, Arn }]);
  expect((await started()).toSorted()).toEqual(['audit', 'message']);
  const other = { ...where, Targets: [{ Id, Arn: `${Arn}-2` }] };
  await expect(events.send(new PutTargetsCommand(other))).rejects.toMatchObject({ name: 'UnknownOperationException' });
});

test.each([
  ['a bus', () => events.send(new DescribeEventBusCommand({ Name: 'other' }))],
  ['a rule', () => events.send(new ListTargetsByRuleCommand({ EventBusName, Rule: 'other' }))],
  ['a rule on another bus', () => events.send(new DisableRuleCommand({ Name: 'messages' }))],
])('%s that is not there is an error', async (_what, call) => {
  await expect(call()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});
