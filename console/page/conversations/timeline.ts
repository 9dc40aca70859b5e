import { compare } from '../../../core/conversations/projection.ts';
import type { AttemptView, DeliveryView } from '../../../core/outbound/read-model.ts';
import { describeError } from '../parts/errors.ts';
import { duration } from '../parts/format.ts';
import type { Step } from '../parts/steps.tsx';
import type { ShownMessage } from './content.tsx';

/** The timeline of a message: from its send request if the bridge sent it, else from its webhook. `channel` is its name. */
export function messageTimeline(message: ShownMessage, channel: string): Step[] {
  const { delivery, timestamp, receivedAt, storedAt, recovered } = message;
  const webhookAfter = since(timestamp, receivedAt, 'after the message was created');
  const arrival: Step[] = delivery
    ? deliveryTimeline({ ...delivery, deliveredAt: delivery.deliveredAt ?? receivedAt ?? timestamp }, channel)
    : [
        { text: `created in ${channel}`, tone: 'calm', at: timestamp },
        {
          text: recovered ? 'restored by reconciliation' : 'webhook received',
          tone: 'good',
          at: receivedAt,
          after: webhookAfter,
        },
      ];
  const storedAfter = since(receivedAt, storedAt, 'after receipt');
  const stored: Step = { text: 'stored', tone: 'good', at: storedAt, after: storedAfter };
  return [...arrival, stored, ...laterSteps(message, channel)];
}

/** Read, edited and deleted, in order of time. */
function laterSteps(message: ShownMessage, channel: string): Step[] {
  const { seen, edited, editedAt, deleted, deletedAt, author } = message;
  const seenText = author.type === 'customer' ? 'seen by an agent' : 'seen by the customer';
  const steps: Step[] = [
    ...(seen ? [{ text: seenText, tone: 'good' as const, at: seen.at }] : []),
    ...(edited ? [{ text: `edited in ${channel}`, tone: 'calm' as const, at: editedAt }] : []),
    ...(deleted ? [{ text: `deleted in ${channel}`, tone: 'calm' as const, at: deletedAt }] : []),
  ];
  return steps.toSorted((a, b) => compare(a.at ?? '', b.at ?? ''));
}

/** The timeline of one message of a send request. */
export function deliveryTimeline(delivery: DeliveryView, channel: string): Step[] {
  const { requestedAt, redrive, redrivenAt, attempts, omittedAttempts = 0 } = delivery;
  const steps: Step[] = [{ text: 'send request published', tone: 'calm', at: requestedAt }];
  if (omittedAttempts > 0) {
    const noun = omittedAttempts === 1 ? 'attempt' : 'attempts';
    steps.push({ text: `${omittedAttempts} earlier ${noun} not shown`, tone: 'warn' });
  }
  let previous: AttemptView | undefined;
  for (const [index, attempt] of attempts.entries()) {
    if (isRedriven(attempt, previous)) steps.push(redriveStep(attempt.redrive, attempt.redrivenAt, previous));
    const after = timeBefore(attempt, previous, requestedAt);
    steps.push(attemptStep(attempt, omittedAttempts + index + 1, after, channel));
    previous = attempt;
  }
  if (isRedriven(delivery, previous)) steps.push(redriveStep(redrive, redrivenAt, previous));
  return [...steps, ...statusSteps(delivery, channel)];
}

function isRedriven({ redrive }: { redrive: number }, previous: AttemptView | undefined): boolean {
  return redrive > (previous?.redrive ?? 0);
}

function timeBefore(attempt: AttemptView, previous: AttemptView | undefined, requestedAt: string | undefined) {
  const { startedAt, redrivenAt } = attempt;
  if (isRedriven(attempt, previous)) return since(redrivenAt, startedAt, 'after the redrive');
  if (previous) return since(previous.endedAt ?? previous.startedAt, startedAt, 'after the previous attempt');
  const waited = since(requestedAt, startedAt, 'after the request');
  // EventBridge's timestamps are whole seconds.
  return waited && `at most ${waited}`;
}

