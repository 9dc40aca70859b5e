import { latest } from '../conversations/projection.ts';
import type { AnyEvent } from '../events/event.ts';
import type { Publish } from '../events/publish.ts';
import type { Clock } from '../platform/clock.ts';
import { type Comparison, compareThread, hasNews, type StoredThread } from './compare.ts';
import type { ReconciliationReport, RunStatus, UnprovableReason } from './report.ts';
import type { ListedThread, Page, ReconciliationChannel, ReconciliationSource } from './source.ts';
import type { RunCursor, SavedRun } from './state.ts';
import type { ThreadId } from './stored.ts';

/** Makes one call within the rate limit. `observedAt`: see {@link ListedThread}. */
export type CallSource = <T>(request: (source: ReconciliationSource, observedAt: string) => Promise<T>) => Promise<T>;

export interface RunPorts {
  readonly call: CallSource;
  /** Throws if the run must stop. */
  readonly requireTime: () => void;
  readonly readStored: (threads: readonly ThreadId[]) => Promise<readonly StoredThread[]>;
  readonly latestThreads: (since: string) => AsyncIterable<ThreadId & { readonly isClosed: boolean }>;
  readonly isSameContent: ReconciliationChannel['isSameContent'];
  /** Undefined for a dry run. */
  readonly publish: Publish | undefined;
  readonly clock: Pick<Clock, 'sleep'>;
  /** Called after each page. Saves the progress from time to time, and at once if the page published something. */
  readonly checkpoint: (progress: SavedRun, isUrgent: boolean) => Promise<void>;
}

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

const maxPasses = 4;
const maxExamples = 20;
const batchSize = 100;
/** A webhook in flight is stored within this time, so that a difference of a moment is not published. */
const confirmMs = 2_000;
const maxEventsPerPublish = 100;
/** How often, and how many times, the tables are read for published events. */
const storedPollMs = 500;
const maxStoredPolls = 120;

/** Reads the period of a run until a pass finds no difference. Throws what stops it; `progress` says where it is then. */
export class Runner {
  readonly #ports: RunPorts;
  readonly #saved: SavedRun;
  #cursor: RunCursor;
  #report: ReconciliationReport;
  /** The threads of this pass that were compared, and whether the pass was started in this process. */
  #seen = new Set<string>();
  #isSeenComplete: boolean;
  /** Threads that precede a thread whose start was missing. */
  #previous: ThreadId[] = [];
  /** The threads of this pass that could not be proven, and those of all passes for which something was published. */
  #unprovable = new Set<string>();
  readonly #repaired = new Set<string>();

  constructor(saved: SavedRun, ports: RunPorts) {
    this.#ports = ports;
    this.#saved = saved;
    this.#cursor = saved.cursor;
    this.#report = { ...saved.run.report, passes: saved.cursor.pass };
    this.#isSeenComplete = saved.cursor.phase === 'active chats' && saved.cursor.page === undefined;
  }

  get progress(): SavedRun {
    return { ...this.#saved, run: { ...this.#saved.run, report: this.#report }, cursor: this.#cursor };
  }

  countCall(): void {
    this.#report = { ...this.#report, calls: this.#report.calls + 1 };
  }

  async run(): Promise<Extract<RunStatus, 'complete' | 'incomplete'>> {
    for (;;) {
      await this.#pass();
      const { published } = this.#report;
      if (published === this.#cursor.publishedBefore || !this.#ports.publish) return 'complete';
      if (this.#cursor.pass === maxPasses) return 'incomplete';
      const pass = this.#cursor.pass + 1;
      this.#cursor = { phase: 'active chats', pass, publishedBefore: published };
      // The last pass is the proof.
      this.#report = { ...this.#report, passes: pass, threads: 0, equal: 0, unprovable: {}, examples: [] };
      this.#seen = new Set();
      this.#unprovable = new Set();
      this.#isSeenComplete = true;
    }
  }

  async #pass(): Promise<void> {
    const { conversationId } = this.#saved.run;
    if (conversationId !== undefined) return this.#readChat(conversationId);
    if (this.#cursor.phase === 'active chats') {
      await this.#readPages((page) => this.#readActive(page));
      this.#cursor = { ...this.#cursor, phase: 'archive', page: undefined };
    }
    if (this.#cursor.phase === 'archive') {
      await this.#readPages((page) => this.#readArchived(page));
      this.#cursor = { ...this.#cursor, phase: 'stored chats', page: undefined };
    }
    await this.#readUnlisted();
  }

  async #readPages(read: (page: string | undefined) => Promise<string | undefined>): Promise<void> {
    let page = this.#cursor.page;
    do {
      const { published } = this.#report;
      page = await read(page);
      this.#cursor = { ...this.#cursor, page };
      await this.#ports.checkpoint(this.progress, this.#report.published > published);
    } while (page !== undefined);
  }

  async #readActive(page: string | undefined): Promise<string | undefined> {
    const listed = await this.#ports.call((source, observedAt) => source.listActive(observedAt, page));
    this.#recordInvalid(listed);
    const stored = await this.#ports.readStored(listed.threads);
    const news = listed.threads.filter((thread, index) => this.#mustRead(thread, stored[index]));
    const unchanged = listed.threads.length - news.length;
    this.#count({ threads: unchanged, equal: unchanged, repaired: 0 });
    for (const thread of listed.threads) this.#seen.add(threadKey(thread));
    await this.#compareAll(await this.#readThreads(news));
    return listed.next;
  }

  #mustRead(thread: ListedThread, stored: StoredThread | undefined): boolean {
    const { isDeep, newsSince } = this.#saved;
    return isDeep || !stored || hasNews(thread, stored, newsSince);
  }

