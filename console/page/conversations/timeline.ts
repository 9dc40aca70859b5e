import type { AttemptView, DeliveryView } from '../../../core/outbound/read-model.ts';
import { describeError } from '../parts/errors.ts';
import type { Step } from '../parts/steps.tsx';
import { duration } from '../parts/time.ts';
import type { ShownMessage } from './content.tsx';

/** The timeline of a message: from its send request if the bridge sent it, else from its webhook. */
export function messageTimeline(message: ShownMessage): Step[] {
  const { delivery, timestamp, receivedAt, storedAt } = message;
  const arrival: Step[] = delivery
    ? deliveryTimeline({ ...delivery, deliveredAt: delivery.deliveredAt ?? receivedAt ?? timestamp })
    : [
        { text: 'created at LiveChat', tone: 'calm', at: timestamp },
        {
          text: 'webhook received',
          tone: 'good',
          at: receivedAt,
          after: since(timestamp, receivedAt, 'after its creation'),
        },
      ];
  const stored: Step = {
    text: 'stored',
    tone: 'good',
    at: storedAt,
    after: since(receivedAt, storedAt, 'after receipt'),
  };
  return [...arrival, stored, ...laterSteps(message)];
}

/** Read, edited and deleted, in order of time. */
function laterSteps({ seen, edited, editedAt, deleted, deletedAt, author }: ShownMessage): Step[] {
  const seenText = author.type === 'customer' ? 'seen by an agent' : 'seen by the customer';
  const steps: Step[] = [
    ...(seen ? [{ text: seenText, tone: 'good' as const, at: seen.at }] : []),
    ...(edited ? [{ text: 'edited at LiveChat', tone: 'calm' as const, at: editedAt }] : []),
    ...(deleted ? [{ text: 'deleted at LiveChat', tone: 'calm' as const, at: deletedAt }] : []),
  ];
  return steps.toSorted((a, b) => ((a.at ?? '') < (b.at ?? '') ? -1 : 1));
}

/** The timeline of one message of a send request. */
export function deliveryTimeline(delivery: DeliveryView): Step[] {
  const { status, requestedAt, redrive, redrivenAt, attempts, sentAt, deliveredAt } = delivery;
  const steps: Step[] = [{ text: 'send request published', tone: 'calm', at: requestedAt }, ...attemptSteps(delivery)];
  if (redrive > (attempts.at(-1)?.redrive ?? 0)) steps.push(redriveStep(redrive, redrivenAt, attempts.at(-1)));
  switch (status) {
    case 'queued':
      steps.push({ text: 'waiting for an attempt', tone: 'warn', execution: delivery.execution });
      break;
    case 'sending':
      if (attempts.at(-1)?.outcome === 'lost')
        steps.push({ text: 'waiting for a probe before the next attempt', tone: 'warn' });
      else if (attempts.length === 0) steps.push({ text: 'attempt in progress', tone: 'busy' });
      break;
    case 'failed':
      steps.push({
        text: 'failed to send: moved to the dead letters',
        tone: 'bad',
        at: delivery.failedAt,
        deadLetter: delivery.deadLetterId,
      });
      break;
    case 'sent':
      steps.push({ text: 'accepted by LiveChat, waiting for the webhook', tone: 'busy', at: sentAt });
      break;
    default:
      steps.push({
        text: 'delivered: confirmed by webhook',
        tone: 'good',
        at: deliveredAt,
        after: since(sentAt, deliveredAt, 'after the send'),
      });
  }
  return steps;
}

function attemptSteps(delivery: DeliveryView): Step[] {
  const { attempts, omittedAttempts = 0, requestedAt } = delivery;
  const earlier: Step[] =
    omittedAttempts > 0
      ? [
          {
            text: `${omittedAttempts} ${omittedAttempts === 1 ? 'attempt' : 'attempts'} earlier: see their executions`,
            tone: 'warn',
          },
        ]
      : [];
  const steps = attempts.flatMap((attempt, index) => {
    const before = attempts[index - 1];
    const number = omittedAttempts + index + 1;
    if (attempt.redrive > (before?.redrive ?? 0)) {
      const after = since(attempt.redrivenAt, attempt.startedAt, 'after the redrive');
      return [redriveStep(attempt.redrive, attempt.redrivenAt, before), attemptStep(attempt, number, after)];
    }
    if (before)
      return attemptStep(
        attempt,
        number,
        since(before.endedAt ?? before.startedAt, attempt.startedAt, 'after the previous attempt'),
      );
    const waited = since(requestedAt, attempt.startedAt, 'after the request');
    // EventBridge's timestamps are whole seconds.
    return attemptStep(attempt, number, waited && `at most ${waited}`);
  });
  return [...earlier, ...steps];
}

function redriveStep(number: number, at: string | undefined, before: AttemptView | undefined): Step {
  return {
    text:
      number === 1
        ? 'redriven from the dead letters'
        : `redriven from the dead letters, for the ${ordinal(number)} time`,
    tone: 'busy',
    at,
    deadLetter: before?.deadLetterId,
  };
}

function attemptStep(attempt: AttemptView, number: number, after: string | undefined): Step {
  const { startedAt, endedAt, outcome, execution } = attempt;
  const took = endedAt === undefined ? '' : duration(Date.parse(endedAt) - Date.parse(startedAt));
  const steps = {
    sent: { text: `attempt ${number}: accepted by LiveChat after ${took}`, tone: 'good' },
    found: { text: `attempt ${number}: already at LiveChat, not sent again`, tone: 'good' },
    failed: { text: `attempt ${number} failed after ${took}`, tone: 'warn' },
    'in progress': { text: `attempt ${number} in progress`, tone: 'busy' },
    lost: { text: `attempt ${number}: outcome unknown`, tone: 'warn' },
  } as const;
  return { ...steps[outcome], at: startedAt, after, reason: attemptReason(attempt), execution };
}

const repairs = {
  resumed: 'resumed the inactive chat',
  appended: 'added it to the inactive chat as a new thread',
  joined: 'joined the chat first',
  'took over': 'took over the chat first',
  'changed region': 'followed the redirect to another region',
  'new credentials': 'read the credentials again',
} as const;

function attemptReason({ outcome, error, cause, repairs: made = [] }: AttemptView): string | undefined {
  const reasons = made.map((repair): string => repairs[repair]);
  if (outcome === 'lost') {
    reasons.unshift('the function crashed or timed out; LiveChat is probed for the message before it is sent again');
  } else if (error) {
    reasons.unshift(`${error}${cause ? ` (${cause})` : ''}, ${describeError(error)}`);
  }
  return reasons.join('; ') || undefined;
}

function since(from: string | undefined, to: string | undefined, relation: string): string | undefined {
  if (from === undefined || to === undefined) return undefined;
  const ms = Date.parse(to) - Date.parse(from);
  // A negative duration means that the clocks of two machines differ.
  return ms < 0 ? undefined : `${duration(ms)} ${relation}`;
}

function ordinal(number: number): string {
  return ['', '', 'second', 'third'][number] ?? `${number}th`;
}
