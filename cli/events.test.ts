import {
  EventBridgeClient,
  ListRulesCommand,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import { CreateQueueCommand, GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { type CliProcess, cliFor } from '../test/cli.ts';
import { type Local, organizationId, pollOptions, startLocal } from '../test/local.ts';
import { awsClientConfig, putStage } from '../test/local-aws.ts';
import { startInTerminal } from '../test/terminal.ts';

const ready = 'Waiting for events';
const other = '11111111-2222-4333-8444-555555555555';

describe('livechat events tail', () => {
  let local: Local;
  let cli: ReturnType<typeof cliFor>;
  let eventBridge: EventBridgeClient;
  let sqs: SQSClient;
  beforeAll(async () => {
    local = await startLocal();
    cli = cliFor(local);
    [eventBridge, sqs] = [new EventBridgeClient(awsClientConfig(local)), new SQSClient(awsClientConfig(local))];
    await putStage(local, 'blue');
  });
  afterAll(() => local.stop());

  /** Publishes an event that no function handles. */
  const publish = async (
    type: string,
    conversationId: string,
    { organization = organizationId, inData = false } = {},
  ) => {
    const data = { conversationId, ...(inData && { organizationId: organization }) };
    const detail = { ...(!inData && { metadata: { organizationId: organization } }), data };
    const Entries = [{ Source: 'test', DetailType: type, Detail: JSON.stringify(detail), EventBusName: 'omnichannel' }];
    await eventBridge.send(new PutEventsCommand({ Entries }));
  };
  const isReady = (tail: CliProcess) => expect.poll(tail.printed, pollOptions).toContain(ready);
  const names = async () => {
    const { Rules = [] } = await eventBridge.send(
      new ListRulesCommand({ EventBusName: 'omnichannel', NamePrefix: 'tail-' }),
    );
    return Rules.flatMap(({ Name }) => Name ?? []);
  };
  const queueExists = (name: string) =>
    sqs.send(new GetQueueUrlCommand({ QueueName: name })).then(
      () => true,
      () => false,
    );

  test.each([[[]], [['--stage', 'blue']]])(
    'prints what matches, one JSON object a line, and removes its rule and queue (%j)',
    async (target) => {
      const environment = { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'mine', AWS_SECRET_ACCESS_KEY: 'mine' };
      const conditions = ['--type', 'shop.*', '--chat', 'CHAT1', '--organization', organizationId];
      const tail = cliFor(local, environment).start(
        'events',
        'tail',
        ...conditions,
        '--limit',
        '2',
        '--json',
        ...target,
      );
      await isReady(tail);
      const [name = ''] = await names();
      expect(await queueExists(name)).toBe(true);
      await publish('shop.opened', 'CHAT2');
      await publish('other.opened', 'CHAT1');
      await publish('shop.opened', 'CHAT1', { organization: other });
      await publish('shop.opened', 'CHAT1');
      await publish('shop.closed', 'CHAT1', { inData: true });
      const { code, stdout } = await tail.ended;
      const lines = stdout
        .trim()
        .split('\n')
        .map((line) => z.looseObject({ type: z.string() }).parse(JSON.parse(line)));
      expect(lines.map(({ type }) => type).toSorted()).toEqual(['shop.closed', 'shop.opened']);
      expect(lines).toContainEqual(
        expect.objectContaining({
          source: 'test',
          detail: expect.objectContaining({ data: { conversationId: 'CHAT1' } }),
        }),
      );
      expect(code).toBe(0);
      expect(await names()).toEqual([]);
      expect(await queueExists(name)).toBe(false);
    },
  );

  test('prints a burst of events without a pause', async () => {
    const tail = cli.start('events', 'tail', '--type', 'burst.*', '--json');
    await isReady(tail);
    await Promise.all(Array.from({ length: 33 }, () => publish('burst.event', 'CHAT1')));
    await expect.poll(() => tail.printed().match(/burst\.event/g)?.length, pollOptions).toBe(33);
    tail.kill('SIGTERM');
    await tail.ended;
  });

  test('shows time, type, chat and message of a chat that is played', async () => {
    const tail = cli.start('events', 'tail', '--type', 'message.received', '--limit', '2');
    await isReady(tail);
    await cli.run('simulate', 'chat', '--simulator', local.livechat, '--text', 'Is it red?');
    expect((await tail.ended).stdout).toMatch(/^\d\d:\d\d:\d\d {2}message\.received {8}\w+ +customer: Is it red\?$/m);
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGINT', 130],
  ] as const)('removes its rule and queue after one or more %s', async (signal, code) => {
    const tail = cli.start('events', 'tail');
    await isReady(tail);
    const [name = ''] = await names();
    for (let count = 0; count < 3; count += 1) tail.kill(signal);
    expect((await tail.ended).code).toBe(code);
    expect(await names()).toEqual([]);
    expect(await queueExists(name)).toBe(false);
  });

  test('removes them after Ctrl-C in a terminal', async () => {
    const { type, shown, ended } = startInTerminal(['events', 'tail'], {
      environment: { AWS_ENDPOINT_URL: local.aws },
    });
    await expect.poll(shown, pollOptions).toContain(ready);
    type('\u0003');
    expect(await ended).toBe(130);
    expect(await names()).toEqual([]);
  });

  test('removes them if the reader of its output has ended', async () => {
    const tail = cli.start('events', 'tail');
    await isReady(tail);
    tail.closeOutput();
    await publish('shop.opened', 'CHAT1');
    expect(await tail.ended).toMatchObject({ code: 141, stderr: expect.not.stringContaining('Error') });
    expect(await names()).toEqual([]);
  });

  test('doctor removes what was left, and nothing that is in use', async () => {
    const leave = async (name: string, until: number) => {
      const rule = { EventBusName: 'omnichannel', EventPattern: '{"source":["none"]}' };
      const Description = `Temporary rule of livechat events tail, in use until ${new Date(until).toISOString()}`;
      await eventBridge.send(new PutRuleCommand({ Name: name, ...rule, Description }));
      await sqs.send(new CreateQueueCommand({ QueueName: name }));
      const Targets = [{ Id: 'queue', Arn: `arn:aws:sqs:us-east-1:000000000000:${name}` }];
      await eventBridge.send(new PutTargetsCommand({ Rule: name, EventBusName: 'omnichannel', Targets }));
    };
    await leave('tail-left', Date.now() - 1);
    await leave('tail-used', Date.now() + 60_000);
    const { stdout } = await cli.run('doctor');
    expect(stdout).toContain('Removed the rule and the queue tail-left');
    expect(stdout).toContain('The rule tail-used of a running events tail is in use until');
    expect(await names()).toEqual(['tail-used']);
    expect([await queueExists('tail-left'), await queueExists('tail-used')]).toEqual([false, true]);
  });

  test('rejects a type that is no detail-type', async () => {
    const { code, stderr } = await cli.run('events', 'tail', '--type', '*');
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('--type must be a detail-type such as message.received'),
    ]);
  });
});
