import { Metrics } from '@aws-lambda-powertools/metrics';

/**
 * Every business metric, defined once for the code that emits it, the alarms, the dashboard and
 * docs/reference/metrics-and-alarms.md. CloudWatch does not aggregate over dimensions, so each metric is emitted with the
 * dimension `service` alone, and again with `service` and its own dimension. `service` is `POWERTOOLS_SERVICE_NAME`, one
 * per stage.
 */

export const namespace = 'livechat';

export interface MetricSpec {
  /** Default: Count. */
  readonly unit?: 'Count' | 'Milliseconds' | 'Seconds';
  /** In addition to `service`. Each value is a billed metric, so values come from a small closed set. */
  readonly dimension?: string;
  /** Properties of the log line, searchable in CloudWatch Logs Insights. They create no metrics. */
  readonly properties?: readonly string[];
  readonly description: string;
}

export const metrics = {
  WebhooksReceived: {
    dimension: 'action',
    description: 'Authentic webhook calls, whatever their outcome. An unknown action is counted as `other`.',
  },
  WebhookErrorResponses: {
    dimension: 'status',
    description: 'Webhook calls answered with a status other than 200.',
  },
  WebhooksRejected: {
    dimension: 'reason',
    properties: ['action'],
    description:
      'Authentic but schema-invalid webhooks. `envelope`: no organization or action; `payload`: the fields of the action; `event`: one event of an incoming_chat.',
  },
  WebhooksIgnored: {
    dimension: 'action',
    description: 'Webhooks without a domain event. `application`: installed, uninstalled, payment.',
  },
  WebhookLag: {
    unit: 'Milliseconds',
    properties: ['organizationId'],
    description: 'Time from the created_at of an event to the receipt of its incoming_event webhook.',
  },
  EventsHandled: {
    dimension: 'type',
    description: 'Domain events handled by a function, by detail-type.',
  },
  EventsFailed: {
    dimension: 'type',
    description: 'Failed attempts of a function to handle a domain event. Lambda makes up to three.',
  },
  DuplicateEvents: {
    dimension: 'type',
    description:
      'Domain events that had already been handled. They change nothing but the time of receipt, if theirs is earlier.',
  },
  EventNumberGaps: {
    properties: ['organizationId', 'conversationId', 'threadId'],
    description: 'Numbers missing among the event ids <thread>_<n> of a closed thread. Each may be a lost webhook.',
  },
  MessagesSent: {
    properties: ['organizationId'],
    description: 'Parts of send requests that LiveChat accepted and for which message.sent was published.',
  },
  SendsRetried: {
    dimension: 'category',
    properties: ['organizationId'],
    description: 'Failed invocations of the send step that the state machine retries within seconds.',
  },
  SendsDeferred: {
    dimension: 'reason',
    properties: ['organizationId'],
    description:
      'Waits of a send request in the state machine: `turn` for its turn in the conversation, `rate` and `limited` for the rate limit, `blocked` for a pause or the circuit breaker, `failing`, `unknown`, `claimed` and `time` between attempts.',
  },
  SendsFailed: {
    dimension: 'category',
    properties: ['organizationId'],
    description:
      'Send requests that failed for good: message.failed was published, and the dead letter can be redriven.',
  },
  DeadLetters: {
    dimension: 'category',
    properties: ['kind', 'error'],
    description:
      'Dead letters recorded. Send requests are counted by the category of their error; `Event`: a domain event that a function could not handle; `Unreadable`: a message of an unknown shape.',
  },
  ChatsRouted: {
    dimension: 'outcome',
    properties: ['organizationId'],
    description: 'Threads evaluated by routing rules: `assigned`, or the reason why LiveChat’s own routing applies.',
  },
  LiveChatCalls: {
    dimension: 'method',
    properties: ['organizationId'],
    description: 'Calls to LiveChat’s API, which LiveChat bills.',
  },
  LiveChatDeprecationNotices: {
    dimension: 'kind',
    properties: ['method'],
    description: 'LiveChat responses with a deprecation notice for the API version in use.',
  },
  TurnsTimedOut: {
    properties: ['organizationId'],
    description:
      'Waits for a turn that ended by their timeout, after five minutes or at the expiry of the request, instead of a wake-up.',
  },
  GroupsUnblocked: {
    properties: ['organizationId'],
    description: 'Entries of ended executions that were removed from a message group, because they had not left it.',
  },
  CallsRateLimited: {
    properties: ['organizationId'],
    description: 'Calls that LiveChat answered with 429. The rate limiter slows down after each.',
  },
  SlotsMissed: {
    properties: ['organizationId'],
    description: 'Reserved slots that were not used, because the function was more than 10 ms late.',
  },
  BreakerOpened: {
    dimension: 'reason',
    properties: ['organizationId'],
    description: 'Times that a circuit breaker opened, because of `failures` or `credentials`.',
  },
  MediaStored: {
    dimension: 'typeCheck',
    properties: ['organizationId'],
    description: 'Files of messages stored in the bucket. `mismatch`: the content is not of the declared type.',
  },
  MediaFailed: {
    dimension: 'error',
    properties: ['organizationId'],
    description:
      'Failed attempts to store a file. `FileRefused`: not retried; `FileUnavailable`: the server of the file did not answer.',
  },
  OldestUnsentSeconds: {
    unit: 'Seconds',
    properties: ['organizationId'],
    description:
      'Age of a send request that was not sent at this attempt. Emitted at every attempt, so the maximum is the age of the oldest.',
  },
} as const satisfies Readonly<Record<string, MetricSpec>>;

export type MetricName = keyof typeof metrics;

/** Created on first use, to keep the cold start short. */
let shared: Metrics | undefined;

type DurationMetric = { [N in MetricName]: (typeof metrics)[N] extends { unit: string } ? N : never }[MetricName];
type CountMetric = Exclude<MetricName, DurationMetric>;

type DimensionName<Spec> = Spec extends { dimension: infer Name extends string } ? Name : never;
type PropertyName<Spec> = Spec extends { properties: readonly (infer Name extends string)[] } ? Name : never;
/** A value for the dimension and each property of a metric. */
type Keys<N extends MetricName> = Readonly<
  Record<DimensionName<(typeof metrics)[N]> | PropertyName<(typeof metrics)[N]>, string>
>;

/** Emits a count in CloudWatch's embedded metric format, one log line per call. */
export function count<N extends CountMetric>(name: N, keys: Keys<N>, times = 1): void {
  emit(name, keys, times);
}

/** Emits a duration, in the unit of the metric. */
export function measure<N extends DurationMetric>(name: N, keys: Keys<N>, value: number): void {
  emit(name, keys, value);
}

function emit(name: MetricName, keys: Readonly<Record<string, string>>, value: number): void {
  const { unit = 'Count', dimension, properties = [] }: MetricSpec = metrics[name];
  shared ??= new Metrics({ namespace });
  // Two dimension sets, because an alarm cannot aggregate over the values of a dimension.
  shared.addDimensions({});
  if (dimension !== undefined) shared.addDimensions({ [dimension]: keys[dimension] ?? '' });
  for (const key of properties) if (keys[key]) shared.addMetadata(key, keys[key]);
  shared.addMetric(name, unit, value).publishStoredMetrics();
}
