import { createOnUse, loadPorts } from '../core/channel/ports.ts';
import { reconcilers } from '../core/channels.ts';
import { reconcileOrganization } from '../core/reconciliation/reconcile.ts';
import { onEvent } from './middleware/on-event.ts';

const channels = createOnUse(await loadPorts(reconcilers));

/** Reconciles an organization. A run that fails is recorded, and continued on the next request. */
export const handler = onEvent('reconciliation.requested', async ({ metadata, data }, log, remainingMs) => {
  const deadline = Date.now() + remainingMs();
  const channel = channels(metadata.organizationId);
  await reconcileOrganization(metadata.organizationId, data.reason, { channel, deadline, log });
});
