import { Metrics } from '@aws-lambda-powertools/metrics';

/**
 * Every business metric, defined once for the code that emits it, the alarms, the dashboard and
 * docs/reference/metrics-and-alarms.md. CloudWatch does not aggregate over dimensions, so each metric is emitted with the
 * dimension `service` alone, and again with `service` and its own dimensions. `service` is `POWERTOOLS_SERVICE_NAME`, one
 * per stage.
 */

export const namespace = 'livechat';

export interface MetricSpec {
  readonly unit: 'Count' | 'Milliseconds' | 'Seconds';
  /** In addition to `service`. Each value is a billed metric, so values come from a small closed set. */
  readonly dimensions: readonly string[];
  /** Properties of the log line, searchable in CloudWatch Logs Insights. They create no metrics. */
  readonly properties: readonly string[];
  readonly description: string;
}

export const metrics = {
  WebhooksReceived: {
    unit: 'Count',
    dimensions: ['action'],
    properties: [],
    description: 'Authentic webhook calls, whatever their outcome. An unknown action is counted as `other`.',
  },
  WebhookErrorResponses: {
    unit: 'Count',
    dimensions: ['status'],
    properties: [],
    description: 'Webhook calls answered with a status other than 200.',
  },
  WebhooksRejected: {
    unit: 'Count',
    dimensions: ['reason'],
    properties: ['action'],
    description:
      'Authentic but schema-invalid webhooks. `envelope`: no organization or action; `payload`: the fields of the action; `event`: one event of an incoming_chat.',
  },
  WebhooksIgnored: {
    unit: 'Count',
    dimensions: ['action'],
    properties: [],
    description: 'Webhooks without a domain event. `application`: installed, uninstalled, payment.',
  },
  WebhookLag: {
    unit: 'Milliseconds',
    dimensions: [],
    properties: ['organizationId'],
    description: 'Time from the created_at of an event to the receipt of its incoming_event webhook.',
  },
  EventsHandled: {
    unit: 'Count',
    dimensions: ['type'],
    properties: [],
    description: 'Domain events handled by a function, by detail-type.',
  },
  EventsFailed: {
    unit: 'Count',
    dimensions: ['type'],
    properties: [],
    description: 'Failed attempts of a function to handle a domain event. Lambda makes up to three.',
  },
  DuplicateEvents: {
    unit: 'Count',
    dimensions: ['type'],
    properties: [],
    description:
      'Domain events that had already been handled. They change nothing but the time of receipt, if theirs is earlier.',
  },
  EventNumberGaps: {
    unit: 'Count',
    dimensions: [],
    properties: ['organizationId', 'conversationId', 'threadId'],
    description: 'Numbers missing among the event ids <thread>_<n> of a closed thread. Each may be a lost webhook.',
  },
  MessagesSent: {
    unit: 'Count',
    dimensions: [],
    properties: ['organizationId'],
    description: 'Parts of send requests that LiveChat accepted and for which message.sent was published.',
  },
  SendsRetried: {
    unit: 'Count',
    dimensions: ['category'],
    properties: ['organizationId'],
    description: 'Failed invocations of the send step that the state machine retries within seconds.',
  },
  SendsDeferred: {
    unit: 'Count',
    dimensions: ['reason'],
    properties: ['organizationId'],
    description:
      'Waits of a send request in the state machine: `turn` for its turn in the conversation, `rate` and `limited` for the rate limit, `blocked` for a pause or the circuit breaker, `failing`, `unknown`, `claimed` and `time` between attempts.',
  },
  SendsFailed: {
    unit: 'Count',
    dimensions: ['category'],
    properties: ['organizationId'],
    description:
      'Send requests that failed for good: message.failed was published, and the dead letter can be redriven.',
  },
  DeadLetters: {
    unit: 'Count',
    dimensions: ['category'],
    properties: ['kind', 'error'],
    description:
      'Dead letters recorded. Send requests are counted by the category of their error; `Event`: a domain event that a function could not handle; `Unreadable`: a message of an unknown shape.',
  },
  ChatsRouted: {
    unit: 'Count',
    dimensions: ['outcome'],
    properties: ['organizationId'],
    description: 'Threads evaluated by routing rules: `assigned`, or the reason why LiveChat’s own routing applies.',
  },
  LiveChatCalls: {
    unit: 'Count',
    dimensions: ['method'],
    properties: ['organizationId'],
    description: 'Calls to LiveChat’s API, which LiveChat bills.',
  },
  LiveChatDeprecationNotices: {
    unit: 'Count',
    dimensions: ['kind'],
    properties: ['method'],
    description: 'LiveChat responses with a deprecation notice for the API version in use.',
  },
  TurnsTimedOut: {
    unit: 'Count',
    dimensions: [],
    properties: ['organizationId'],
    description:
      'Waits for a turn that ended by their timeout, after five minutes or at the expiry of the request, instead of a wake-up.',
  },
  GroupsUnblocked: {
    unit: 'Count',
    dimensions: [],
    properties: ['organizationId'],
    description: 'Entries of ended executions that were removed from a message group, because they had not left it.',
  },
  CallsRateLimited: {
    unit: 'Count',
    dimensions: [],
    properties: ['organizationId'],
    description: 'Calls that LiveChat answered with 429. The rate limiter slows down after each.',
  },
  SlotsMissed: {
    unit: 'Count',
    dimensions: [],
    properties: ['organizationId'],
    description: 'Reserved slots that were not used, because the function was more than 10 ms late.',
  },
  BreakerOpened: {
    unit: 'Count',
    dimensions: ['reason'],
    properties: ['organizationId'],
    description: 'Times that a circuit breaker opened, because of `failures` or `credentials`.',
  },
  MediaStored: {
    unit: 'Count',
    dimensions: ['typeCheck'],
    properties: ['organizationId'],
    description: 'Files of messages stored in the bucket. `mismatch`: the content is not of the declared type.',
  },
  MediaFailed: {
    unit: 'Count',
    dimensions: ['error'],
    properties: ['organizationId'],
    description:
      'Failed attempts to store a file. `FileRefused`: not retried; `FileUnavailable`: the server of the file did not answer.',
  },
  OldestUnsentSeconds: {
    unit: 'Seconds',
    dimensions: [],
    properties: ['organizationId'],
    description:
      'Age of a send request that was not sent at this attempt. Emitted at every attempt, so the maximum is the age of the oldest.',
  },
} as const satisfies Readonly<Record<string, MetricSpec>>;

