import type { DeliveryView, TryView } from '../../../core/outbound/view.ts';
import { duration } from '../parts/time.ts';
import type { Tone } from '../parts/ui.tsx';
import type { ShownMessage } from './content.tsx';

/** One step of a message's life in plain words. */
export interface Step {
  readonly text: string;
  readonly tone: Tone;
  /** ISO 8601; left out where it is not known. */
  readonly at?: string | undefined;
  /** How long after what. */
  readonly after?: string | undefined;
  readonly because?: string | undefined;
  /** Where more is told. */
  readonly execution?: string | undefined;
  readonly deadLetter?: string | undefined;
}

/** What has become of a message: of one that we sent from its request on, of another from its webhook on. */
export function storyOf(message: ShownMessage): Step[] {
  const { delivery, timestamp, receivedAt, storedAt } = message;
  const came: Step[] = delivery
    ? sendingOf({ ...delivery, deliveredAt: delivery.deliveredAt ?? receivedAt ?? timestamp })
    : [
        { text: 'appeared at LiveChat', tone: 'calm', at: timestamp },
        {
          text: 'received by webhook',
          tone: 'good',
          at: receivedAt,
          after: since(timestamp, receivedAt, 'after LiveChat’s time'),
        },
      ];
  const stored: Step = {
    text: 'stored',
    tone: 'good',
    at: storedAt,
    after: since(receivedAt, storedAt, 'after receipt'),
  };
  return [...came, stored, ...laterOf(message)];
}

/** What happened to a message that was there, in order of time. */
function laterOf({ seen, edited, editedAt, deleted, deletedAt, author }: ShownMessage): Step[] {
  const by = author.type === 'customer' ? 'seen by an agent' : 'seen by the customer';
  const steps: Step[] = [
    ...(seen ? [{ text: by, tone: 'good' as const, at: seen.at }] : []),
    ...(edited ? [{ text: 'edited at LiveChat', tone: 'calm' as const, at: editedAt }] : []),
    ...(deleted ? [{ text: 'deleted at LiveChat', tone: 'calm' as const, at: deletedAt }] : []),
  ];
  return steps.toSorted((a, b) => ((a.at ?? '') < (b.at ?? '') ? -1 : 1));
}

/** How a part of a send request came to LiveChat, or did not yet. */
export function sendingOf(delivery: DeliveryView): Step[] {
  const { status, requestedAt, redrive, redrivenAt, tries, sentAt, deliveredAt } = delivery;
  const steps: Step[] = [{ text: 'requested on the bus', tone: 'calm', at: requestedAt }, ...attemptsOf(delivery)];
  if (redrive > (tries.at(-1)?.redrive ?? 0)) steps.push(redriven(redrive, redrivenAt, tries.at(-1)));
  switch (status) {
    case 'unsent':
      steps.push({ text: 'waits to be tried', tone: 'warn', execution: delivery.execution });
      break;
    case 'sending':
      if (tries.at(-1)?.outcome === 'lost') steps.push({ text: 'waits to be looked for, and tried', tone: 'warn' });
      else if (tries.length === 0) steps.push({ text: 'an attempt is under way', tone: 'busy' });
      break;
    case 'failed':
      steps.push({
        text: 'given up: it is in the dead letters',
        tone: 'bad',
        at: delivery.failedAt,
        deadLetter: delivery.deadLetterId,
      });
      break;
    case 'sent':
      steps.push({ text: 'taken by LiveChat, not shown yet', tone: 'busy', at: sentAt });
      break;
    default:
      steps.push({
        text: 'delivered: came back by webhook',
        tone: 'good',
        at: deliveredAt,
        after: since(sentAt, deliveredAt, 'after it was sent'),
      });
  }
  return steps;
}

