import { deadLetterCategories } from '../core/outbound/dead-letters/category.ts';
import { type MetricName, namespace } from '../core/platform/metrics.ts';
import { bus, createRule, deadLetters, quarantine, ruleArn } from './bus.ts';
import { api } from './inbound.ts';
import { machine } from './outbound.ts';
import { alertEmail, arn, region, resourceName, service } from './settings.ts';
import { alertRule, functions, type RuleSpec } from './topology.ts';

/** Receives every alarm and alert. Notifications contain ids but no content, so the topic needs no encryption key. */
export const topic = new sst.aws.SnsTopic('Alerts');

const allow = (service: string, operator: 'ArnEquals' | 'ArnLike', sourceArn: $util.Input<string>) => ({
  Effect: 'Allow',
  Principal: { Service: `${service}.amazonaws.com` },
  Action: 'sns:Publish',
  Resource: topic.arn,
  Condition: { [operator]: { 'aws:SourceArn': sourceArn } },
});

new aws.sns.TopicPolicy('AlertsPolicy', {
  arn: topic.arn,
  policy: $jsonStringify({
    Version: '2012-10-17',
    Statement: [
      allow('cloudwatch', 'ArnLike', arn('cloudwatch', `alarm:${resourceName('*')}`)),
      allow('events', 'ArnEquals', ruleArn(alertRule.name)),
    ],
  }),
});

if (alertEmail) {
  new aws.sns.TopicSubscription('AlertsByMail', { topic: topic.arn, protocol: 'email', endpoint: alertEmail });
}

createRule({ ...alertRule, target: { arn: topic.arn } });

/** A CloudWatch metric of an alarm or a graph. */
export interface Metric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, $util.Input<string>>>;
}

/** A metric of the bridge: the total, or one value of its dimension. */
export function appMetric(name: MetricName, dimensions: Readonly<Record<string, string>> = {}): Metric {
  return { namespace, name, dimensions: { service, ...dimensions } };
}

export function apiMetric(name: '4xx' | '5xx' | 'Count' | 'Latency'): Metric {
  return { namespace: 'AWS/ApiGateway', name, dimensions: { ApiId: api.nodes.api.id } };
}

export function functionMetric(
  name: 'Errors' | 'Throttles' | 'ConcurrentExecutions' | 'DestinationDeliveryFailures',
  fn: string,
): Metric {
  return { namespace: 'AWS/Lambda', name, dimensions: { FunctionName: resourceName(fn) } };
}

export function machineMetric(
  name: 'ExecutionsStarted' | 'ExecutionsSucceeded' | 'ExecutionsFailed' | 'ExecutionsTimedOut' | 'ExecutionsAborted',
): Metric {
  return { namespace: 'AWS/States', name, dimensions: { StateMachineArn: machine.arn } };
}

export function queueMetric(
  name: 'ApproximateNumberOfMessagesVisible' | 'ApproximateAgeOfOldestMessage',
  queue: sst.aws.Queue,
): Metric {
  return { namespace: 'AWS/SQS', name, dimensions: { QueueName: queue.nodes.queue.name } };
}

export function tableMetric(name: 'ReadThrottleEvents' | 'WriteThrottleEvents', table: sst.aws.Dynamo): Metric {
  return { namespace: 'AWS/DynamoDB', name, dimensions: { TableName: table.name } };
}

export function ruleMetric(name: 'InvocationsFailedToBeSentToDlq', rule: string, busName?: RuleSpec['bus']): Metric {
  const RuleName = resourceName(rule);
  return {
    namespace: 'AWS/Events',
    name,
    dimensions: busName === 'default' ? { RuleName } : { EventBusName: bus.name, RuleName },
  };
}

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

const metricPerValue = (name: MetricName, dimension: string, values: readonly string[]) =>
  values.map((value) => ({ ...appMetric(name, { [dimension]: value }), label: value }));

