import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { liveChatSender } from '../core/livechat/sender.ts';
import { acceptRequest } from '../core/outbound/accept.ts';
import { RequestConflict, RequestInvalid } from '../core/outbound/errors.ts';
import { outboundPorts } from '../core/outbound/ports.ts';
import { parseSendRequested } from '../core/outbound/request.ts';
import { withIdempotency } from '../core/platform/idempotency.ts';
import { logger } from '../core/platform/logger.ts';
import { sendToDeadLetterQueue } from '../core/platform/queue.ts';

const { compose } = liveChatSender();

/** Accepts send requests. An invalid or conflicting request becomes a dead letter at once. */
export const handler = middy<unknown, void>().use(injectLambdaContext(logger)).handler(accept);

async function accept(event: unknown, context: Context): Promise<void> {
  try {
    const request = parseSendRequested(event, compose);
    const { organizationId, conversationId, requestId, hash } = request;
    const log = logger.createChild({ persistentKeys: { organizationId, conversationId, requestId } });
    const ports = outboundPorts(log);
    const acceptOnce = withIdempotency('send-requested', async () => ({
      execution: await acceptRequest(request, ports),
    }));
    // A conflicting request has another hash, so that the deliveries of the first request refuse it.
    const { execution } = await acceptOnce(`${organizationId}:${requestId}:${hash}`, () =>
      context.getRemainingTimeInMillis(),
    );
    log.info('accepted', { execution });
  } catch (error) {
    if (!(error instanceof RequestInvalid || error instanceof RequestConflict)) throw error;
    const { name, message } = error;
    logger.warn('send request rejected', { error: { name, message } });
    await sendToDeadLetterQueue({ kind: 'rejected', event, error: { Error: name, Cause: message } }, 0);
  }
}
