import { channels } from '../core/channels.ts';
import { deadLetterCategories } from '../core/outbound/errors.ts';
import { api } from './inbound.ts';
import {
  apiMetric,
  appMetric,
  functionMetric,
  type Metric,
  machineMetric,
  queueMetric,
  ruleMetric,
  sendFunctions,
  tableMetric,
  topic,
} from './monitoring.ts';
import { control, conversations, deadLetters, messages, quarantine } from './resources.ts';
import { componentName, quietMinutes, resourceName, scheduleMinutes, service } from './settings.ts';
import { alertRule, functions, rules, subscribers, type TableSpec, tables } from './topology.ts';

interface AlarmSpec {
  /** The problem and the first step to resolve it. */
  readonly description: string;
  /** Several metrics are summed. */
  readonly metrics: readonly Metric[];
  readonly statistic?: 'Sum' | 'Maximum' | 'p99';
  /** Threshold: above this value (default 0), or below `below`; with `below`, missing data is breaching. */
  readonly above?: number;
  readonly below?: number;
  /** Missing data is breaching with `above` too. */
  readonly treatMissingDataAsBreaching?: boolean;
  /** Seconds; default 300. */
  readonly period?: number;
  /** Datapoints to alarm, of evaluation periods; default 1 of 1. */
  readonly periods?: readonly [over: number, of: number];
}

/** CloudWatch’s limit of metrics per alarm. */
const maxMetrics = 10;

/** Creates an alarm that notifies the topic on ALARM and OK. More than 10 metrics are split over several alarms. */
function createAlarm(name: string, spec: AlarmSpec): void {
  const { description, above = 0, below, periods: [over, of] = [1, 1] } = spec;
  const { treatMissingDataAsBreaching = below !== undefined } = spec;
  for (let from = 0; from < spec.metrics.length; from += maxMetrics) {
    const suffixed = from === 0 ? name : `${name}-${from / maxMetrics + 1}`;
    new aws.cloudwatch.MetricAlarm(componentName(suffixed), {
      name: resourceName(suffixed),
      alarmDescription: `${description} See docs/how-to/respond-to-alarms.md#${name}`,
      comparisonOperator: below === undefined ? 'GreaterThanThreshold' : 'LessThanThreshold',
      threshold: below ?? above,
      evaluationPeriods: of,
      datapointsToAlarm: over,
      treatMissingData: treatMissingDataAsBreaching ? 'breaching' : 'notBreaching',
      alarmActions: [topic.arn],
      okActions: [topic.arn],
      ...metricArguments({ ...spec, metrics: spec.metrics.slice(from, from + maxMetrics) }),
    });
  }
}

function metricArguments({
  metrics,
  statistic = 'Sum',
  period = 300,
}: AlarmSpec): Partial<aws.cloudwatch.MetricAlarmArgs> {
  const [first, ...others] = metrics;
  if (first && others.length === 0) {
    const kind = statistic === 'p99' ? { extendedStatistic: statistic } : { statistic };
    return { namespace: first.namespace, metricName: first.name, dimensions: { ...first.dimensions }, period, ...kind };
  }
  const queries = metrics.map(({ namespace, name: metricName, dimensions }, index) => ({
    id: `m${index}`,
    metric: { namespace, metricName, dimensions: { ...dimensions }, period, stat: statistic },
  }));
  return { metricQueries: [{ id: 'sum', expression: 'SUM(METRICS())', label: 'Sum', returnData: true }, ...queries] };
}

/** A throttled GSI also throttles writes to its table (back pressure). */
function throttledRequests(name: keyof typeof tables, table: sst.aws.Dynamo): Metric[] {
  const { indexes }: TableSpec = tables[name];
  return [
    tableMetric('ReadThrottleEvents', table),
    tableMetric('WriteThrottleEvents', table),
    ...indexes.map((index) => tableMetric('WriteThrottleEvents', table, index.name)),
  ];
}

/** API Gateway has no metric for throttled requests, so a filter counts them in the access log. */
const throttled: Metric = { namespace: `${service}/api`, name: 'Throttled', dimensions: {} };

new aws.cloudwatch.LogMetricFilter('Throttled', {
  logGroupName: api.nodes.logGroup.name,
  pattern: '{ $.status = 429 }',
  metricTransformation: { namespace: throttled.namespace, name: throttled.name, value: '1' },
});

const channel = Object.values(channels)
  .map(({ name }) => name)
  .join(' or ');

