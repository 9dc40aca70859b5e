import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type MetricSpec, metrics, namespace } from '../../../core/platform/metrics.ts';
import type { App, Emitted } from '../emitted.ts';
import { at, type Check, listAt, ofType, stageOf, textAt } from '../select.ts';

/** AWS's own metrics, each with the dimensions that it has. From the services' documentation. */
const ofAws: Readonly<Record<string, readonly [dimensions: string, names: readonly string[]][]>> = {
  'AWS/ApiGateway': [['ApiId', ['4xx', '5xx', 'Count', 'Latency', 'IntegrationLatency', 'DataProcessed']]],
  'AWS/Lambda': [
    [
      'FunctionName',
      ['Errors', 'Throttles', 'Duration', 'Invocations', 'ConcurrentExecutions', 'DestinationDeliveryFailures'],
    ],
  ],
  'AWS/States': [
    [
      'StateMachineArn',
      ['ExecutionsStarted', 'ExecutionsSucceeded', 'ExecutionsFailed', 'ExecutionsTimedOut', 'ExecutionsAborted'],
    ],
  ],
  'AWS/SQS': [['QueueName', ['ApproximateNumberOfMessagesVisible', 'ApproximateAgeOfOldestMessage']]],
  'AWS/DynamoDB': [['TableName', ['ReadThrottleEvents', 'WriteThrottleEvents']]],
  'AWS/Events': [
    ['RuleName', ['FailedInvocations', 'InvocationsSentToDlq', 'InvocationsFailedToBeSentToDlq']],
    ['EventBusName,RuleName', ['FailedInvocations', 'InvocationsSentToDlq', 'InvocationsFailedToBeSentToDlq']],
  ],
};

/** Where the values of a dimension come from. */
const holders: Readonly<Record<string, readonly [type: string, path: string]>> = {
  FunctionName: ['aws:lambda/function:Function', 'name'],
  QueueName: ['aws:sqs/queue:Queue', 'name'],
  TableName: ['aws:dynamodb/table:Table', 'name'],
  RuleName: ['aws:cloudwatch/eventRule:EventRule', 'name'],
  EventBusName: ['aws:cloudwatch/eventBus:EventBus', 'name'],
  ApiId: ['aws:apigatewayv2/stage:Stage', 'apiId'],
};

export interface Metric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, unknown>>;
}

/** What is wrong with a metric that is looked at; nothing when somebody emits it. */
function unknown(app: App, { namespace: space, name, dimensions }: Metric): string[] {
  const keys = Object.keys(dimensions).toSorted();
  if (space === namespace) return unknownOwn(app, name, dimensions);
  const filtered = ofType(app, 'aws:cloudwatch/logMetricFilter:LogMetricFilter').some(
    ({ inputs }) =>
      at(inputs, 'metricTransformation.namespace') === space && at(inputs, 'metricTransformation.name') === name,
  );
  if (filtered) return keys.length === 0 ? [] : [`${space} ${name} has no dimensions`];
  const known = ofAws[space]?.some(([having, names]) => names.includes(name) && having === keys.join());
  if (!known) return [`nobody emits ${space} ${name} by ${keys.join(' and ') || 'nothing'}`];
  return keys.flatMap((key) => absent(app, key, dimensions[key]));
}

function absent(app: App, dimension: string, value: unknown): string[] {
  const [type, path] = holders[dimension] ?? [];
  if (type === undefined || path === undefined) return [];
  return ofType(app, type).some(({ inputs }) => at(inputs, path) === value)
    ? []
    : [`there is no ${dimension} ${value}`];
}

function unknownOwn(app: App, name: string, { service, ...finer }: Metric['dimensions']): string[] {
  const spec: MetricSpec | undefined = new Map<string, MetricSpec>(Object.entries(metrics)).get(name);
  if (!spec) return [`no code emits ${name}`];
  const keys = Object.keys(finer);
  const emitted = keys.length === 0 || keys.toSorted().join() === spec.dimensions.toSorted().join();
  const services = ofType(app, 'aws:lambda/function:Function').map(({ inputs }) =>
    textAt(inputs, 'environment.variables.POWERTOOLS_SERVICE_NAME'),
  );
  return [
    ...(emitted ? [] : [`${name} is not emitted by ${keys.join(' and ')}`]),
    ...(services.every((one) => one === service) ? [] : [`${name} is of the service ${service}, which is nobody’s`]),
  ];
}

