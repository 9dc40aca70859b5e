import { codeOf } from './bundles.ts';
import { linksOf } from './links.ts';
import { deadLetters } from './queues.ts';
import { functionSettings } from './settings.ts';
import { arn, componentName, logRetention, named, production, service } from './stage.ts';
import { type FunctionName, type FunctionSpec, functions, rules } from './topology.ts';

/** Those that rules invoke. Nobody waits for their answer, so what they fail for good must be kept. */
export const asynchronous: ReadonlySet<string> = new Set(
  Object.values(rules).flatMap(({ target }) => ('function' in target ? [target.function] : [])),
);

/** Lambda keeps an event for so long while it is throttled or the function fails. */
const triedForSeconds = 6 * 3600;

/** A function as the topology describes it. */
export function createFunction(name: FunctionName, parent: $util.Resource): sst.aws.Function {
  const { handler, memoryMb, timeoutSeconds, concurrency, uses }: FunctionSpec = functions[name];
  const retried = asynchronous.has(name);
  return new sst.aws.Function(
    componentName(name),
    {
      ...codeOf(name, handler),
      name: named(name),
      runtime: 'nodejs24.x',
      architecture: 'arm64',
      memory: `${memoryMb} MB`,
      timeout: `${timeoutSeconds} seconds`,
      logging: { format: 'json', retention: logRetention.words },
      ...(production && concurrency && { concurrency: { reserved: concurrency } }),
      ...(retried && { retries: 2 }),
      link: linksOf(uses),
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
          args.maximumEventAgeInSeconds = triedForSeconds;
          args.destinationConfig = { onFailure: { destination: deadLetters.arn } };
        },
      },
    },
    { parent },
  );
}
