import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ledger from '../../../bench/ledger.json' with { type: 'json' };
import { type MetricSpec, metrics, namespace } from '../../../core/platform/metrics.ts';
import { functions } from '../../../stacks/topology.ts';
import type { App, Resource } from '../app.ts';
import { type Checks, removeResource, setInput, types } from '../faults.ts';
import { at, type Check, listAt, ofType, resourceName, stageName, textAt } from '../select.ts';

/** Metrics of AWS services with their dimensions, from the documentation of the services. */
const awsMetrics: Readonly<Record<string, readonly [dimensions: string, names: readonly string[]][]>> = {
  'AWS/ApiGateway': [['ApiId', ['4xx', '5xx', 'Count', 'Latency', 'IntegrationLatency', 'DataProcessed']]],
  'AWS/Lambda': [
    [
      'FunctionName',
      [
        ...['Errors', 'Throttles', 'Duration', 'Invocations', 'ConcurrentExecutions'],
        ...['AsyncEventAge', 'DestinationDeliveryFailures'],
      ],
    ],
  ],
  'AWS/States': [
    [
      'StateMachineArn',
      ['ExecutionsStarted', 'ExecutionsSucceeded', 'ExecutionsFailed', 'ExecutionsTimedOut', 'ExecutionsAborted'],
    ],
  ],
  'AWS/SQS': [['QueueName', ['ApproximateNumberOfMessagesVisible', 'ApproximateAgeOfOldestMessage']]],
  'AWS/DynamoDB': [
    ['TableName', ['ReadThrottleEvents', 'WriteThrottleEvents']],
    ['GlobalSecondaryIndexName,TableName', ['ReadThrottleEvents', 'WriteThrottleEvents']],
  ],
  'AWS/Events': [
    ['RuleName', ['FailedInvocations', 'InvocationsSentToDlq', 'InvocationsFailedToBeSentToDlq']],
    ['EventBusName,RuleName', ['FailedInvocations', 'InvocationsSentToDlq', 'InvocationsFailedToBeSentToDlq']],
  ],
};

