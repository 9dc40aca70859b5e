import * as z from 'zod/mini';
import type { InFlight } from '../in-flight.ts';
import { region } from './arn.ts';
import type { QueueMessage, Storage } from './sqs.ts';

export interface EventSourceMappingOptions {
  readonly queue: { readonly url: string; readonly arn: string; readonly name: string };
  readonly function: string;
  readonly batchSize: number;
  /** The queue itself parks a message that was received so often. */
  readonly maxReceiveCount: number;
  /** How long a message that failed is kept back. On AWS it is the queue's visibility time-out. */
  readonly redeliveryDelayMs: number;
  readonly storage: Pick<Storage, 'receiveMessages' | 'deleteMessage' | 'releaseMessage' | 'onSend'>;
  invoke(name: string, event: unknown): Promise<unknown>;
  /** Told about every message that is given up. */
  report(message: string): void;
  readonly inFlight: InFlight;
}

export interface EventSourceMapping {
  stop(): void;
}

/** Lambda begins with as many pollers for a standard queue. */
const maxPollers = 5;
/** Longer than any function may run, so that no message is handled twice at the same time. */
const visibilityTimeoutSeconds = 12 * 3_600;
/** Messages that were sent with a delay are noticed by looking now and then. */
const pollIntervalMs = 1_000;

const resultSchema = z.nullish(
  z.object({ batchItemFailures: z.nullish(z.array(z.object({ itemIdentifier: z.string() }))) }),
);

/** An SQS event source mapping: gives a queue's messages to a function, and deletes those that it does not report as failed. */
export function startEventSourceMapping(options: EventSourceMappingOptions): EventSourceMapping {
  const { queue, batchSize, maxReceiveCount, storage, inFlight, report } = options;
  const waiting = new Set<NodeJS.Timeout>();
  let pollers = 0;
  let missed = false;
  let stopped = false;
  let done: (() => void) | undefined;

  function wake(): void {
    if (stopped) return;
    done ??= inFlight.begin();
    if (pollers === maxPollers) {
      missed = true;
      return;
    }
    pollers += 1;
    poll()
      .catch((error: unknown) => {
        if (!stopped) report(`The queue ${queue.name} cannot be read: ${error}`);
      })
      .finally(() => {
        pollers -= 1;
        finishWhenEmpty();
      });
  }

  function finishWhenEmpty(): void {
    if (pollers > 0 || waiting.size > 0) return;
    done?.();
    done = undefined;
  }

  async function poll(): Promise<void> {
    while (!stopped) {
      missed = false;
      const messages = await storage.receiveMessages(queue.url, { maxMessages: batchSize, visibilityTimeoutSeconds });
      if (messages.length > 0) await consume(messages);
      else if (!missed) return;
    }
  }

  async function consume(messages: readonly QueueMessage[]): Promise<void> {
    const failed = await findFailedMessages(messages);
    for (const message of messages) {
      if (failed.has(message.MessageId)) await redeliver(message);
      else await storage.deleteMessage(queue.url, message.ReceiptHandle);
    }
  }

  /** The ids of the messages that failed: those that the function names, or all of them. */
  async function findFailedMessages(messages: readonly QueueMessage[]): Promise<ReadonlySet<string>> {
    const all = new Set(messages.map(({ MessageId }) => MessageId));
    try {
      const Records = messages.map((message) => toRecord(message, queue.arn));
      const result = resultSchema.safeParse(await options.invoke(options.function, { Records }));
      const failures = result.data?.batchItemFailures?.map(({ itemIdentifier }) => itemIdentifier) ?? [];
      // Lambda takes an answer that it cannot read for the failure of the whole batch.
      return result.success && failures.every((id) => all.has(id)) ? new Set(failures) : all;
    } catch {
      return all;
    }
  }

  async function redeliver({ Attributes, MessageId, ReceiptHandle }: QueueMessage): Promise<void> {
    const last = Number(Attributes.ApproximateReceiveCount) >= maxReceiveCount;
    if (last) {
      report(`${options.function} failed ${maxReceiveCount} times for message ${MessageId}: it is parked`);
      await storage.releaseMessage(queue.url, ReceiptHandle);
      return;
    }
    const timer = setTimeout(() => {
      storage
        .releaseMessage(queue.url, ReceiptHandle)
        .catch((error: unknown) => {
          if (!stopped) report(`The message ${MessageId} cannot be given back: ${error}`);
        })
        .finally(() => {
          waiting.delete(timer);
          wake();
        });
    }, options.redeliveryDelayMs);
    waiting.add(timer);
  }

  storage.onSend(wake);
  const pollTimer = setInterval(wake, pollIntervalMs);
  pollTimer.unref();

  return {
    stop() {
      stopped = true;
      clearInterval(pollTimer);
      for (const timer of waiting) clearTimeout(timer);
      waiting.clear();
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
