import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { resourcePrefix } from '../../core/platform/configuration.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { permissions } from '../../stacks/permissions.ts';
import { archive, type FunctionSpec, functions, reserveConcurrency, sumReserved } from '../../stacks/topology.ts';
import { type App, appFile, loadApp, type stages } from './app.ts';
import { checks } from './checks/all.ts';
import { checkEnvironment, findUnreadSettings, findVariables, type VariableReads } from './checks/environment.ts';
import { at, find, listAt, ofType, parseStatements, resourceName, textAt } from './select.ts';
import { synthesize } from './synthesize.ts';

const deployed = ['production', 'development'] as const;

describe.each(deployed)('%s', (name) => {
  const app = loadApp(name);

  it.each(Object.entries(checks))('%s', (_title, { check }) => {
    expect(check(app)).toEqual([]);
  });

  it('deploys the prebuilt bundles', () => {
    for (const { bundle = '', handler } of app.builds) {
      expect(readdirSync(bundle)).toContain(`${handler.replace(/\.handler$/, '')}.mjs`);
    }
    const handlers = Object.values(functions).map(({ handler }) => basename(handler));
    expect(app.builds.map(({ handler }) => handler).toSorted()).toEqual(handlers.toSorted());
  });
});

describe('environment variables', () => {
  let reads: VariableReads;
  beforeAll(async () => {
    const found = Object.entries(functions).map(
      async ([name, { handler }]) => [name, await findVariables(handler)] as const,
    );
    reads = Object.fromEntries(await Promise.all(found));
  });

  it.each([...deployed, 'live'] as const)('match what the functions read: %s', (name) => {
    expect(checkEnvironment(reads)(loadApp(name))).toEqual([]);
  });

  it('cover every setting', () => {
    expect(findUnreadSettings(reads)).toEqual([]);
  });
});

describe('reserved concurrency', () => {
  const reserved = (app: App) =>
    Object.fromEntries(
      ofType(app, 'aws:lambda/function:Function').flatMap(({ inputs }) =>
        inputs.reservedConcurrentExecutions === undefined
          ? []
          : [[String(inputs.name).replace(resourceName(app, ''), ''), inputs.reservedConcurrentExecutions]],
      ),
    );
  const others = {
    'send-requested': 50,
    'wait-for-turn': 50,
    'route-thread': 20,
    'route-first-message': 20,
    reconcile: 10,
  };

  it('is 200 for sending in production, and none on other stages', () => {
    expect(reserved(loadApp('production'))).toEqual({ ...others, send: 200 });
    expect(reserved(loadApp('live'))).toEqual({});
  });

  it('follows SEND_CONCURRENCY', () => {
    expect(reserved(loadApp('development'))).toEqual({ ...others, send: 12 });
  });

  it('is none for every function with SEND_CONCURRENCY=0', () => {
    const specs: Readonly<Record<string, FunctionSpec>> = functions;
    expect(Object.values(reserveConcurrency(specs, 0)).filter(({ concurrency }) => concurrency)).toEqual([]);
    expect([0, 200].map((concurrency) => sumReserved(reserveConcurrency(specs, concurrency)))).toEqual([0, 350]);
  });

  it.each([
    ['SEND_CONCURRENCY', 'many', /SEND_CONCURRENCY: expected a whole number of at least 0/],
    ['WEBHOOK_MAX_BYTES', '1MB', /WEBHOOK_MAX_BYTES: expected a whole number of at least 1/],
    ['LIVECHAT_CALLS_PER_SECOND', '0', /LIVECHAT_CALLS_PER_SECOND: expected a whole number of at least 1/],
    ['QUIET_MINUTES', '10081', /QUIET_MINUTES: expected a whole number of at most 10080/],
    ['RECONCILIATION_MINUTES', '5041', /RECONCILIATION_MINUTES: expected a whole number of at most 5040/],
    ['TRACING', 'yes', /TRACING: expected one of on, off/],
    [
      'LOG_LEVEL',
      'WARN',
      /LOG_LEVEL: expected one of INFO, DEBUG, TRACE\. At a higher level, Lambda drops the EMF log lines/,
    ],
  ])('rejects another value of %s before it deploys', async (setting, value, message) => {
    await synthesize('production', 'deploy', appFile('invalid'), { [setting]: value });
    const { failures } = JSON.parse(readFileSync(appFile('invalid'), 'utf8'));
    expect(failures.join('\n')).toMatch(message);
  });
});

