import { liveChatReconciliation } from '../core/livechat/reconcile.ts';
import { reconcileOrganization } from '../core/reconciliation/reconcile.ts';
import { onEvent } from './middleware/on-event.ts';

const channel = liveChatReconciliation();

/** Reconciles an organization. A run that fails is recorded, and continued on the next request. */
export const handler = onEvent('reconciliation.requested', async ({ metadata, data }, log, remainingMs) => {
  const deadline = Date.now() + remainingMs();
  await reconcileOrganization(metadata.organizationId, data.reason, { channel, deadline, log });
});
