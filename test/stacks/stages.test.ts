import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { permissions } from '../../stacks/permissions.ts';
import { functions } from '../../stacks/topology.ts';
import { checks } from './checks/all.ts';
import { provided, type Reads, unread } from './checks/environment.ts';
import { type App, emitted } from './emitted.ts';
import { variablesIn } from './reads.ts';
import { at, find, listAt, named, ofType, statementsOf, textAt } from './select.ts';

const deployed = ['production', 'development'] as const;

describe.each(deployed)('%s', (name) => {
  const app = emitted(name);

  it.each(Object.entries(checks))('%s', (_promise, check) => {
    expect(check(app)).toEqual([]);
  });

  it('deploys the bundles that are built, none by SST itself', () => {
    for (const { bundle = '', handler } of app.builds) {
      expect(readdirSync(bundle)).toContain(`${handler.replace(/\.handler$/, '')}.mjs`);
    }
    const handlers = Object.values(functions).map(({ handler }) => basename(handler));
    expect(app.builds.map(({ handler }) => handler).toSorted()).toEqual(handlers.toSorted());
  });
});

describe('what functions read', () => {
  let reads: Reads;
  beforeAll(async () => {
    const found = Object.entries(functions).map(
      async ([name, { handler }]) => [name, await variablesIn(handler)] as const,
    );
    reads = Object.fromEntries(await Promise.all(found));
  });

  it.each([...deployed, 'live'] as const)('is in their environment: %s', (name) => {
    expect(provided(reads)(emitted(name))).toEqual([]);
  });

  it('is what can be set', () => {
    expect(unread(reads)).toEqual([]);
  });
});

describe('what is linked', () => {
  it('has a type by its use, for whoever reads it by SST’s Resource', () => {
    const { builds } = emitted('production');
    const webhook = builds.find(({ functionID }) => functionID === 'Webhook');
    expect(webhook?.links).toMatchObject({ PublishEvents: { BUS_NAME: 'omnichannel' } });
  });

  it('is used by some function', () => {
    const used = new Set<string>(Object.values(functions).flatMap(({ permissions: own }) => [...own]));
    expect(Object.keys(permissions).filter((name) => !used.has(name))).toEqual([]);
  });
});

describe('settings of whoever deploys', () => {
  const set = emitted('development');
  const unset = emitted('production');
  const webhook = (app: App) => find(app, 'aws:lambda/function:Function', named(app, 'webhook')).inputs;

  it('reach the functions', () => {
    const environment = at(webhook(set), 'environment.variables');
    expect(environment).toMatchObject({ LOG_LEVEL: 'DEBUG', MESSAGES_RETENTION_DAYS: '30' });
    expect(at(webhook(set), 'loggingConfig.applicationLogLevel')).toBe('DEBUG');
    expect(at(webhook(unset), 'environment.variables')).not.toHaveProperty('LOG_LEVEL');
  });

  it('say how long is kept what can be replayed and what was stored', () => {
    const [archive] = ofType(set, 'aws:cloudwatch/eventArchive:EventArchive');
    const [lifecycle] = ofType(set, 'aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration');
    expect(archive?.inputs.retentionDays).toBe(3);
    expect(listAt(lifecycle?.inputs, 'rules').map((rule) => at(rule, 'expiration.days'))).toEqual([30, 30]);
  });

  it('say who is called, and after how long a silence', () => {
    const quiet = (app: App) => find(app, 'aws:cloudwatch/metricAlarm:MetricAlarm', 'WebhookQuiet').inputs;
    const [mail] = ofType(set, 'aws:sns/topicSubscription:TopicSubscription');
    expect(mail?.inputs).toMatchObject({ protocol: 'email', endpoint: 'on-call@example.com' });
    expect(ofType(unset, 'aws:sns/topicSubscription:TopicSubscription')).toEqual([]);
    expect(quiet(set)).toMatchObject({ period: 900, treatMissingData: 'breaching' });
    expect(quiet(unset)).toMatchObject({ period: 3600 });
  });
});