describe('the name of the stage', () => {
  const maxStage = 'a-stage-name-with-31-characters';

  // Sources: the CreateX operations in the API references of the services.
  it.each([
    ['aws:lambda/function:Function', 64],
    ['aws:iam/role:Role', 64],
    ['aws:cloudwatch/eventRule:EventRule', 64],
    ['aws:cloudwatch/eventArchive:EventArchive', 48],
    ['aws:scheduler/scheduleGroup:ScheduleGroup', 64],
    ['aws:scheduler/schedule:Schedule', 64],
    ['aws:sfn/stateMachine:StateMachine', 80],
    ['aws:cloudwatch/metricAlarm:MetricAlarm', 255],
  ])('allows 31 characters: %s names are limited to %i', (type, limit) => {
    // SST's generated names contain capitals, and SST shortens them.
    const names = ofType(loadApp('production'), type)
      .map(({ inputs }) => textAt(inputs, 'name'))
      .filter((name) => name === name.toLowerCase());
    expect(names).not.toEqual([]);
    const longest = names.map((name) => name.replace('-production-', `-${maxStage}-`));
    expect(longest.filter(({ length }) => length > limit)).toEqual([]);
  });

  it('is rejected above 31 characters before the deployment', async () => {
    await synthesize(`${maxStage}x`, 'deploy', appFile('long-stage'), {});
    const { failures } = JSON.parse(readFileSync(appFile('long-stage'), 'utf8'));
    expect(failures.join('\n')).toMatch(/Stage name: expected at most 31 characters/);
  });
});

describe('the schedule of reconciliation', () => {
  const late = (name: keyof typeof stages) => {
    const app = loadApp(name);
    return find(app, 'aws:cloudwatch/metricAlarm:MetricAlarm', resourceName(app, 'reconciliation-late')).inputs;
  };
  const unscheduled = loadApp('unscheduled');

  it('has an alarm on the age of the watermark, which follows RECONCILIATION_MINUTES', () => {
    const alarm = { metricName: 'ReconciliationAgeSeconds', statistic: 'Maximum', treatMissingData: 'breaching' };
    expect(late('production')).toMatchObject({ ...alarm, threshold: 7_200, period: 1_800 });
    expect(late('development')).toMatchObject({ ...alarm, threshold: 14_400, period: 7_200 });
  });

  it('is off with RECONCILIATION_MINUTES=0, with its alarm and its role', () => {
    expect(unscheduled.resources.filter(({ type }) => type.startsWith('aws:scheduler/'))).toEqual([]);
    expect(late('unscheduled')).toEqual({});
    expect(ofType(unscheduled, 'aws:iam/role:Role').filter(({ name }) => /Schedule(?!Recon)/.test(name))).toEqual([]);
  });

  it('still reacts to alarms with RECONCILIATION_MINUTES=0', () => {
    const { inputs } = find(unscheduled, 'aws:cloudwatch/eventRule:EventRule', 'livechat-qa-webhooks-recovered');
    expect(JSON.parse(textAt(inputs, 'eventPattern'))).toMatchObject({
      detail: {
        alarmName: ['livechat-qa-webhook-errors', 'livechat-qa-webhook-throttled', 'livechat-qa-webhook-quiet'],
      },
    });
  });
});

describe('links', () => {
  it('have the permission’s name and the resource variable', () => {
    const { builds } = loadApp('production');
    const webhook = builds.find(({ functionID }) => functionID === 'Webhook');
    expect(webhook?.links).toMatchObject({ PublishEvents: { BUS_NAME: 'omnichannel' } });
  });

  it('exist for permissions in use only', () => {
    const used = new Set<string>(Object.values(functions).flatMap(({ permissions: own }) => [...own]));
    expect(Object.keys(permissions).filter((name) => !used.has(name))).toEqual([]);
  });
});

