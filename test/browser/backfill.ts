import { type Local, organizationId } from '../local.ts';

const minuteMs = 60_000;

/**
 * Reconciles the last two hours in this process, whose clock is ten minutes ahead meanwhile: a run leaves what happened in the
 * last two minutes to the next one.
 */
export async function backfillLater(local: Local): Promise<void> {
  // Core reads the names of the tables when it is loaded.
  Object.assign(process.env, local.environment);
  const [{ backfill }, { liveChatReconciliation }, { logger }] = await Promise.all([
    import('../../core/reconciliation/reconcile.ts'),
    import('../../core/livechat/reconcile.ts'),
    import('../../core/platform/logger.ts'),
  ]);
  const realNow = Date.now;
  Date.now = () => realNow() + 10 * minuteMs;
  const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * minuteMs).toISOString();
  try {
    await backfill(
      { organizationId, from: minutesAgo(120), to: minutesAgo(2) },
      {
        channel: liveChatReconciliation(),
        dryRun: false,
        signal: new AbortController().signal,
        onProgress: () => {},
        onWait: () => {},
        log: logger,
      },
    );
  } finally {
    Date.now = realNow;
  }
}
