import { type Channel, maxFetchMs, type SentMessage } from '../channel/channel.ts';
import { Deferred, type HeldSlot } from '../channel/deferred.ts';
import { maxSlotWaitMs } from '../channel/rate-limit.ts';
import type { RateLimiter } from '../channel/rate-limiter.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/logger.ts';
import { attempt, attemptError, callTimeMs } from './attempt.ts';
import {
  type AttemptEnd,
  type AttemptState,
  addAttempt,
  attemptHistory,
  attemptState,
  type Claim,
  type Delivery,
  type DeliveryStore,
  sentMessage,
  startAttempt,
  wasSent,
} from './delivery.ts';
import { DeliveryMissing, NotFirst, RequestExpired } from './errors.ts';
import { MessageGroup, type MessageGroupPorts } from './message-group.ts';
import type { ExecutionInput } from './request.ts';

export interface SendPorts<Content> extends MessageGroupPorts {
  readonly clock: Clock;
  readonly deliveries: DeliveryStore;
  readonly limiter: RateLimiter;
  readonly channel: Channel<Content>;
  /** Publishes `message.sent`. Idempotent. */
  readonly onSent: (parts: readonly SentPart[]) => Promise<void>;
  readonly onCredentialsBlocked: () => Promise<void>;
  readonly log: Log;
}

export interface SentPart extends SentMessage {
  readonly deliveryId: string;
  /** The part of the request, from 0. */
  readonly part: number;
}

export interface SendInvocation {
  /** The slot that was reserved before the state machine waited. */
  readonly held: HeldSlot | undefined;
  /** When the function times out, ms since 1970. */
  readonly deadline: number;
}

/**
 * The step of the state machine. Requires the request's turn in its message group, and for each part: reserves a slot,
 * claims the delivery, makes the attempt, and records its result. Throws {@link Deferred} or {@link NotFirst} if the state
 * machine has to wait. Returns `failed` if an earlier dead letter has marked a part as failed.
 */
export async function sendRequest<Content>(
  request: ExecutionInput,
  { held, deadline }: SendInvocation,
  ports: SendPorts<Content>,
): Promise<'sent' | 'failed'> {
  const { clock, limiter, onSent, log } = ports;
  const group = new MessageGroup(request, ports);
  const sent: SentPart[] = [];
  try {
    await group.requireTurn();
    for (const [part, delivery] of request.deliveries.entries()) {
      if (clock.now() >= request.expiresAt && !(await mustContinue())) throw new RequestExpired(request.requestId);
      const step = { request, part, delivery, held: part === 0 ? held : undefined, deadline };
      const message = await sendPart(step, group, ports);
      if (message === 'failed') {
        await group.leave();
        return 'failed';
      }
      sent.push({ ...message, deliveryId: delivery.id, part });
    }
  } catch (error) {
    throw await deferOrExpire(error);
  } finally {
    await limiter.release();
  }
  // Published while the request is first: a retry after a crash finds its parts sent, and publishes again.
  await onSent(sent);
  await group.leave((next) => reserveForNext(next));
  return 'sent';

  /** Maps an error to the one to throw. For a deferral, keeps the request's place in the group while the state machine waits. */
  async function deferOrExpire(error: unknown): Promise<unknown> {
    if (!(error instanceof Deferred || error instanceof NotFirst)) return error;
    const next = error instanceof Deferred ? error.until : clock.now();
    if (next >= request.expiresAt && !(await mustContinue())) {
      return new RequestExpired(request.requestId, { cause: error.cause });
    }
    if (error instanceof NotFirst) return error;
    try {
      await group.defer(error.until);
    } catch (failure) {
      log.warn('deferral not recorded in the message group; the next request may query this execution', {
        error: failure,
      });
    }
    return error;
  }

  /** Whether an expired request still has to run: the outcome of a part is unknown, or only the event is missing. */
  async function mustContinue(): Promise<boolean> {
    const { organizationId, conversationId } = request;
    const deliveries = await Promise.all(
      request.deliveries.map(({ id }) => ports.deliveries.read({ organizationId, conversationId, id })),
    );
    const isUnknown = deliveries.some((delivery) => delivery?.unknown === 'yes' || delivery?.status === 'sending');
    return isUnknown || deliveries.every((delivery) => delivery && wasSent(delivery));
  }

  /** If this request had to wait for a slot, reserves one for the next. Otherwise that would wait for its turn, then for a slot. */
  async function reserveForNext(next: ExecutionInput): Promise<HeldSlot | undefined> {
    return held && held.at > 0 ? limiter.reserveForNext(callsOf(next.deliveries)) : undefined;
  }
}

