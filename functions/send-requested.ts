import { IdempotencyValidationError } from '@aws-lambda-powertools/idempotency';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { loadPorts } from '../core/channel/ports.ts';
import { composers } from '../core/channels.ts';
import { identifyEvent } from '../core/events/identify.ts';
import { acceptRequest } from '../core/outbound/accept.ts';
import { RequestConflict, RequestInvalid } from '../core/outbound/errors.ts';
import { outboundPorts } from '../core/outbound/ports.ts';
import { parseSendRequested, rejectedEvent, type SendRequest, sendRequestedType } from '../core/outbound/request.ts';
import { expiresAfter } from '../core/platform/dynamodb.ts';
import { withIdempotency } from '../core/platform/idempotency.ts';
import { withRecord } from '../core/platform/invocations.ts';
import { parseJson, replaceCharactersInvalidInSqs } from '../core/platform/json.ts';
import { logger } from '../core/platform/logger.ts';
import { sendToDeadLetterQueue } from '../core/platform/queue.ts';

const loadedComposers = await loadPorts(composers);

/** Accepts send requests. An invalid or conflicting request becomes a dead letter at once. */
export const handler = middy<unknown, void>()
  .use(injectLambdaContext(logger))
  .handler((received, context) => {
    const event = parseJson(replaceCharactersInvalidInSqs(JSON.stringify(received)));
    return withRecord({ event: sendRequestedType, ...identifyEvent(event) }, () => accept(event, context));
  });

async function accept(event: unknown, context: Context): Promise<void> {
  try {
    const execution = await acceptOnce(parseSendRequested(event, loadedComposers), context);
    logger.debug('accepted', { execution });
  } catch (error) {
    if (!(error instanceof RequestInvalid || error instanceof RequestConflict)) throw error;
    const { name, message } = error;
    logger.warn('send request rejected', { error: { name, message } });
    await sendToDeadLetterQueue(
      { kind: 'rejected', event: rejectedEvent(event), error: { Error: name, Cause: message } },
      0,
    );
  }
}

/** A duplicate event returns the execution of the first, for as long as its deliveries are stored. */
async function acceptOnce(request: SendRequest<unknown>, context: Context): Promise<string> {
  const { organizationId, requestId, hash } = request;
  const retentionSeconds = expiresAfter('MESSAGES_RETENTION_DAYS', 0);
  const options = { keyPrefix: 'send-requested', payload: hash, retentionSeconds };
  const idempotent = withIdempotency(options, async () => ({
    execution: await acceptRequest(request, outboundPorts(logger)),
  }));
  try {
    const { execution } = await idempotent(`${organizationId}:${requestId}`, () => context.getRemainingTimeInMillis());
    return execution;
  } catch (error) {
    if (error instanceof IdempotencyValidationError) throw new RequestConflict(requestId);
    throw error;
  }
}
