import { deadLetterCategories } from '../core/outbound/dead-letters/category.ts';
import type { MetricName } from '../core/platform/metrics.ts';
import { deadLetters, quarantine } from './bus.ts';
import { apiMetric, appMetric, functionMetric, type Metric, machineMetric, queueMetric } from './metrics.ts';
import { region, service } from './settings.ts';
import { functions } from './topology.ts';

export interface Graph {
  readonly title: string;
  readonly metrics: readonly (Metric & { readonly label?: string })[];
  readonly statistic?: 'Sum' | 'Maximum' | 'p50' | 'p99';
}

export interface Column {
  readonly title: string;
  readonly text: string;
  readonly graphs: readonly Graph[];
}

const each = (name: MetricName, dimension: string, values: readonly string[]) =>
  values.map((value) => ({ ...appMetric(name, { [dimension]: value }), label: value }));

const inbound = Object.keys(functions).filter((name) => !['webhook', 'send', 'dead-letter'].includes(name));

/** The stages of a message, from left to right. */
export const columns: readonly Column[] = [
  {
    title: 'LiveChat calls',
    text: 'Verified, translated, published. LiveChat retries any answer but 200 three times.',
    graphs: [
      { title: 'Calls and errors', metrics: [apiMetric('Count'), apiMetric('4xx'), apiMetric('5xx')] },
      { title: 'Time to answer, p99 (ms)', metrics: [apiMetric('Latency')], statistic: 'p99' },
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
        metrics: inbound.map((name) => ({ ...functionMetric('Errors', name), label: name })),
      },
      { title: 'Media files', metrics: [appMetric('MediaStored'), appMetric('MediaFailed')] },
      {
        title: 'Chats routed',
        metrics: [appMetric('ChatsRouted'), ...each('ChatsRouted', 'outcome', ['assigned'])],
      },
      { title: 'Throttled', metrics: inbound.map((name) => ({ ...functionMetric('Throttles', name), label: name })) },
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
        metrics: [...each('GateClosed', 'reason', ['paused', 'failures', 'credentials']), appMetric('BreakerOpened')],
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
      { title: 'Dead letters', metrics: each('DeadLetters', 'category', deadLetterCategories) },
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

function graphOf({ title, metrics: shown, statistic = 'Sum' }: Graph) {
  const rows = shown.map(({ namespace, name, dimensions, label }) => [
    namespace,
    name,
    ...Object.entries(dimensions).flat(),
    { label: label ?? name },
  ]);
  return { title, region, view: 'timeSeries', stat: statistic, period: 60, metrics: rows };
}

export function createDashboard(): void {
  const widgets = columns.flatMap(({ title, text, graphs }, column) => [
    {
      type: 'text',
      x: column * width,
      y: 0,
      width,
      height: height.text,
      properties: { markdown: `## ${title}\n${text}` },
    },
    ...graphs.map((graph, row) => ({
      type: 'metric',
      x: column * width,
      y: height.text + row * height.graph,
      width,
      height: height.graph,
      properties: graphOf(graph),
    })),
  ]);
  new aws.cloudwatch.Dashboard('Dashboard', {
    dashboardName: service,
    dashboardBody: $jsonStringify({ widgets }),
  });
}
