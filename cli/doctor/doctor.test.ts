import { readFile } from 'node:fs/promises';
import { CreateTableCommand, DynamoDBClient, UpdateTimeToLiveCommand } from '@aws-sdk/client-dynamodb';
import {
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
  ListTargetsByRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { PurgeQueueCommand, SendMessageCommand, SetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { cliFor, startLivechat } from '../../test/cli.ts';
import { configurationApi, credentials } from '../../test/configuration-api.ts';
import { type Local, organizationId, pollOptions, startLocal } from '../../test/local.ts';
import { awsClientConfig, putStage } from '../../test/local-aws.ts';
import { outbound } from '../../test/outbound.ts';

const report = z.object({
  ok: z.boolean(),
  faults: z.number(),
  warnings: z.number(),
  findings: z.array(
    z.object({ check: z.string(), severity: z.string(), message: z.string(), fix: z.optional(z.string()) }),
  ),
});

describe('livechat doctor', () => {
  let local: Local;
  let bus: ReturnType<typeof outbound>;
  let api: ReturnType<typeof configurationApi>;
  let secrets: SecretsManagerClient;
  let events: EventBridgeClient;
  let sqs: SQSClient;
  beforeAll(async () => {
    local = await startLocal(credentials);
    bus = outbound(local);
    api = configurationApi(local);
    const config = awsClientConfig(local);
    [secrets, events, sqs] = [new SecretsManagerClient(config), new EventBridgeClient(config), new SQSClient(config)];
    await cliFor(local).json('webhooks', 'sync', '--yes');
    await bus.chat();
    await local.idle();
  });
  afterAll(() => local.stop());

  const withAws = () => ({
    AWS_ENDPOINT_URL: local.aws,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'mine',
    AWS_SECRET_ACCESS_KEY: 'mine',
  });
  /** The faults and warnings of the local engine, or of a stage. */
  const problems = async (stage?: string) => {
    const args = ['doctor', '--json', ...(stage === undefined ? [] : ['--stage', stage])];
    const { code, stdout } = await startLivechat(args, withAws()).ended;
    const { ok, faults, findings } = report.parse(JSON.parse(stdout));
    expect({ ok, code }).toEqual(faults === 0 ? { ok: true, code: 0 } : { ok: false, code: 1 });
    const bad = findings.filter(({ severity }) => severity === 'fault' || severity === 'warning');
    for (const { fix } of bad) expect(fix).toMatch(/\S/);
    return bad.map(({ check, severity, message }) => `${severity} ${check}: ${message}`);
  };
  test('reports no problem on a healthy bridge, and when each webhook last arrived', async () => {
    const { code, stdout } = await startLivechat(['doctor'], { AWS_ENDPOINT_URL: local.aws }).ended;
    expect(stdout).toMatch(/^note {5}last webhooks {2}incoming_chat +\d{4}-\d\d-\d\dT/m);
    expect(stdout).toMatch(/^note {5}last webhooks {2}event_deleted +none in the latest conversations$/m);
    expect(stdout).toContain('No problems found.');
    expect(stdout).not.toContain(local.secret);
    expect(code).toBe(0);
    expect(await problems()).toEqual([]);
  });

  test('says that quotas do not apply locally, if a load is given', async () => {
    const args = ['doctor', '--webhooks-per-second', '1000', '--sends-per-second', '200', '--json'];
    const { findings } = report.parse(JSON.parse((await startLivechat(args, withAws()).ended).stdout));
    expect(findings).toContainEqual(
      expect.objectContaining({ check: 'quotas', message: 'AWS quotas do not apply to the local engine.' }),
    );
  });

  test('needs only the permissions that the documents list', async () => {
    const calls = async (method: string) => (await fetch(`${local.aws}/_local/calls`, { method })).json();
    await local.idle();
    await calls('DELETE');
    expect(await problems('local')).toEqual([]);
    const made = Object.keys(z.record(z.string(), z.number()).parse(await calls('GET')));
    const lines = (await readFile('docs/reference/permissions.md', 'utf8')).split('\n');
    const rows = lines.filter((row) => /^\| (every one|.*`doctor`)/.test(row)).join();
    expect(lines.find((row) => row.startsWith('| operators'))).toContain('`doctor` also needs the actions in its row');
    expect(made.length).toBeGreaterThan(10);
    expect(made).toContain('lambda.GetAccountSettings');
    for (const call of made.filter((one) => !/^lambda\.\w+:/.test(one))) {
      const [service = '', operation = ''] = call.split('.');
      // S3 authorizes HeadBucket with the ListBucket permission.
      const action = operation === 'HeadBucket' ? 'ListBucket' : operation;
      expect(rows).toContain(`${service}:`);
      expect(rows).toContain(action);
    }
  });

  describe('reports a faulty deployment:', () => {
    describe('a deployment with many faults', () => {
      let found: string[];
      beforeAll(async () => {
        const environment = {
          SECRET_CACHE_SECONDS: 'long',
          SEND_CONCURRENCY: '5000',
          SECRET_PREFIX: 'nowhere',
          CONVERSATIONS_TABLE: 'messages',
          MESSAGES_TABLE: 'nowhere',
          CONTROL_TABLE: 'hash-only',
          BUS_NAME: 'nobus',
          SEND_MACHINE_ARN: 'arn:aws:states:us-east-1:000000000000:stateMachine:none',
          MEDIA_BUCKET: 'nobucket',
          DEAD_LETTER_QUEUE_URL: `${local.aws}/000000000000/noqueue`,
        };
        await new DynamoDBClient(awsClientConfig(local)).send(
          new CreateTableCommand({
            TableName: 'hash-only',
            BillingMode: 'PAY_PER_REQUEST',
            AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
            KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
          }),
        );
        await putStage(local, 'faulty', { environment, webhookUrl: new URL('/nowhere', local.webhook).href });
        found = await problems('faulty');
      });

      test.each([
        /^fault settings: SECRET_CACHE_SECONDS: expected a whole number/,
        /^fault secret: .*nowhere\/default/,
        /^fault tables: The table nowhere does not exist\.$/,
        /^fault tables: The table hash-only has the keys pk, not pk and sk\.$/,
        /^fault tables: The table messages lacks the index byActivity\.$/,
        /^fault queues: The queue \S+noqueue does not exist, or its quarantine queue does not\.$/,
        /^fault bus and rules: The bus nobus does not exist\.$/,
        /^fault state machine: The state machine \S+none does not exist/,
        /^fault bucket: The bucket nobucket does not exist/,
        /^fault concurrency: The functions reserve 5150 concurrent executions\. This exceeds the account's limit of 1350,/,
        /^fault webhook: \S+nowhere responds with 404\.$/,
      ])('%s', (expected) => {
        expect(found).toContainEqual(expect.stringMatching(expected));
      });
    });

    test.each<[string, Readonly<Record<string, string>>, RegExp]>([
      ['an invalid version', { LIVECHAT_API_VERSION: 'new' }, /^fault settings: LIVECHAT_API_VERSION: expected/],
      [
        'an unreachable LiveChat',
        { LIVECHAT_API_BASE_URL: 'http://127.0.0.1:1' },
        /^fault credentials: .*no response from LiveChat/,
      ],
      ['a deprecated version', { LIVECHAT_API_VERSION: 'v3.4' }, /^fault API version: LiveChat has deprecated v3.4 \(/],
      ['a legacy version', { LIVECHAT_API_VERSION: 'v3.5' }, /^warning API version: LiveChat marks v3.5 as legacy/],
      ['an unsupported version', { LIVECHAT_API_VERSION: 'v2.0' }, /^fault API version: LiveChat does not support/],
    ])('%s', async (_what, environment, expected) => {
      await putStage(local, 'faulty', { environment });
      expect(await problems('faulty')).toContainEqual(expect.stringMatching(expected));
    });

    test('a webhook that does not respond', async () => {
      await putStage(local, 'faulty', { webhookUrl: 'http://127.0.0.1:1/livechat/webhook' });
      expect(await problems('faulty')).toContainEqual(expect.stringMatching(/^fault webhook: \S+ does not respond\.$/));
    });

    const full = {
      LIVECHAT_WEBHOOK_SECRET: 'whsec-of-the-test',
      LIVECHAT_AGENT_ID: 'nina@acme.example',
      ...credentials,
    };
    test.each<[string, Readonly<Record<string, string | undefined>>, RegExp]>([
      ['short', { LIVECHAT_WEBHOOK_SECRET: 'short' }, /^fault secret: .*LIVECHAT_WEBHOOK_SECRET: expected at least 8/],
      ['clientless', { LIVECHAT_CLIENT_ID: undefined }, /^fault secret: \S+ lacks LIVECHAT_CLIENT_ID/],
      ['agentless', { LIVECHAT_AGENT_ID: undefined }, /^fault secret: \S+ lacks LIVECHAT_AGENT_ID/],
      ['ownerless', {}, /^warning secret: \S+ lacks LIVECHAT_ORGANIZATION_ID/],
      ['odd-agent', { LIVECHAT_AGENT_ID: 'Nina' }, /^fault secret: \S+ LIVECHAT_AGENT_ID must be an agent/],
      ['accountless', { LIVECHAT_ACCOUNT_ID: undefined }, /^fault credentials: .*LIVECHAT_ACCOUNT_ID: expected/],
      ['tokenless', { LIVECHAT_API_KEY: undefined }, /^fault credentials: .*LIVECHAT_API_KEY: expected/],
    ])('a secret that is %s', async (name, changes, expected) => {
      const SecretString = JSON.stringify({ ...full, ...changes });
      await secrets.send(new CreateSecretCommand({ Name: `${name}/default`, SecretString }));
      await putStage(local, 'faulty', { environment: { SECRET_PREFIX: name } });
      const found = await problems('faulty');
      expect(found).toContainEqual(expect.stringMatching(expected));
      expect(JSON.stringify(found)).not.toContain('whsec-of-the-test');
    });
  });

  test('checks an organization with its own secret', async () => {
    const name = `tenants/${organizationId}`;
    const SecretString = '{"LIVECHAT_WEBHOOK_SECRET":"long enough"}';
    await secrets.send(new CreateSecretCommand({ Name: name, SecretString }));
    await putStage(local, 'faulty', { environment: { SECRET_PREFIX: 'tenants' } });
    expect(await problems('faulty')).toContainEqual(
      `fault secret: ${name} lacks LIVECHAT_AGENT_ID: messages have no sender. (organization ${organizationId})`,
    );
  });

  describe('reports problems at LiveChat:', () => {
    const settings = (changes: object) => bus.simulator('POST', '/simulator/settings', changes);
    afterEach(async () => {
      await settings({ apiKey: 'key', scopes: null });
      await api.call('enable_license_webhooks');
      await cliFor(local).json('webhooks', 'sync', '--yes', '--cache-seconds', '0', '--propagation-seconds', '0');
    });

    test('rejected credentials', async () => {
      await settings({ apiKey: 'another' });
      expect(await problems()).toEqual(['fault credentials: LiveChat rejects the credentials.']);
    });

    test.each([
      ['chats--all:rw', ['chats--all:ro', 'webhooks.configuration:rw', 'webhooks.state:rw']],
      ['webhooks.configuration:rw', ['chats--all:rw', 'webhooks.state:rw']],
      ['webhooks.state:rw', ['chats--all:rw', 'webhooks.configuration:rw']],
      ['chats--all:ro', ['webhooks.configuration:rw', 'webhooks.state:rw']],
    ])('a token without %s', async (lacking, scopes) => {
      await settings({ scopes });
      expect(await problems()).toContainEqual(
        expect.stringContaining(`fault credentials: The token lacks the scope ${lacking}, required`),
      );
    });

    test('a webhook that is not registered', async () => {
      await api.unregister('thread_tagged');
      expect(await problems()).toEqual(['fault registrations: These webhooks are not registered: thread_tagged.']);
    });

    test('removed registrations, without which the simulator delivers nothing', async () => {
      await api.unregister();
      expect(await problems()).toEqual([
        'warning registrations: All registrations are removed: the simulator delivers no webhooks.',
      ]);
    });

    test('a webhook with a filter and a duplicate', async () => {
      const [chat] = await api.registrations('incoming_chat');
      await api.unregister('thread_tagged');
      await api.register('thread_tagged', { filters: { author_type: 'customer' } });
      await api.register('incoming_chat', { description: chat?.description });
      expect(await problems()).toEqual([
        'fault registrations: These webhooks are registered incorrectly: thread_tagged (filters, unmarked).',
        'warning registrations: These webhooks have surplus registrations: incoming_chat.',
      ]);
    });

    test('a webhook for which three other registrations leave no room', async () => {
      await api.unregister('thread_tagged');
      for (const n of [1, 2, 3]) await api.register('thread_tagged', { url: `https://elsewhere.example/${n}` });
      expect(await problems()).toEqual([
        'fault registrations: thread_tagged cannot be registered: LiveChat allows three registrations per action, and all three belong to other URLs.',
      ]);
      await api.unregister('thread_tagged');
    });

    test('webhooks registered with an earlier secret', async () => {
      const SecretId = 'livechat/default';
      const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId }));
      const changed = JSON.stringify({ ...JSON.parse(SecretString), LIVECHAT_WEBHOOK_SECRET: 'set by hand' });
      await secrets.send(new PutSecretValueCommand({ SecretId, SecretString: changed }));
      expect(await problems()).toEqual([
        expect.stringMatching(
          /^fault registrations: These webhooks are registered with another secret: incoming_chat, incoming_event,/,
        ),
      ]);
      await secrets.send(new PutSecretValueCommand({ SecretId, SecretString }));
      expect(await problems()).toEqual([]);
    });

    test('disabled webhooks', async () => {
      await api.call('disable_license_webhooks');
      expect(await problems()).toEqual([
        "fault registrations: The license's webhooks are disabled: LiveChat sends none.",
      ]);
    });
  });

  describe('reports problems after a deployment:', () => {
    test('a disabled rule', async () => {
      const rule = { EventBusName: local.bus, Name: 'message-received' };
      await events.send(new DisableRuleCommand(rule));
      expect(await problems()).toEqual(['fault bus and rules: The rule message-received is disabled.']);
      await events.send(new EnableRuleCommand(rule));
    });

    test.each([
      [
        true,
        'ttl',
        'fault tables: The table messages does not delete expired items: its time to live uses ttl, not expires.',
      ],
      [
        false,
        'expires',
        'fault tables: The table messages does not delete expired items: its time to live is disabled.',
      ],
    ])('a table that does not delete expired items (%s, %s)', async (Enabled, AttributeName, expected) => {
      const database = new DynamoDBClient(awsClientConfig(local));
      const set = (TimeToLiveSpecification: { Enabled: boolean; AttributeName: string }) =>
        database.send(new UpdateTimeToLiveCommand({ TableName: 'messages', TimeToLiveSpecification }));
      await set({ Enabled, AttributeName });
      expect(await problems()).toEqual([expected]);
      await set({ Enabled: true, AttributeName: 'expires' });
    });

    test('a rule without a target, a dead-letter queue or the right one', async () => {
      const rule = { EventBusName: local.bus, Rule: 'message-received' };
      const { Targets: [target] = [] } = await events.send(new ListTargetsByRuleCommand(rule));
      const { Id, Arn, DeadLetterConfig } = target ?? {};
      const put = (queueArn?: string) => {
        const deadLetters = queueArn === undefined ? {} : { DeadLetterConfig: { Arn: queueArn } };
        return events.send(new PutTargetsCommand({ ...rule, Targets: [{ Id, Arn, ...deadLetters }] }));
      };
      await events.send(new RemoveTargetsCommand({ ...rule, Ids: [`${Id}`] }));
      expect(await problems()).toEqual([
        'fault bus and rules: The rule message-received has no target: its events are lost.',
      ]);
      await put();
      expect(await problems()).toEqual([
        'fault bus and rules: The rule message-received has no dead-letter queue: undelivered events are lost.',
      ]);
      await put(`${DeadLetterConfig?.Arn}-2`);
      expect(await problems()).toEqual([
        expect.stringMatching(
          /^fault bus and rules: The rule message-received uses \S+-2 as its dead-letter queue, which has no consumer\.$/,
        ),
      ]);
      await put(DeadLetterConfig?.Arn);
      expect(await problems()).toEqual([]);
    });

    test('a dead-letter queue whose policy denies a rule', async () => {
      const QueueUrl = `${local.aws}/000000000000/dead-letters`;
      const statement = { Effect: 'Allow', Principal: { Service: 'events.amazonaws.com' }, Action: 'sqs:SendMessage' };
      const set = (changes: object) => {
        const Policy = JSON.stringify({ Statement: [{ ...statement, ...changes }] });
        return sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
      };
      const ours = `arn:aws:events:us-east-1:000000000000:rule/${local.bus}/*`;
      await set({ Condition: { ArnLike: { 'aws:SourceArn': ours } } });
      expect(await problems()).toEqual(
        ['send-ended', 'webhooks-recovered'].map((rule) =>
          expect.stringMatching(
            `^fault bus and rules: The policy of \\S+:dead-letters denies dead letters of the rule ${rule}:`,
          ),
        ),
      );
      await set({});
    });

    test('messages in the quarantine queue', async () => {
      const QueueUrl = `${local.aws}/000000000000/quarantine`;
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: '{}' }));
      expect(await problems()).toEqual([
        'warning queues: Messages in the quarantine queue that functions/dead-letter failed to process: 1.',
      ]);
      await sqs.send(new PurgeQueueCommand({ QueueUrl }));
    });

    test('a paused organization', async () => {
      const cli = cliFor(local);
      await cli.json('limits', 'pause', '--yes');
      expect(await problems()).toEqual([`warning sending: ${organizationId} is paused: nothing is sent.`]);
      await cli.json('limits', 'resume');
    });

    test('dead letters and an open breaker', async () => {
      const chatId = await bus.chat();
      await bus.fault({ kind: 'expired-token', method: 'send_event', count: 2 });
      await bus.send(chatId);
      await bus.waitForExecutions();
      await expect.poll(() => bus.deadLetters(chatId), pollOptions).toHaveLength(1);
      const found = await problems();
      expect(found).toContainEqual('warning sending: Open dead letters: 1.');
      expect(found).toContainEqual(
        expect.stringMatching(/^warning sending: The circuit breaker of \S+ is open: credentials\.$/),
      );
    });
  });
});

test('reports no problem on a fresh local engine', async () => {
  const local = await startLocal(credentials);
  const { code, stdout } = await cliFor(local).run('doctor');
  expect(stdout).toMatch(/^note {5}last webhooks {2}None has arrived yet\. Start a chat with/m);
  expect(stdout).toMatch(/^note {5}registrations {2}None are registered; the simulator delivers every webhook/m);
  expect(stdout).toContain('No problems found.');
  expect(code).toBe(0);
  await local.stop();
});
