import { deadLetters } from './resources.ts';
import { accountId, arn, componentName, policyJson, resourceName, scheduleMinutes } from './settings.ts';
import { type ScheduleName, scheduledEvent } from './topology.ts';

const maxRetryHours = 24;

/** Invokes a function at the interval of its setting; not at all with 0. */
export function createSchedule(name: ScheduleName, target: sst.aws.Function, parent: $util.Resource): void {
  const minutes = scheduleMinutes(name);
  if (minutes === 0) return;
  const component = componentName(name);
  const within = { parent };
  const group = new aws.scheduler.ScheduleGroup(`${component}ScheduleGroup`, { name: resourceName(name) }, within);
  const role = new aws.iam.Role(
    `${component}ScheduleRole`,
    {
      name: resourceName(`${name}-schedule`),
      assumeRolePolicy: policyJson({
        Principal: { Service: 'scheduler.amazonaws.com' },
        Action: 'sts:AssumeRole',
        Condition: {
          // EventBridge Scheduler names the group as the source, not the schedule.
          StringEquals: { 'aws:SourceAccount': accountId },
          ArnEquals: { 'aws:SourceArn': arn('scheduler', `schedule-group/${resourceName(name)}`) },
        },
      }),
      inlinePolicies: [
        {
          name: 'inline',
          policy: policyJson(
            { Action: ['lambda:InvokeFunction'], Resource: [target.arn] },
            { Action: ['sqs:SendMessage'], Resource: [deadLetters.arn] },
          ),
        },
      ],
    },
    within,
  );
  new aws.scheduler.Schedule(
    `${component}Schedule`,
    {
      name: resourceName(name),
      groupName: group.name,
      scheduleExpression: `rate(${minutes} minutes)`,
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: target.arn,
        roleArn: role.arn,
        input: JSON.stringify(scheduledEvent()),
        deadLetterConfig: { arn: deadLetters.arn },
        // The next invocation does the same.
        retryPolicy: { maximumEventAgeInSeconds: Math.min(minutes, maxRetryHours * 60) * 60, maximumRetryAttempts: 5 },
      },
    },
    within,
  );
}