const subscribers = Object.keys(functions).filter((name) => !['webhook', 'send', 'dead-letter'].includes(name));

/** The stages of a message, from left to right. */
const columns: readonly Column[] = [
  {
    title: 'LiveChat calls',
    text: 'Verified, translated, published. LiveChat retries three times without a 200 response.',
    graphs: [
      { title: 'Calls and errors', metrics: [apiMetric('Count'), apiMetric('4xx'), apiMetric('5xx')] },
      { title: 'Latency, p99 (ms)', metrics: [apiMetric('Latency')], statistic: 'p99' },
      {
        title: 'Webhooks',
        metrics: [
          appMetric('WebhooksReceived'),
          appMetric('WebhooksIgnored'),
          appMetric('WebhooksRejected'),
          appMetric('WebhookErrorResponses'),
        ],
      },
      { title: 'Webhook lag, p50 (ms)', metrics: [appMetric('WebhookLag')], statistic: 'p50' },
      { title: 'Missing event numbers', metrics: [appMetric('EventNumberGaps')] },
    ],
  },
  {
    title: 'Stored',
    text: 'One function per event type. Lambda retries twice, then the event is a dead letter.',
    graphs: [
      {
        title: 'Events',
        metrics: [appMetric('EventsHandled'), appMetric('DuplicateEvents'), appMetric('EventsFailed')],
      },
      {
        title: 'Function errors',
        metrics: subscribers.map((name) => ({ ...functionMetric('Errors', name), label: name })),
      },
      { title: 'Media files', metrics: [appMetric('MediaStored'), appMetric('MediaFailed')] },
      {
        title: 'Chats routed',
        metrics: [appMetric('ChatsRouted'), ...metricPerValue('ChatsRouted', 'outcome', ['assigned'])],
      },
      {
        title: 'Throttled',
        metrics: subscribers.map((name) => ({ ...functionMetric('Throttles', name), label: name })),
      },
    ],
  },
  {
    title: 'Sent',
    text: 'One execution per request. Deferred executions wait in the state machine.',
    graphs: [
      {
        title: 'Executions',
        metrics: [
          machineMetric('ExecutionsStarted'),
          machineMetric('ExecutionsSucceeded'),
          machineMetric('ExecutionsFailed'),
        ],
      },
      {
        title: 'Messages',
        metrics: [
          appMetric('MessagesSent'),
          appMetric('SendsRetried'),
          appMetric('SendsDeferred'),
          appMetric('SendsFailed'),
        ],
      },
      {
        title: 'Waiting (s)',
        metrics: [appMetric('BacklogSeconds'), appMetric('OldestUnsentSeconds')],
        statistic: 'Maximum',
      },
      {
        title: 'Gate',
        metrics: [
          ...metricPerValue('GateClosed', 'reason', ['paused', 'failures', 'credentials']),
          appMetric('BreakerOpened'),
        ],
      },
      {
        title: 'LiveChat API calls (billed)',
        metrics: [appMetric('LiveChatCalls'), appMetric('LiveChatDeprecationNotices')],
      },
      {
        title: 'Concurrent send functions',
        metrics: [functionMetric('ConcurrentExecutions', 'send')],
        statistic: 'Maximum',
      },
    ],
  },
  {
    title: 'Dead letters',
    text: 'Recorded by category, redriven by `livechat dead-letters redrive`.',
    graphs: [
      { title: 'Dead letters', metrics: metricPerValue('DeadLetters', 'category', deadLetterCategories) },
      {
        title: 'Messages in the queues',
        metrics: [
          { ...queueMetric('ApproximateNumberOfMessagesVisible', deadLetters), label: 'to be recorded' },
          { ...queueMetric('ApproximateNumberOfMessagesVisible', quarantine), label: 'quarantined' },
        ],
        statistic: 'Maximum',
      },
      { title: 'Executions removed from queues', metrics: [appMetric('QueuesUnblocked')] },
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