export type MetricName = keyof typeof metrics;

/** Created on first use, to keep the cold start short. */
let shared: Metrics | undefined;

type Unit<N extends MetricName> = (typeof metrics)[N]['unit'];
type CountMetric = { [N in MetricName]: Unit<N> extends 'Count' ? N : never }[MetricName];
type DurationMetric = Exclude<MetricName, CountMetric>;

/** A value for each dimension and property of a metric. */
type Keys<N extends MetricName> = Readonly<Record<(typeof metrics)[N]['dimensions' | 'properties'][number], string>>;

/** Emits a count in CloudWatch's embedded metric format, one log line per call. */
export function count<N extends CountMetric>(name: N, keys: Keys<N>, times = 1): void {
  emit(name, keys, times);
}

/** Emits a duration, in the unit of the metric. */
export function measure<N extends DurationMetric>(name: N, keys: Keys<N>, value: number): void {
  emit(name, keys, value);
}

function emit(name: MetricName, keys: Readonly<Record<string, string>>, value: number): void {
  const { unit, dimensions, properties }: MetricSpec = metrics[name];
  const pick = (names: readonly string[]) =>
    names.flatMap((key): [string, string][] => (keys[key] ? [[key, keys[key]]] : []));
  shared ??= new Metrics({ namespace });
  // Two dimension sets, because an alarm cannot aggregate over the values of a dimension.
  shared.addDimensions({});
  if (dimensions.length > 0) shared.addDimensions(Object.fromEntries(pick(dimensions)));
  for (const [key, text] of pick(properties)) shared.addMetadata(key, text);
  shared.addMetric(name, unit, value).publishStoredMetrics();
}
