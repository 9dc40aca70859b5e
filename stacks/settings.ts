import { wholeNumber } from '../core/platform/configuration.ts';
import { production } from './stage.ts';
import { archive, settings } from './topology.ts';

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
