import type { AnyEvent } from '../events/event.ts';
import type { ReconciliationReport, UnprovableReason } from './report.ts';
import type { ThreadId } from './source.ts';

export const emptyReport: ReconciliationReport = {
  threads: 0,
  equal: 0,
  repaired: 0,
  unprovable: {},
  examples: [],
  published: 0,
  events: {},
  calls: 0,
  passes: 0,
};

const maxExamples = 20;

/** The report of a run as it grows. */
export class ReportBuilder {
  #report: ReconciliationReport;
  /** Of this pass. */
  #unprovable = new Map<string, { readonly thread: ThreadId; readonly reason: UnprovableReason }>();

  constructor(report: ReconciliationReport) {
    this.#report = report;
  }

  get report(): ReconciliationReport {
    return this.#report;
  }

  get published(): number {
    return this.#report.published;
  }

  /** The last pass is the proof, so its threads alone are counted. */
  beginPass(passes: number): void {
    this.#unprovable = new Map();
    this.#report = { ...this.#report, passes, threads: 0, equal: 0, unprovable: {}, examples: [] };
  }

  add(name: 'threads' | 'equal' | 'repaired' | 'calls', count = 1): void {
    this.#report = { ...this.#report, [name]: this.#report[name] + count };
  }

  addEvents(events: readonly AnyEvent[]): void {
    const counts = { ...this.#report.events };
    for (const { type } of events) counts[type] = (counts[type] ?? 0) + 1;
    this.#report = { ...this.#report, published: this.#report.published + events.length, events: counts };
  }

  /** Records a thread once in a pass; an empty thread id stands for the chat. */
  addUnprovable({ conversationId, threadId }: ThreadId, reason: UnprovableReason): void {
    const thread = { conversationId, threadId };
    if (this.#unprovable.has(threadKey(thread))) return;
    this.#unprovable.set(threadKey(thread), { thread, reason });
    const { unprovable, examples } = this.#report;
    this.#report = {
      ...this.#report,
      unprovable: { ...unprovable, [reason]: (unprovable[reason] ?? 0) + 1 },
      examples: examples.length < maxExamples ? [...examples, { ...thread, reason }] : examples,
    };
  }

  /** The threads of this pass that could not be proven for this reason. */
  unprovable(reason: UnprovableReason): ThreadId[] {
    return [...this.#unprovable.values()].flatMap((one) => (one.reason === reason ? [one.thread] : []));
  }
}

export function threadKey({ conversationId, threadId }: ThreadId): string {
  return JSON.stringify([conversationId, threadId]);
}

/** Returns only the ids of the threads. */
export function toIds(threads: readonly ThreadId[]): ThreadId[] {
  return threads.map(({ conversationId, threadId }) => ({ conversationId, threadId }));
}

export function distinct(threads: readonly ThreadId[]): ThreadId[] {
  return [...new Map(toIds(threads).map((id) => [threadKey(id), id])).values()];
}
