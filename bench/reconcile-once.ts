import { liveChatReconciliation } from '../core/livechat/reconcile.ts';
import { logger } from '../core/platform/logger.ts';
import { observationMarginMs } from '../core/reconciliation/calls.ts';
import { reconcileOrganization } from '../core/reconciliation/reconcile.ts';
import { organizationId } from '../test/local.ts';

/**
 * Makes one scheduled run in a process of its own, as functions/reconcile does, and sends the result to its parent.
 *
 * The clock is twice the margin ahead. A run leaves what is younger than the margin to the next one, so that this one would
 * have to wait. A second margin ahead, what happens after this run is news in the next one, and nothing before it is.
 */
const now = Date.now;
Date.now = () => now() + 2 * observationMarginMs;

const start = performance.now();
const before = process.cpuUsage();
const channel = liveChatReconciliation();
const run = await reconcileOrganization(organizationId, 'schedule', {
  channel,
  deadline: Number.POSITIVE_INFINITY,
  log: logger,
});
const { user, system } = process.cpuUsage(before);
process.send?.({ run, seconds: (performance.now() - start) / 1000, cpuMs: (user + system) / 1000 });