describe('settings of the deployment', () => {
  const set = loadApp('development');
  const unset = loadApp('production');
  const webhook = (app: App) => find(app, 'aws:lambda/function:Function', resourceName(app, 'webhook')).inputs;

  it('are passed to the functions', () => {
    const environment = at(webhook(set), 'environment.variables');
    expect(environment).toMatchObject({ LOG_LEVEL: 'DEBUG', MESSAGES_RETENTION_DAYS: '30' });
    expect(at(webhook(set), 'loggingConfig.applicationLogLevel')).toBe('DEBUG');
    expect(at(webhook(unset), 'environment.variables')).not.toHaveProperty('LOG_LEVEL');
  });

  it('set the retention of the archive and the bucket', () => {
    const [archive] = ofType(set, 'aws:cloudwatch/eventArchive:EventArchive');
    const [lifecycle] = ofType(set, 'aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration');
    expect(archive?.inputs.retentionDays).toBe(3);
    expect(listAt(lifecycle?.inputs, 'rules').map((rule) => at(rule, 'expiration.days'))).toEqual([30, 30]);
  });

  it('set the throttle of the webhook, with bursts of twice the rate up to 5,000', () => {
    const throttle = (app: App) => at(ofType(app, 'aws:apigatewayv2/stage:Stage')[0]?.inputs, 'defaultRouteSettings');
    expect(throttle(set)).toMatchObject({ throttlingRateLimit: 20, throttlingBurstLimit: 40 });
    expect(throttle(unset)).toMatchObject({ throttlingRateLimit: 3_000, throttlingBurstLimit: 5_000 });
  });

  it('set the address of alarms and the quiet period', () => {
    const quiet = (app: App) => find(app, 'aws:cloudwatch/metricAlarm:MetricAlarm', 'WebhookQuiet').inputs;
    const [mail] = ofType(set, 'aws:sns/topicSubscription:TopicSubscription');
    expect(mail?.inputs).toMatchObject({ protocol: 'email', endpoint: 'on-call@example.com' });
    expect(ofType(unset, 'aws:sns/topicSubscription:TopicSubscription')).toEqual([]);
    expect(quiet(set)).toMatchObject({ period: 900, treatMissingData: 'breaching' });
    expect(quiet(unset)).toMatchObject({ period: 3600 });
  });
});

describe('the outputs', () => {
  it.each(deployed)('contain the names of all resources: %s', (name) => {
    const app = loadApp(name);
    const { inputs } = find(app, 'aws:ssm/parameter:Parameter', 'Outputs');
    const region = textAt(app.settings, 'providers.aws.region');
    expect(inputs.name).toBe(`/livechat/${name}/outputs`);
    expect(JSON.parse(textAt(inputs, 'value'))).toEqual({
      version: 1,
      stage: name,
      region,
      webhookUrl: expect.stringMatching(/^https:.*\/livechat\/webhook$/),
      environment: {
        BUS_NAME: name === 'production' ? 'omnichannel' : 'omnichannel-development',
        SECRET_PREFIX: name === 'production' ? 'livechat' : 'livechat/development',
        CONVERSATIONS_TABLE: expect.stringMatching(/^livechat-\w+-ConversationsTable-/),
        MESSAGES_TABLE: expect.stringMatching(/^livechat-\w+-MessagesTable-/),
        CONTROL_TABLE: expect.stringMatching(/^livechat-\w+-ControlTable-/),
        MEDIA_BUCKET: expect.stringMatching(/^livechat-\w+-mediabucket-/),
        DEAD_LETTER_QUEUE_URL: expect.stringMatching(/^https:\/\/sqs\..*DeadLettersQueue-/),
        ...(name === 'development' && { LOG_LEVEL: 'DEBUG', MESSAGES_RETENTION_DAYS: '30' }),
        AUDIT_LOG_GROUP: `/livechat/${name}/audit`,
        FUNCTION_LOG_PREFIX: `/aws/lambda/livechat-${name}-`,
        SEND_CONCURRENCY: name === 'production' ? '200' : '12',
        WEBHOOK_THROTTLE_PER_SECOND: name === 'production' ? '3000' : '20',
        RECONCILIATION_MINUTES: name === 'production' ? '15' : '60',
        SEND_MACHINE_ARN: `arn:aws:states:${region}:123456789012:stateMachine:livechat-${name}-send`,
      },
    });
  });
});

describe('the names of the resources', () => {
  /** The console builds the names of the archive and of the rules from this prefix. */
  it.each(deployed)('begin with the prefix of the send state machine: %s', (name) => {
    const app = loadApp(name);
    const outputs = JSON.parse(textAt(find(app, 'aws:ssm/parameter:Parameter', 'Outputs').inputs, 'value'));
    const prefix = resourcePrefix(outputs.environment);
    expect(prefix).toBe(`livechat-${name}-`);
    expect(find(app, 'aws:cloudwatch/eventArchive:EventArchive', 'BusArchive').inputs.name).toBe(
      `${prefix}${archive.name}`,
    );
    const rules = ofType(app, 'aws:cloudwatch/eventRule:EventRule').map(({ inputs }) => inputs.name);
    const handled = Object.entries<FunctionSpec>(functions).filter(([, { events }]) => events);
    expect(rules).toEqual(expect.arrayContaining(handled.map(([handler]) => `${prefix}${handler}`)));
  });
});

