import { execFileSync } from 'node:child_process';
import { basename, join } from 'node:path';
import { deadLetters } from './bus.ts';
import { linkPermissions } from './grants.ts';
import { arn, componentName, functionSettings, logRetention, named, production, service } from './settings.ts';
import { type FunctionName, type FunctionSpec, functions, rules } from './topology.ts';

const { root, work } = $cli.paths;
const folder = join(work, 'bundles');

/**
 * What is deployed is what `npm run build:functions` makes and the tests measure: SST's own bundler takes no alias. It is made anew
 * for every deployment, in a process of its own, since an import of esbuild would find that of SST's platform from here.
 */
if (!$dev) {
  const shell = process.platform === 'win32';
  execFileSync('npm', ['run', '--silent', 'build:functions', '--', folder], {
    cwd: root,
    shell,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Where Lambda finds a function. `sst dev` runs the sources instead, to follow every change. */
export function functionCode(name: string, handler: string): { readonly handler: string; readonly bundle?: string } {
  return $dev ? { handler } : { bundle: join(folder, name), handler: basename(handler) };
}

/** Those that rules invoke. Nobody waits for their answer, so what they fail for good must be kept. */
export const asynchronous: ReadonlySet<string> = new Set(
  Object.values(rules).flatMap(({ target }) => ('function' in target ? [target.function] : [])),
);

/** Lambda keeps an event for so long while it is throttled or the function fails. */
const maxEventAgeSeconds = 6 * 3600;

/** A function as the topology describes it. */
export function createFunction(name: FunctionName, parent: $util.Resource): sst.aws.Function {
  const { handler, memoryMb, timeoutSeconds, concurrency, permissions }: FunctionSpec = functions[name];
  const retried = asynchronous.has(name);
  return new sst.aws.Function(
    componentName(name),
    {
      ...functionCode(name, handler),
      name: named(name),
      runtime: 'nodejs24.x',
      architecture: 'arm64',
      memory: `${memoryMb} MB`,
      timeout: `${timeoutSeconds} seconds`,
      logging: { format: 'json', retention: logRetention.words },
      ...(production && concurrency && { concurrency: { reserved: concurrency } }),
      ...(retried && { retries: 2 }),
      link: linkPermissions(permissions),
      environment: { ...functionSettings, POWERTOOLS_SERVICE_NAME: service },
      permissions: [
        {
          actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
          resources: [arn('logs', `log-group:/aws/lambda/${named(name)}:*`)],
        },
        // X-Ray knows no resources.
        { actions: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], resources: ['*'] },
        ...(retried ? [{ actions: ['sqs:SendMessage'], resources: [deadLetters.arn] }] : []),
      ],
      transform: {
        function: (args) => {
          // Sampled by X-Ray's own rule: one a second, and a twentieth of the rest.
          args.tracingConfig = { mode: 'Active' };
          args.loggingConfig = $output(args.loggingConfig).apply((config) => ({
            logFormat: 'JSON',
            ...config,
            applicationLogLevel: functionSettings.LOG_LEVEL ?? 'INFO',
          }));
        },
        role: (args) => {
          // Instead of Lambda's managed policy, which opens every log group.
          args.managedPolicyArns = [];
          // SST's also trusts the account's users, which only `sst dev` needs.
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
