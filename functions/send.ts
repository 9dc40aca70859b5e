import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { liveChatSender } from '../core/livechat/sender.ts';
import { isFileError } from '../core/media/errors.ts';
import { publishSent, raiseLocked } from '../core/outbound/announce.ts';
import { deliveryStore } from '../core/outbound/delivery-store.ts';
import { isMeant, StepFailed } from '../core/outbound/errors.ts';
import { isCallFailure } from '../core/outbound/failure.ts';
import { gateStore } from '../core/outbound/gate/store.ts';
import { queueStore } from '../core/outbound/queue.ts';
import { parseSendInput, requestOf } from '../core/outbound/request.ts';
import { sendRequest } from '../core/outbound/send.ts';
import { SendWatch } from '../core/outbound/watch.ts';
import { systemClock } from '../core/platform/clock.ts';
import { ConfigurationError, wholeNumber } from '../core/platform/configuration.ts';
import { logger } from '../core/platform/logger.ts';
import { isRunning } from '../core/platform/step-functions.ts';

const sender = liveChatSender();
const gate = gateStore(wholeNumber('LIVECHAT_CALLS_PER_SECOND', 10, 1));

/** The state machine's one step: delivers a send request, or says when to come back. */
export const handler = middy<unknown, { outcome: string }>().use(injectLambdaContext(logger)).handler(deliverRequest);

async function deliverRequest(input: unknown, context: Context): Promise<{ outcome: string }> {
  const { execution, state } = parseSendInput(input);
  const request = requestOf(state, sender.compose);
  const { organizationId, conversationId, requestId } = request;
  const log = logger.createChild({
    persistentKeys: { execution, organizationId, conversationId, requestId, redrive: request.redrive },
  });
  const watch = new SendWatch(request, gate);
  const run = {
    id: execution,
    returning: state.deferral !== undefined,
    deadline: Date.now() + context.getRemainingTimeInMillis(),
  };
  try {
    const outcome = await sendRequest(request, run, {
      clock: systemClock,
      queue: queueStore,
      deliveries: deliveryStore,
      gate: watch.gate,
      carrier: await sender.carrier(organizationId),
      isRunning,
      onSent: async (parts) => {
        await publishSent(request, parts);
        watch.sent(parts.length);
      },
      onLocked: () => raiseLocked(request),
      onUnblocked: () => watch.unblocked(),
      log,
    });
    log.info(outcome);
    return { outcome };
  } catch (error) {
    log.info('not sent', { error });
    // What the machine knows by its name; a file that is refused and a setting that is missing will be so again. The rest is
    // worth another try.
    const asItIs = isMeant(error) || isCallFailure(error) || isFileError(error) || error instanceof ConfigurationError;
    const thrown = asItIs ? error : new StepFailed(error);
    watch.notSent(thrown, Date.now());
    throw thrown;
  }
}