type DeliveryReference = ExecutionInput['deliveries'][number];

/** A file is uploaded, then sent. */
function callsOf(deliveries: readonly DeliveryReference[]): number {
  return deliveries.reduce((calls, { hasFile }) => calls + (hasFile ? 2 : 1), 0);
}

interface PartStep extends SendInvocation {
  readonly request: ExecutionInput;
  readonly part: number;
  readonly delivery: DeliveryReference;
}

async function sendPart<Content>(
  { request, part, delivery, held, deadline }: PartStep,
  group: MessageGroup,
  { clock, deliveries, limiter, channel, log, onCredentialsBlocked }: SendPorts<Content>,
): Promise<SentMessage | 'failed'> {
  const { id } = delivery;
  const hasFile = delivery.hasFile === true;
  // The slot of a file may be as far away as its download may take.
  const maxWaitMs = hasFile ? maxFetchMs : maxSlotWaitMs;
  const { organizationId, conversationId, requestId } = request;
  const key = { organizationId, conversationId, id };
  if (deadline - clock.now() < maxWaitMs + callTimeMs) throw new Deferred(clock.now(), 'time');
  await limiter.reserve(callsOf(request.deliveries.slice(part)), { held, maxWaitMs });

  const claim: Claim = {
    leaseUntil: deadline + 1_000,
    redrive: request.redrive,
    redrivenAt: request.redrivenAt,
    now: clock.now(),
  };
  // In parallel, to save a round trip: without the lock the claim is given back. Later parts hold the lock already.
  const [locking, claiming] = await Promise.allSettled([
    part === 0 ? group.lock(claim.leaseUntil) : true,
    deliveries.claim(key, claim),
  ]);
  if (claiming.status === 'rejected') throw claiming.reason;
  const result = claiming.value;
  const isLocked = locking.status === 'fulfilled' && locking.value;
  const throwNotLocked = () => {
    if (locking.status === 'rejected') throw locking.reason;
    return group.notFirst();
  };
  if (!result.claimed && isLocked) return resolveUnclaimed(id, result.current, claim);
  if (!result.claimed) return throwNotLocked();
  const { before } = result;
  const history = attemptHistory(before, claim);
  const attemptLog = (end: AttemptEnd | undefined) => addAttempt(before, startAttempt(claim), end);
  const release = async (state: AttemptState, end: AttemptEnd | undefined) => {
    try {
      await deliveries.release(key, { ...state, ...attemptLog(end) }, claim.leaseUntil);
    } catch (error) {
      // The claim ends with its lease; the error of the attempt decides what happens next.
      log.warn('claim not released; it ends with its lease', { deliveryId: id, requestId, error });
    }
  };
  if (!isLocked) {
    await release(attemptState(history), undefined);
    return throwNotLocked();
  }
  if (before.content === undefined) throw new DeliveryMissing(id);

  const outcome = await attempt({
    request,
    id,
    content: JSON.parse(before.content) as Content,
    hasFile,
    history,
    channel,
    limiter,
    clock,
    deadline,
    onCredentialsBlocked,
  });
  const repairs = outcome.repairs.length > 0 ? { repairs: outcome.repairs } : {};
  const endedAt = clock.now();
  if (outcome.kind === 'sent') {
    const attempts = attemptLog({ endedAt, outcome: outcome.wasFound ? 'found' : 'sent', ...repairs });
    await deliveries.recordSent(
      key,
      { ...outcome.sent, ...attempts, sentAt: endedAt, failedCalls: history.failedCalls },
      claim.leaseUntil,
    );
    return outcome.sent;
  }
  const failure = attemptError(outcome.error);
  await release(outcome.state, failure && { endedAt, outcome: 'failed', ...failure, ...repairs });
  throw outcome.error;
}

/** A delivery that cannot be claimed: sent or failed before, or claimed by an invocation that may still run. */
function resolveUnclaimed(id: string, current: Delivery | undefined, { now, redrive }: Claim): SentMessage | 'failed' {
  if (!current) throw new DeliveryMissing(id);
  const { status, leaseUntil } = current;
  const sent = sentMessage(current);
  if (sent) return sent;
  if (status === 'failed' || current.redrive > redrive) return 'failed';
  throw new Deferred(Math.max(leaseUntil, now) + 100, 'claimed');
}