function metricsOf({ inputs }: Emitted): Metric[] {
  const single = textAt(inputs, 'metricName');
  if (single) return [{ namespace: textAt(inputs, 'namespace'), name: single, dimensions: record(inputs.dimensions) }];
  return listAt(inputs, 'metricQueries').flatMap((query) => {
    const name = textAt(query, 'metric.metricName');
    return name
      ? [{ namespace: textAt(query, 'metric.namespace'), name, dimensions: record(at(query, 'metric.dimensions')) }]
      : [];
  });
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

const runbook = readFileSync(
  join(import.meta.dirname, '..', '..', '..', 'docs', 'how-to', 'respond-to-alarms.md'),
  'utf8',
);
const headings = new Set([...runbook.matchAll(/^#+ ([a-z0-9-]+)$/gm)].map(([, heading]) => heading));

/** Every alarm looks at something that is emitted, tells the topic, and says where it is told what to do. */
export const alarmed: Check = (app) => {
  const [topic] = ofType(app, 'aws:sns/topic:Topic');
  return ofType(app, 'aws:cloudwatch/metricAlarm:MetricAlarm').flatMap((alarm) => {
    const { inputs } = alarm;
    const looked = metricsOf(alarm);
    const description = textAt(inputs, 'alarmDescription');
    const [, heading = ''] = /docs\/how-to\/respond-to-alarms\.md#([a-z0-9-]+)$/.exec(description) ?? [];
    const tells = listAt(inputs, 'alarmActions').some((arn) => String(arn).endsWith(`:${topic?.inputs.name}`));
    const problems = [
      ...looked.flatMap((metric) => unknown(app, metric)),
      ...(looked.length === 0 || looked.length > 10 ? [`looks at ${looked.length} metrics`] : []),
      ...(tells ? [] : ['tells nobody']),
      ...(headings.has(heading) ? [] : [`docs/how-to/respond-to-alarms.md has no heading "${heading}"`]),
      ...(description.length > 1024 ? ['says more than CloudWatch takes'] : []),
    ];
    return problems.map((problem) => `alarm ${textAt(inputs, 'name')}: ${problem}`);
  });
};

/** What has to be watched, by the names of alarms. */
const watched = [
  ...['webhook-errors', 'webhook-unauthorized', 'webhook-throttled', 'webhook-slow', 'webhooks-rejected', 'event-gaps'],
  ...[
    'executions-failed',
    'executions-stopped',
    'gate-closed',
    'backlog',
    'oldest-unsent',
    'functions-throttled',
    'tables-throttled',
  ],
  ...['dead-letters-authentication', 'dead-letters-event', 'dead-letters-quarantined', 'events-lost'],
];

export const complete: Check = (app) => {
  const names = ofType(app, 'aws:cloudwatch/metricAlarm:MetricAlarm').map(({ inputs }) => textAt(inputs, 'name'));
  const missing = watched.filter((name) => !names.includes(`livechat-${stageOf(app)}-${name}`));
  return missing.map((name) => `nobody watches: ${name}`);
};

/** The dashboard shows what is emitted, all of it, from left to right. */
export const shown: Check = (app) => {
  const [dashboard, ...others] = ofType(app, 'aws:cloudwatch/dashboard:Dashboard');
  const body: unknown = JSON.parse(textAt(dashboard?.inputs, 'dashboardBody') || '{}');
  const widgets = listAt(body, 'widgets');
  const columns = widgets.filter((widget) => at(widget, 'type') === 'text').map((widget) => Number(at(widget, 'x')));
  const graphed = widgets.flatMap((widget) => listAt(widget, 'properties.metrics').map(metricOf));
  const ours = new Set(graphed.flatMap(({ namespace: space, name }) => (space === namespace ? [name] : [])));
  return [
    ...Object.keys(metrics).flatMap((name) => (ours.has(name) ? [] : [`dashboard: ${name} has no graph`])),
    ...(others.length === 0 && columns.length > 2 ? [] : ['expected one dashboard with its columns']),
    ...(columns.every((x, index) => index === 0 || x > (columns[index - 1] ?? 0)) ? [] : ['the columns overlap']),
    ...graphed.flatMap((metric) => unknown(app, metric).map((problem) => `dashboard: ${problem}`)),
  ];
};

/** `[namespace, name, dimension, value, …, { label }]` */
function metricOf(row: unknown): Metric {
  const [space, name, ...rest] = Array.isArray(row) ? row.filter((one): one is string => typeof one === 'string') : [];
  const dimensions: Record<string, unknown> = {};
  for (let index = 0; index + 1 < rest.length; index += 2) dimensions[String(rest[index])] = rest[index + 1];
  return { namespace: space ?? '', name: name ?? '', dimensions };
}
