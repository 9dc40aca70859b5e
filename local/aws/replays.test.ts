import {
  DescribeArchiveCommand,
  DescribeReplayCommand,
  EventBridgeClient,
  ListArchivesCommand,
  PutEventsCommand,
  StartReplayCommand,
  type StartReplayCommandInput,
} from '@aws-sdk/client-eventbridge';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { entry, startTestAws, type TestAws } from '../../test/test-aws.ts';
import { createEventLog } from '../event-log.ts';
import { openState, type State } from '../state.ts';

const ArchiveArn = 'arn:aws:events:us-east-1:000000000000:archive/bus';
const busArn = 'arn:aws:events:us-east-1:000000000000:event-bus/omnichannel';
const ruleArn = (name: string) => `arn:aws:events:us-east-1:000000000000:rule/omnichannel/${name}`;

let state: State;
let aws: TestAws;
let events: EventBridgeClient;

async function start(): Promise<void> {
  const log = createEventLog(state);
  aws = await startTestAws({
    state,
    readArchive: log.readArchive,
    onEvent: (event) => log.recordEvent(event, new Date().toISOString()),
  });
  events = new EventBridgeClient(aws.client);
}
beforeEach(async () => {
  state = openState();
  await start();
});
afterEach(async () => {
  await aws.stop();
  state.close();
});

const minute = 60_000;
const startReplay = (overrides: Partial<StartReplayCommandInput> = {}) =>
  events.send(
    new StartReplayCommand({
      ReplayName: 'repair',
      EventSourceArn: ArchiveArn,
      EventStartTime: new Date(Date.now() - minute),
      EventEndTime: new Date(Date.now() + minute),
      Destination: { Arn: busArn, FilterArns: [ruleArn('messages')] },
      ...overrides,
    }),
  );

/** The invocations that the replay of an event and a send request causes. */
async function replay(overrides: Partial<StartReplayCommandInput> = {}) {
  await events.send(new PutEventsCommand({ Entries: [entry(), entry({ DetailType: 'message.send.requested' })] }));
  await aws.control('GET', 'idle');
  const published = aws.invoked.splice(0);
  const started = await startReplay(overrides);
  await aws.control('GET', 'idle');
  return { started, published, replayed: aws.invoked.splice(0) };
}

const describeReplay = (ReplayName: string) => events.send(new DescribeReplayCommand({ ReplayName }));

test('describes the archive of the bus', async () => {
  const archive = { ArchiveName: 'bus', EventSourceArn: busArn, State: 'ENABLED', RetentionDays: 14 };
  expect(await events.send(new DescribeArchiveCommand({ ArchiveName: 'bus' }))).toMatchObject({
    ...archive,
    ArchiveArn,
    EventPattern: '{"detail-type":[{"anything-but":"message.send.requested"}]}',
  });
  expect((await events.send(new ListArchivesCommand({ NamePrefix: 'b' }))).Archives).toMatchObject([archive]);
  expect((await events.send(new ListArchivesCommand({ EventSourceArn: 'other' }))).Archives).toEqual([]);
});

test('replays archived events to the selected rules only, with their ids and the name of the replay', async () => {
  const { started, published, replayed } = await replay();
  expect(started).toMatchObject({ State: 'STARTING', ReplayStartTime: expect.any(Date) });
  const original = published.find(({ name }) => name === 'message');
  expect(replayed).toEqual([{ name: 'message', event: { ...Object(original?.event), 'replay-name': 'repair' } }]);
  expect(await describeReplay('repair')).toMatchObject({
    ReplayArn: started.ReplayArn,
    State: 'COMPLETED',
    EventSourceArn: ArchiveArn,
    EventLastReplayedTime: expect.any(Date),
    ReplayEndTime: expect.any(Date),
  });
});

test('replays to all rules without FilterArns, and only the events of the period', async () => {
  const { replayed } = await replay({ Destination: { Arn: busArn } });
  expect(replayed.map(({ name }) => name).toSorted()).toEqual(['audit', 'message']);
  const earlier = await replay({ ReplayName: 'earlier', EventEndTime: new Date(Date.now() - 2_000 - minute / 2) });
  expect(earlier.replayed).toEqual([]);
});

test('does not archive replayed events', async () => {
  await replay();
  await startReplay({ ReplayName: 'again' });
  await aws.control('GET', 'idle');
  expect(aws.invoked).toMatchObject([{ event: { 'replay-name': 'again' } }]);
});

test('completes a replay after a restart', async () => {
  await events.send(new PutEventsCommand({ Entries: [entry()] }));
  await aws.control('GET', 'idle');
  await startReplay();
  await aws.stop();
  await start();
  await aws.control('GET', 'idle');
  expect(aws.invoked.some(({ name }) => name === 'message')).toBe(true);
  expect(await describeReplay('repair')).toMatchObject({ State: 'COMPLETED' });
});

test.each<[string, Partial<StartReplayCommandInput>, string, RegExp]>([
  ['no bus', { Destination: { Arn: 'omnichannel' } }, 'ValidationException', /Must contain an event bus ARN/],
  ['another bus', { Destination: { Arn: `${busArn}-2` } }, 'ValidationException', /Cross event bus replay/],
  ['an unknown archive', { EventSourceArn: `${ArchiveArn}-2` }, 'ValidationException', /Archive bus-2 does not exist/],
  ['an end before the start', { EventEndTime: new Date(0) }, 'ValidationException', /EventStartTime must be before/],
  [
    'an unknown rule',
    { Destination: { Arn: busArn, FilterArns: [ruleArn('other')] } },
    'ResourceNotFoundException',
    /Rule other does not exist/,
  ],
  [
    'a rule of another bus',
    { Destination: { Arn: busArn, FilterArns: [ruleArn('messages').replace('omnichannel/', '')] } },
    'ResourceNotFoundException',
    /does not exist on EventBus omnichannel/,
  ],
  ['an invalid name', { ReplayName: 'a b' }, 'ValidationException', /ReplayName/],
  ['an existing name', { ReplayName: 'used' }, 'ResourceAlreadyExistsException', /used already exists/],
])('rejects a replay with %s', async (_what, overrides, name, message) => {
  await startReplay({ ReplayName: 'used' });
  await expect(startReplay(overrides)).rejects.toMatchObject({ name, message: expect.stringMatching(message) });
});

test('responds with ResourceNotFoundException for an unknown archive or replay', async () => {
  const error = { name: 'ResourceNotFoundException', message: expect.stringContaining('other does not exist') };
  await expect(events.send(new DescribeArchiveCommand({ ArchiveName: 'other' }))).rejects.toMatchObject(error);
  await expect(describeReplay('other')).rejects.toMatchObject(error);
});
