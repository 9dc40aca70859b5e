import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import * as z from 'zod/mini';
import { isAlreadyReported, parseDeadLetter } from '../core/outbound/dead-letter.ts';
import { handleDeadLetter, redrive } from '../core/outbound/dead-letter-handler.ts';
import { MessageGroup } from '../core/outbound/message-group.ts';
import { outboundPorts } from '../core/outbound/ports.ts';
import { executionInput } from '../core/outbound/request.ts';
import { parseJson } from '../core/platform/json.ts';
import { logger } from '../core/platform/logger.ts';

/** Messages that this function sends to itself with a delay. */
const delayed = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('redrive'), id: z.string() }),
  z.object({ kind: z.literal('wake'), request: executionInput }),
]);

/** Handles the dead-letter queue. SQS delivers the failed messages of a batch again. */
export const handler = middy<SQSEvent, SQSBatchResponse>().use(injectLambdaContext(logger)).handler(handleBatch);

async function handleBatch({ Records }: SQSEvent): Promise<SQSBatchResponse> {
  const batchItemFailures: SQSBatchResponse['batchItemFailures'] = [];
  for (const record of Records) {
    try {
      await handle(record);
    } catch (error) {
      logger.error('dead letter not handled', { messageId: record.messageId, error });
      batchItemFailures.push({ itemIdentifier: record.messageId });
    }
  }
  return { batchItemFailures };
}

async function handle({ body, messageAttributes }: SQSRecord): Promise<void> {
  const action = delayed.safeParse(parseJson(body)).data;
  if (action?.kind === 'redrive') return redriveOnce(action.id);
  if (action?.kind === 'wake') return new MessageGroup(action.request, outboundPorts(logger)).wakeFirst();
  if (isAlreadyReported(body)) return;
  const attribute = (name: string) => messageAttributes[name]?.stringValue;
  const deadLetter = parseDeadLetter(body, {
    ERROR_CODE: attribute('ERROR_CODE'),
    ERROR_MESSAGE: attribute('ERROR_MESSAGE'),
  });
  await handleDeadLetter(deadLetter, outboundPorts(logger));
  logger.warn('dead letter archived', {
    deadLetterId: deadLetter.id,
    kind: deadLetter.kind,
    error: deadLetter.error.name,
  });
}

async function redriveOnce(id: string): Promise<void> {
  const { refused } = await redrive(id, outboundPorts(logger));
  // An operator may have redriven it.
  if (refused === undefined) logger.info('dead letter redriven automatically', { deadLetterId: id });
}
