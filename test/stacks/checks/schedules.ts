import { type ScheduleSpec, scheduledEvent, schedules } from '../../../stacks/topology.ts';
import { type App, stages } from '../app.ts';
import { type Checks, setInput, trustPolicy, types } from '../faults.ts';
import {
  at,
  type Check,
  find,
  isEqual,
  listAt,
  type Problem,
  parseStatements,
  report,
  resourceName,
  stageName,
  textAt,
} from '../select.ts';

const schedule = 'aws:scheduler/schedule:Schedule';

const checkSchedules: Check = (app) =>
  Object.entries<ScheduleSpec>(schedules).flatMap(([name, spec]) =>
    report(`schedule ${name}`, scheduleProblems(app, name, spec)),
  );

function scheduleProblems(app: App, name: string, spec: ScheduleSpec): Problem[] {
  const { inputs } = find(app, schedule, resourceName(app, name));
  const fn = textAt(inputs, 'target.arn');
  const queue = textAt(inputs, 'target.deadLetterConfig.arn');
  const seconds = 60 * Number(/^rate\((\d+) minutes\)$/.exec(textAt(inputs, 'scheduleExpression'))?.[1]);
  const expected: Readonly<Record<string, number>> = { [stages.development.stage]: 60 };
  return [
    seconds === 60 * (expected[stageName(app)] ?? spec.defaultMinutes) || `it runs every ${seconds} s`,
    (inputs.state ?? 'ENABLED') === 'ENABLED' || 'it is disabled',
    at(inputs, 'flexibleTimeWindow.mode') === 'OFF' || 'its time is flexible',
    fn.endsWith(`:function:${resourceName(app, spec.function)}`) || `it invokes ${fn}`,
    isEqual(JSON.parse(textAt(inputs, 'target.input') || 'null'), scheduledEvent()) || 'its event differs',
    queue.includes('DeadLettersQueue') || 'it has no dead-letter queue',
    Number(at(inputs, 'target.retryPolicy.maximumEventAgeInSeconds')) <= seconds || 'retries outlast the interval',
    ...scheduleRoleProblems(app, textAt(inputs, 'target.roleArn'), resourceName(app, name), { fn, queue }),
  ];
}

/** The role may invoke the function and send to the dead-letter queue. EventBridge Scheduler assumes it for this group only. */
function scheduleRoleProblems(app: App, arn: string, group: string, { fn, queue }: Record<'fn' | 'queue', string>) {
  const role = find(app, types.role, arn.split('/').at(-1) ?? '');
  const allowed = listAt(role.inputs, 'inlinePolicies').flatMap((one) => parseStatements(textAt(one, 'policy')));
  const trusted = role.inputs.assumeRolePolicy === undefined ? [] : parseStatements(role.inputs.assumeRolePolicy);
  const source = `arn:aws:scheduler:${textAt(app.settings, 'providers.aws.region')}:123456789012:schedule-group/${group}`;
  const expected = [
    ['lambda:InvokeFunction', fn],
    ['sqs:SendMessage', queue],
  ];
  return [
    isEqual(
      allowed.map(({ actions, resources }) => [...actions, ...resources]),
      expected,
    ) || 'its role allows something else',
    trusted.every(
      ({ principal, condition }) =>
        at(principal, 'Service') === 'scheduler.amazonaws.com' &&
        isEqual(at(condition, 'StringEquals'), { 'aws:SourceAccount': '123456789012' }) &&
        isEqual(at(condition, 'ArnEquals'), { 'aws:SourceArn': source }),
    ) || 'its role trusts other schedules',
  ];
}

export const schedulesChecks: Checks = {
  'invokes functions on schedules, with a retry policy, a dead-letter queue and a role of their own': {
    check: checkSchedules,
    faults: [
      ['a schedule is disabled', setInput(schedule, 'ReconciliationSchedule', 'state', 'DISABLED'), /it is disabled/],
      [
        'its interval differs',
        setInput(schedule, 'ReconciliationSchedule', 'scheduleExpression', 'rate(1 hours)'),
        /it runs every NaN s/,
      ],
      [
        'it invokes another function',
        setInput(schedule, 'ReconciliationSchedule', 'target.arn', 'arn:aws:lambda:us-east-1:123456789012:function:x'),
        /it invokes arn:\S+:x\n.*its role allows something else/,
      ],
      [
        'its event lacks the time',
        setInput(schedule, 'ReconciliationSchedule', 'target.input', '{}'),
        /its event differs/,
      ],
      [
        'there is no dead-letter queue',
        setInput(schedule, 'ReconciliationSchedule', 'target.deadLetterConfig', undefined),
        /it has no dead-letter queue/,
      ],
      [
        'retries overlap with the next invocation',
        setInput(schedule, 'ReconciliationSchedule', 'target.retryPolicy.maximumEventAgeInSeconds', 86_400),
        /retries outlast the interval/,
      ],
      [
        'any schedule of the account may use the role',
        setInput(
          types.role,
          'ReconciliationScheduleRole',
          'assumeRolePolicy',
          trustPolicy({ Service: 'scheduler.amazonaws.com' }),
        ),
        /its role trusts other schedules/,
      ],
    ],
  },
};
