import type { Publish } from '../events/publish.ts';
import type { Clock } from '../platform/clock.ts';
import { toReadFailure } from './calls.ts';
import {
  type CompareOptions,
  type Comparison,
  compareThread,
  needsRead,
  otherOpenThreads,
  type StoredThread,
  threadTimes,
  timestampedTypes,
} from './compare.ts';
import type { RunStatus } from './report.ts';
import type { ListedThread, Page, ReconciliationSource, ThreadId } from './source.ts';
import type { RunCursor, RunState } from './state.ts';
import type { StoredPage } from './stored.ts';
import { distinct, ReportBuilder, threadKey, toIds } from './tally.ts';

/** Makes one call within the rate limit. `observedAt`: see {@link ListedThread}. */
export type SourceCall = <T>(request: (source: ReconciliationSource, observedAt: string) => Promise<T>) => Promise<T>;

export interface RunPorts extends Pick<CompareOptions, 'isSameContent' | 'expiredBefore'> {
  readonly call: SourceCall;
  /** Waits for `ms`, and keeps the lease. Throws if the run must stop. */
  readonly pause: (ms: number) => Promise<void>;
  readonly readStored: (threads: readonly ThreadId[]) => Promise<readonly StoredThread[]>;
  readonly listLatestThreads: (since: string, page: string | undefined) => Promise<StoredPage>;
  /** Stored threads that the channel does not return. Only a full run asks for them. */
  readonly notFound: readonly ThreadId[];
  /** Undefined for a dry run. */
  readonly publish: Publish | undefined;
  readonly clock: Pick<Clock, 'now'>;
  /** The longest time in ms that a webhook is in flight. 0 disables the wait: duplicates have the same ids. */
  readonly inFlightMs: number;
  /** Called after each page and each batch of threads. Saves a checkpoint periodically, and at once if something was published. */
  readonly checkpoint: (progress: RunState, isUrgent: boolean) => Promise<void>;
}

/** The beginning of a run. */
export const firstCursor: RunCursor = {
  phase: 'active chats',
  done: [],
  pending: [],
  earlier: [],
  suspects: [],
  suspectedAt: 0,
  pass: 1,
  publishedBefore: 0,
};

const maxPasses = 4;
/** Maximum attempts to publish the events of a thread before it is reported as `not stored`. */
const maxAttempts = 2;
/** Threads that are read and compared together. */
const batchSize = 20;
/** Maximum number of unreadable threads that a scheduled run defers to the next run. More indicate an outage of LiveChat. */
const maxUnreadable = 100;
/**
 * Maximum number of remaining threads in the cursor, which must fit into a DynamoDB item. With more, the run reads them after the
 * current page.
 */
const maxRemaining = 500;
/** Most webhooks in flight are stored within this time. */
const confirmMs = 2_000;
/** An archive can be this old when it is listed. */
const archiveLagMs = 3_600_000;
const maxEventsPerPublish = 100;
/** How often, and how many times, the tables are read for published events. */
const storedPollMs = 500;
const maxStoredPolls = 120;

/** `isProven`: the last pass found no difference, except in threads that cannot be repaired. */
export interface RunResult {
  readonly status: Extract<RunStatus, 'complete' | 'incomplete'>;
  readonly isProven: boolean;
}

/** Reads the period of a run until a pass finds no difference. On an error, `state` is the checkpoint. */
export class Runner {
  readonly #ports: RunPorts;
  readonly #given: RunState;
  #cursor: RunCursor;
  readonly tally: ReportBuilder;
  /** The threads that this pass has listed or compared, and whether the pass began in this process. */
  #seen = new Set<string>();
  #isSeenComplete: boolean;
  /** How often something was published for a thread. */
  readonly #attempts = new Map<string, number>();

  constructor(given: RunState, ports: RunPorts) {
    this.#ports = ports;
    this.#given = given;
    this.#cursor = given.cursor;
    this.tally = new ReportBuilder({ ...given.run.report, passes: given.cursor.pass });
    this.#isSeenComplete = given.cursor.phase === firstCursor.phase && given.cursor.page === undefined;
  }

