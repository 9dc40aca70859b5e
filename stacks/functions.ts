import { execFileSync } from 'node:child_process';
import { basename, join } from 'node:path';
import { organizationIdFor } from '../core/channel/carrier.ts';
import { channels } from '../core/channels.ts';
import type { ResourceVariable } from '../core/platform/configuration.ts';
import { keyArn } from './encryption.ts';
import { type Permission, permissions, type Resource } from './permissions.ts';
import {
  bus,
  control,
  conversations,
  createRule,
  deadLetters,
  media,
  messages,
  secretArns,
  secretPrefix,
} from './resources.ts';
import {
  arn,
  componentName,
  functionSettings,
  isTraced,
  logLevel,
  logRetention,
  resourceName,
  sendConcurrency,
  service,
} from './settings.ts';
import {
  bucket,
  debugTimeoutSeconds,
  type FunctionSpec,
  functions,
  reserveConcurrency,
  resolvePattern,
  rules,
  subscribers,
  tables,
} from './topology.ts';

type Text = $util.Input<string>;

/** A resource, with the environment variable that holds `value`. */
const reference = (variable: ResourceVariable, value: Text, ...arns: Text[]) => ({ variable, value, arns });

/** A fixed name, because functions and the send state machine refer to each other. */
const machine = resourceName('send');
const machineArn = arn('states', `stateMachine:${machine}`);

const references: Readonly<Record<Resource, ReturnType<typeof reference>>> = {
  bus: reference('BUS_NAME', bus.name, bus.arn),
  secrets: reference('SECRET_PREFIX', secretPrefix, ...secretArns),
  'all secrets': reference('SECRET_PREFIX', secretPrefix, '*'),
  conversations: reference('CONVERSATIONS_TABLE', conversations.name, conversations.arn),
  'conversations by activity': reference(
    'CONVERSATIONS_TABLE',
    conversations.name,
    $interpolate`${conversations.arn}/index/${tables.conversations.indexes[0].name}`,
  ),
  messages: reference('MESSAGES_TABLE', messages.name, messages.arn),
  control: reference('CONTROL_TABLE', control.name, control.arn),
  bucket: reference('MEDIA_BUCKET', media.name, media.arn),
  // Keys of files start with the id of the organization.
  media: reference(
    'MEDIA_BUCKET',
    media.name,
    ...Object.entries(channels).map(
      ([carrier, { organizationIds }]) => $interpolate`${media.arn}/${organizationIdFor(carrier, organizationIds)}/*`,
    ),
  ),
  'large events': reference('MEDIA_BUCKET', media.name, $interpolate`${media.arn}/${bucket.eventsPrefix}*`),
  'dead letters': reference('DEAD_LETTER_QUEUE_URL', deadLetters.url, deadLetters.arn),
  'send machine': reference('SEND_MACHINE_ARN', machineArn, machineArn),
  executions: reference('SEND_MACHINE_ARN', machineArn, arn('states', `execution:${machine}:*`)),
};

/**
 * The links of the permissions: the resource name in the environment, and a statement for the role. SST's own links would
 * allow every action of the service.
 */
const links = Object.fromEntries(
  Object.entries<Permission<Resource>>(permissions).map(([name, { resource, actions, nameInEvent = false }]) => {
    const { variable, value, arns } = references[resource];
    const properties = nameInEvent ? {} : { [variable]: value };
    const statements = actions.length > 0 ? [sst.aws.permission({ actions: [...actions], resources: arns })] : [];
    return [name, new sst.Linkable(componentName(name), { properties, include: [sst.env(properties), ...statements] })];
  }),
);

/** The names of all resources by environment variable, for the outputs of the stage. */
export const environment: Readonly<Record<string, Text>> = Object.fromEntries(
  Object.values(references).map(({ variable, value }) => [variable, value]),
);

const { root, work } = $cli.paths;
const folder = join(work, 'bundles');

/**
 * Deploys the bundles of `npm run build:functions`, because SST's bundler does not support `alias`. The build runs in a process
 * of its own: an import of esbuild would resolve to that of SST's platform here.
 */
