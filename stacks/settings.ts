import { ConfigurationError, wholeNumber } from '../core/platform/configuration.ts';
import {
  archive,
  webhookThrottle as defaultThrottle,
  functions,
  minimums,
  type ScheduleName,
  schedules,
  settings,
} from './topology.ts';

export const production = $app.stage === 'production';

/** Names of Lambda functions and IAM roles have at most 64 characters. The longest has 33 in addition to the stage name. */
const maxStageLength = 31;
if ($app.stage.length > maxStageLength) {
  throw new ConfigurationError('Stage name', `at most ${maxStageLength} characters`);
}

/** The name of a resource in the account, such as `livechat-dev-webhook`. */
export function resourceName(name: string): string {
  return `${$app.name}-${$app.stage}-${name}`;
}

/** The `service` dimension of the metrics, one per stage. */
export const service = `${$app.name}-${$app.stage}`;

/** The name of a resource that other services refer to: without the stage in production. */
export function sharedName(name: string): string {
  return production ? name : `${name}-${$app.stage}`;
}

/** The name of a component: `message-received` → `MessageReceived`. */
export function componentName(name: string): string {
  return name.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** The retention of logs, as SST and as CloudWatch expect it. */
export const logRetention = production
  ? ({ sst: '3 months', days: 90 } as const)
  : ({ sst: '1 week', days: 7 } as const);

const { accountId } = aws.getCallerIdentityOutput();
const { region } = aws.getRegionOutput();
const { partition } = aws.getPartitionOutput();

/** The ARN of a resource in this account and region, available before the resource is created. */
export function arn(service: string, resource: string) {
  return $interpolate`arn:${partition}:${service}:${region}:${accountId}:${resource}`;
}

export { accountId, region };

/** An IAM policy. Its statements allow, unless they say otherwise. */
export function policyJson(...statements: object[]) {
  return $jsonStringify({ Version: '2012-10-17', Statement: statements.map((one) => ({ Effect: 'Allow', ...one })) });
}

// Settings below come from the environment of the deployment or from `.env.<stage>`, which SST loads. They are parsed when this
// file is loaded, before any resource is created.

// An invalid value would make every invocation of the functions fail.
for (const [name, min] of minimums) wholeNumber(name, min, min);

/** The settings of the functions that are set. */
export const functionSettings = Object.fromEntries(
  settings.flatMap((name) => {
    const value = process.env[name];
    return value === undefined || value === '' ? [] : [[name, value]];
  }),
);

/** The retention of the event archive. */
export const archiveDays = wholeNumber('ARCHIVE_DAYS', archive.retentionDays, 1);

/** A setting with an enumerated value. The first is the default. Throws a {@link ConfigurationError} for any other value. */
export function oneOf<T extends string>(name: string, allowed: readonly [T, ...T[]], reason = ''): T {
  const value = process.env[name] || allowed[0];
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw new ConfigurationError(name, `one of ${allowed.join(', ')}${reason}`);
  return found;
}

/**
 * The level below which Lambda drops the lines of a function. Lines without a level, such as EMF log lines, count as INFO.
 * Powertools' logger follows this level.
 */
export const logLevel = oneOf(
  'LOG_LEVEL',
  ['INFO', 'DEBUG', 'TRACE'],
  '. At a higher level, Lambda drops the EMF log lines, and alarms on custom metrics get no data',
);

/** Whether X-Ray records traces of the functions and of the state machine. */
export const isTraced = oneOf('TRACING', ['on', 'off']) === 'on';

/** Whether the stage publishes the schemas of the events in EventBridge's schema registry. */
export const publishesSchemas = oneOf('SCHEMA_REGISTRY', ['off', 'on']) === 'on';

/** The address that alarms are mailed to. It must confirm the subscription. */
export const alertEmail = process.env.ALERT_EMAIL || undefined;

/** CloudWatch evaluates an alarm over at most seven days. */
const maxAlarmMinutes = 7 * 24 * 60;

function minutesUpTo(max: number, name: string, fallback: number): number {
  const minutes = wholeNumber(name, fallback);
  if (minutes > max) throw new ConfigurationError(name, `a whole number of at most ${max}`);
  return minutes;
}

/** Minutes without a webhook after which an alarm fires. 0 disables it, for stages without traffic. */
export const quietMinutes = minutesUpTo(maxAlarmMinutes, 'QUIET_MINUTES', production ? 60 : 0);

/** The reserved concurrency of the send function. With 0, no function has reserved concurrency. */
export const sendConcurrency = wholeNumber('SEND_CONCURRENCY', production ? functions.send.concurrency : 0);

const throttlePerSecond = wholeNumber('WEBHOOK_THROTTLE_PER_SECOND', defaultThrottle.perSecond, 1);
const defaultBurst = Math.min(2 * throttlePerSecond, defaultThrottle.maxDefaultBurst);

/** The limit of each webhook route. */
export const webhookThrottle = {
  perSecond: throttlePerSecond,
  burst: wholeNumber('WEBHOOK_THROTTLE_BURST', defaultBurst, 1),
};

/** Objects in the bucket are kept as long as messages. */
export const mediaDays = wholeNumber('MESSAGES_RETENTION_DAYS', 365, 1);

const intervals = new Map(
  Object.entries(schedules).map(([name, { setting, defaultMinutes }]) => [
    name,
    // The alarm covers two intervals.
    minutesUpTo(maxAlarmMinutes / 2, setting, defaultMinutes),
  ]),
);

/** Minutes between two invocations of a schedule. 0 turns it off. */
export function scheduleMinutes(name: ScheduleName): number {
  return intervals.get(name) ?? 0;
}