/** The cause of dead letters of a category, and what to do before a redrive. */
const remedies: Readonly<Record<string, string>> = {
  Authentication: `${channel} rejects the credentials. Update the secret: the circuit breaker closes when they work. Then redrive.`,
  Client: `${channel} rejected the request, and a retry would fail too. Read the error and correct the sending service.`,
  Network: `${channel} could not be reached. They are redriven once automatically; redrive the rest when it answers.`,
  RateLimit: `${channel} throttles our calls. Lower the rate, then redrive.`,
  Repairable: `A chat could not be resumed or joined. Check the chat in ${channel}, then redrive.`,
  Server: `${channel} answered with server errors. They are redriven once automatically; redrive the rest when it recovers.`,
  Configuration: 'A setting is missing or malformed: the error names it. Set it, then redrive.',
  Invalid: 'The request, or a file that it names, is invalid. Correct the sending service.',
  Expired:
    'Requests expired before they were sent. They are redriven once automatically; check the rate limit and the circuit breaker.',
  Stopped: 'Executions were aborted or timed out. Find the cause, then redrive.',
  Event:
    'Functions could not handle events, so the tables lack data. Fix the cause, then redrive: handlers are idempotent.',
  Unreadable: 'Messages in the queue have an unknown shape. Inspect them by hand.',
  Internal: 'Something in this app or in AWS failed. Read the error and the log of the send function, then redrive.',
};

const reconciliationMinutes = scheduleMinutes('reconciliation');

/** The age of the watermark is at most one interval and the duration of a run, unless a run fails. */
const lateMinutes = Math.max(120, 4 * reconciliationMinutes);

