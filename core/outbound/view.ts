import type { StoredMessage } from '../messages/queries.ts';
import { categoryOf } from './dead-letters/category.ts';
import { letterIdOf } from './dead-letters/read.ts';
import type { Delivery } from './delivery.ts';
import { type PartPlace, placeOf } from './request.ts';
import type { Did, Try } from './tries.ts';

/** A delivery as an operator sees it; times are ISO 8601, and left out where they are not known. */
export interface DeliveryView {
  readonly id: string;
  readonly requestId: string;
  readonly status: Delivery['status'] | 'seen';
  /** Failed calls since the last redrive. */
  readonly attempts: number;
  readonly redrive: number;
  readonly lastError?: string;
  /** When the request was put on the bus; EventBridge says so in whole seconds. */
  readonly requestedAt?: string;
  /** When the latest redrive was asked for. */
  readonly redrivenAt?: string;
  /** The latest attempts, oldest first. One that was put off before anything failed is none. */
  readonly tries: readonly TryView[];
  /** How many attempts before those are not kept. */
  readonly untold?: number;
  /** When LiveChat had answered that it took the message, and when its word that it is there was first received. */
  readonly sentAt?: string;
  readonly deliveredAt?: string;
  /** When it was given up, and the dead letter of that; only while it is. */
  readonly failedAt?: string;
  readonly deadLetterId?: string;
  /** The ARN of the execution that has or had it last. */
  readonly execution?: string;
}

export interface TryView {
  readonly began: string;
  readonly ended?: string;
  /** `lost`: its function ended without a word. */
  readonly outcome: 'under way' | 'sent' | 'found' | 'failed' | 'lost';
  /** The error's name, under what the runbook has it, and LiveChat's codes. */
  readonly error?: string;
  readonly category?: string;
  readonly cause?: string;
  readonly did?: readonly Did[];
  readonly execution: string;
  /** Of the redrive that it belonged to, 0 for none, and when that was asked for. */
  readonly redrive: number;
  readonly redrivenAt?: string;
  /** The dead letter in which its run ended, and which was redriven. */
  readonly deadLetterId?: string;
}

/** Who has read up to a message, by the first mark that covers it: so they had read it by `at` at the latest. */
export interface Seen {
  readonly by: string;
  /** The carrier's time up to which they have read. */
  readonly upTo: string;
  readonly at?: string;
}

export interface ReadMark {
  readonly id: string;
  readonly isCustomer: boolean;
  readonly seenUpTo: string;
  readonly seenAt?: string | undefined;
}

export interface Transcript {
  readonly messages: readonly (StoredMessage & { readonly delivery?: DeliveryView; readonly seen?: Seen })[];
  /** Parts of requests that LiveChat has not shown yet, and where in its request each stands. */
  readonly pending: readonly (DeliveryView & { readonly part?: PartPlace })[];
}

/** Joins messages, deliveries and read marks. */
export function transcriptOf(
  messages: readonly StoredMessage[],
  deliveries: ReadonlyMap<string, Delivery>,
  readMarks: readonly ReadMark[],
  now: number,
): Transcript {
  const shown = new Set<string>();
  const marks = readMarks.toSorted((a, b) => (a.seenUpTo < b.seenUpTo ? -1 : 1));
  const withDelivery = messages.map((message) => {
    const { customId } = message.metadata;
    const delivery = typeof customId === 'string' ? deliveries.get(customId) : undefined;
    const seen = seenOf(message, marks);
    if (!delivery) return { ...message, ...seen };
    shown.add(delivery.id);
    const view = viewOf(delivery, now);
    const status = seen && view.status === 'delivered' ? 'seen' : view.status;
    return { ...message, ...seen, delivery: { ...view, status } };
  });
  const pending = [...deliveries.values()].filter(({ id, status }) => !shown.has(id) && status !== 'delivered');
  return { messages: withDelivery, pending: pending.map((one) => ({ ...viewOf(one, now), ...partOf(one) })) };
}

/** What a customer wrote the others see, and the other way round. Notes and what the carrier's system says nobody marks. */
function seenOf(
  { author, timestamp, visibility }: StoredMessage,
  marks: readonly ReadMark[],
): { seen: Seen } | undefined {
  if (author.type === 'system' || visibility !== 'all') return undefined;
  const byCustomer = author.type !== 'customer';
  const mark = marks.find(({ isCustomer, seenUpTo }) => isCustomer === byCustomer && seenUpTo >= timestamp);
  if (!mark) return undefined;
  const { id: by, seenUpTo: upTo, seenAt } = mark;
  return { seen: { by, upTo, ...(seenAt !== undefined && { at: seenAt }) } };
}

function partOf({ id, organizationId, requestId }: Delivery): { part?: PartPlace } {
  const part = placeOf(id, organizationId, requestId);
  return part ? { part } : {};
}

function viewOf(delivery: Delivery, now: number): DeliveryView {
  const { id, requestId, status, attempts, redrive, lastError, untold, tries = [] } = delivery;
  const execution = delivery.run ?? tries.at(-1)?.run;
  const failed = status === 'failed';
  return {
    id,
    requestId,
    status,
    attempts,
    redrive,
    ...(lastError && { lastError }),
    ...timesOf(delivery),
    tries: tries.map((one, place) => tryView(one, tries[place + 1], delivery, now)),
    ...(untold !== undefined && { untold }),
    ...(failed && delivery.deadLetterId && { deadLetterId: delivery.deadLetterId }),
    ...(execution !== undefined && { execution }),
  };
}

function timesOf({ status, requestedAt, redrivenAt, sentAt, deliveredAt, failedAt }: Delivery) {
  return {
    ...(requestedAt !== undefined && { requestedAt: iso(requestedAt) }),
    ...(redrivenAt !== undefined && { redrivenAt: iso(redrivenAt) }),
    ...(sentAt !== undefined && { sentAt: iso(sentAt) }),
    ...(deliveredAt !== undefined && { deliveredAt: iso(deliveredAt) }),
    ...(status === 'failed' && failedAt !== undefined && { failedAt: iso(failedAt) }),
  };
}

function tryView(one: Try, next: Try | undefined, delivery: Delivery, now: number): TryView {
  const { began, ended, error, cause, did, run, redrive = 0, redrivenAt } = one;
  // A redrive begins where a run had given up; the last one that did so the delivery itself names.
  const gaveUp = (next ? (next.redrive ?? 0) : delivery.redrive) > redrive;
  return {
    began: iso(began),
    ...(ended !== undefined && { ended: iso(ended) }),
    outcome: one.outcome ?? openOutcome(next, delivery, now),
    ...(error && { error, category: categoryOf({ kind: 'send', error: { name: error, message: '' } }) }),
    ...(cause && { cause }),
    ...(did && { did }),
    execution: run,
    redrive,
    ...(redrivenAt !== undefined && { redrivenAt: iso(redrivenAt) }),
    ...(gaveUp && { deadLetterId: letterIdOf(run) }),
  };
}

/** Of an attempt that has not told its end. */
function openOutcome(next: Try | undefined, { status, leaseUntil }: Delivery, now: number): TryView['outcome'] {
  return !next && status === 'sending' && leaseUntil >= now ? 'under way' : 'lost';
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
