import type { ConversationKey } from './queue.ts';
import type { Tries, Try } from './tries.ts';

export type DeliveryStatus = 'unsent' | 'sending' | 'sent' | 'delivered' | 'failed';

/** What is known of one part of a send request. Times are ms since 1970. */
export interface Delivery extends ConversationKey {
  /** The `custom_id` at the carrier. */
  readonly id: string;
  readonly requestId: string;
  readonly status: DeliveryStatus;
  /** A hash of the content: the same request must say the same. */
  readonly fingerprint: string;
  /** Until when whoever sends it may be at work. */
  readonly leaseUntil: number;
  /** Whether an attempt may have arrived without our knowing. */
  readonly unknown: 'no' | 'yes';
  /** From when on *not found* means *not sent*. */
  readonly settledAt: number;
  /** When the first attempt began: no thread before it can hold the message. */
  readonly firstAttemptAt: number;
  /** Failed calls since the last redrive. */
  readonly attempts: number;
  /** Number of the redrive that it is in. */
  readonly redrive: number;
  /** What went wrong last: an error's name. */
  readonly lastError: string;
  readonly threadId: string;
  /** The carrier's id of the message, once known. */
  readonly messageId: string;
  // From here on what is known since deliveries tell their life: earlier ones lack it.
  /** When the request was put on the bus; EventBridge says so in whole seconds. */
  readonly requestedAt?: number | undefined;
  /** When the redrive that it is in was asked for. */
  readonly redrivenAt?: number | undefined;
  /** The ARN of the execution that claimed it last; no longer kept once it was sent. */
  readonly run?: string | undefined;
  /** The latest attempts, oldest first; one that is under way comes last. */
  readonly tries?: readonly Try[] | undefined;
  /** How many attempts before those are not kept any more. */
  readonly untold?: number | undefined;
  /** When the carrier had answered that it took the message. */
  readonly sentAt?: number | undefined;
  /** When the carrier's word that it is there was first received. */
  readonly deliveredAt?: number | undefined;
  /** When it was last given up, and the dead letter of that. */
  readonly failedAt?: number | undefined;
  readonly deadLetterId?: string | undefined;
}

export interface Claim {
  readonly fingerprint: string;
  readonly leaseUntil: number;
  readonly redrive: number;
  readonly now: number;
  readonly requestedAt: number;
  /** When the redrive was asked for; undefined for the first run. */
  readonly redrivenAt: number | undefined;
  /** The ARN of the execution that claims. */
  readonly run: string;
}

/** The outcome of a claim: what was there before (undefined for nothing), or who stands in the way. */
export type Claimed =
  | { readonly claimed: true; readonly before: Delivery | undefined }
  | { readonly claimed: false; readonly current: Delivery };

/** What an attempt leaves behind when it did not succeed. */
export type Release = Pick<Delivery, 'unknown' | 'settledAt' | 'attempts' | 'lastError'>;

/** Where deliveries are kept; each method is one conditional write (and a read where a claim is refused). */
export interface DeliveryStore {
  /** Claims a part that is absent, unsent, whose lease is over, or that failed before this redrive. */
  claim(key: DeliveryKey, claim: Claim): Promise<Claimed>;
  /**
   * Gives a claim back, known by its lease, never deleting what is known. Here as at `sent`: where the carrier has shown
   * the message meanwhile, or the run was given up, a second write tells only how the attempt ended.
   */
  release(key: DeliveryKey, release: Release & Tries, leaseUntil: number): Promise<void>;
  /** Records that it was sent, unless more is known already. */
  sent(key: DeliveryKey, sending: Sending, leaseUntil: number): Promise<void>;
  /** Gives it up, unless it has arrived after all, or a later redrive has it in hand. Answers whether it has arrived. */
  giveUp(key: DeliveryKey, given: GivenUp): Promise<'arrived' | 'given up'>;
}

export type Sending = Pick<Delivery, 'threadId' | 'messageId'> & Tries & { readonly sentAt: number };

export interface GivenUp {
  readonly fingerprint: string;
  readonly redrive: number;
  /** The error's name. */
  readonly error: string;
  readonly at: number;
  readonly deadLetterId: string;
}

export type DeliveryKey = Pick<Delivery, 'id' | 'requestId' | 'organizationId' | 'conversationId'>;

/** Whether a claim may take the delivery: a pure statement of the store's condition. */
export function mayClaim(current: Delivery | undefined, { fingerprint, redrive, now }: Claim): boolean {
  if (!current) return true;
  if (current.fingerprint !== fingerprint) return false;
  if (current.status === 'unsent') return true;
  if (current.status === 'sending') return current.leaseUntil < now;
  return current.status === 'failed' && current.redrive < redrive;
}

/** What the one who has claimed a part must know of earlier attempts. */
export interface History {
  readonly attempts: number;
  /** Whether it must be looked for before it is sent. */
  readonly unknown: boolean;
  readonly settledAt: number;
  readonly firstAttemptAt: number;
  /** What went wrong last: an error's name. */
  readonly lastError: string;
}

/** What earlier attempts mean for this one. A claim that died, and any redrive, may hide a message that has arrived. */
export function historyOf(before: Delivery | undefined, { redrive, now }: Pick<Claim, 'redrive' | 'now'>): History {
  if (!before) return { attempts: 0, unknown: false, settledAt: 0, firstAttemptAt: now, lastError: '' };
  const redriven = before.redrive < redrive;
  const died = before.status === 'sending';
  return {
    attempts: redriven ? 0 : before.attempts,
    unknown: died || redriven || before.unknown === 'yes',
    // Nothing, unless it was given up, or is taken over, while somebody may still be at work.
    settledAt: Math.max(before.settledAt, died || redriven ? before.leaseUntil : 0),
    firstAttemptAt: before.firstAttemptAt,
    lastError: before.lastError,
  };
}
