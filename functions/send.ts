import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { createOnUse, loadPorts } from '../core/channel/ports.ts';
import { senders } from '../core/channels.ts';
import { isKnown, StepFailed } from '../core/outbound/errors.ts';
import {
  outboundPorts,
  publishSent,
  raiseCredentialsBlocked,
  rateLimiters,
  recordUnsent,
} from '../core/outbound/ports.ts';
import { parseStepInput, type StepInput, sendRequestedType } from '../core/outbound/request.ts';
import { sendRequest } from '../core/outbound/send.ts';
import { withRecord } from '../core/platform/invocations.ts';
import { logger } from '../core/platform/logger.ts';
import { count } from '../core/platform/metrics.ts';

const connect = createOnUse(await loadPorts(senders));
const createLimiter = rateLimiters(logger);

/** The task of the state `Send`. Throws `Deferred` or `NotFirst` to make the state machine wait, or the error of the step. */
export const handler = middy<unknown, { outcome: string }>()
  .use(injectLambdaContext(logger))
  .handler((input, context) => {
    const step = parseStepInput(input);
    const { organizationId, conversationId, correlationId, causationId: eventId } = step.request;
    const ids = { event: sendRequestedType, eventId, correlationId, organizationId, conversationId };
    return withRecord(ids, () => send(step, context));
  });

async function send({ request, turn }: StepInput, context: Context): Promise<{ outcome: string }> {
  const { organizationId, conversationId, requestId, redrive } = request;
  if (turn?.Error === 'States.Timeout') count('TurnsTimedOut', { organizationId });
  const log = logger.createChild({ persistentKeys: { organizationId, conversationId, requestId, redrive } });
  const limiter = createLimiter(organizationId, { share: 'sends' });
  const invocation = { held: turn?.slot, deadline: Date.now() + context.getRemainingTimeInMillis() };
  try {
    const outcome = await sendRequest(request, invocation, {
      ...outboundPorts(log),
      limiter,
      channel: await connect(organizationId)(organizationId, (resetMs) => limiter.holdFor(resetMs)),
      onSent: async (parts) => {
        await publishSent(request, parts);
        count('MessagesSent', { organizationId }, parts.length);
      },
      onCredentialsBlocked: () => raiseCredentialsBlocked(request, { requestId }),
      log,
    });
    log.debug(outcome);
    return { outcome };
  } catch (error) {
    // The state machine and the dead-letter handler match these names. Any other error becomes StepFailed, which is retried.
    const thrown = isKnown(error) ? error : new StepFailed(error);
    log.info('not sent', { error: thrown });
    recordUnsent(request, thrown, Date.now());
    throw thrown;
  }
}
