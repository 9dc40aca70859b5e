import { deadLetterCategories } from '../../core/outbound/dead-letters/category.ts';
import type { MetricName } from '../../core/platform/metrics.ts';
import { type Metric, ofApi, ofFunction, ofMachine, ofQueue, own } from '../metrics.ts';
import { deadLetters, parked } from '../queues.ts';
import { functions } from '../topology.ts';

export interface Graph {
  readonly title: string;
  readonly metrics: readonly (Metric & { readonly label?: string })[];
  readonly statistic?: 'Sum' | 'Maximum' | 'p50' | 'p99';
}

export interface Column {
  readonly title: string;
  readonly text: string;
  readonly graphs: readonly Graph[];
}

const each = (name: MetricName, dimension: string, values: readonly string[]) =>
  values.map((value) => ({ ...own(name, { [dimension]: value }), label: value }));

const inbound = Object.keys(functions).filter((name) => !['webhook', 'send', 'dead-letter'].includes(name));

/** The life of a message, from left to right. */
export const columns: readonly Column[] = [
  {
    title: 'LiveChat calls',
    text: 'Verified, translated, on the bus. All but 200 is called again three times, then lost.',
    graphs: [
      { title: 'Calls and answers', metrics: [ofApi('Count'), ofApi('4xx'), ofApi('5xx')] },
      { title: 'Time to answer, p99 (ms)', metrics: [ofApi('Latency')], statistic: 'p99' },
      {
        title: 'Webhooks',
        metrics: [
          own('WebhooksReceived'),
          own('WebhooksIgnored'),
          own('WebhooksRejected'),
          own('WebhookErrorResponses'),
        ],
      },
      { title: 'Behind LiveChat, p50 (ms)', metrics: [own('WebhookLag')], statistic: 'p50' },
      { title: 'Missing event numbers', metrics: [own('EventNumberGaps')] },
    ],
  },
  {
    title: 'Stored',
    text: 'One function an event. What fails is tried twice more, then a dead letter.',
    graphs: [
      { title: 'Events', metrics: [own('EventsHandled'), own('DuplicateEvents'), own('EventsFailed')] },
      {
        title: 'Errors of functions',
        metrics: inbound.map((name) => ({ ...ofFunction('Errors', name), label: name })),
      },
      { title: 'Files of messages', metrics: [own('MediaStored'), own('MediaFailed')] },
      {
        title: 'Chats routed',
        metrics: [own('ChatsRouted'), ...each('ChatsRouted', 'outcome', ['assigned'])],
      },
      { title: 'Throttled', metrics: inbound.map((name) => ({ ...ofFunction('Throttles', name), label: name })) },
    ],
  },
  {
    title: 'Sent',
    text: 'One run a request. Deferred ones wait in the machine.',
    graphs: [
      {
        title: 'Runs',
        metrics: [ofMachine('ExecutionsStarted'), ofMachine('ExecutionsSucceeded'), ofMachine('ExecutionsFailed')],
      },
      {
        title: 'Messages',
        metrics: [own('MessagesSent'), own('SendsRetried'), own('SendsDeferred'), own('SendsFailed')],
      },
      {
        title: 'Waiting (s)',
        metrics: [own('BacklogSeconds'), own('OldestUnsentSeconds')],
        statistic: 'Maximum',
      },
      {
        title: 'Gate',
        metrics: [...each('GateClosed', 'reason', ['paused', 'failures', 'credentials']), own('BreakerOpened')],
      },
      { title: 'Calls of LiveChat (billed)', metrics: [own('LiveChatCalls'), own('LiveChatDeprecationNotices')] },
      {
        title: 'Send functions at once',
        metrics: [ofFunction('ConcurrentExecutions', 'send')],
        statistic: 'Maximum',
      },
    ],
  },
  {
    title: 'Given up',
    text: 'Recorded by category, redriven by `livechat dead-letters redrive`.',
    graphs: [
      { title: 'Dead letters', metrics: each('DeadLetters', 'category', deadLetterCategories) },
      {
        title: 'In the queues',
        metrics: [
          { ...ofQueue('ApproximateNumberOfMessagesVisible', deadLetters), label: 'to be recorded' },
          { ...ofQueue('ApproximateNumberOfMessagesVisible', parked), label: 'parked' },
        ],
        statistic: 'Maximum',
      },
      { title: 'Runs removed from queues', metrics: [own('QueuesUnblocked')] },
    ],
  },
];
