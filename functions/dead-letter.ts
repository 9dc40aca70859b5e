import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import * as z from 'zod/mini';
import { liveChatSender } from '../core/livechat/sender.ts';
import { bury } from '../core/outbound/dead-letters/bury.ts';
import { isToldByMachine, readLetter } from '../core/outbound/dead-letters/read.ts';
import { NotRedriven, redrive } from '../core/outbound/dead-letters/redrive.ts';
import { logger } from '../core/platform/logger.ts';

const { compose } = liveChatSender();
/** What this function leaves for itself, to be read later. */
const reminder = z.object({ kind: z.literal('redrive'), id: z.string() });

/** Reads the dead-letter queue. What fails is read again; the rest of the batch is not. */
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
  const reminded = reminder.safeParse(parsed(body));
  if (reminded.success) return redriveByItself(reminded.data.id);
  if (isToldByMachine(body)) return;
  const reason = (name: string) => messageAttributes[name]?.stringValue;
  const letter = readLetter(body, { ERROR_CODE: reason('ERROR_CODE'), ERROR_MESSAGE: reason('ERROR_MESSAGE') });
  await bury(letter, compose, Date.now());
  logger.warn('dead letter kept', { deadLetterId: letter.id, kind: letter.kind, error: letter.error.name });
}

async function redriveByItself(id: string): Promise<void> {
  try {
    await redrive(id, Date.now());
    logger.info('dead letter redriven by itself', { deadLetterId: id });
  } catch (error) {
    // Somebody was faster.
    if (!(error instanceof NotRedriven)) throw error;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
