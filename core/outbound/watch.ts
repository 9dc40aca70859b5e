import { FileUnavailable } from '../media/errors.ts';
import * as metrics from '../platform/metrics.ts';
import type { OutboundRequest } from './carrier.ts';
import { Deferred, StepFailed } from './errors.ts';
import { isCallFailure } from './failure.ts';
import { endOfLine, type Gate } from './gate/gate.ts';
import type { GateStore } from './gate/store.ts';

type Watched = Pick<OutboundRequest<unknown>, 'organizationId' | 'publishedAt'>;
type Emit = Pick<typeof metrics, 'count' | 'measure'>;

/**
 * What CloudWatch learns of one run of the send step. It only looks on: nothing is read for it, and one that sends at
 * once measures nothing but that.
 */
export class SendWatch {
  readonly #request: Watched;
  readonly #emit: Emit;
  #gate: Gate | undefined;
  /** The given store, looked at while it is used. */
  readonly gate: GateStore;

  constructor(request: Watched, store: GateStore, emit: Emit = metrics) {
    this.#request = request;
    this.#emit = emit;
    this.gate = {
      read: async (organizationId) => {
        this.#gate = await store.read(organizationId);
        return this.#gate;
      },
      update: async (organizationId, update) => {
        const before = this.#gate;
        const after = await store.update(organizationId, update);
        const opened = after && update.set?.breaker === 'open' && before?.breaker === 'closed';
        if (opened) this.#emit.count('BreakerOpened', { reason: after.reason, organizationId });
        this.#gate = after ?? before;
        return after;
      },
    };
  }

  sent(parts: number): void {
    this.#emit.count('MessagesSent', this.#whose, parts);
  }

  unblocked(): void {
    this.#emit.count('QueuesUnblocked', this.#whose);
  }

  /** The step ends with `error`. Where that gives the request up, its dead letter will be counted. */
  notSent(error: unknown, now: number): void {
    const retried = retriedCategory(error);
    if (error instanceof Deferred) this.#deferred(error, now);
    else if (retried) this.#emit.count('SendsRetried', { category: retried, ...this.#whose });
    else return;
    this.#emit.measure('OldestUnsentSeconds', this.#whose, seconds(now - this.#request.publishedAt));
  }

  #deferred({ reason }: Deferred, now: number): void {
    this.#emit.count('SendsDeferred', { reason, ...this.#whose });
    if (!this.#gate) return;
    const why = this.#gate.paused === 'yes' ? 'paused' : this.#gate.reason;
    if (reason === 'closed' && why) this.#emit.count('GateClosed', { reason: why, ...this.#whose });
    this.#emit.measure('BacklogSeconds', this.#whose, seconds(endOfLine(this.#gate, now) - now));
  }

  get #whose(): { organizationId: string } {
    return { organizationId: this.#request.organizationId };
  }
}

/** The category of what the state machine tries again by itself. */
function retriedCategory(error: unknown): string | undefined {
  if (error instanceof StepFailed) return 'Internal';
  if (error instanceof FileUnavailable) return 'Network';
  const passes = isCallFailure(error) && (error.category === 'Server' || error.category === 'Network');
  return passes ? error.category : undefined;
}

function seconds(ms: number): number {
  return Math.max(0, Math.round(ms / 1000));
}
