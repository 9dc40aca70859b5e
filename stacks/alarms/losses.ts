import { deadLetterCategories } from '../../core/outbound/dead-letters/category.ts';
import type { AlarmSpec } from '../alarm.ts';
import { asynchronous } from '../functions.ts';
import { ofFunction, ofQueue, ofRule, ofTable, own } from '../metrics.ts';
import { deadLetters, parked } from '../queues.ts';
import { control, conversations, messages } from '../storage.ts';
import { alertRule, functions, rules } from '../topology.ts';

/** What a dead letter of a category means, and what to do before it is redriven. */
const meanings: Readonly<Record<string, string>> = {
  Authentication:
    'LiveChat refuses the credentials. Put working ones into the secret; the gate opens by itself. Then redrive.',
  Client:
    'LiveChat refuses what was asked of it, and would again. Read the error; tell the service that sends such requests.',
  Network: 'LiveChat could not be reached. They are redriven once by themselves; redrive the others when it answers.',
  RateLimit: 'LiveChat takes fewer calls than the pace makes. Lower the pace of the gate, then redrive.',
  Repairable: 'A chat could not be resumed or joined. Look at the chat in LiveChat, then redrive.',
  Server:
    'LiveChat answers by errors of its own. They are redriven once by themselves; redrive the others when it is well.',
  Configuration: 'A setting is missing or malformed: the error names it. Set it, then redrive.',
  Invalid: 'The request, or a file that it names, is not what it should be. Tell the service that sends such requests.',
  Expired:
    'Requests waited longer than they may. They are redriven once by themselves; look at the backlog and the gate.',
  Stopped: 'Runs were aborted or timed out. Find out by whom, then redrive.',
  Event:
    'Functions could not handle events, so something is missing in the tables. Fix the cause, then redrive: it changes nothing twice.',
  Unread: 'Letters cannot be read: something else writes to the queue, or its shape has changed. Look at them by hand.',
  Internal: 'Something in this app or in AWS failed. Read the error and the log of the send function, then redrive.',
};

const ofCategory = (category: string): AlarmSpec => ({
  name: `dead-letters-${category.toLowerCase()}`,
  says: `Dead letters (${category}). ${meanings[category] ?? 'Read the error, then redrive.'}`,
  metrics: [own('DeadLetters', { category })],
});

/** Of what did not get where it should, and of what might be lost. */
export const lossAlarms: readonly AlarmSpec[] = [
  ...deadLetterCategories.map(ofCategory),
  {
    name: 'dead-letters-waiting',
    says: 'Dead letters have waited for more than 40 minutes to be recorded. Look at the log of the dead-letter function.',
    metrics: [ofQueue('ApproximateAgeOfOldestMessage', deadLetters)],
    statistic: 'Maximum',
    above: 2_400,
  },
  {
    name: 'dead-letters-parked',
    says: 'Dead letters could not be recorded, five times, and are parked for 14 days. Fix the dead-letter function, then start a redrive of the queue to its source.',
    metrics: [ofQueue('ApproximateNumberOfMessagesVisible', parked)],
    statistic: 'Maximum',
  },
  {
    name: 'events-lost',
    says: 'Not even the dead-letter queue took an event: it is gone, save in the archive of the bus. Look at the policy of the queue and at the roles, then replay.',
    metrics: [
      ...Object.entries(rules).map(([name, { bus }]) => ofRule('InvocationsFailedToBeSentToDlq', name, bus)),
      ofRule('InvocationsFailedToBeSentToDlq', alertRule.name),
      ...[...asynchronous].map((name) => ofFunction('DestinationDeliveryFailures', name)),
    ],
  },
  {
    name: 'functions-throttled',
    says: 'Functions wait for room to run: events and sends come late. Raise the concurrency of the account, or that reserved for the send function.',
    metrics: Object.keys(functions).map((name) => ofFunction('Throttles', name)),
    periods: [3, 3],
  },
  {
    name: 'tables-throttled',
    says: 'DynamoDB refuses calls: one partition is too hot, or the account has reached its limit. Look at which key is written so often.',
    metrics: [conversations, messages, control].flatMap((table) => [
      ofTable('ReadThrottleEvents', table),
      ofTable('WriteThrottleEvents', table),
    ]),
    periods: [2, 3],
  },
];
