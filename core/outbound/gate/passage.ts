import type { Clock } from '../../platform/clock.ts';
import { Deferred } from '../errors.ts';
import {
  close,
  endOfLine,
  type Gate,
  joinLine,
  leadMs,
  mustOpen,
  nearMs,
  nextTurn,
  open,
  returnTrial,
  slow,
  takeSlot,
  takeTrial,
} from './gate.ts';
import type { GateStore } from './store.ts';

/** The right to make one call. */
export interface Slot {
  readonly epoch: number;
  /** ms since 1970 */
  readonly at: number;
  readonly trial: boolean;
}

/** Where a run stands that has joined the line. */
export interface Turn {
  /** When to come back, ms since 1970. */
  readonly backAt: number;
  /** So soon that going away is not worth it. */
  readonly near: boolean;
}

const leastWaitMs = 500;
/** About how long a crowd takes to go. */
const crowdMs = 2_000;
/** More refusals in a row than any crowd explains. */
const mostAttempts = 100;
const pausedForMs = 60_000;
/** The pace leaves 30 ms a second to spare; a slot missed by more than this is let go, though not for ever. */
const lateMs = 10;
const mostMissed = 3;
/** Waiting longer than this, one looks whether the regime still holds. */
const recheckAfterMs = 1_000;

/**
 * How long, ms, the write that takes a slot may take, by how long the read before it took. Where table or machine are so
 * slow that a slot of now would be missed by then, it is taken for the time after the write.
 */
function writingMs(readingMs: number): number {
  return readingMs > lateMs ? 2 * readingMs : 0;
}

/** One run's way through its organization's gate. */
export class Passage {
  readonly #store: GateStore;
  readonly #clock: Clock;
  readonly #organizationId: string;
  readonly #run: string;
  /** Who has joined the line takes a slot before newcomers do. */
  #returning: boolean;

  constructor(gate: { store: GateStore; clock: Clock; organizationId: string; run: string; returning: boolean }) {
    this.#store = gate.store;
    this.#clock = gate.clock;
    this.#organizationId = gate.organizationId;
    this.#run = gate.run;
    this.#returning = gate.returning;
  }

  /** Joins the line without a slot. */
  async joinLine(): Promise<Turn> {
    for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
      const gate = await this.#read();
      const now = this.#clock.now();
      const joined = await this.#update(joinLine(gate, now));
      if (!joined) continue;
      this.#returning = true;
      const turn = joined.tail - leadMs(joined);
      return { backAt: Math.max(now + leastWaitMs, turn), near: turn - now <= leadMs(joined) };
    }
    return { backAt: this.#someTimeSoon(), near: false };
  }

