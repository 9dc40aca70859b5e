import { deadLetterCategories } from '../core/outbound/errors.ts';
import { type MetricName, namespace } from '../core/platform/metrics.ts';
import { denyPlainHttp, keyArn } from './encryption.ts';
import { api } from './inbound.ts';
import { machine } from './outbound.ts';
import { bus, createRule, deadLetters, quarantine, ruleArn } from './resources.ts';
import { alertEmail, arn, policyJson, region, resourceName, service } from './settings.ts';
import { alertRule, outboundPath, type RuleSpec, subscribers } from './topology.ts';

/**
 * Receives every alarm and alert. Notifications contain ids but no content. AWS's own key for SNS does not let alarms and rules
 * publish, so SNS encrypts the topic only with a customer managed key.
 */
export const topic = new sst.aws.SnsTopic('Alerts', { transform: { topic: { kmsMasterKeyId: keyArn } } });

const allow = (service: string, operator: 'ArnEquals' | 'ArnLike', sourceArn: $util.Input<string>) => ({
  Principal: { Service: `${service}.amazonaws.com` },
  Action: 'sns:Publish',
  Resource: topic.arn,
  Condition: { [operator]: { 'aws:SourceArn': sourceArn } },
});

new aws.sns.TopicPolicy('AlertsPolicy', {
  arn: topic.arn,
  policy: policyJson(
    allow('cloudwatch', 'ArnLike', arn('cloudwatch', `alarm:${resourceName('*')}`)),
    allow('events', 'ArnEquals', ruleArn(alertRule.name)),
    denyPlainHttp('sns:Publish', topic.arn),
  ),
});

if (alertEmail) {
  new aws.sns.TopicSubscription('AlertsByMail', { topic: topic.arn, protocol: 'email', endpoint: alertEmail });
}

createRule({ ...alertRule, target: topic.arn });

/** A CloudWatch metric of an alarm or a graph. */
export interface Metric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, $util.Input<string>>>;
}

const awsMetric = (service: string, name: string, dimensions: Metric['dimensions']): Metric => ({
  namespace: `AWS/${service}`,
  name,
  dimensions,
});

// The names of AWS metrics are plain text: a test compares them with those that the services document.

export const apiMetric = (name: string) => awsMetric('ApiGateway', name, { ApiId: api.nodes.api.id });

export const functionMetric = (name: string, fn: string) =>
  awsMetric('Lambda', name, { FunctionName: resourceName(fn) });

export const machineMetric = (name: string) => awsMetric('States', name, { StateMachineArn: machine.arn });

export const queueMetric = (name: string, queue: sst.aws.Queue) =>
  awsMetric('SQS', name, { QueueName: queue.nodes.queue.name });

/** Metrics of a table exclude its GSIs, whose metrics have the dimension `GlobalSecondaryIndexName`. */
export const tableMetric = (name: string, table: sst.aws.Dynamo, index?: string) =>
  awsMetric('DynamoDB', name, { TableName: table.name, ...(index && { GlobalSecondaryIndexName: index }) });

export const ruleMetric = (name: string, rule: string, on?: RuleSpec['bus']) =>
  awsMetric('Events', name, { ...(on !== 'default' && { EventBusName: bus.name }), RuleName: resourceName(rule) });

/** A metric of the bridge: the total, or one value of its dimension. */
export const appMetric = (name: MetricName, dimensions: Readonly<Record<string, string>> = {}): Metric => ({
  namespace,
  name,
  dimensions: { service, ...dimensions },
});

interface Graph {
  readonly title: string;
  readonly metrics: readonly (Metric & { readonly label?: string })[];
  readonly statistic?: 'Sum' | 'Maximum' | 'p50' | 'p99';
}

interface Column {
  readonly title: string;
  readonly text: string;
  readonly graphs: readonly Graph[];
}

const totals = (...names: MetricName[]) => names.map((name) => appMetric(name));

/** One line for each value of the dimension. */
const byDimension = (name: MetricName, dimension: string, values: readonly string[]) =>
  values.map((value) => ({ ...appMetric(name, { [dimension]: value }), label: value }));

/** The functions of the send path with reserved concurrency. */
export const sendFunctions: readonly string[] = ['send-requested', 'wait-for-turn', 'send'];
const storingFunctions = subscribers.filter((name) => !outboundPath.has(name));

/** One line for each function. */
const byFunction = (metric: string, names: readonly string[]) =>
  names.map((name) => ({ ...functionMetric(metric, name), label: name }));

const deferralReasons = ['turn', 'rate', 'limited', 'blocked', 'failing', 'unknown', 'claimed', 'time'];

const visible = 'ApproximateNumberOfMessagesVisible';

