import { setImmediate as breathe } from 'node:timers/promises';
import type { Clock } from '../../core/platform/clock.ts';

interface Due {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Time that passes only when nothing is left to do, and chance by a seed. Times are ms. */
export class VirtualTime implements Clock {
  #now = 0;
  #order = 0;
  #state: number;
  readonly #heap: Due[] = [];

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In whole ms, as of the system clock. */
  now(): number {
    return Math.floor(this.#now);
  }

  /** Mulberry32: small, and the same everywhere. */
  random(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  between(min: number, max: number): number {
    return min + this.random() * (max - min);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.at(this.#now + Math.max(0, ms), resolve));
  }

  at(time: number, run: () => void): void {
    this.#push({ at: Math.max(time, this.#now), order: this.#order, run });
    this.#order += 1;
  }

  /** Lets time pass until `done` settles. Throws when nothing is left to happen before it does, or when it takes too long. */
  async until<T>(done: Promise<T>, latest: number): Promise<T> {
    let settled = false;
    const settle = () => {
      settled = true;
    };
    done.then(settle, settle);
    await breathe();
    while (!settled) {
      const next = this.#pop();
      if (!next || next.at > latest)
        throw new Error(`stuck at ${Math.round(this.#now / 1000)} s: ${next ? 'too long' : 'nothing left to happen'}`);
      this.#now = next.at;
      next.run();
      await breathe();
    }
    return done;
  }

  #push(due: Due): void {
    const heap = this.#heap;
    heap.push(due);
    for (let child = heap.length - 1; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (!this.#swapIfBefore(child, parent)) return;
      child = parent;
    }
  }

  #pop(): Due | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    heap[0] = last;
    for (let parent = 0; ; ) {
      const [left, right] = [2 * parent + 1, 2 * parent + 2];
      const child = right < heap.length && this.#before(right, left) ? right : left;
      if (child >= heap.length || !this.#swapIfBefore(child, parent)) return first;
      parent = child;
    }
  }

  #before(a: number, b: number): boolean {
    const [x, y] = [this.#heap[a], this.#heap[b]];
    return x !== undefined && y !== undefined && (x.at < y.at || (x.at === y.at && x.order < y.order));
  }

  #swapIfBefore(a: number, b: number): boolean {
    const [x, y] = [this.#heap[a], this.#heap[b]];
    if (!x || !y || !this.#before(a, b)) return false;
    this.#heap[a] = y;
    this.#heap[b] = x;
    return true;
  }
}
