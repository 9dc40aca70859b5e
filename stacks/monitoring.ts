import { createAlarm, lossAlarms, sendingAlarms, webhookAlarms } from './alarms.ts';
import { createRule, ruleArn } from './bus.ts';
import { createDashboard } from './dashboard.ts';
import { alertEmail, arn, named } from './settings.ts';
import { alertRule } from './topology.ts';

/** Where every alarm and alert goes: subscribe whatever calls a human. They hold ids, so it needs no key of its own. */
export const topic = new sst.aws.SnsTopic('Alerts');

const allow = (service: string, operator: 'ArnEquals' | 'ArnLike', sourceArn: $util.Input<string>) => ({
  Effect: 'Allow',
  Principal: { Service: `${service}.amazonaws.com` },
  Action: 'sns:Publish',
  Resource: topic.arn,
  Condition: { [operator]: { 'aws:SourceArn': sourceArn } },
});

new aws.sns.TopicPolicy('AlertsPolicy', {
  arn: topic.arn,
  policy: $jsonStringify({
    Version: '2012-10-17',
    Statement: [
      allow('cloudwatch', 'ArnLike', arn('cloudwatch', `alarm:${named('*')}`)),
      allow('events', 'ArnEquals', ruleArn(alertRule.name)),
    ],
  }),
});

if (alertEmail)
  new aws.sns.TopicSubscription('AlertsByMail', { topic: topic.arn, protocol: 'email', endpoint: alertEmail });

createRule({ ...alertRule, target: { arn: topic.arn } });

for (const spec of [...webhookAlarms, ...sendingAlarms, ...lossAlarms]) createAlarm(spec, topic.arn);

createDashboard();
