import type { ConversationKey, SentMessage } from './channel.ts';
import { ChannelError } from './channel.ts';
import { Deferred, RequestExpired } from './errors.ts';

/** `queued` also after a failed attempt; `failed` once its request is a dead letter; `delivered` once the channel's webhook shows it. */
export type DeliveryStatus = 'queued' | 'sending' | 'sent' | 'delivered' | 'failed';

/** What an attempt did besides sending, in this order. */
export type AttemptRepair = 'resumed' | 'appended' | 'joined' | 'took over' | 'changed region' | 'new credentials';

/** One attempt. Without an outcome it is in progress, or its function ended without recording it. Times are ms since 1970. */
export interface DeliveryAttempt extends Partial<AttemptEnd> {
  readonly startedAt: number;
  /** The number of its execution's redrive, and when that was requested; absent for the first execution. */
  readonly redrive?: number;
  readonly redrivenAt?: number;
}

export interface AttemptEnd {
  readonly endedAt: number;
  /** `found`: an earlier attempt had sent the message. */
  readonly outcome: 'sent' | 'found' | 'failed';
  /** The name of the error, and the codes of the channel; never its texts. */
  readonly error?: string;
  readonly cause?: string;
  readonly repairs?: readonly AttemptRepair[];
}

/** The latest attempts, oldest first. */
export interface AttemptLog {
  readonly attempts: readonly DeliveryAttempt[];
  /** How many earlier attempts are no longer stored. */
  readonly omittedAttempts?: number;
}

/** One part of a send request. Times are ms since 1970. */
export interface Delivery extends ConversationKey {
  /** The `custom_id` at the channel. */
  readonly id: string;
  readonly requestId: string;
  readonly status: DeliveryStatus;
  /** JSON. Removed once the message is delivered. */
  readonly content?: string | undefined;
  /** A hash of the whole request: a request with the same id must be the same. */
  readonly hash: string;
  /** The order key of the first execution. */
  readonly orderKey: number;
  readonly requestedAt: number;
  readonly acceptedAt: number;
  /** Until when the function that claimed it may be running. */
  readonly leaseUntil: number;
  /** Whether an attempt may have sent the message. */
  readonly unknown: 'no' | 'yes';
  /** From when a probe that finds nothing proves that the message was not sent. */
  readonly settledAt: number;
  /** When the first attempt started. An older thread cannot hold the message. */
  readonly firstAttemptAt?: number | undefined;
  /** Failed calls since the last redrive. */
  readonly failedCalls: number;
  /** The number of the redrive that it is in. */
  readonly redrive: number;
  readonly redrivenAt?: number | undefined;
  /** The name of the last error. */
  readonly lastError: string;
  readonly threadId: string;
  /** The channel's id of the message, once known. */
  readonly messageId: string;
  /** When the channel's response to the call was received. */
  readonly sentAt?: number | undefined;
  /** When the channel's webhook for the message was first received. */
  readonly deliveredAt?: number | undefined;
  /** When it last became a dead letter, and which. */
  readonly failedAt?: number | undefined;
  readonly deadLetterId?: string | undefined;
  /** The latest attempts, oldest first. */
  readonly attempts: readonly DeliveryAttempt[];
  /** How many earlier attempts are no longer stored. */
  readonly omittedAttempts?: number | undefined;
}

export type DeliveryKey = ConversationKey & Pick<Delivery, 'id'>;

export type NewDelivery = DeliveryKey &
  Pick<Delivery, 'requestId' | 'hash' | 'orderKey' | 'requestedAt' | 'acceptedAt'> & { readonly content: string };

/** The fields of a delivery without an attempt. Most are stored from the first attempt on: a new item of a short text fits one write unit. */
export const unattempted = {
  status: 'queued',
  leaseUntil: 0,
  unknown: 'no',
  settledAt: 0,
  failedCalls: 0,
  redrive: 0,
  lastError: '',
  threadId: '',
  messageId: '',
  attempts: [],
} as const satisfies Partial<Delivery>;

export const sentStatuses: readonly DeliveryStatus[] = ['sent', 'delivered'];

/** Whether the channel has the message. */
export function wasSent({ status }: Pick<Delivery, 'status'>): boolean {
  return sentStatuses.includes(status);
}

export interface Claim {
  readonly leaseUntil: number;
  readonly redrive: number;
  readonly redrivenAt: number | undefined;
  readonly now: number;
}

/** `before`: the delivery before the claim. `current`: the delivery that prevents it; undefined if it does not exist. */
export type ClaimResult =
  | { readonly claimed: true; readonly before: Delivery }
  | { readonly claimed: false; readonly current: Delivery | undefined };

/** What a failed attempt leaves for the next. */
export type AttemptState = Pick<Delivery, 'unknown' | 'settledAt' | 'failedCalls' | 'lastError'>;

export interface Failure {
  readonly redrive: number;
  /** The name of the error. */
  readonly error: string;
  readonly at: number;
  readonly deadLetterId: string;
}

