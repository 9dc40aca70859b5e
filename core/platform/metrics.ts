import { Metrics } from '@aws-lambda-powertools/metrics';

/**
 * Every business metric, defined once for the code that emits it, the alarms and the dashboard.
 * docs/reference/metrics-and-alarms.md says what each one counts. CloudWatch does not aggregate over dimensions, so each
 * metric is emitted with the dimension `service` alone, and again with `service` and its own dimension. `service` is
 * `POWERTOOLS_SERVICE_NAME`, one per stage.
 */

export const namespace = 'livechat';

export interface MetricSpec {
  /** Default: Count. */
  readonly unit?: 'Count' | 'Milliseconds' | 'Seconds';
  /** In addition to `service`. Each value is a billed metric, so values come from a small closed set. */
  readonly dimension?: string;
  /** Properties of the log line, searchable in CloudWatch Logs Insights. They create no metrics. */
  readonly properties?: readonly string[];
}

export const metrics = {
  WebhooksReceived: { dimension: 'action' },
  WebhookErrorResponses: { dimension: 'status' },
  WebhooksRejected: { dimension: 'reason', properties: ['action'] },
  WebhooksIgnored: { dimension: 'action' },
  WebhookLag: { unit: 'Milliseconds', properties: ['organizationId'] },
  EventsFailed: { dimension: 'type' },
  DuplicateEvents: { dimension: 'type' },
  EventNumberGaps: { properties: ['organizationId', 'conversationId', 'threadId'] },
  MessagesSent: { properties: ['organizationId'] },
  SendsRetried: { dimension: 'category', properties: ['organizationId'] },
  SendsDeferred: { dimension: 'reason', properties: ['organizationId'] },
  SendsFailed: { dimension: 'category', properties: ['organizationId'] },
  DeadLetters: { dimension: 'category', properties: ['kind', 'error'] },
  ChatsRouted: { dimension: 'outcome', properties: ['organizationId'] },
  LiveChatCalls: { dimension: 'method', properties: ['organizationId'] },
  LiveChatDeprecationNotices: { dimension: 'kind', properties: ['method'] },
  TurnsTimedOut: { properties: ['organizationId'] },
  GroupsUnblocked: { properties: ['organizationId'] },
  CallsRateLimited: { properties: ['organizationId'] },
  SlotsMissed: { properties: ['organizationId'] },
  BreakerOpened: { dimension: 'reason', properties: ['organizationId'] },
  MediaStored: { dimension: 'typeCheck', properties: ['organizationId'] },
  MediaFailed: { dimension: 'error', properties: ['organizationId'] },
  OldestUnsentSeconds: { unit: 'Seconds', properties: ['organizationId'] },
  ReconciledEvents: { properties: ['organizationId'] },
  ReconciliationDifferences: { properties: ['organizationId'] },
  ReconciliationAgeSeconds: { unit: 'Seconds', properties: ['organizationId'] },
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
