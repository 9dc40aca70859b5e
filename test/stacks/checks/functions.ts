import { consumers, type FunctionSpec, functions, rules } from '../../../stacks/topology.ts';
import type { App } from '../emitted.ts';
import { at, type Check, find, isLive, isProduction, listAt, named, ofType, textAt } from '../select.ts';

const invokedByRules: ReadonlySet<string> = new Set(
  Object.values(rules).flatMap(({ target }) => ('function' in target ? [target.function] : [])),
);

type Problem = string | true;

/** Every function is run as the topology says, logs in JSON, and keeps what it fails. */
export const runtime: Check = (app) =>
  Object.entries(functions).flatMap(([name, spec]) =>
    functionMetric(app, name, spec).flatMap((problem) => (problem === true ? [] : [`function ${name}: ${problem}`])),
  );

function functionMetric(app: App, name: string, spec: FunctionSpec): Problem[] {
  const { inputs } = find(app, 'aws:lambda/function:Function', named(app, name));
  const reserved = isProduction(app) ? spec.concurrency : undefined;
  return [
    inputs.memorySize === spec.memoryMb || `its memory is ${inputs.memorySize} MB`,
    inputs.timeout === spec.timeoutSeconds || `its timeout is ${inputs.timeout} s`,
    inputs.reservedConcurrentExecutions === reserved || `${inputs.reservedConcurrentExecutions} are reserved for it`,
    at(inputs, 'loggingConfig.logFormat') === 'JSON' || 'it does not log in JSON',
    at(inputs, 'tracingConfig.mode') === 'Active' || 'it is not traced',
    ...(isLive(app) ? [] : code(inputs)),
    ...logs(app, textAt(inputs, 'loggingConfig.logGroup')),
    ...(invokedByRules.has(name) ? failures(app, name) : []),
  ];
}

function code(inputs: Readonly<Record<string, unknown>>): Problem[] {
  return [
    inputs.runtime === 'nodejs24.x' || `its runtime is ${inputs.runtime}`,
    listAt(inputs, 'architectures').join() === 'arm64' || `it runs on ${listAt(inputs, 'architectures').join()}`,
  ];
}

/** Logs are kept for a while, by the stage. */
function logs(app: App, group: string): Problem[] {
  const days = find(app, 'aws:cloudwatch/logGroup:LogGroup', group).inputs.retentionInDays;
  return [days === (isProduction(app) ? 90 : 7) || `its logs are kept for ${days} days`];
}

function failures(app: App, name: string): Problem[] {
  const config = ofType(app, 'aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig').find(
    ({ inputs }) => inputs.functionName === named(app, name),
  );
  const destination = textAt(config?.inputs, 'destinationConfig.onFailure.destination');
  return [
    destination.includes('DeadLettersQueue') || 'what it fails goes nowhere',
    config?.inputs.maximumRetryAttempts === 2 || 'it is not tried again',
  ];
}

/** Every log group there is forgets. */
export const retention: Check = (app) =>
  ofType(app, 'aws:cloudwatch/logGroup:LogGroup').flatMap(({ name, inputs }) =>
    inputs.retentionInDays === (isProduction(app) ? 90 : 7)
      ? []
      : [`log group ${name}: kept for ${inputs.retentionInDays} days`],
  );

/** The dead-letter queue is read by its function, message by message. */
export const consumed: Check = (app) =>
  Object.values(consumers).flatMap((consumer) => {
    const source = ofType(app, 'aws:lambda/eventSourceMapping:EventSourceMapping').find(
      ({ inputs }) => inputs.functionName === named(app, consumer.function),
    );
    return [
      ...(source?.inputs.batchSize === consumer.batchSize
        ? []
        : [`${consumer.function}: its batches have another size`]),
      ...(listAt(source?.inputs, 'functionResponseTypes').includes('ReportBatchItemFailures')
        ? []
        : [`${consumer.function}: one bad message fails its whole batch`]),
    ];
  });
