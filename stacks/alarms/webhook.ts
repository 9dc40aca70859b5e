import type { AlarmSpec } from '../alarm.ts';
import { api } from '../inbound.ts';
import { type Metric, ofApi, ofFunction, own } from '../metrics.ts';
import { quietMinutes } from '../settings.ts';
import { service } from '../stage.ts';

/** What API Gateway turns away itself shows in its access log alone: it has no metric for that. */
const throttled: Metric = { namespace: `${service}/api`, name: 'Throttled', dimensions: {} };

new aws.cloudwatch.LogMetricFilter('Throttled', {
  logGroupName: api.nodes.logGroup.name,
  pattern: '{ $.status = 429 }',
  metricTransformation: { namespace: throttled.namespace, name: throttled.name, value: '1' },
});

const quiet: AlarmSpec = {
  name: 'webhook-quiet',
  says: `LiveChat has not called for ${quietMinutes} minutes. Either nobody writes, or the registration is gone or the webhook cannot be reached: look at the registrations, and post a ping.`,
  metrics: [own('WebhooksReceived')],
  below: 1,
  period: 60 * quietMinutes,
  silence: 'breaching',
};

/** Of what LiveChat calls. What it is not answered 200 for it tries three times more within a minute, then never. */
export const webhookAlarms: readonly AlarmSpec[] = [
  {
    name: 'webhook-errors',
    says: 'Webhooks are answered by 5xx. LiveChat gives a webhook up after about a minute: look at the log of the webhook function, and at the bus.',
    metrics: [ofApi('5xx')],
    period: 60,
    periods: [2, 5],
  },
  {
    name: 'webhook-unauthorized',
    says: 'Webhooks are answered by 401. Either somebody else calls, or LiveChat has another secret than Secrets Manager, and then its webhooks are lost: compare the two.',
    metrics: [own('WebhookErrorResponses', { status: '401' })],
    above: 4,
  },
  {
    name: 'webhook-throttled',
    says: 'Webhooks are turned away before they reach the function. Raise the limit of the route, or the concurrency of the account.',
    metrics: [throttled, ofFunction('Throttles', 'webhook')],
  },
  {
    name: 'webhook-slow',
    says: 'One in a hundred webhooks takes longer than 5 s, and LiveChat hangs up after 10. Look at the traces: Secrets Manager or the bus is slow.',
    metrics: [ofApi('Latency')],
    statistic: 'p99',
    above: 5_000,
    period: 60,
    periods: [3, 5],
  },
  ...(quietMinutes > 0 ? [quiet] : []),
  {
    name: 'webhooks-rejected',
    says: 'Authentic webhooks do not fit their schema: LiveChat has changed its payloads. Each is on the bus as webhook.rejected, with the fields; fix the schema, then replay them.',
    metrics: [own('WebhooksRejected')],
  },
  {
    name: 'event-gaps',
    says: 'Threads were closed in which event numbers are missing: webhooks that never came. The log lines of the metric name the chats; compare them with LiveChat.',
    metrics: [own('EventNumberGaps')],
  },
  {
    name: 'api-notices',
    says: 'LiveChat says that the version of its API in use is on its way out. Move LIVECHAT_API_VERSION to a newer one and register the webhooks again.',
    metrics: [own('LiveChatDeprecationNotices')],
    period: 3_600,
  },
];