/** The input that defines the values of a dimension. */
const dimensionSources: Readonly<Record<string, readonly [type: string, path: string]>> = {
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

/** Problems of a metric; none if it is emitted. */
function metricProblems(app: App, { namespace: space, name, dimensions }: Metric): string[] {
  const keys = Object.keys(dimensions).toSorted();
  if (space === namespace) return appMetricProblems(app, name, dimensions);
  const filtered = ofType(app, 'aws:cloudwatch/logMetricFilter:LogMetricFilter').some(
    ({ inputs }) =>
      at(inputs, 'metricTransformation.namespace') === space && at(inputs, 'metricTransformation.name') === name,
  );
  if (filtered) return keys.length === 0 ? [] : [`${space} ${name} has no dimensions`];
  const known = awsMetrics[space]?.some(([having, names]) => names.includes(name) && having === keys.join());
  if (!known) return [`there is no metric ${space} ${name} with ${keys.join(', ') || 'no dimensions'}`];
  return keys.flatMap((key) => dimensionProblems(app, key, dimensions[key]));
}

function dimensionProblems(app: App, dimension: string, value: unknown): string[] {
  const [type, path] = dimensionSources[dimension] ?? [];
  if (type === undefined || path === undefined) return [];
  return ofType(app, type).some(({ inputs }) => at(inputs, path) === value)
    ? []
    : [`there is no ${dimension} ${value}`];
}

function appMetricProblems(app: App, name: string, { service, ...ownDimensions }: Metric['dimensions']): string[] {
  const spec: MetricSpec | undefined = new Map<string, MetricSpec>(Object.entries(metrics)).get(name);
  if (!spec) return [`no code emits ${name}`];
  const keys = Object.keys(ownDimensions);
  const emitted = keys.length === 0 || keys.join() === spec.dimension;
  const services = ofType(app, 'aws:lambda/function:Function').map(({ inputs }) =>
    textAt(inputs, 'environment.variables.POWERTOOLS_SERVICE_NAME'),
  );
  return [
    ...(emitted ? [] : [`${name} is not emitted with ${keys.join(' and ')}`]),
    ...(services.every((one) => one === service) ? [] : [`${name} has the service ${service} of another stage`]),
  ];
}

function alarmMetrics({ inputs }: Resource): Metric[] {
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

const checkAlarms: Check = (app) => {
  const [topic] = ofType(app, 'aws:sns/topic:Topic');
  return ofType(app, 'aws:cloudwatch/metricAlarm:MetricAlarm').flatMap((alarm) => {
    const { inputs } = alarm;
    const used = alarmMetrics(alarm);
    const description = textAt(inputs, 'alarmDescription');
    const [, heading = ''] = /docs\/how-to\/respond-to-alarms\.md#([a-z0-9-]+)$/.exec(description) ?? [];
    const notifies = listAt(inputs, 'alarmActions').some((arn) => String(arn).endsWith(`:${topic?.inputs.name}`));
    const problems = [
      ...used.flatMap((metric) => metricProblems(app, metric)),
      ...(used.length === 0 || used.length > 10 ? [`has ${used.length} metrics`] : []),
      ...(notifies ? [] : ['notifies no topic']),
      ...(headings.has(heading) ? [] : [`docs/how-to/respond-to-alarms.md has no heading "${heading}"`]),
      ...(description.length > 1024 ? ['has a description of more than 1024 characters'] : []),
    ];
    return problems.map((problem) => `alarm ${textAt(inputs, 'name')}: ${problem}`);
  });
};

/** `WriteThrottleEvents` of a table excludes its GSIs, but GSI back pressure throttles writes to the table. */
const checkIndexAlarms: Check = (app) => {
  const watched = ofType(app, 'aws:cloudwatch/metricAlarm:MetricAlarm')
    .flatMap(alarmMetrics)
    .filter(({ name }) => name === 'WriteThrottleEvents')
    .map(({ dimensions }) => `${dimensions.TableName} ${dimensions.GlobalSecondaryIndexName ?? ''}`);
  return ofType(app, 'aws:dynamodb/table:Table').flatMap(({ inputs }) =>
    ['', ...listAt(inputs, 'globalSecondaryIndexes').map((index) => textAt(index, 'name'))]
      .map((index) => `${textAt(inputs, 'name')} ${index}`)
      .filter((one) => !watched.includes(one))
      .map((one) => `no alarm on throttled writes of ${one.trim()}`),
  );
};

/** Functions that their reserved concurrency throttles by design. */
const throttledByDesign: ReadonlySet<string> = new Set(['reconcile']);

const checkThrottleAlarms: Check = (app) => {
  const watched = ofType(app, 'aws:cloudwatch/metricAlarm:MetricAlarm')
    .flatMap(alarmMetrics)
    .flatMap(({ name, dimensions }) => (name === 'Throttles' ? [dimensions.FunctionName] : []));
  return Object.keys(functions)
    .filter((name) => watched.includes(resourceName(app, name)) === throttledByDesign.has(name))
    .map((name) => `throttles of ${name}: ${throttledByDesign.has(name) ? 'an alarm' : 'no alarm'}`);
};

const checkAlarmCost: Check = (app) => {
  const { alarmMetrics: expected } = ledger;
  const read = ofType(app, 'aws:cloudwatch/metricAlarm:MetricAlarm').flatMap(alarmMetrics).length;
  if (stageName(app) !== 'production' || read === expected) return [];
  return [`the alarms read ${read} metrics, alarmMetrics in bench/ledger.json is ${expected}`];
};

/** The alarms that every stage must have. */
const requiredAlarms = [
  ...['webhook-errors', 'webhook-unauthorized', 'webhook-throttled', 'webhook-slow', 'webhooks-rejected', 'event-gaps'],
  ...['webhooks-lost', 'reconciliation-late'],
  ...[
    'executions-failed',
    'executions-stopped',
    'oldest-unsent',
    'breaker-opened',
    'calls-rate-limited',
    'slots-missed',
    'turns-timed-out',
    'groups-unblocked',
    'send-throttled',
    'requests-delayed',
    'functions-throttled',
    'tables-throttled',
  ],
  ...['dead-letters-authentication', 'dead-letters-event', 'dead-letters-quarantined', 'events-lost'],
];

const checkRequiredAlarms: Check = (app) => {
  const names = ofType(app, 'aws:cloudwatch/metricAlarm:MetricAlarm').map(({ inputs }) => textAt(inputs, 'name'));
  const missing = requiredAlarms.filter((name) => !names.includes(`livechat-${stageName(app)}-${name}`));
  return missing.map((name) => `missing alarm: ${name}`);
};

const checkDashboard: Check = (app) => {
  const [dashboard, ...others] = ofType(app, 'aws:cloudwatch/dashboard:Dashboard');
  const body: unknown = JSON.parse(textAt(dashboard?.inputs, 'dashboardBody') || '{}');
  const widgets = listAt(body, 'widgets');
  const columns = widgets.filter((widget) => at(widget, 'type') === 'text').map((widget) => Number(at(widget, 'x')));
  const graphed = widgets.flatMap((widget) => listAt(widget, 'properties.metrics').map(parseMetric));
  const appMetrics = new Set(graphed.flatMap(({ namespace: space, name }) => (space === namespace ? [name] : [])));
  return [
    ...Object.keys(metrics).flatMap((name) => (appMetrics.has(name) ? [] : [`dashboard: ${name} has no graph`])),
    ...(others.length === 0 && columns.length > 2 ? [] : ['expected one dashboard with its columns']),
    ...(columns.every((x, index) => index === 0 || x > (columns[index - 1] ?? 0)) ? [] : ['the columns overlap']),
    ...graphed.flatMap((metric) => metricProblems(app, metric).map((problem) => `dashboard: ${problem}`)),
  ];
};

/** `[namespace, name, dimension, value, …, { label }]` */
function parseMetric(row: unknown): Metric {
  const [space, name, ...rest] = Array.isArray(row) ? row.filter((one): one is string => typeof one === 'string') : [];
  const dimensions: Record<string, unknown> = {};
  for (let index = 0; index + 1 < rest.length; index += 2) dimensions[String(rest[index])] = rest[index + 1];
  return { namespace: space ?? '', name: name ?? '', dimensions };
}

const { alarm } = types;

export const monitoringChecks: Checks = {
  'bases alarms on emitted metrics and links them to the runbook': {
    check: checkAlarms,
    faults: [
      [
        'no code emits the metric',
        setInput(alarm, 'OldestUnsent', 'metricName', 'QueueDepth'),
        /no code emits QueueDepth/,
      ],
      [
        'a metric is not emitted with the dimension',
        setInput(alarm, 'OldestUnsent', 'dimensions.organizationId', 'x'),
        /OldestUnsentSeconds is not emitted with organizationId/,
      ],
      [
        'a metric belongs to another stage',
        setInput(alarm, 'OldestUnsent', 'dimensions.service', 'livechat-dev'),
        /of another stage/,
      ],
      [
        'AWS has no such metric',
        setInput(alarm, 'WebhookErrors', 'metricName', '5XXError'),
        /there is no metric AWS\/ApiGateway 5XXError/,
      ],
      ['AWS has no such dimension', setInput(alarm, 'WebhookErrors', 'dimensions', { ApiName: 'x' }), /with ApiName/],
      [
        'the function does not exist',
        removeResource(types.fn, 'MessageSeenFunction'),
        /there is no FunctionName livechat-production-message-seen/,
      ],
      [
        'there is no metric filter',
        removeResource('aws:cloudwatch/logMetricFilter:LogMetricFilter'),
        /there is no metric livechat-production\/api Throttled/,
      ],
      [
        'an alarm notifies no topic',
        setInput(alarm, 'OldestUnsent', 'alarmActions', []),
        /oldest-unsent: notifies no topic/,
      ],
      [
        'the runbook has no such heading',
        setInput(alarm, 'OldestUnsent', 'alarmDescription', 'See docs/how-to/respond-to-alarms.md#nowhere'),
        /no heading "nowhere"/,
      ],
      ['an alarm has no description', setInput(alarm, 'OldestUnsent', 'alarmDescription', ''), /no heading/],
    ],
  },
  'has an alarm for every required condition': {
    check: checkRequiredAlarms,
    faults: [['an alarm is missing', removeResource(alarm, 'BreakerOpened'), /missing alarm: breaker-opened/]],
  },
  'has an alarm on throttled writes of every table and index': {
    check: checkIndexAlarms,
    faults: [
      [
        'an alarm is missing',
        removeResource(alarm, 'TablesThrottled'),
        /throttled writes of \S+ConversationsTable\S* byActivity/,
      ],
    ],
  },
  'has a throttle alarm for every function, except those throttled by design': {
    check: checkThrottleAlarms,
    faults: [
      ['an alarm is missing', removeResource(alarm, 'SendThrottled'), /throttles of send: no alarm/],
      [
        'an alarm includes reconcile',
        (app) =>
          setInput(
            alarm,
            'RequestsDelayed',
            'metricName',
            'Throttles',
          )(setInput(alarm, 'RequestsDelayed', 'dimensions.FunctionName', resourceName(app, 'reconcile'))(app)),
        /throttles of reconcile: an alarm/,
      ],
    ],
  },
  'reads as many metrics in alarms as docs/explanation/cost.md prices': {
    check: checkAlarmCost,
    faults: [['an alarm is missing', removeResource(alarm, 'BreakerOpened'), /the alarms read \d+ metrics/]],
  },
  'shows every metric on the dashboard': {
    check: checkDashboard,
    faults: [
      [
        'a graph has an unknown metric',
        setInput(
          'aws:cloudwatch/dashboard:Dashboard',
          'Dashboard',
          'dashboardBody',
          JSON.stringify({
            widgets: [{ type: 'metric', properties: { metrics: [['livechat', 'Nothing', 'service', 'x']] } }],
          }),
        ),
        /dashboard: no code emits Nothing/,
      ],
      [
        'a metric has no graph',
        setInput('aws:cloudwatch/dashboard:Dashboard', 'Dashboard', 'dashboardBody', JSON.stringify({ widgets: [] })),
        /dashboard: MediaStored has no graph/,
      ],
      ['there is no dashboard', removeResource('aws:cloudwatch/dashboard:Dashboard'), /expected one dashboard/],
    ],
  },
};
