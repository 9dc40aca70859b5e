import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';

const metrics = new Metrics();

/** Business metrics, one name each; alarms and the dashboard point at these. */
export type Counted =
  | 'WebhooksReceived'
  | 'WebhooksRefused'
  | 'WebhooksRejected'
  | 'WebhooksIgnored'
  | 'DuplicateEvents'
  | 'LiveChatCalls'
  | 'LiveChatApiNotices'
  | 'DeadLetters'
  | 'QueuesUnblocked';

/** Counts one, by CloudWatch's embedded metric format. Dimension values must come from a small closed set. */
export function count(name: Counted, dimensions: Readonly<Record<string, string>> = {}): void {
  const single = metrics.singleMetric();
  for (const [dimension, value] of Object.entries(dimensions)) single.addDimension(dimension, value);
  single.addMetric(name, MetricUnit.Count, 1);
}