if (!$dev) {
  const shell = process.platform === 'win32';
  execFileSync('npm', ['run', '--silent', 'build:functions', '--', folder], {
    cwd: root,
    shell,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** The time for which Lambda retries an event of a throttled or failing function. */
const maxEventAgeSeconds = 6 * 3600;

const specs = reserveConcurrency<FunctionSpec>(functions, sendConcurrency);

/**
 * Creates a function as specified in the topology. `sst dev` runs the sources instead of the bundle, with the maximum timeout.
 */
export function createFunction(
  name: string,
  parent: $util.Resource,
  environment: Readonly<Record<string, Text>> = {},
): sst.aws.Function {
  const { handler, memoryMb, timeoutSeconds, concurrency, permissions: names } = specs[name];
  const isAsynchronous = subscribers.includes(name);
  return new sst.aws.Function(
    componentName(name),
    {
      ...($dev ? { handler } : { bundle: join(folder, name), handler: basename(handler) }),
      name: resourceName(name),
      runtime: 'nodejs24.x',
      architecture: 'arm64',
      memory: `${memoryMb} MB`,
      timeout: `${$dev ? debugTimeoutSeconds : timeoutSeconds} seconds`,
      logging: { format: 'json', retention: logRetention.sst },
      ...(concurrency && { concurrency: { reserved: concurrency } }),
      ...(isAsynchronous && { retries: 2 }),
      link: names.map((name) => links[name]),
      environment: { ...functionSettings, ...environment, POWERTOOLS_SERVICE_NAME: service },
      permissions: [
        {
          actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
          resources: [arn('logs', `log-group:/aws/lambda/${resourceName(name)}:*`)],
        },
        // X-Ray does not support resource-level permissions.
        { actions: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], resources: ['*'] },
        ...(isAsynchronous ? [{ actions: ['sqs:SendMessage'], resources: [deadLetters.arn] }] : []),
      ],
      transform: {
        function: (args) => {
          // X-Ray's default sampling rule applies: one request per second and 5% of the rest.
          args.tracingConfig = { mode: isTraced ? 'Active' : 'PassThrough' };
          args.loggingConfig = $output(args.loggingConfig).apply((config) => ({
            logFormat: 'JSON',
            ...config,
            applicationLogLevel: logLevel,
            // Without the lines for the start and the end of each invocation, which metrics and traces have too.
            systemLogLevel: 'WARN',
          }));
        },
        logGroup: { kmsKeyId: keyArn },
        role: (args) => {
          // Lambda's managed policy would allow writing to every log group.
          args.managedPolicyArns = [];
          // SST's policy also trusts the users of the account, which only `sst dev` needs.
          if (!$dev) args.assumeRolePolicy = aws.iam.assumeRolePolicyForPrincipal({ Service: 'lambda.amazonaws.com' });
        },
        eventInvokeConfig: (args) => {
          args.maximumEventAgeInSeconds = maxEventAgeSeconds;
          args.destinationConfig = { onFailure: { destination: deadLetters.arn } };
        },
      },
    },
    { parent },
  );
}

/** Creates the rules that invoke these functions, and the functions. Returns the functions by name. */
export function createSubscribers(
  isIncluded: (name: string) => boolean,
  parent: $util.Resource,
): ReadonlyMap<string, sst.aws.Function> {
  const created = new Map<string, sst.aws.Function>();
  for (const [name, spec] of Object.entries(rules)) {
    if (!('function' in spec.target) || !isIncluded(spec.target.function)) continue;
    const subscriber = createFunction(spec.target.function, parent);
    created.set(spec.target.function, subscriber);
    const pattern = resolvePattern(spec, { stateMachineArn: () => machineArn, alarmName: resourceName });
    const { arn: sourceArn } = createRule({ name, pattern, bus: spec.bus, target: subscriber.arn, parent });
    new aws.lambda.Permission(
      `${componentName(name)}Permission`,
      { function: subscriber.name, action: 'lambda:InvokeFunction', principal: 'events.amazonaws.com', sourceArn },
      { parent },
    );
  }
  return created;
}