  get state(): RunState {
    return { ...this.#given, run: { ...this.#given.run, report: this.tally.report }, cursor: this.#cursor };
  }

  async run(): Promise<RunResult> {
    for (;;) {
      await this.#pass();
      const { published } = this.tally;
      const isProven = published === this.#cursor.publishedBefore || !this.#ports.publish;
      if (isProven || this.#cursor.pass === maxPasses) return this.#result(isProven);
      const pass = this.#cursor.pass + 1;
      this.#cursor = { ...firstCursor, pass, publishedBefore: published };
      this.tally.beginPass(pass);
      this.#seen = new Set();
      this.#isSeenComplete = true;
    }
  }

  #result(isProven: boolean): RunResult {
    const unreadable = this.tally.unprovable('unreadable').length;
    const isComplete = isProven && unreadable + this.tally.unprovable('not stored').length === 0;
    return { status: isComplete ? 'complete' : 'incomplete', isProven: isProven && unreadable <= maxUnreadable };
  }

  async #pass(): Promise<void> {
    const { conversationId } = this.#given.run;
    if (conversationId !== undefined) return this.#readChat(conversationId);
    await this.#readPages('active chats', 'archive', (page) => this.#readActive(page));
    await this.#readPages('archive', 'stored chats', (page) => this.#readArchived(page));
    if (this.#cursor.phase === 'stored chats' && !this.#isSeenComplete) await this.#listActiveAgain();
    await this.#readPages('stored chats', 'remaining threads', (page) => this.#readUnlisted(page));
    await this.#readRemaining();
  }

  /** Reads the pages of a phase, from the one at the cursor. `read` returns the id of the next page. */
  async #readPages(
    phase: RunCursor['phase'],
    nextPhase: RunCursor['phase'],
    read: (page: string | undefined) => Promise<string | undefined>,
  ): Promise<void> {
    if (this.#cursor.phase !== phase) return;
    for (let isLast = false; !isLast; ) {
      const { published } = this.tally;
      const page = await read(this.#cursor.page);
      isLast = page === undefined;
      this.#setCursor({ page, done: [], phase: isLast ? nextPhase : phase });
      await this.#ports.checkpoint(this.state, this.tally.published > published);
      const { pending, earlier, suspects } = this.#cursor;
      if (pending.length + earlier.length + suspects.length > maxRemaining) await this.#readRemaining();
    }
  }

  async #readActive(page: string | undefined): Promise<string | undefined> {
    const listed = await this.#ports.call((source, observedAt) => source.listActive(observedAt, page));
    this.#recordInvalid(listed);
    const stored = await this.#ports.readStored(listed.threads);
    const { isFull, changedSince } = this.#given;
    const news = listed.threads.filter((thread, index) => {
      const known = stored[index];
      if (known) this.#addEarlier(thread, otherOpenThreads(known, thread.threadId));
      return isFull || !known || needsRead(thread, known, changedSince);
    });
    const unchanged = listed.threads.length - news.length;
    this.tally.add('threads', unchanged);
    this.tally.add('equal', unchanged);
    for (const thread of listed.threads) this.#seen.add(threadKey(thread));
    await this.#readThreads(news);
    return listed.next;
  }

  async #readArchived(page: string | undefined): Promise<string | undefined> {
    const { from, to } = this.#given.run;
    const listed = await this.#ports.call((source, observedAt) => source.listArchived(observedAt, { from, to }, page));
    this.#recordInvalid(listed);
    await this.#compareAll(
      listed.threads.filter(({ events }) => events !== undefined),
      'archive',
    );
    await this.#readThreads(listed.threads.filter(({ events }) => events === undefined));
    return listed.next;
  }

  /** After an interruption it is unknown which chats were listed. The active ones are listed again, without reading them. */
  async #listActiveAgain(): Promise<void> {
    let page: string | undefined;
    do {
      const listed = await this.#ports.call((source, observedAt) => source.listActive(observedAt, page));
      for (const thread of listed.threads) this.#seen.add(threadKey(thread));
      page = listed.next;
    } while (page !== undefined);
  }

  /** Reads the stored threads that LiveChat did not list: it indexes archives late, and may filter them by their start. */
  async #readUnlisted(page: string | undefined): Promise<string | undefined> {
    const { threads, areClosed, next } = await this.#ports.listLatestThreads(this.#given.run.from, page);
    const skipped = new Set(this.#given.isFull ? [] : this.#ports.notFound.map(threadKey));
    for (const thread of threads.filter((one) => skipped.has(threadKey(one))))
      if (!this.#seen.has(threadKey(thread))) this.tally.addUnprovable(thread, 'not found');
    const unseen = threads.filter((thread) => !this.#seen.has(threadKey(thread)) && !skipped.has(threadKey(thread)));
    const stored = areClosed ? await this.#ports.readStored(unseen) : [];
    await this.#readThreads(unseen.filter((_thread, index) => !this.#isProven(stored[index])));
    return next;
  }

  /**
   * Whether a closed thread need not be read with `getThread`: it belongs to the next run, an earlier run has compared it since its
   * last change, or, after an interruption, it was probably listed.
   */
  #isProven(stored: StoredThread | undefined): boolean {
    if (!stored) return false;
    const { isFull, changedSince, run } = this.#given;
    const { startedAt = '', changedAt } = threadTimes(stored);
    if (startedAt > run.to || (!isFull && changedAt < changedSince)) return true;
    return !this.#isSeenComplete && startedAt >= run.from;
  }

  /** What the lists did not contain: earlier threads, those of an interrupted run, and, last, those that must be confirmed. */
  async #readRemaining(): Promise<void> {
    await this.#readListed('pending', 'thread');
    await this.#readListed('earlier', 'earlier');
    const { suspects, suspectedAt } = this.#cursor;
    if (suspects.length === 0) return;
    await this.#ports.pause(suspectedAt + this.#ports.inFlightMs - this.#ports.clock.now());
    await this.#readListed('suspects', 'confirmed');
  }

  /** Reads the threads of a list of the cursor in batches, and removes them from it. Reading one can add others. */
  async #readListed(list: 'pending' | 'earlier' | 'suspects', origin: Origin): Promise<void> {
    while (this.#cursor[list].length > 0) {
      const batch = this.#cursor[list].slice(0, batchSize);
      await this.#readBatch(
        origin === 'earlier' ? batch.filter((thread) => !this.#seen.has(threadKey(thread))) : batch,
        origin,
        () => this.#setCursor({ [list]: this.#cursor[list].slice(batch.length) }),
      );
    }
  }

  async #readChat(conversationId: string): Promise<void> {
    let page: string | undefined;
    do {
      const listed = await this.#ports.call((source) => source.listThreadIds(conversationId, page));
      if (!listed) return this.tally.addUnprovable({ conversationId, threadId: '' }, 'not found');
      await this.#readThreads(listed.ids.map((threadId) => ({ conversationId, threadId })));
      page = listed.next;
      await this.#ports.checkpoint(this.state, false);
    } while (page !== undefined);
    await this.#readRemaining();
  }

  /** Reads threads one by one, and compares them in batches, after each of which the run can be continued. */
  async #readThreads(threads: readonly ThreadId[]): Promise<void> {
    const done = new Set(this.#cursor.done.map(threadKey));
    const left = threads.filter((thread) => !done.has(threadKey(thread)));
    for (let from = 0; from < left.length; from += batchSize) {
      const batch = left.slice(from, from + batchSize);
      await this.#readBatch(batch, 'thread', () => this.#setCursor({ done: [...this.#cursor.done, ...toIds(batch)] }));
    }
  }

  async #readBatch(batch: readonly ThreadId[], origin: Origin, advance: () => void): Promise<void> {
    const { published } = this.tally;
    await this.#compareAll(await this.#getThreads(batch), origin);
    advance();
    await this.#ports.checkpoint(this.state, this.tally.published > published);
  }

  #setCursor(change: Partial<RunCursor>): void {
    this.#cursor = { ...this.#cursor, ...change };
  }

  async #getThreads(threads: readonly ThreadId[]): Promise<ListedThread[]> {
    const read: ListedThread[] = [];
    for (const { conversationId, threadId } of threads) {
      const thread = await this.#ports
        .call((source, observedAt) => source.getThread(observedAt, conversationId, threadId))
        .catch(toReadFailure);
      this.#seen.add(threadKey({ conversationId, threadId }));
      if (typeof thread === 'string') this.tally.addUnprovable({ conversationId, threadId }, thread);
      else read.push(thread);
    }
    return read;
  }

  /** Compares threads with what is stored, publishes what is missing, and waits until it is stored. */
  async #compareAll(threads: readonly ListedThread[], origin: Origin): Promise<void> {
    for (const thread of threads) this.#seen.add(threadKey(thread));
    const inPeriod = origin === 'earlier' ? threads.filter((thread) => this.#isInPeriod(thread)) : threads;
    if (inPeriod.length === 0) return;
    const first = await this.#compare(inPeriod);
    for (const { thread, stored } of first) this.#addEarlier(thread, otherOpenThreads(stored, thread.threadId));
    if (!first.some(differs)) return this.#recordResults(first);
    await this.#ports.pause(confirmMs);
    const again = await this.#compare(first.filter(differs).map(({ thread }) => thread));
    const results = [...first.filter((one) => !differs(one)), ...again];
    const suspects = results.filter((one) => differs(one) && this.#mustConfirm(one, origin));
    if (suspects.length > 0) {
      const all = [...this.#cursor.suspects, ...suspects.map(({ thread }) => thread)];
      this.#setCursor({ suspects: distinct(all), suspectedAt: this.#ports.clock.now() });
    }
    const confirmed = results.filter((one) => !suspects.includes(one));
    const repairable = confirmed.filter((one) => differs(one) && this.#canRetry(one.thread));
    await this.#publish(repairable);
    this.#recordResults(confirmed);
    for (const { thread } of confirmed.filter((one) => differs(one) && !repairable.includes(one)))
      this.tally.addUnprovable(thread, 'not stored');
  }

  /** Threads before the period are skipped, and so are their predecessors. */
  #isInPeriod({ started, events = [] }: ListedThread): boolean {
    const { from } = this.#given.run;
    return [started, ...events].some(({ metadata }) => metadata.occurredAt >= from);
  }

  /**
   * Whether a difference must be confirmed. Edits, deletions and state changes have no timestamp, so their webhooks may be in
   * flight, or the archive may be older than a webhook. A missing message shows that webhooks were lost.
   */
  #mustConfirm({ thread, stored, comparison }: Result, origin: Origin): boolean {
    if (origin === 'confirmed' || comparison.missing.some(({ type }) => timestampedTypes.has(type))) return false;
    if (this.#ports.inFlightMs > 0) return true;
    const oldest = new Date(Date.parse(thread.observedAt) - archiveLagMs).toISOString();
    return origin === 'archive' && threadTimes(stored).changedAt > oldest;
  }

  #canRetry(thread: ThreadId): boolean {
    return (this.#attempts.get(threadKey(thread)) ?? 0) < maxAttempts;
  }

  #recordResults(results: readonly Result[]): void {
    for (const { thread, comparison } of results) {
      const { previousThreadId } = thread.started.data;
      const isStartMissing = comparison.missing.includes(thread.started);
      if (isStartMissing && previousThreadId !== undefined) this.#addEarlier(thread, [previousThreadId]);
      if (thread.invalid.length > 0) this.tally.addUnprovable(thread, 'invalid');
      else if (comparison.isChanging) this.tally.addUnprovable(thread, 'changing');
    }
    const equal = results.filter(({ thread, comparison }) => {
      return comparison.missing.length === 0 && !comparison.isChanging && thread.invalid.length === 0;
    }).length;
    this.tally.add('threads', results.length);
    this.tally.add('equal', equal);
  }

  #addEarlier({ conversationId }: ThreadId, threadIds: readonly string[]): void {
    const threads = threadIds.map((threadId) => ({ conversationId, threadId }));
    const unseen = threads.filter((thread) => !this.#seen.has(threadKey(thread)));
    this.#setCursor({ earlier: distinct([...this.#cursor.earlier, ...unseen]) });
  }

  async #compare(threads: readonly ListedThread[]): Promise<Result[]> {
    const { isSameContent, expiredBefore } = this.#ports;
    const all = await this.#ports.readStored(threads);
    return threads.flatMap((thread, index) => {
      const stored = all[index];
      if (!stored) return [];
      const options = { isSameContent, expiredBefore, until: this.#given.run.to };
      return { thread, stored, comparison: compareThread(thread, stored, options) };
    });
  }

  async #publish(results: readonly Result[]): Promise<void> {
    const events = results.flatMap(({ comparison }) => comparison.missing);
    for (let from = 0; from < events.length; from += maxEventsPerPublish) {
      const chunk = events.slice(from, from + maxEventsPerPublish);
      await this.#ports.publish?.(chunk);
      this.tally.addEvents(chunk);
    }
    for (const { thread } of results) {
      const attempts = this.#attempts.get(threadKey(thread)) ?? 0;
      this.#attempts.set(threadKey(thread), attempts + 1);
      if (attempts === 0) this.tally.add('repaired');
    }
    if (this.#ports.publish && results.length > 0) await this.#awaitStored(results.map(({ thread }) => thread));
  }

  async #awaitStored(threads: readonly ListedThread[]): Promise<void> {
    let waiting = threads;
    for (let poll = 0; poll < maxStoredPolls && waiting.length > 0; poll += 1) {
      await this.#ports.pause(storedPollMs);
      waiting = (await this.#compare(waiting)).filter(differs).map(({ thread }) => thread);
    }
    for (const thread of waiting) this.tally.addUnprovable(thread, 'not stored');
  }

  #recordInvalid({ invalid }: Page): void {
    for (const conversationId of invalid) this.tally.addUnprovable({ conversationId, threadId: '' }, 'invalid');
  }
}

/** Where a listed thread comes from. `earlier`: it precedes the latest thread of its chat. `confirmed`: its difference was seen before. */
type Origin = 'archive' | 'thread' | 'earlier' | 'confirmed';

interface Result {
  readonly thread: ListedThread;
  readonly stored: StoredThread;
  readonly comparison: Comparison;
}

function differs({ comparison }: Result): boolean {
  return comparison.missing.length > 0;
}
