import { Metrics } from '@aws-lambda-powertools/metrics';

/**
 * Every business metric, named once: the code that emits them, the alarms, the dashboard and docs/reference/metrics-and-alarms.md all go
 * by this file. CloudWatch does not add up over dimensions, so each metric is emitted under `service` alone, and again
 * under `service` with its own dimensions. `service` is `POWERTOOLS_SERVICE_NAME`, one a stage.
 */

export const namespace = 'livechat';

export interface MetricSpec {
  readonly unit: 'Count' | 'Milliseconds' | 'Seconds';
  /** Beside `service`. Each value makes a metric that is billed, so it comes from a small closed set. */
  readonly dimensions: readonly string[];
  /** Go along in the log line and make no metric of their own: what to search for in CloudWatch Logs Insights. */
  readonly properties: readonly string[];
  readonly description: string;
}

export const metrics = {
  WebhooksReceived: {
    unit: 'Count',
    dimensions: ['action'],
    properties: [],
    description:
      'Calls of the webhook that LiveChat has truly made, whatever became of them. An action that nobody knows is `other`.',
  },
  WebhookErrorResponses: {
    unit: 'Count',
    dimensions: ['status'],
    properties: [],
    description: 'Calls of the webhook answered by anything but 200.',
  },
  WebhooksRejected: {
    unit: 'Count',
    dimensions: ['reason'],
    properties: ['action'],
    description:
      'Authentic webhooks that fit no schema. `envelope`: no organization or action; `payload`: the action’s fields; `event`: one event inside an incoming_chat.',
  },
  WebhooksIgnored: {
    unit: 'Count',
    dimensions: ['action'],
    properties: [],
    description: 'Webhooks that become no domain event. `application`: installed, uninstalled, payment.',
  },
  WebhookLag: {
    unit: 'Milliseconds',
    dimensions: [],
    properties: ['organizationId'],
    description: 'From LiveChat’s created_at of an event to the receipt of its incoming_event webhook.',
  },
  EventsHandled: {
    unit: 'Count',
    dimensions: ['type'],
    properties: [],
    description: 'Domain events that a function has handled, by detail-type.',
  },
  EventsFailed: {
    unit: 'Count',
    dimensions: ['type'],
    properties: [],
    description: 'Tries of a function to handle a domain event that failed; Lambda makes three.',
  },
  DuplicateEvents: {
    unit: 'Count',
    dimensions: ['type'],
    properties: [],
    description: 'Domain events that had been handled before and changed nothing.',
  },
  EventNumberGaps: {
    unit: 'Count',
    dimensions: [],
    properties: ['organizationId', 'conversationId', 'threadId'],
    description:
      'Numbers missing among the ids <thread>_<n> of a thread that was closed: each may be a webhook that never came.',
  },
  MessagesSent: {
    unit: 'Count',
    dimensions: [],
    properties: ['organizationId'],
    description: 'Parts of send requests that LiveChat has taken and the bus was told of.',
  },
  SendsRetried: {
    unit: 'Count',
    dimensions: ['category'],
    properties: ['organizationId'],
    description: 'Runs of the send step that failed and that the state machine tries again within seconds.',
  },
  SendsDeferred: {
    unit: 'Count',
    dimensions: ['reason'],
    properties: ['organizationId'],
    description: 'Times that a send request was told to come back later.',
  },
  SendsFailed: {
    unit: 'Count',
    dimensions: ['category'],
    properties: ['organizationId'],
    description: 'Send requests given up: message.failed was published and a dead letter waits for a redrive.',
  },
  DeadLetters: {
    unit: 'Count',
    dimensions: ['category'],
    properties: ['kind', 'error'],
    description:
      'Dead letters recorded. Sends go by the category of their error; `Event`: a domain event that no function could handle; `Unread`: a letter that nobody can read.',
  },
  ChatsRouted: {
    unit: 'Count',
    dimensions: ['outcome'],
    properties: ['organizationId'],
    description: 'Threads that routing rules have decided: `assigned`, or why they are left to LiveChat’s own routing.',
  },
  LiveChatCalls: {
    unit: 'Count',
    dimensions: ['method'],
    properties: ['organizationId'],
    description: 'Calls of LiveChat’s API, which LiveChat bills.',
  },
  LiveChatDeprecationNotices: {
    unit: 'Count',
    dimensions: ['kind'],
    properties: ['method'],
    description: 'Answers by which LiveChat says that this version of its API is on its way out.',
  },
  QueuesUnblocked: {
    unit: 'Count',
    dimensions: [],
    properties: ['organizationId'],
    description: 'Runs that ended without leaving their conversation’s queue, and were removed by the next.',
  },
  GateClosed: {
    unit: 'Count',
    dimensions: ['reason'],
    properties: ['organizationId'],
    description:
      'Times that a send request found its organization’s gate closed: `paused`, `failures` or `credentials`.',
  },
  BreakerOpened: {
    unit: 'Count',
    dimensions: ['reason'],
    properties: ['organizationId'],
    description: 'Times that a breaker opened, by `failures` or `credentials`.',
  },
  BacklogSeconds: {
    unit: 'Seconds',
    dimensions: [],
    properties: ['organizationId'],
    description:
      'How long the last in an organization’s line waits. Measured when a send request is deferred, so silence means that none waits; read its maximum.',
  },
  MediaStored: {
    unit: 'Count',
    dimensions: ['typeCheck'],
    properties: ['organizationId'],
    description: 'Files of messages put into the bucket. `other`: the bytes are not of the type that was declared.',
  },
  MediaFailed: {
    unit: 'Count',
    dimensions: ['error'],
    properties: ['organizationId'],
    description:
      'Tries to store a file that failed. `FileRefused`: it will not be tried again; `FileUnavailable`: its server did not answer.',
  },
  OldestUnsentSeconds: {
    unit: 'Seconds',
    dimensions: [],
    properties: ['organizationId'],
    description:
      'Age of a send request that was not sent at this try. Measured at every try, so its maximum is the age of the oldest.',
  },
} as const satisfies Readonly<Record<string, MetricSpec>>;

