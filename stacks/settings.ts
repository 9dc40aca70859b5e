import { wholeNumber } from '../core/platform/configuration.ts';
import { archive, settings } from './topology.ts';

/** What differs by stage, and how things are called in it. */

export const production = $app.stage === 'production';

/** How one of our own things is called in this account: `livechat-dev-webhook`. */
export function named(what: string): string {
  return `${$app.name}-${$app.stage}-${what}`;
}

/** What our metrics say they are of: one service a stage. */
export const service = `${$app.name}-${$app.stage}`;

/** A name that other services write down: plain in production, with the stage elsewhere. */
export function shared(what: string): string {
  return production ? what : `${what}-${$app.stage}`;
}

/** `message-received` → `MessageReceived`, as components are named. */
export function componentName(name: string): string {
  return name.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** How long logs are kept: in SST's words and in days. */
export const logRetention = production
  ? ({ words: '3 months', days: 90 } as const)
  : ({ words: '1 week', days: 7 } as const);

const { accountId } = aws.getCallerIdentityOutput();
const { region } = aws.getRegionOutput();
const { partition } = aws.getPartitionOutput();

/** The ARN of something in this account and region, known by its name before it is there. */
export function arn(service: string, resource: string) {
  return $interpolate`arn:${partition}:${service}:${region}:${accountId}:${resource}`;
}

export { accountId, region };

/** What whoever deploys may set, in the environment or in `.env.<stage>`, which SST reads. */

/** Those settings of the functions that are set here. */
export const functionSettings = Object.fromEntries(
  settings.flatMap((name) => {
    const value = process.env[name];
    return value === undefined || value === '' ? [] : [[name, value]];
  }),
);

/** How long the bus's archive reaches back. */
export const archiveDays = wholeNumber('ARCHIVE_DAYS', archive.retentionDays, 1);

/** Where alarms are mailed to; the address has to confirm. */
export const alertEmail = process.env.ALERT_EMAIL || undefined;

/** After how long without any webhook somebody is called; 0 for never, as where no customer writes. */
export const quietMinutes = wholeNumber('QUIET_MINUTES', production ? 60 : 0);

/** As long as messages are kept, what lies in the bucket for them is. */
export const mediaDays = wholeNumber('MESSAGES_RETENTION_DAYS', 365, 1);
