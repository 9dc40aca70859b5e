import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import { loadPorts } from '../core/channel/ports.ts';
import { reconcilableOrganizations } from '../core/channels.ts';
import { organizations } from '../core/conversations/queries.ts';
import { createBusPublisher } from '../core/events/bus.ts';
import { logger } from '../core/platform/logger.ts';
import { scheduleReconciliations } from '../core/reconciliation/schedule.ts';
import { listReconcilable } from '../core/reconciliation/source.ts';

const channels = await loadPorts(reconcilableOrganizations);

const ports = {
  async listOrganizations() {
    const { organizationIds, excluded } = await listReconcilable(channels, await organizations());
    if (excluded.length > 0)
      logger.warn('organizations without credentials of their own are not reconciled', { organizationIds: excluded });
    return organizationIds;
  },
  publish: createBusPublisher(),
};

/** Requests the reconciliation of every organization, on a schedule and when webhooks stop failing. */
export const handler = middy<unknown, void>()
  .use(injectLambdaContext(logger))
  .handler(async (event) => {
    logger.info('reconciliations requested', await scheduleReconciliations(event, ports));
  });
