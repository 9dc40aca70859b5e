import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/logger.ts';
import { Attempt } from './attempt.ts';
import { type Carrier, longestCallMs, type OutboundPart, type OutboundRequest, type Sent } from './carrier.ts';
import { deliver } from './deliver.ts';
import { type DeliveryStore, historyOf } from './delivery.ts';
import { Deferred } from './errors.ts';
import { longestNearMs } from './gate/gate.ts';
import { Passage } from './gate/passage.ts';
import type { GateStore } from './gate/store.ts';
import type { QueueStore } from './queue.ts';
import { type Waiting, whileWaiting } from './waiting.ts';

/** Everything around the step, so that a test can put its own in. */
export interface SendPorts<Content> {
  readonly clock: Clock;
  readonly queue: QueueStore;
  readonly deliveries: DeliveryStore;
  readonly gate: GateStore;
  readonly carrier: Carrier<Content>;
  /** Whether an execution is still RUNNING. */
  readonly isRunning: (run: string) => Promise<boolean>;
  readonly onSent: (parts: readonly SentPart<Content>[]) => Promise<void>;
  readonly onLocked: () => Promise<void>;
  /** A run that had ended was removed from its conversation's queue. */
  readonly onUnblocked: () => void;
  readonly log: Log;
}

export interface SentPart<Content> extends Sent {
  readonly part: OutboundPart<Content>;
  readonly index: number;
}

export interface Run {
  /** The execution's id. */
  readonly id: string;
  /** Whether it has waited in line before. */
  readonly returning: boolean;
  /** When the function ends, ms since 1970. */
  readonly deadline: number;
}

const settleMs = 5_000;

/**
 * The send step: enter the conversation's queue, and when first, claim, probe if need be, take a slot, call, record, for
 * each part in order; then publish and leave. Answers what has become of the request.
 */
export async function sendRequest<Content>(
  request: OutboundRequest<Content>,
  run: Run,
  ports: SendPorts<Content>,
): Promise<'sent' | 'given up before'> {
  const { clock, queue, gate } = ports;
  const { organizationId } = request;
  const passage = new Passage({ store: gate, clock, organizationId, run: run.id, returning: run.returning });
  await waitForTurn(request, run, passage, ports);
  const sent: SentPart<Content>[] = [];
  for (const [index, part] of request.parts.entries()) {
    const delivered = await deliverPart(request, part, run, passage, ports);
    if (!delivered) {
      await queue.leave(request, run.id);
      return 'given up before';
    }
    sent.push({ part, index, ...delivered });
  }
  await ports.onSent(sent);
  await queue.leave(request, run.id);
  return 'sent';
}

/** Returns once this run is first in its conversation. Throws {@link Deferred} when that takes longer. */
async function waitForTurn<Content>(
  request: OutboundRequest<Content>,
  run: Run,
  passage: Passage,
  ports: SendPorts<Content>,
): Promise<void> {
  const { clock, queue } = ports;
  const began = clock.now();
  // Who comes back is in line already: to see that costs less than to be refused another place.
  let waiting = run.returning ? await queue.read(request) : await queue.enter(request, run.id);
  if (waiting[0] !== run.id && !run.returning) {
    const turn = await passage.joinLine();
    if (!turn.near) throw new Deferred(turn.backAt, 'pace');
  }
  while (waiting[0] !== run.id) {
    const now = clock.now();
    const position = waiting.indexOf(run.id);
    const next = whileWaiting({ position, waitedMs: now - began, ageMs: now - request.publishedAt });
    if (next.kind === 'poll') await clock.sleep(next.ms);
    else await removeIfEnded(waiting[0] ?? '', next, request, ports);
    // A dead letter of this very run may have removed it meanwhile.
    waiting = position < 0 ? await queue.enter(request, run.id) : await queue.read(request);
  }
}

/** The first in the queue may have ended without leaving, by an operator's hand, say: nothing may block a conversation. */
async function removeIfEnded<Content>(
  first: string,
  next: Exclude<Waiting, { kind: 'poll' }>,
  request: OutboundRequest<Content>,
  { clock, queue, isRunning, onUnblocked, log }: SendPorts<Content>,
): Promise<void> {
  if (next.kind === 'later' || (await isRunning(first))) throw new Deferred(clock.now() + next.ms, 'order');
  log.warn('a run that has ended is removed from its conversation’s queue', { removed: first });
  onUnblocked();
  await queue.leave(request, first);
}

async function deliverPart<Content>(
  request: OutboundRequest<Content>,
  part: OutboundPart<Content>,
  run: Run,
  passage: Passage,
  ports: SendPorts<Content>,
): Promise<Sent | undefined> {
  const { clock, deliveries: store, carrier, onLocked } = ports;
  const now = clock.now();
  if (run.deadline - now < longestCallMs + longestNearMs + settleMs) throw new Deferred(now, 'time');
  const claim = {
    fingerprint: part.fingerprint,
    leaseUntil: run.deadline + 1_000,
    redrive: request.redrive,
    now,
    requestedAt: request.requestedAt,
    redrivenAt: request.redrive > 0 ? request.publishedAt : undefined,
    run: run.id,
  };
  return deliver({
    part,
    claim,
    store,
    clock,
    attempt: (before) => {
      const history = historyOf(before, claim);
      const { deadline } = run;
      return new Attempt({ request, part, history, carrier, passage, clock, deadline, onLocked });
    },
  });
}