/** By name, which is also the heading in docs/how-to/respond-to-alarms.md. */
const alarms: Readonly<Record<string, AlarmSpec>> = {
  // LiveChat retries a webhook without a 200 response three times within a minute, then drops it.
  'webhook-errors': {
    description: `Webhooks fail with 5xx. ${channel} stops retrying after about a minute: check the log of the webhook function and the bus.`,
    metrics: [apiMetric('5xx')],
    period: 60,
    periods: [2, 5],
  },
  'webhook-unauthorized': {
    description: `Webhooks are rejected with 401. A third party calls, or ${channel}’s secret differs from Secrets Manager’s and webhooks are lost: compare the two.`,
    metrics: [appMetric('WebhookErrorResponses', { status: '401' })],
    above: 4,
  },
  'webhook-throttled': {
    description:
      'Webhooks are throttled before they reach the function. Raise the limit of the route, or the concurrency quota of the account.',
    metrics: [throttled, functionMetric('Throttles', 'webhook')],
  },
  'webhook-slow': {
    description: `The p99 latency of webhooks is above 5 s; ${channel} times out after 10 s. Check the traces for Secrets Manager and the bus.`,
    metrics: [apiMetric('Latency')],
    statistic: 'p99',
    above: 5_000,
    period: 60,
    periods: [3, 5],
  },
  ...(quietMinutes > 0 && {
    'webhook-quiet': {
      description: `${channel} has not called for ${quietMinutes} minutes. There is no traffic, the registration is missing, or the webhook is unreachable: check the registrations and post a ping.`,
      metrics: [appMetric('WebhooksReceived')],
      below: 1,
      period: 60 * quietMinutes,
    },
  }),
  'webhooks-rejected': {
    description: `Verified webhooks fail schema validation; ${channel} may have changed its payloads. Each is published as webhook.rejected with the failing fields. Extend the schema, deploy, then restore the missing data.`,
    metrics: [appMetric('WebhooksRejected')],
  },
  'event-gaps': {
    description:
      'Event numbers are missing in closed threads: webhooks were lost. Reconciliation restores them; if the schedule is off, run livechat backfill. The metric’s log lines name the chats.',
    metrics: [appMetric('EventNumberGaps')],
  },
  'webhooks-lost': {
    description:
      'Reconciliation published events whose webhooks were lost. The data is restored; find out why: livechat doctor, and the webhook alarms of that time.',
    metrics: [appMetric('ReconciledEvents')],
  },
  // The schedule measures the age each time, so data is missing if it does not run.
  ...(reconciliationMinutes > 0 && {
    'reconciliation-late': {
      description: `No reconciliation run has completed for ${lateMinutes} minutes: runs fail, or the schedule does not run. Check the log of the function reconcile, then that of schedule-reconciliation.`,
      metrics: [appMetric('ReconciliationAgeSeconds')],
      statistic: 'Maximum',
      above: 60 * lateMinutes,
      treatMissingDataAsBreaching: true,
      period: 120 * reconciliationMinutes,
    },
  }),
  'api-notices': {
    description:
      'LiveChat deprecates the API version in use. Set LIVECHAT_API_VERSION to a newer one and register the webhooks again.',
    metrics: [appMetric('LiveChatDeprecationNotices')],
    period: 3_600,
  },

  'executions-failed': {
    description:
      'Send requests failed. Each has a dead letter with its error; the execution history shows the attempts.',
    metrics: [machineMetric('ExecutionsFailed')],
  },
  'executions-stopped': {
    description:
      'Executions of the send state machine were aborted or timed out after two days. Each has a dead letter; find what stopped them.',
    metrics: [machineMetric('ExecutionsTimedOut'), machineMetric('ExecutionsAborted')],
  },
  'oldest-unsent': {
    description:
      'A send request has waited for more than a minute; by default it expires after 15. An organization is paused, its circuit breaker is open, or it receives more than its rate limit allows: see livechat limits show.',
    metrics: [appMetric('OldestUnsentSeconds')],
    statistic: 'Maximum',
    above: 60,
  },
  'breaker-opened': {
    description: `A circuit breaker opened after failed calls or rejected credentials: nothing is sent for that organization until a probe call succeeds. Check ${channel}’s status, or correct the credentials.`,
    metrics: [appMetric('BreakerOpened')],
  },
  'calls-rate-limited': {
    description: `${channel} answered more than ten calls with 429. The rate limiter has slowed down; lower the rate, or find what else calls ${channel} with this account.`,
    metrics: [appMetric('CallsRateLimited')],
    above: 10,
  },
  'slots-missed': {
    description:
      'More than 100 reserved slots in five minutes were not used, because the send function was late. DynamoDB or the function is slow: fewer messages are sent than the rate allows.',
    metrics: [appMetric('SlotsMissed')],
    above: 100,
    periods: [3, 3],
  },
  'turns-timed-out': {
    description:
      'Requests waited five minutes for their turn in a conversation without being woken. The request before them waits or is stuck: check it, then the breaker and GroupsUnblocked.',
    metrics: [appMetric('TurnsTimedOut')],
  },
  'groups-unblocked': {
    description:
      'Executions ended without leaving their message group, so requests behind them waited up to a minute. Check what ended them: a stopped execution, or errors of the dead-letter function.',
    metrics: [appMetric('GroupsUnblocked')],
  },
  'send-throttled': {
    description:
      'Functions of the send path are throttled, so messages are sent late. Raise SEND_CONCURRENCY, or the concurrency quota of the account.',
    metrics: sendFunctions.map((name) => functionMetric('Throttles', name)),
    period: 60,
    periods: [3, 5],
  },
  'requests-delayed': {
    description:
      'Send requests wait for more than a minute before they are accepted. The function send-requested is throttled or fails: check its log and its throttles.',
    metrics: [functionMetric('AsyncEventAge', 'send-requested')],
    statistic: 'Maximum',
    above: 60_000,
  },

  ...Object.fromEntries(
    deadLetterCategories.map((category) => [
      `dead-letters-${category.toLowerCase()}`,
      {
        description: `Dead letters (${category}). ${remedies[category] ?? 'Read the error, then redrive.'}`,
        metrics: [appMetric('DeadLetters', { category })],
      },
    ]),
  ),
  'dead-letters-waiting': {
    description: 'Dead letters wait in the queue for more than 40 minutes. Check the log of the dead-letter function.',
    metrics: [queueMetric('ApproximateAgeOfOldestMessage', deadLetters)],
    statistic: 'Maximum',
    above: 2_400,
  },
  'dead-letters-quarantined': {
    description:
      'Dead letters failed five times to be recorded and stay in the quarantine queue for 14 days. Fix the dead-letter function, then start a redrive of the queue to its source.',
    metrics: [queueMetric('ApproximateNumberOfMessagesVisible', quarantine)],
    statistic: 'Maximum',
  },
  'events-lost': {
    description:
      'An event could not be delivered to the dead-letter queue. It exists only in the archive of the bus. Check the queue policy and the roles, then replay.',
    metrics: [
      ...Object.entries(rules).map(([name, { bus }]) => ruleMetric('InvocationsFailedToBeSentToDlq', name, bus)),
      ruleMetric('InvocationsFailedToBeSentToDlq', alertRule.name),
      ...subscribers.map((name) => functionMetric('DestinationDeliveryFailures', name)),
    ],
  },
  'functions-throttled': {
    description: 'Functions are throttled, so events are handled late. Raise the concurrency quota of the account.',
    // Lambda throttles `reconcile` whenever more than ten organizations are due; reconciliation-late reports late runs.
    metrics: Object.keys(functions)
      .filter((name) => name !== 'reconcile' && !sendFunctions.includes(name))
      .map((name) => functionMetric('Throttles', name)),
    periods: [3, 3],
  },
  'tables-throttled': {
    description:
      'DynamoDB throttles requests: a hot partition, or a throughput quota of the table or the account. Find the table or index, and the partition key with the most requests.',
    metrics: [
      ...throttledRequests('conversations', conversations),
      ...throttledRequests('messages', messages),
      ...throttledRequests('control', control),
    ],
    periods: [2, 3],
  },
};

// Breakpoints would trigger most of them.
if (!$dev) for (const [name, spec] of Object.entries(alarms)) createAlarm(name, spec);