function attemptsOf(delivery: DeliveryView): Step[] {
  const { tries, untold = 0, requestedAt } = delivery;
  if (tries.length === 0) return uncounted(delivery);
  const earlier: Step[] =
    untold > 0
      ? [
          {
            text: `${untold} ${untold === 1 ? 'attempt' : 'attempts'} before these, whose runs still tell`,
            tone: 'warn',
          },
        ]
      : [];
  const told = tries.flatMap((one, place) => {
    const before = tries[place - 1];
    const number = untold + place + 1;
    if (one.redrive > (before?.redrive ?? 0)) {
      const after = since(one.redrivenAt, one.began, 'after the redrive');
      return [redriven(one.redrive, one.redrivenAt, before), attemptOf(one, number, after)];
    }
    if (before) return attemptOf(one, number, since(before.ended ?? before.began, one.began, 'later'));
    const waited = since(requestedAt, one.began, 'after the request');
    // EventBridge's time of the request lacks its fraction of a second.
    return attemptOf(one, number, waited && `at most ${waited}`);
  });
  return [...earlier, ...told];
}

/** Of a delivery from before attempts were kept. */
function uncounted({ attempts, lastError }: DeliveryView): Step[] {
  if (attempts > 0) {
    const failed = attempts === 1 ? '1 attempt failed' : `${attempts} attempts failed`;
    return [{ text: failed, tone: 'warn', because: lastError && `the last with ${lastError}` }];
  }
  return lastError ? [{ text: 'an earlier attempt failed', tone: 'warn', because: lastError }] : [];
}

function redriven(number: number, at: string | undefined, before: TryView | undefined): Step {
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

function attemptOf(one: TryView, number: number, after: string | undefined): Step {
  const { began, ended, outcome, execution } = one;
  const took = ended === undefined ? '' : duration(Date.parse(ended) - Date.parse(began));
  const words = {
    sent: { text: `attempt ${number}: LiveChat took it within ${took}`, tone: 'good' },
    found: { text: `attempt ${number}: found at LiveChat, so it was not sent again`, tone: 'good' },
    failed: { text: `attempt ${number} failed after ${took}`, tone: 'warn' },
    'under way': { text: `attempt ${number} is under way`, tone: 'busy' },
    lost: { text: `attempt ${number} ended without a word`, tone: 'warn' },
  } as const;
  return { ...words[outcome], at: began, after, because: becauseOf(one), execution };
}

const deeds = {
  resumed: 'the chat was inactive and was opened again',
  appended: 'the chat was inactive and stayed so: it was added as a thread of its own',
  joined: 'joined the chat first',
  'took over': 'took the chat over first',
  followed: 'followed LiveChat to another region',
  'new credentials': 'read the credentials again',
} as const;

function becauseOf({ outcome, error, category, cause, did = [] }: TryView): string | undefined {
  const why =
    outcome === 'lost'
      ? ['its function died or timed out; whether the message had arrived is looked for before it is sent again']
      : error
        ? [`${error}${cause ? ` (${cause})` : ''}${category ? `, ${categories[category] ?? category}` : ''}`]
        : [];
  return [...why, ...did.map((one) => deeds[one])].join('; ') || undefined;
}

const categories: Readonly<Record<string, string>> = {
  Server: 'LiveChat failed itself or did not say whether it took it',
  Network: 'no answer came',
  Client: 'LiveChat refuses this message',
  Repairable: 'the chat was not ready and could not be made ready',
  Authentication: 'LiveChat refuses the credentials',
  RateLimit: 'LiveChat asked to slow down',
  Expired: 'it was too old to be sent',
  Invalid: 'what was to be sent cannot be',
  Configuration: 'a setting is missing or malformed',
  Internal: 'something of the bridge’s own or of AWS failed',
};

function since(from: string | undefined, to: string | undefined, what: string): string | undefined {
  if (from === undefined || to === undefined) return undefined;
  const ms = Date.parse(to) - Date.parse(from);
  // Two machines' clocks differ a little.
  return ms < 0 ? undefined : `${duration(ms)} ${what}`;
}

function ordinal(number: number): string {
  return ['', '', 'second', 'third'][number] ?? `${number}th`;
}