  /** So many write to the gate at once that this one does not get its turn. */
  #someTimeSoon(): number {
    return this.#clock.now() + crowdMs * (1 + this.#clock.random());
  }

  /** Waits for a slot that is near. Throws {@link Deferred} when none is, or when it would come after `latest`. */
  async enter(latest: number): Promise<Slot> {
    for (let missed = 0; ; ) {
      const slot = await this.#take();
      if (slot.at > latest || this.#clock.now() > latest) {
        await this.unused(slot);
        throw new Deferred(this.#clock.now(), 'time');
      }
      if (!(await this.#holdsAfterWaiting(slot))) continue;
      // A call that starts late comes too near to the next one, and a 429 costs everybody more than a slot.
      const late = this.#clock.now() - slot.at;
      if (late <= lateMs || missed === mostMissed) return slot;
      missed += 1;
    }
  }

  /** Throws {@link Deferred} where {@link enter} would now, and takes no slot: for work that is in vain unless one is near. */
  async approach(): Promise<void> {
    const gate = await this.#read();
    const now = this.#clock.now();
    await this.#goIfClosed(gate, now);
    if (gate.breaker === 'closed') await this.#goIfFar(gate, now, now + nearMs(gate));
  }

  async #take(): Promise<Slot> {
    for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
      const began = this.#clock.now();
      const gate = await this.#read();
      const now = this.#clock.now();
      await this.#goIfClosed(gate, now);
      if (gate.breaker === 'open') return this.#takeTrial(gate, now);
      const limit = now + nearMs(gate);
      await this.#goIfFar(gate, now, limit);
      const soonest = Math.min(now + writingMs(now - began), limit);
      const behind = gate.nextSlotAt > soonest;
      const taken = await this.#update(takeSlot(gate, soonest, limit));
      if (taken) return { epoch: taken.epoch, at: behind ? taken.nextSlotAt - gate.interval : soonest, trial: false };
    }
    throw new Deferred(this.#someTimeSoon(), 'pace');
  }

  async #goIfClosed(gate: Gate, now: number): Promise<void> {
    if (gate.paused === 'yes') throw new Deferred(now + pausedForMs, 'closed');
    if (gate.breaker === 'open' && now < gate.openUntil) throw new Deferred((await this.joinLine()).backAt, 'closed');
  }

  async #goIfFar(gate: Gate, now: number, limit: number): Promise<void> {
    if (this.#returning) {
      if (gate.nextSlotAt > limit) throw new Deferred(nextTurn(gate, now, this.#clock.random()), 'pace');
    } else if (endOfLine(gate, now) > limit) throw new Deferred((await this.joinLine()).backAt, 'pace');
  }

  async #takeTrial(gate: Gate, now: number): Promise<Slot> {
    const taken = await this.#update(takeTrial(gate, now, this.#run));
    if (!taken) throw new Deferred(now + crowdMs + this.#clock.random() * 3_000, 'closed');
    return { epoch: gate.epoch, at: now, trial: true };
  }

  async #holdsAfterWaiting(slot: Slot): Promise<boolean> {
    const wait = slot.at - this.#clock.now();
    if (wait <= 0) return true;
    if (wait <= recheckAfterMs) {
      await this.#clock.sleep(wait);
      return true;
    }
    // A 429 meanwhile has moved everybody's slots: this one would come too early.
    await this.#clock.sleep(wait - 60);
    if ((await this.#read()).epoch !== slot.epoch) return false;
    await this.#clock.sleep(slot.at - this.#clock.now());
    return true;
  }

  /** A trial that tells nothing of LiveChat's health is left to another. */
  async unused({ trial }: Slot): Promise<void> {
    if (trial) await this.#update(returnTrial(this.#run));
  }

  /** The call went through: a trial closes the breaker. Costs nothing otherwise. */
  async passed({ trial, epoch }: Slot): Promise<void> {
    if (trial) await this.#update(close(epoch, this.#clock.now()));
  }

  /** LiveChat is not well. */
  async failed({ trial }: Slot): Promise<void> {
    const gate = await this.#update({ when: [], add: { failures: 1 } });
    if (gate && (trial || mustOpen(gate))) await this.#update(open(gate, this.#clock.now(), 'failures'));
  }

  /** LiveChat says that we are too fast. Answers when to come back. */
  async limited(slot: Slot, retryAfterMs: number): Promise<number> {
    await this.unused(slot);
    for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
      const gate = await this.#read();
      if (gate.epoch !== slot.epoch || (await this.#update(slow(gate, this.#clock.now(), retryAfterMs)))) break;
    }
    return (await this.joinLine()).backAt;
  }

  /** The credentials do not work. Answers whether this is news: only then is an alert raised. */
  async locked(): Promise<boolean> {
    const gate = await this.#read();
    const opened = await this.#update(open(gate, this.#clock.now(), 'credentials'));
    return opened !== undefined && gate.reason !== 'credentials';
  }

  #read(): Promise<Gate> {
    return this.#store.read(this.#organizationId);
  }

  #update(update: Parameters<GateStore['update']>[1]): Promise<Gate | undefined> {
    return this.#store.update(this.#organizationId, update);
  }
}
