import type { ReconciliationRun, UnprovableReason } from '../../../core/reconciliation/report.ts';
import { ago, count, duration, stepTime, timeInText } from '../parts/format.ts';
import type { Tone } from '../parts/ui.tsx';

/** The age of the watermark at which the alarm `reconciliation-late` fires. */
const maxAgeMs = (everyMinutes: number) => Math.max(120, 4 * everyMinutes) * 60_000;

/**
 * The time up to which an organization is proven complete.
 *
 * @param everyMinutes the interval of the scheduled runs; 0 if there are none, and no alarm
 */
export function describeWatermark(
  watermark: string | undefined,
  everyMinutes: number,
  now: number,
): { tone: Tone; name: string; text: string } {
  if (watermark === undefined) {
    return { tone: 'calm', name: 'not proven yet', text: 'The first run that completes proves its period.' };
  }
  const at = timeInText(watermark, new Date(now).toISOString());
  const text = `Proven complete up to ${at}, ${ago(watermark, now)}.`;
  if (everyMinutes === 0) return { tone: 'calm', name: 'not scheduled', text };
  const maxAge = maxAgeMs(everyMinutes);
  return now - Date.parse(watermark) < maxAge
    ? { tone: 'good', name: 'complete', text }
    : { tone: 'warn', name: 'late', text: `${text} The alarm fires at ${duration(maxAge)}.` };
}

/** What a run has found, in one line. */
export function describeFindings({ status, report }: Pick<ReconciliationRun, 'status' | 'report'>): string {
  const { threads, repaired, published } = report;
  const unproven = countUnprovable(report);
  const found = [
    ...(published > 0 ? [`${count(published, 'event')} published`] : []),
    ...(repaired > 0 ? [`${count(repaired, 'thread')} repaired`] : []),
    ...(unproven > 0 ? [`${count(unproven, 'thread')} unprovable`] : []),
  ];
  if (found.length > 0) return found.join(', ');
  if (threads === 0) return 'No thread read';
  return `No difference in ${count(threads, 'thread')}${status === 'running' ? ' so far' : ''}`;
}

export function countUnprovable({ unprovable }: ReconciliationRun['report']): number {
  return Object.values(unprovable).reduce((sum, number) => sum + number, 0);
}

/** What a run compares: all threads of one chat, or those of a period. Its times have a date if it is not the date of the run. */
export function describeScope({ conversationId, from, to, startedAt }: ReconciliationRun): string {
  return conversationId !== undefined
    ? `all threads of ${conversationId}`
    : `${stepTime(from, startedAt)} to ${timeInText(to, startedAt)}`;
}

/** How long a run took, or has run until now. */
export function describeDuration({ startedAt, endedAt }: ReconciliationRun, now: number): string {
  return duration((endedAt === undefined ? now : Date.parse(endedAt)) - Date.parse(startedAt));
}

export const reasonTexts: Readonly<Record<ReconciliationRun['reason'], string>> = {
  schedule: 'scheduled',
  recovery: 'after an outage',
  request: 'requested',
};

export const statusTones: Readonly<Record<ReconciliationRun['status'], Tone>> = {
  running: 'busy',
  complete: 'good',
  incomplete: 'warn',
  interrupted: 'warn',
  failed: 'bad',
};

/** What the status of a run means, and what happens next. */
export function describeStatus({ status, reason }: Pick<ReconciliationRun, 'status' | 'reason'>): string {
  const isRequested = reason === 'request';
  switch (status) {
    case 'running':
      return 'The run is in progress.';
    case 'complete':
      return 'The last pass found no difference.';
    case 'incomplete':
      return `The last pass still found differences. ${isRequested ? 'Run the command again.' : 'The next run reads the period again.'}`;
    case 'interrupted':
      return isRequested ? 'To resume it, run the same command again.' : 'The next run resumes it.';
    case 'failed':
      return isRequested
        ? 'To resume it, run the same command again.'
        : 'The next run resumes it, or restarts it if the page id has expired.';
  }
}

export const unprovableTexts: Readonly<Record<UnprovableReason, string>> = {
  invalid: 'The channel lists an event or a thread that does not match its schema.',
  'not found': 'The channel does not return the stored thread. It was removed, or the token has no access to it.',
  changing: 'Webhooks changed the thread during the run. The next run compares it again.',
  'not stored': 'The published events were not stored in time. Check the dead letters.',
  unreadable: 'The channel returned an error for the thread. The next run reads it again.',
};