export type MetricName = keyof typeof metrics;

/** Made when the first thing is counted, to keep a cold start short. */
let shared: Metrics | undefined;

type Unit<N extends MetricName> = (typeof metrics)[N]['unit'];
/** Metrics that are counted, and those that are measured in another unit. */
export type Counted = { [N in MetricName]: Unit<N> extends 'Count' ? N : never }[MetricName];
export type Measured = Exclude<MetricName, Counted>;

/** What a metric must be given: a value for each of its dimensions and properties. */
export type Keys<N extends MetricName> = Readonly<
  Record<(typeof metrics)[N]['dimensions' | 'properties'][number], string>
>;

/** Counts by CloudWatch's embedded metric format, one log line each. */
export function count<N extends Counted>(name: N, keys: Keys<N>, times = 1): void {
  emit(name, keys, times);
}

/** Measures a value, in the metric's unit. */
export function measure<N extends Measured>(name: N, keys: Keys<N>, value: number): void {
  emit(name, keys, value);
}

function emit(name: MetricName, keys: Readonly<Record<string, string>>, value: number): void {
  const { unit, dimensions, properties }: MetricSpec = metrics[name];
  const pick = (names: readonly string[]) =>
    names.flatMap((key): [string, string][] => (keys[key] ? [[key, keys[key]]] : []));
  shared ??= new Metrics({ namespace });
  // Two sets of dimensions: an alarm cannot add up over the values of one.
  shared.addDimensions({});
  if (dimensions.length > 0) shared.addDimensions(Object.fromEntries(pick(dimensions)));
  for (const [key, text] of pick(properties)) shared.addMetadata(key, text);
  shared.addMetric(name, unit, value).publishStoredMetrics();
}
