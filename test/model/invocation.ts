import type { VirtualTime } from './virtual-time.ts';

const timeoutMs = 60_000;
const sdkTimeoutMs = 3_000;

/** An error with a name, as Step Functions sees one. */
export function named(name: string): Error {
  return Object.assign(new Error(name), { name });
}

/** One invocation of a function that may die between any two steps, as Lambda's may. */
export class Invocation {
  readonly deadline: number;
  readonly #time: VirtualTime;
  readonly #crash: number;
  readonly #slowness: number;
  readonly #died = Promise.withResolvers<never>();
  #over = false;

  /** @param slowness How many times as long each step takes as it usually does. */
  constructor(time: VirtualTime, crash: number, slowness = 1) {
    this.#time = time;
    this.#crash = crash;
    this.#slowness = slowness;
    this.deadline = time.now() + timeoutMs;
    this.#died.promise.catch(() => {});
    time.at(this.deadline, () => this.#end(named('Sandbox.Timedout')));
  }

  /** Runs the function to its end, or to its death. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await Promise.race([work(), this.#died.promise]);
    } finally {
      this.#over = true;
    }
  }

  /**
   * An operation outside the function. With probability `faults`, it fails before or after its effect, or loses its response and is
   * retried by the SDK. The function may end before it receives the result.
   */
  async step<T>(effect: () => Promise<T>, [min, max]: readonly [number, number] = [3, 10], faults = 0): Promise<T> {
    await this.#time.sleep((this.#slowness * this.#time.between(min, max)) / 2);
    await this.#alive();
    const fault = this.#time.random() < faults ? this.#chooseFault() : 'none';
    if (fault === 'before') throw named('ThrottlingException');
    if (fault === 'retried') {
      await effect();
      await this.#time.sleep(sdkTimeoutMs);
      await this.#alive();
    }
    const [outcome] = await Promise.allSettled([effect()]);
    await this.#time.sleep((this.#slowness * this.#time.between(min, max)) / 2);
    await this.#alive();
    if (fault === 'after') throw named('TimeoutError');
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  }

  #chooseFault(): 'before' | 'after' | 'retried' {
    if (this.#time.random() < 0.5) return 'before';
    return this.#time.random() < 0.5 ? 'after' : 'retried';
  }

  async sleep(ms: number): Promise<void> {
    await this.#time.sleep(ms);
    if (this.#over) await new Promise<never>(() => {});
  }

  async #alive(): Promise<void> {
    if (!this.#over && this.#time.random() < this.#crash) this.#end(named('Runtime.ExitError'));
    if (this.#over) await new Promise<never>(() => {});
  }

  #end(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#died.reject(error);
  }
}
