import { consumers, type FunctionSpec, functions, reserveConcurrency, rules } from '../../../stacks/topology.ts';
import { type App, stages } from '../app.ts';
import {
  at,
  type Check,
  find,
  isLive,
  isProduction,
  listAt,
  ofType,
  resourceName,
  stageName,
  textAt,
} from '../select.ts';

const invokedByRules: ReadonlySet<string> = new Set(
  Object.values(rules).flatMap(({ target }) => ('function' in target ? [target.function] : [])),
);

type Problem = string | true;

export const checkFunctions: Check = (app) =>
  Object.entries(functions).flatMap(([name, spec]) =>
    functionProblems(app, name, spec).flatMap((problem) => (problem === true ? [] : [`function ${name}: ${problem}`])),
  );

function functionProblems(app: App, name: string, spec: FunctionSpec): Problem[] {
  const { inputs } = find(app, 'aws:lambda/function:Function', resourceName(app, name));
  const { concurrency } = reserveConcurrency({ [name]: spec }, sendConcurrency(app))[name] ?? {};
  const reserved = concurrency || undefined;
  return [
    inputs.memorySize === spec.memoryMb || `its memory is ${inputs.memorySize} MB`,
    inputs.timeout === spec.timeoutSeconds || `its timeout is ${inputs.timeout} s`,
    inputs.reservedConcurrentExecutions === reserved ||
      `its reserved concurrency is ${inputs.reservedConcurrentExecutions}`,
    at(inputs, 'loggingConfig.logFormat') === 'JSON' || 'it does not log in JSON',
    at(inputs, 'tracingConfig.mode') === 'Active' || 'it is not traced',
    ...(isLive(app) ? [] : runtimeProblems(inputs)),
    ...retentionProblems(app, textAt(inputs, 'loggingConfig.logGroup')),
    ...(invokedByRules.has(name) ? destinationProblems(app, name) : []),
  ];
}

/** The setting SEND_CONCURRENCY, or its default. */
function sendConcurrency(app: App): number {
  const setting = Object.values(stages).find(({ stage }) => stage === stageName(app))?.environment ?? {};
  if ('SEND_CONCURRENCY' in setting) return Number(setting.SEND_CONCURRENCY);
  return isProduction(app) ? 200 : 0;
}

function runtimeProblems(inputs: Readonly<Record<string, unknown>>): Problem[] {
  return [
    inputs.runtime === 'nodejs24.x' || `its runtime is ${inputs.runtime}`,
    listAt(inputs, 'architectures').join() === 'arm64' || `it runs on ${listAt(inputs, 'architectures').join()}`,
  ];
}

function retentionProblems(app: App, group: string): Problem[] {
  const days = find(app, 'aws:cloudwatch/logGroup:LogGroup', group).inputs.retentionInDays;
  return [days === (isProduction(app) ? 90 : 7) || `its logs are kept for ${days} days`];
}

function destinationProblems(app: App, name: string): Problem[] {
  const config = ofType(app, 'aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig').find(
    ({ inputs }) => inputs.functionName === resourceName(app, name),
  );
  const destination = textAt(config?.inputs, 'destinationConfig.onFailure.destination');
  return [
    destination.includes('DeadLettersQueue') || 'it has no failure destination',
    config?.inputs.maximumRetryAttempts === 2 || 'it is not retried',
  ];
}

export const checkLogRetention: Check = (app) =>
  ofType(app, 'aws:cloudwatch/logGroup:LogGroup').flatMap(({ name, inputs }) =>
    inputs.retentionInDays === (isProduction(app) ? 90 : 7)
      ? []
      : [`log group ${name}: kept for ${inputs.retentionInDays} days`],
  );

export const checkConsumers: Check = (app) =>
  Object.values(consumers).flatMap((consumer) => {
    const source = ofType(app, 'aws:lambda/eventSourceMapping:EventSourceMapping').find(
      ({ inputs }) => inputs.functionName === resourceName(app, consumer.function),
    );
    return [
      ...(source?.inputs.batchSize === consumer.batchSize ? [] : [`${consumer.function}: its batch size differs`]),
      ...(listAt(source?.inputs, 'functionResponseTypes').includes('ReportBatchItemFailures')
        ? []
        : [`${consumer.function}: it does not report batch item failures`]),
    ];
  });
