import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import { organizations } from '../core/conversations/queries.ts';
import { createBusPublisher } from '../core/events/bus.ts';
import { organizationsWithSecrets } from '../core/livechat/credentials.ts';
import { logger } from '../core/platform/logger.ts';
import { scheduleReconciliations } from '../core/reconciliation/schedule.ts';

const ports = {
  listOrganizations: async () => (await Promise.all([organizations(), organizationsWithSecrets(process.env)])).flat(),
  publish: createBusPublisher(),
};

/** Requests the reconciliation of every organization, on a schedule and when webhooks stop failing. */
export const handler = middy<unknown, void>()
  .use(injectLambdaContext(logger))
  .handler(async (event) => {
    logger.info('reconciliations requested', await scheduleReconciliations(event, ports));
  });