/** Deliveries. Each method is one conditional write, and a read where its condition fails. */
export interface DeliveryStore {
  /** Creates a delivery with status `queued`, or returns the one that exists. */
  create(delivery: NewDelivery): Promise<Delivery | undefined>;
  read(key: DeliveryKey): Promise<Delivery | undefined>;
  /** Claims a delivery as {@link canClaim} allows. */
  claim(key: DeliveryKey, claim: Claim): Promise<ClaimResult>;
  /** Ends a claim, which its lease identifies. If the delivery has changed meanwhile, only the attempts are recorded. */
  release(key: DeliveryKey, state: AttemptState & AttemptLog, leaseUntil: number): Promise<void>;
  /** Records that the message was sent, unless it is already known as delivered or failed. */
  recordSent(
    key: DeliveryKey,
    sent: SentMessage & AttemptLog & Pick<Delivery, 'failedCalls'> & { readonly sentAt: number },
    leaseUntil: number,
  ): Promise<void>;
  /** Marks a delivery as failed, unless it was sent or a later redrive has begun. */
  fail(key: DeliveryKey, failure: Failure): Promise<{ readonly wasSent: boolean; readonly failedCalls: number }>;
}

/** Whether a delivery can be claimed: the condition of {@link DeliveryStore.claim}. */
export function canClaim(current: Delivery, { redrive, now }: Pick<Claim, 'redrive' | 'now'>): boolean {
  if (current.status === 'queued') return current.redrive <= redrive;
  if (current.status === 'sending') return current.leaseUntil < now;
  return current.status === 'failed' && current.redrive < redrive;
}

/** What an attempt must know of earlier ones. */
export interface AttemptHistory {
  readonly failedCalls: number;
  /** Whether to look for the message before sending it. */
  readonly unknown: boolean;
  readonly settledAt: number;
  readonly firstAttemptAt: number;
  readonly lastError: string;
}

/** A claim whose function crashed or timed out, and a redrive, may hide a message that was sent. */
export function attemptHistory(before: Delivery, { redrive, now }: Pick<Claim, 'redrive' | 'now'>): AttemptHistory {
  const wasAttempted = before.firstAttemptAt !== undefined;
  const isRedriven = before.redrive < redrive;
  const isAbandoned = before.status === 'sending';
  const mayBeSent = wasAttempted && (isAbandoned || isRedriven);
  return {
    failedCalls: isRedriven ? 0 : before.failedCalls,
    unknown: mayBeSent || before.unknown === 'yes',
    // The function that held the lease may still be running.
    settledAt: Math.max(before.settledAt, mayBeSent ? before.leaseUntil : 0),
    firstAttemptAt: before.firstAttemptAt ?? now,
    lastError: before.lastError,
  };
}

/** The initial state of an attempt, before any call. */
export function attemptState({ unknown, settledAt, failedCalls, lastError }: AttemptHistory): AttemptState {
  return { unknown: unknown ? 'yes' : 'no', settledAt, failedCalls, lastError };
}

/** Every attempt is stored in the delivery's item, whose size each write pays for. */
export const maxAttempts = 20;

/** The attempt that a claim starts. */
export function startAttempt({ now, redrive, redrivenAt }: Omit<Claim, 'leaseUntil'>): DeliveryAttempt {
  const redriven = redrive > 0 && { redrive, ...(redrivenAt !== undefined && { redrivenAt }) };
  return { startedAt: now, ...redriven };
}

/** Adds an attempt. Without an end, as after a deferral before any failure, it is not recorded. */
export function addAttempt(
  before: Pick<Delivery, 'attempts' | 'omittedAttempts'>,
  attempt: DeliveryAttempt,
  end: AttemptEnd | undefined,
): AttemptLog {
  const all = [...before.attempts, ...(end ? [{ ...attempt, ...end }] : [])];
  const attempts = all.slice(-maxAttempts);
  const omittedAttempts = (before.omittedAttempts ?? 0) + all.length - attempts.length;
  return { attempts, ...(omittedAttempts > 0 && { omittedAttempts }) };
}

/** The error of an attempt that failed; undefined if it was deferred or expired before a failure. */
export function attemptError(error: unknown): Pick<AttemptEnd, 'error' | 'cause'> | undefined {
  if (error instanceof Deferred || error instanceof RequestExpired) {
    return error.cause === undefined ? undefined : attemptError(error.cause);
  }
  if (!(error instanceof Error)) return { error: typeof error };
  const cause = error instanceof ChannelError ? errorCodes(error) : '';
  return { error: error.name, ...(cause && { cause }) };
}

const maxCauseLength = 80;

function errorCodes({
  status,
  type,
  cause,
}: {
  status: number | undefined;
  type: string | undefined;
  cause?: unknown;
}) {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  return [status, type, code]
    .filter((one) => one !== undefined)
    .join(' ')
    .slice(0, maxCauseLength);
}

/** What to do after a server or network error. */
export type RetryDecision =
  /** Fail: the state machine retries within seconds. */
  | { readonly kind: 'retry' }
  /** Wait until `at`, ms since 1970. */
  | { readonly kind: 'defer'; readonly at: number }
  /** The request expires before the next attempt. */
  | { readonly kind: 'expire' };

/** The state machine retries a task three times; the fourth failure defers. */
const retriedCalls = 3;
const pausesMs = [30_000, 120_000, 300_000, 600_000] as const;

/** @param failedCalls including this one. Times are ms since 1970. */
export function decideRetry(failedCalls: number, now: number, expiresAt: number): RetryDecision {
  if (failedCalls <= retriedCalls) return now >= expiresAt ? { kind: 'expire' } : { kind: 'retry' };
  const pause = pausesMs[Math.min(failedCalls - retriedCalls, pausesMs.length) - 1] ?? pausesMs[0];
  return now + pause >= expiresAt ? { kind: 'expire' } : { kind: 'defer', at: now + pause };
}