function statusSteps(delivery: DeliveryView, channel: string): Step[] {
  const { status, attempts, execution, failedAt, deadLetterId, sentAt, deliveredAt } = delivery;
  switch (status) {
    case 'queued':
      return [{ text: 'waiting for an attempt', tone: 'warn', execution }];
    case 'sending':
      if (attempts.length === 0) return [{ text: 'attempt in progress', tone: 'busy' }];
      if (attempts.at(-1)?.outcome !== 'lost') return [];
      return [{ text: 'waiting for a lookup before the next attempt', tone: 'warn' }];
    case 'failed':
      return [{ text: 'failed to send; moved to Dead letters', tone: 'bad', at: failedAt, deadLetter: deadLetterId }];
    case 'sent':
      return [{ text: `accepted by ${channel}, waiting for the webhook`, tone: 'busy', at: sentAt }];
    default: {
      const after = since(sentAt, deliveredAt, 'after it was sent');
      return [{ text: 'delivered: confirmed by webhook', tone: 'good', at: deliveredAt, after }];
    }
  }
}

function redriveStep(number: number, at: string | undefined, previous: AttemptView | undefined): Step {
  const text = number === 1 ? 'redriven' : `redriven for the ${ordinal(number)} time`;
  return { text, tone: 'busy', at, deadLetter: previous?.deadLetterId };
}

function attemptStep(attempt: AttemptView, number: number, after: string | undefined, channel: string): Step {
  const { startedAt, endedAt, outcome, execution } = attempt;
  const took = endedAt === undefined ? '' : duration(Date.parse(endedAt) - Date.parse(startedAt));
  const steps = {
    sent: { text: `attempt ${number}: accepted by ${channel} after ${took}`, tone: 'good' },
    found: { text: `attempt ${number}: already in ${channel}, not sent again`, tone: 'good' },
    failed: { text: `attempt ${number} failed after ${took}`, tone: 'warn' },
    'in progress': { text: `attempt ${number} in progress`, tone: 'busy' },
    lost: { text: `attempt ${number}: outcome unknown`, tone: 'warn' },
  } as const;
  return { ...steps[outcome], at: startedAt, after, reason: attemptReason(attempt, channel), execution };
}

const repairs = {
  resumed: 'resumed the inactive chat',
  appended: 'sent it in a new thread of the inactive chat',
  joined: 'joined the chat first',
  'took over': 'took over the chat first',
  'changed region': 'followed the redirect to another region',
  'new credentials': 'reloaded the credentials',
} as const;

function attemptReason(attempt: AttemptView, channel: string): string | undefined {
  const { outcome, error, cause, repairs: made = [] } = attempt;
  const reasons = made.map((repair): string => repairs[repair]);
  if (outcome === 'lost') {
    reasons.unshift(
      `the function crashed or timed out; the message is looked up in ${channel} before it is sent again`,
    );
  } else if (error) {
    reasons.unshift(`${error}${cause ? ` (${cause})` : ''}: ${describeError(error, channel)}`);
  }
  return reasons.join('; ') || undefined;
}

function since(from: string | undefined, to: string | undefined, relation: string): string | undefined {
  if (from === undefined || to === undefined) return undefined;
  const ms = Date.parse(to) - Date.parse(from);
  // A negative duration means that the clocks of two machines differ.
  return ms < 0 ? undefined : `${duration(ms)} ${relation}`;
}

const ordinals = new Intl.PluralRules('en', { type: 'ordinal' });
const ordinalSuffixes: Partial<Record<Intl.LDMLPluralRule, string>> = { one: 'st', two: 'nd', few: 'rd' };

function ordinal(number: number): string {
  return `${number}${ordinalSuffixes[ordinals.select(number)] ?? 'th'}`;
}
