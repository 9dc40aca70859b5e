import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import * as z from 'zod/mini';
import { StepFailed } from '../core/outbound/errors.ts';
import { MessageGroup } from '../core/outbound/message-group.ts';
import { outboundPorts } from '../core/outbound/ports.ts';
import { parseStepInput } from '../core/outbound/request.ts';
import { logger } from '../core/platform/logger.ts';

const waitInput = z.looseObject({ seconds: z.number(), token: z.string() });

/** Stores the task token of a request that is not first in its message group. The predecessor completes the task. */
export const handler = middy<unknown, void>().use(injectLambdaContext(logger)).handler(waitForTurn);

async function waitForTurn(input: unknown): Promise<void> {
  const { request } = parseStepInput(input);
  const { seconds, token } = waitInput.parse(input);
  try {
    await new MessageGroup(request, outboundPorts(logger)).waitForTurn(token, seconds * 1000);
  } catch (error) {
    // The state machine retries StepFailed; any other error would become a dead letter.
    throw new StepFailed(error);
  }
}
