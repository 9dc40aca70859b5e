import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';

/** Made when the first thing is counted, to keep a cold start short. */
let shared: Metrics | undefined;

/** Business metrics, one name each; alarms and the dashboard point at these. */
export type Counted =
  | 'WebhooksReceived'
  | 'WebhooksRefused'
  | 'WebhooksRejected'
  | 'WebhooksIgnored'
  | 'EventsHandled'
  | 'EventsFailed'
  | 'DuplicateEvents'
  | 'LiveChatCalls'
  | 'LiveChatApiNotices'
  | 'DeadLetters'
  | 'QueuesUnblocked';

/** Counts one, by CloudWatch's embedded metric format. Dimension values must come from a small closed set. */
export function count(name: Counted, dimensions: Readonly<Record<string, string>> = {}): void {
  shared ??= new Metrics();
  const single = shared.singleMetric();
  for (const [dimension, value] of Object.entries(dimensions)) single.addDimension(dimension, value);
  single.addMetric(name, MetricUnit.Count, 1);
}
