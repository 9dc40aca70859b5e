import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import type { InFlight } from '../in-flight.ts';
import { region } from './arn.ts';
import type { ConsumerResource } from './local-aws.ts';
import type { QueueMessage, Storage } from './sqs-s3.ts';

export interface EventSourceMappingOptions extends Omit<ConsumerResource, 'queue' | 'quarantine'> {
  readonly queue: { readonly url: string; readonly arn: string; readonly name: string };
  /** Delay before a failed message is received again. On AWS: the queue's visibility timeout. */
  readonly redeliveryDelayMs: number;
  readonly storage: Pick<Storage, 'receiveMessages' | 'deleteMessage' | 'releaseMessage' | 'onSend'>;
  invoke(name: string, event: unknown): Promise<unknown>;
  /** Receives a line for every message that is moved to the quarantine queue. */
  report(message: string): void;
  readonly inFlight: InFlight;
}

export type EventSourceMapping = ReturnType<typeof startEventSourceMapping>;

/** Lambda's initial number of pollers for a standard queue. */
const maxPollers = 5;
/** Above every function's timeout, so that no message is processed twice at the same time. */
const visibilityTimeoutSeconds = 12 * 3_600;
/** Polling interval for messages that were sent with a delay. */
const pollIntervalMs = 1_000;

const resultSchema = z.nullish(
  z.object({ batchItemFailures: z.nullish(z.array(z.object({ itemIdentifier: z.string() }))) }),
);

/** An SQS event source mapping: invokes a function with batches of messages and deletes those that it does not report as failed. */
export function startEventSourceMapping(options: EventSourceMappingOptions) {
  const { queue, batchSize, maxReceiveCount, storage, inFlight, report } = options;
  const stopped = new AbortController();
  let pollers = 0;
  let redeliveries = 0;
  /** Whether a message arrived while all pollers were busy. */
  let missed = false;
  let done: (() => void) | undefined;

  function wake(): void {
    if (stopped.signal.aborted) return;
    done ??= inFlight.track();
    if (pollers === maxPollers) {
      missed = true;
      return;
    }
    pollers += 1;
    poll()
      .catch((error: unknown) => reportUnlessStopped(`Polling the queue ${queue.name} failed: ${error}`))
      .finally(() => {
        pollers -= 1;
        finishWhenEmpty();
      });
  }

  function reportUnlessStopped(message: string): void {
    if (!stopped.signal.aborted) report(message);
  }

  function finishWhenEmpty(): void {
    if (pollers > 0 || redeliveries > 0) return;
    done?.();
    done = undefined;
  }

  async function poll(): Promise<void> {
    while (!stopped.signal.aborted) {
      missed = false;
      const messages = await storage.receiveMessages(queue.url, { maxMessages: batchSize, visibilityTimeoutSeconds });
      if (messages.length > 0) await consume(messages);
      else if (!missed) return;
    }
  }

  async function consume(messages: readonly QueueMessage[]): Promise<void> {
    const failed = await findFailedMessages(messages);
    for (const message of messages) {
      if (failed.has(message.MessageId)) await handleFailure(message);
      else await storage.deleteMessage(queue.url, message.ReceiptHandle);
    }
  }

  /** The ids of the failed messages: those in `batchItemFailures`, or the whole batch. */
  async function findFailedMessages(messages: readonly QueueMessage[]): Promise<ReadonlySet<string>> {
    const all = new Set(messages.map(({ MessageId }) => MessageId));
    try {
      const Records = messages.map((message) => toRecord(message, queue.arn));
      const result = resultSchema.safeParse(await options.invoke(options.function, { Records }));
      const failures = result.data?.batchItemFailures?.map(({ itemIdentifier }) => itemIdentifier) ?? [];
      // Like Lambda, treats an invalid result as a failure of the whole batch.
      return result.success && failures.every((id) => all.has(id)) ? new Set(failures) : all;
    } catch {
      return all;
    }
  }

  async function handleFailure({ Attributes, MessageId, ReceiptHandle }: QueueMessage): Promise<void> {
    if (Number(Attributes.ApproximateReceiveCount) >= maxReceiveCount) {
      report(
        `${options.function} failed ${maxReceiveCount} times for message ${MessageId}: it is moved to the quarantine queue`,
      );
      await storage.releaseMessage(queue.url, ReceiptHandle);
      return;
    }
    redeliveries += 1;
    sleep(options.redeliveryDelayMs, undefined, { signal: stopped.signal })
      .then(() => storage.releaseMessage(queue.url, ReceiptHandle))
      .catch((error: unknown) => reportUnlessStopped(`The message ${MessageId} cannot be released: ${error}`))
      .finally(() => {
        redeliveries -= 1;
        wake();
      });
  }

  storage.onSend(wake);
  const pollTimer = setInterval(wake, pollIntervalMs);
  pollTimer.unref();
  // Receives the messages that remain from an earlier run.
  wake();

  return {
    stop(): void {
      stopped.abort();
      clearInterval(pollTimer);
    },
  };
}

function toRecord(message: QueueMessage, eventSourceARN: string) {
  const attributes = Object.entries(message.MessageAttributes ?? {}).map(([name, value]) => [
    name,
    {
      dataType: value.DataType,
      stringValue: value.StringValue,
      binaryValue: value.BinaryValue,
      stringListValues: [],
      binaryListValues: [],
    },
  ]);
  return {
    messageId: message.MessageId,
    receiptHandle: message.ReceiptHandle,
    body: message.Body,
    attributes: message.Attributes,
    messageAttributes: Object.fromEntries(attributes),
    md5OfBody: message.MD5OfBody,
    eventSource: 'aws:sqs',
    eventSourceARN,
    awsRegion: region,
  };
}
