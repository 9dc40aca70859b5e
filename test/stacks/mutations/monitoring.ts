import { type Mutations, removeResource, setInput, types } from './mutate.ts';

const { alarm } = types;

export const monitoring: Mutations = {
  'bases alarms on emitted metrics and links them to the runbook': [
    [
      'no code emits the metric',
      setInput(alarm, 'OldestUnsent', 'metricName', 'QueueDepth'),
      /no code emits QueueDepth/,
    ],
    [
      'a metric is not emitted with the dimension',
      setInput(alarm, 'OldestUnsent', 'dimensions.organizationId', 'x'),
      /OldestUnsentSeconds is not emitted with organizationId/,
    ],
    [
      'a metric belongs to another stage',
      setInput(alarm, 'OldestUnsent', 'dimensions.service', 'livechat-dev'),
      /of another stage/,
    ],
    [
      'AWS has no such metric',
      setInput(alarm, 'WebhookErrors', 'metricName', '5XXError'),
      /there is no metric AWS\/ApiGateway 5XXError/,
    ],
    ['AWS has no such dimension', setInput(alarm, 'WebhookErrors', 'dimensions', { ApiName: 'x' }), /with ApiName/],
    [
      'the function does not exist',
      removeResource(types.fn, 'MessageSeenFunction'),
      /there is no FunctionName livechat-production-message-seen/,
    ],
    [
      'there is no metric filter',
      removeResource('aws:cloudwatch/logMetricFilter:LogMetricFilter'),
      /there is no metric livechat-production\/api Throttled/,
    ],
    [
      'an alarm notifies no topic',
      setInput(alarm, 'OldestUnsent', 'alarmActions', []),
      /oldest-unsent: notifies no topic/,
    ],
    [
      'the runbook has no such heading',
      setInput(alarm, 'OldestUnsent', 'alarmDescription', 'See docs/how-to/respond-to-alarms.md#nowhere'),
      /no heading "nowhere"/,
    ],
    ['an alarm has no description', setInput(alarm, 'OldestUnsent', 'alarmDescription', ''), /no heading/],
  ],
  'has an alarm for every required condition': [
    ['an alarm is missing', removeResource(alarm, 'BreakerOpened'), /missing alarm: breaker-opened/],
  ],
  'shows every metric on the dashboard': [
    [
      'a graph has an unknown metric',
      setInput(
        'aws:cloudwatch/dashboard:Dashboard',
        'Dashboard',
        'dashboardBody',
        JSON.stringify({
          widgets: [{ type: 'metric', properties: { metrics: [['livechat', 'Nothing', 'service', 'x']] } }],
        }),
      ),
      /dashboard: no code emits Nothing/,
    ],
    [
      'a metric has no graph',
      setInput('aws:cloudwatch/dashboard:Dashboard', 'Dashboard', 'dashboardBody', JSON.stringify({ widgets: [] })),
      /dashboard: MediaStored has no graph/,
    ],
    ['there is no dashboard', removeResource('aws:cloudwatch/dashboard:Dashboard'), /expected one dashboard/],
  ],
};
