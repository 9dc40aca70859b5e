import { queueArn } from '../lambda/names.ts';
import type { Storage } from './storage.ts';

/** The part of the topology that queues are made from: their names, and which of them park what their consumers fail. */
export interface QueueResources {
  readonly queues: Readonly<Record<string, string>>;
  readonly consumers: Readonly<
    Record<string, { readonly queue: string; readonly parked: string; readonly maxReceiveCount: number }>
  >;
}

/** Nothing is checked against it here; who looks finds what a deployment has. */
const forRules = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { Service: 'events.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: '*' },
  ],
};

/** Creates the queues, and gives their URLs by their names in the topology. */
export async function createQueues(
  storage: Pick<Storage, 'createQueue'>,
  { queues, consumers }: QueueResources,
  port: number,
): Promise<Readonly<Record<string, string>>> {
  const created = Object.entries(queues).map(async ([key, name]) => {
    const consumer = Object.values(consumers).find(({ queue }) => queue === key);
    const policy = consumer && {
      deadLetterTargetArn: queueArn(queues[consumer.parked] ?? consumer.parked),
      maxReceiveCount: consumer.maxReceiveCount,
    };
    const attributes = policy ? { RedrivePolicy: JSON.stringify(policy), Policy: JSON.stringify(forRules) } : {};
    return [key, await storage.createQueue(name, port, attributes)] as const;
  });
  return Object.fromEntries(await Promise.all(created));
}

/** @throws Error when the topology names a queue that it does not have. */
export function urlOf(urls: Readonly<Record<string, string>>, queue: string): string {
  const url = urls[queue];
  if (url === undefined) throw new Error(`The topology has no queue "${queue}"`);
  return url;
}
