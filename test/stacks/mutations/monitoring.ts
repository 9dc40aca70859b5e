import { having, type Mutations, types, without } from './mutation.ts';

const { alarm } = types;

export const monitoring: Mutations = {
  'alarms look at what is emitted, and say what to do': [
    ['nobody emits the metric', having(alarm, 'Backlog', 'metricName', 'QueueDepth'), /no code emits QueueDepth/],
    [
      'nobody emits it so',
      having(alarm, 'Backlog', 'dimensions.organizationId', 'x'),
      /BacklogSeconds is not emitted by organizationId/,
    ],
    ['another stage emits it', having(alarm, 'Backlog', 'dimensions.service', 'livechat-dev'), /which is nobody’s/],
    [
      'AWS has no such metric',
      having(alarm, 'WebhookErrors', 'metricName', '5XXError'),
      /nobody emits AWS\/ApiGateway 5XXError/,
    ],
    ['AWS counts it otherwise', having(alarm, 'WebhookErrors', 'dimensions', { ApiName: 'x' }), /by ApiName/],
    [
      'the function is gone',
      without(types.fn, 'MessageSeenFunction'),
      /there is no FunctionName livechat-production-message-seen/,
    ],
    [
      'nothing filters the log',
      without('aws:cloudwatch/logMetricFilter:LogMetricFilter'),
      /nobody emits livechat-production\/api Throttled/,
    ],
    ['it tells nobody', having(alarm, 'Backlog', 'alarmActions', []), /backlog: tells nobody/],
    [
      'the runbook has no such heading',
      having(alarm, 'Backlog', 'alarmDescription', 'See docs/how-to/respond-to-alarms.md#nowhere'),
      /no heading "nowhere"/,
    ],
    ['it says nothing', having(alarm, 'Backlog', 'alarmDescription', ''), /no heading/],
  ],
  'what must be watched is watched': [
    ['an alarm is left out', without(alarm, 'GateClosed'), /nobody watches: gate-closed/],
  ],
  'the dashboard shows what is emitted': [
    [
      'a graph shows nothing',
      having(
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
      having('aws:cloudwatch/dashboard:Dashboard', 'Dashboard', 'dashboardBody', JSON.stringify({ widgets: [] })),
      /dashboard: MediaStored has no graph/,
    ],
    ['there is none', without('aws:cloudwatch/dashboard:Dashboard'), /expected one dashboard/],
  ],
};