/** The stages of a message, from left to right. */
const columns: readonly Column[] = [
  {
    title: 'LiveChat calls',
    text: 'Verified, translated, published. LiveChat retries three times without a 200 response.',
    graphs: [
      { title: 'Calls and errors', metrics: ['Count', '4xx', '5xx'].map(apiMetric) },
      { title: 'Latency, p99 (ms)', metrics: [apiMetric('Latency')], statistic: 'p99' },
      {
        title: 'Webhooks',
        metrics: totals('WebhooksReceived', 'WebhooksIgnored', 'WebhooksRejected', 'WebhookErrorResponses'),
      },
      { title: 'Webhook lag, p50 (ms)', metrics: totals('WebhookLag'), statistic: 'p50' },
      { title: 'Missing event numbers', metrics: totals('EventNumberGaps') },
      { title: 'Recovered events and threads', metrics: totals('ReconciledEvents', 'ReconciliationDifferences') },
      { title: 'Age of the watermark (s)', metrics: totals('ReconciliationAgeSeconds'), statistic: 'Maximum' },
    ],
  },
  {
    title: 'Stored',
    text: 'One function per event type. Lambda retries twice, then the event is a dead letter.',
    graphs: [
      { title: 'Invocations', metrics: byFunction('Invocations', storingFunctions) },
      { title: 'Events', metrics: totals('DuplicateEvents', 'EventsFailed') },
      { title: 'Function errors', metrics: byFunction('Errors', storingFunctions) },
      { title: 'Media files', metrics: totals('MediaStored', 'MediaFailed') },
      {
        title: 'Chats routed',
        metrics: [appMetric('ChatsRouted'), ...byDimension('ChatsRouted', 'outcome', ['assigned'])],
      },
      { title: 'Throttled', metrics: byFunction('Throttles', storingFunctions) },
    ],
  },
  {
    title: 'Sent',
    text: 'One execution per request. It waits for its turn and its slot in the state machine.',
    graphs: [
      {
        title: 'Age of send requests at acceptance (ms)',
        metrics: [functionMetric('AsyncEventAge', 'send-requested')],
        statistic: 'Maximum',
      },
      {
        title: 'Executions',
        metrics: ['ExecutionsStarted', 'ExecutionsSucceeded', 'ExecutionsFailed'].map(machineMetric),
      },
      { title: 'Messages', metrics: totals('MessagesSent', 'SendsRetried', 'SendsDeferred', 'SendsFailed') },
      { title: 'Oldest unsent request (s)', metrics: totals('OldestUnsentSeconds'), statistic: 'Maximum' },
      { title: 'Waits', metrics: byDimension('SendsDeferred', 'reason', deferralReasons) },
      { title: 'Message groups', metrics: totals('TurnsTimedOut', 'GroupsUnblocked') },
      {
        title: 'Rate limiter and circuit breaker',
        metrics: [
          ...totals('CallsRateLimited', 'SlotsMissed'),
          ...byDimension('BreakerOpened', 'reason', ['failures', 'credentials']),
        ],
      },
      { title: 'LiveChat API calls (billed)', metrics: totals('LiveChatCalls', 'LiveChatDeprecationNotices') },
      {
        title: 'Concurrent executions',
        metrics: byFunction('ConcurrentExecutions', sendFunctions),
        statistic: 'Maximum',
      },
      { title: 'Throttled', metrics: byFunction('Throttles', sendFunctions) },
    ],
  },
  {
    title: 'Dead letters',
    text: 'Recorded by category, redriven by `livechat dead-letters redrive`.',
    graphs: [
      { title: 'Dead letters', metrics: byDimension('DeadLetters', 'category', deadLetterCategories) },
      {
        title: 'Messages in the queues',
        metrics: [
          { ...queueMetric(visible, deadLetters), label: 'to be recorded' },
          { ...queueMetric(visible, quarantine), label: 'quarantined' },
        ],
        statistic: 'Maximum',
      },
    ],
  },
];

const width = 6;
const height = { text: 2, graph: 6 };

function graphProperties({ title, metrics, statistic = 'Sum' }: Graph) {
  const rows = metrics.map(({ namespace, name, dimensions, label = name }) => [
    namespace,
    name,
    ...Object.entries(dimensions).flat(),
    { label },
  ]);
  return { title, region, view: 'timeSeries', stat: statistic, period: 60, metrics: rows };
}

const widgets = columns.flatMap(({ title, text, graphs }, column) => {
  const x = column * width;
  return [
    { type: 'text', x, y: 0, width, height: height.text, properties: { markdown: `## ${title}\n${text}` } },
    ...graphs.map((graph, row) => ({
      type: 'metric',
      x,
      y: height.text + row * height.graph,
      width,
      height: height.graph,
      properties: graphProperties(graph),
    })),
  ];
});

new aws.cloudwatch.Dashboard('Dashboard', { dashboardName: service, dashboardBody: $jsonStringify({ widgets }) });