describe('the outputs', () => {
  it.each(deployed)('tell the command line where everything is: %s', (name) => {
    const app = emitted(name);
    const { inputs } = find(app, 'aws:ssm/parameter:Parameter', 'Outputs');
    const region = textAt(app.settings, 'providers.aws.region');
    expect(inputs.name).toBe(`/livechat/${name}/outputs`);
    expect(JSON.parse(textAt(inputs, 'value'))).toEqual({
      version: 1,
      stage: name,
      region,
      webhookUrl: `https://api-id.execute-api.${region}.amazonaws.com/livechat/webhook`,
      environment: {
        BUS_NAME: name === 'production' ? 'omnichannel' : 'omnichannel-development',
        SECRET_PREFIX: name === 'production' ? 'livechat' : 'livechat/development',
        CONVERSATIONS_TABLE: expect.stringMatching(/^livechat-\w+-ConversationsTable-/),
        MESSAGES_TABLE: expect.stringMatching(/^livechat-\w+-MessagesTable-/),
        CONTROL_TABLE: expect.stringMatching(/^livechat-\w+-ControlTable-/),
        MEDIA_BUCKET: expect.stringMatching(/^livechat-\w+-mediabucket-/),
        DEAD_LETTER_QUEUE_URL: expect.stringMatching(/^https:\/\/sqs\..*DeadLettersQueue-/),
        ...(name === 'development' && { LOG_LEVEL: 'DEBUG', MESSAGES_RETENTION_DAYS: '30' }),
        SEND_MACHINE_ARN: `arn:aws:states:${region}:123456789012:stateMachine:livechat-${name}-send`,
      },
    });
  });
});

describe('a part that is deployed by itself', () => {
  const { resources } = emitted('production');
  const scripts: Readonly<Record<string, string>> = packageJson.scripts;
  /** All that lies under a component. */
  const under = (part: string): string[] => {
    const children = resources.filter(({ parent }) => parent === part).map(({ name }) => name);
    return [...children, ...children.flatMap(under)];
  };

  it.each([
    ['deploy:livechat-webhook', ['WebhookFunction', 'ApiApi', 'ApiRouteWebhookRoute', 'MessageReceivedRule'], 'Send'],
    ['deploy:livechat-outbound', ['SendFunction', 'SendMachine', 'SendRequestedRule', 'DeadLetterFunction'], 'Webhook'],
  ])('%s', (script, own, foreign) => {
    const target = /^sst deploy --target (\w+)$/.exec(scripts[script] ?? '')?.[1] ?? '';
    // SST takes the first resource of that name.
    expect(resources.filter(({ name }) => name === target)).toMatchObject([{ type: `livechat:bridge:${target}` }]);
    expect(under(target)).toEqual(expect.arrayContaining(own));
    expect(under(target)).not.toContain(`${foreign}Function`);
  });

  it('every function, rule and route is in one of them', () => {
    const parts = new Set([...under('Inbound'), ...under('Outbound')]);
    const types = /function:Function$|eventRule|eventTarget|Route$|stateMachine:/;
    const outside = resources.filter(
      ({ type, name }) => types.test(type) && !type.startsWith('sst:') && !parts.has(name),
    );
    expect(outside.map(({ name }) => name).toSorted()).toEqual(['AlertRaisedRule', 'AlertRaisedTarget']);
  });
});

describe('sst dev', () => {
  const live = emitted('live');

  it('runs the sources on the machine of whoever develops', () => {
    expect(live.builds).toEqual([]);
    const { inputs } = find(live, 'aws:lambda/function:Function', named(live, 'webhook'));
    expect(inputs).toMatchObject({ handler: 'bootstrap', description: 'live' });
  });

  it('is the only one in which a role trusts the account’s users', () => {
    const rootTrusted = (app: App) =>
      ofType(app, 'aws:iam/role:Role').filter(({ inputs }) =>
        statementsOf(inputs.assumeRolePolicy).some(({ principal }) => JSON.stringify(principal).includes(':root')),
      );
    expect(rootTrusted(live)).toHaveLength(Object.keys(functions).length);
    expect(deployed.flatMap((name) => rootTrusted(emitted(name)))).toEqual([]);
  });

  it('takes from queues, rules and topics what a deployed stage takes', () => {
    const promises = [
      'everything in the topology is there, and nothing else',
      'the bucket is private, encrypted and forgets',
    ];
    for (const promise of promises) expect(checks[promise]?.(live)).toEqual([]);
  });
});

describe('the app', () => {
  it('keeps production from being removed, and leaves its data when it is', () => {
    expect(emitted('production').settings).toMatchObject({ removal: 'retain', protect: true });
    expect(emitted('development').settings).toMatchObject({ removal: 'remove', protect: false });
  });

  it('has every resource tagged', () => {
    expect(at(emitted('development').settings, 'providers.aws')).toEqual({
      region: 'eu-central-1',
      defaultTags: { tags: { app: 'livechat', stage: 'development' } },
    });
  });
});