  async #readArchived(page: string | undefined): Promise<string | undefined> {
    const { from, to } = this.#saved.run;
    const listed = await this.#ports.call((source, observedAt) => source.listArchived(observedAt, { from, to }, page));
    this.#recordInvalid(listed);
    const [complete, summaries] = [
      listed.threads.filter(({ events }) => events !== undefined),
      listed.threads.filter(({ events }) => events === undefined),
    ];
    await this.#compareAll([...complete, ...(await this.#readThreads(summaries))]);
    return listed.next;
  }

  /** The stored threads that LiveChat did not list: it indexes archives late, and may list them by the time of their start. */
  async #readUnlisted(): Promise<void> {
    const { from } = this.#saved.run;
    const open: ThreadId[] = [];
    const closed: ThreadId[] = [];
    for await (const { isClosed, ...thread } of this.#ports.latestThreads(from)) {
      if (this.#seen.has(threadKey(thread))) continue;
      const batch = isClosed ? closed : open;
      if (batch.push(thread) < batchSize) continue;
      await this.#readBatch(batch.splice(0), isClosed);
    }
    await this.#readBatch(open, false);
    await this.#readBatch(closed, true);
    await this.#readBatch(this.#previous.splice(0), false);
  }

  async #readBatch(threads: readonly ThreadId[], areClosed: boolean): Promise<void> {
    const unseen = threads.filter((thread) => !this.#seen.has(threadKey(thread)));
    const stored = areClosed ? await this.#ports.readStored(unseen) : [];
    const unproven = unseen.filter((_thread, index) => !this.#isProven(stored[index]));
    await this.#compareAll(await this.#readThreads(unproven));
  }

  /**
   * Whether a closed thread need not be read by itself: it belongs to the next run, an earlier run has compared it since its
   * last change, or, after an interruption, it was probably listed.
   */
  #isProven(stored: StoredThread | undefined): boolean {
    if (!stored) return false;
    const { isDeep, newsSince, run } = this.#saved;
    const { startedAt = '', changedAt } = threadTimes(stored);
    if (startedAt > run.to || (!isDeep && changedAt < newsSince)) return true;
    return !this.#isSeenComplete && startedAt >= run.from;
  }

  async #readChat(conversationId: string): Promise<void> {
    let page: string | undefined;
    do {
      const listed = await this.#ports.call((source) => source.listThreadIds(conversationId, page));
      if (!listed) return this.#recordUnprovable({ conversationId, threadId: '' }, 'not found');
      await this.#compareAll(await this.#readThreads(listed.ids.map((threadId) => ({ conversationId, threadId }))));
      page = listed.next;
      await this.#ports.checkpoint(this.progress, false);
    } while (page !== undefined);
  }

  async #readThreads(threads: readonly ThreadId[]): Promise<ListedThread[]> {
    const read: ListedThread[] = [];
    for (const { conversationId, threadId } of threads) {
      const thread = await this.#ports.call((source, observedAt) =>
        source.getThread(observedAt, conversationId, threadId),
      );
      if (thread) read.push(thread);
      else this.#recordUnprovable({ conversationId, threadId }, 'not found');
    }
    return read;
  }

  /** Compares threads with what is stored, publishes what is missing, and waits until it is stored. */
  async #compareAll(threads: readonly ListedThread[]): Promise<void> {
    for (const thread of threads) this.#seen.add(threadKey(thread));
    if (threads.length === 0) return;
    const first = await this.#compare(threads);
    const candidates = first.filter(differs).map(({ thread }) => thread);
    const confirmed = new Map<ListedThread, Comparison>();
    if (candidates.length > 0) {
      await this.#ports.clock.sleep(confirmMs);
      for (const { thread, comparison } of await this.#compare(candidates)) confirmed.set(thread, comparison);
    }
    const results = first.map(({ thread, comparison }) => ({
      thread,
      comparison: confirmed.get(thread) ?? comparison,
    }));
    const missing = results.flatMap(({ comparison }) => comparison.missing);
    await this.#publish(missing);
    const unstored =
      missing.length > 0 ? await this.#awaitStored(results.filter(differs).map((one) => one.thread)) : [];
    for (const thread of unstored) this.#recordUnprovable(thread, 'not stored');
    this.#recordResults(results);
  }

  #recordResults(results: readonly Result[]): void {
    for (const { thread, comparison } of results) {
      const { previousThreadId } = thread.started.data;
      const startIsMissing = comparison.missing.includes(thread.started);
      if (startIsMissing && previousThreadId !== undefined)
        this.#previous.push({ conversationId: thread.conversationId, threadId: previousThreadId });
      if (thread.invalid.length > 0) this.#recordUnprovable(thread, 'invalid');
      else if (comparison.isChanging) this.#recordUnprovable(thread, 'changing');
    }
    const repaired = results.filter((one) => differs(one) && !this.#repaired.has(threadKey(one.thread)));
    for (const { thread } of repaired) this.#repaired.add(threadKey(thread));
    const equal = results.filter(({ thread, comparison }) => {
      return comparison.missing.length === 0 && !comparison.isChanging && thread.invalid.length === 0;
    }).length;
    this.#count({ threads: results.length, equal, repaired: repaired.length });
  }

  async #compare(threads: readonly ListedThread[]): Promise<Result[]> {
    const stored = await this.#ports.readStored(threads);
    return Promise.all(
      threads.map(async (thread, index) => {
        const known = stored[index];
        if (!known) throw new TypeError('one stored thread for each listed one');
        return { thread, comparison: compareThread(thread, known, this.#ports.isSameContent, this.#saved.run.to) };
      }),
    );
  }

  async #publish(events: readonly AnyEvent[]): Promise<void> {
    for (let from = 0; from < events.length; from += maxEventsPerPublish) {
      const chunk = events.slice(from, from + maxEventsPerPublish);
      await this.#ports.publish?.(chunk);
      const counts = { ...this.#report.events };
      for (const { type } of chunk) counts[type] = (counts[type] ?? 0) + 1;
      this.#report = { ...this.#report, published: this.#report.published + chunk.length, events: counts };
    }
  }

  /** Returns the threads whose events are not stored in time. */
  async #awaitStored(threads: readonly ListedThread[]): Promise<readonly ListedThread[]> {
    if (!this.#ports.publish) return [];
    let waiting = threads;
    for (let poll = 0; poll < maxStoredPolls && waiting.length > 0; poll += 1) {
      this.#ports.requireTime();
      await this.#ports.clock.sleep(storedPollMs);
      waiting = (await this.#compare(waiting)).filter(differs).map(({ thread }) => thread);
    }
    return waiting;
  }

  #recordInvalid({ invalid }: Page): void {
    for (const conversationId of invalid) this.#recordUnprovable({ conversationId, threadId: '' }, 'invalid');
  }

  #recordUnprovable({ conversationId, threadId }: ThreadId, reason: UnprovableReason): void {
    const { unprovable, examples } = this.#report;
    const key = threadKey({ conversationId, threadId });
    if (this.#unprovable.has(key)) return;
    this.#unprovable.add(key);
    const example = { conversationId, threadId, reason };
    this.#report = {
      ...this.#report,
      unprovable: { ...unprovable, [reason]: (unprovable[reason] ?? 0) + 1 },
      examples: examples.length < maxExamples ? [...examples, example] : examples,
    };
  }

  #count(added: Pick<ReconciliationReport, 'threads' | 'equal' | 'repaired'>): void {
    const { threads, equal, repaired } = this.#report;
    this.#report = {
      ...this.#report,
      threads: threads + added.threads,
      equal: equal + added.equal,
      repaired: repaired + added.repaired,
    };
  }
}

interface Result {
  readonly thread: ListedThread;
  readonly comparison: Comparison;
}

function differs({ comparison }: Result): boolean {
  return comparison.missing.length > 0;
}

/** When a thread started, in LiveChat's time, and when a webhook of it was last received. */
function threadTimes({ events, messages }: StoredThread) {
  const items = [...messages.values()].flatMap(({ receivedAt, revision, deletedAt }) => [
    receivedAt,
    revision,
    deletedAt,
  ]);
  const starts = events.flatMap((event) => (event.type === 'chat.started' ? event.data.createdAt : []));
  return {
    startedAt: latest(starts),
    changedAt: latest([...events.map(({ metadata }) => metadata.receivedAt), ...items]) ?? '',
  };
}

function threadKey({ conversationId, threadId }: ThreadId): string {
  return JSON.stringify([conversationId, threadId]);
}