describe('partial deployments', () => {
  const { resources } = loadApp('production');
  const scripts: Readonly<Record<string, string>> = packageJson.scripts;
  /** All resources under a component. */
  const descendants = (part: string): string[] => {
    const children = resources.filter(({ parent }) => parent === part).map(({ name }) => name);
    return [...children, ...children.flatMap(descendants)];
  };

  it.each([
    [
      'deploy:livechat-webhook',
      ['WebhookFunction', 'ApiApi', 'ApiRouteWebhookRoute', 'MessageReceivedRule', 'ReconciliationSchedule'],
      'Send',
    ],
    [
      'deploy:livechat-outbound',
      [
        ...['SendRequestedFunction', 'SendRequestedRule', 'SendRequestedTarget', 'SendRequestedPermission'],
        ...['WaitForTurnFunction', 'SendFunction', 'SendMachine', 'DeadLetterFunction', 'SendEndedRule'],
      ],
      'Webhook',
    ],
  ])('%s deploys one path only', (script, own, foreign) => {
    const target = /^sst deploy --target (\w+)$/.exec(scripts[script] ?? '')?.[1] ?? '';
    // SST targets the first resource of that name.
    expect(resources.filter(({ name }) => name === target)).toMatchObject([{ type: `livechat:bridge:${target}` }]);
    expect(descendants(target)).toEqual(expect.arrayContaining(own));
    expect(descendants(target)).not.toContain(`${foreign}Function`);
  });

  it('contain every function, rule, schedule and route', () => {
    const parts = new Set([...descendants('Inbound'), ...descendants('Outbound')]);
    const types = /function:Function$|eventRule|eventTarget|Route$|stateMachine:|schedule:/;
    const outside = resources.filter(
      ({ type, name }) => types.test(type) && !type.startsWith('sst:') && !parts.has(name),
    );
    expect(outside.map(({ name }) => name).toSorted()).toEqual(['AlertRaisedRule', 'AlertRaisedTarget']);
  });
});

describe('sst dev', () => {
  const live = loadApp('live');

  it('runs the sources locally', () => {
    expect(live.builds).toEqual([]);
    const { inputs } = find(live, 'aws:lambda/function:Function', resourceName(live, 'webhook'));
    expect(inputs).toMatchObject({ handler: 'bootstrap', description: 'live' });
  });

  it('has timeouts for debugging at breakpoints, and no alarms', () => {
    const timeouts = ofType(live, 'aws:lambda/function:Function').map(({ inputs }) => inputs.timeout);
    expect(timeouts).toEqual(Object.keys(functions).map(() => 900));
    // Lambda accepts no queue whose visibility timeout is shorter.
    expect(find(live, 'aws:sqs/queue:Queue', 'DeadLettersQueue').inputs.visibilityTimeoutSeconds).toBe(900);
    expect(ofType(live, 'aws:cloudwatch/metricAlarm:MetricAlarm')).toEqual([]);
  });

  it('is the only stage with roles that trust the users of the account', () => {
    const rootTrusted = (app: App) =>
      ofType(app, 'aws:iam/role:Role').filter(({ inputs }) =>
        parseStatements(inputs.assumeRolePolicy).some(({ principal }) => JSON.stringify(principal).includes(':root')),
      );
    expect(rootTrusted(live)).toHaveLength(Object.keys(functions).length);
    expect(deployed.flatMap((name) => rootTrusted(loadApp(name)))).toEqual([]);
  });

  it('deploys the same resources as other stages', () => {
    const titles = [
      'deploys exactly the resources of the topology',
      'keeps the bucket private, encrypted and expiring',
    ];
    for (const title of titles) expect(checks[title]?.check(live)).toEqual([]);
  });
});

describe('the app', () => {
  it('protects production and retains its data', () => {
    expect(loadApp('production').settings).toMatchObject({ removal: 'retain', protect: true });
    expect(loadApp('development').settings).toMatchObject({ removal: 'remove', protect: false });
  });

  it('tags every resource', () => {
    expect(at(loadApp('development').settings, 'providers.aws')).toEqual({
      region: 'eu-central-1',
      defaultTags: { tags: { app: 'livechat', stage: 'development' } },
    });
  });
});
