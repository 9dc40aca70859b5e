import { randomUUID } from 'node:crypto';
import { createBusPublisher } from '../events/bus.ts';
import type { Publish } from '../events/publish.ts';
import { raiseCredentialsBlocked, rateLimiters } from '../outbound/ports.ts';
import { systemClock } from '../platform/clock.ts';
import type { Log } from '../platform/logger.ts';
import { count } from '../platform/metrics.ts';
import { Interrupted, limitCalls, marginMs, maxSlotWaitMs, paceCalls } from './calls.ts';
import type { ReconciliationRun, RunStatus } from './report.ts';
import { emptyReport, Runner, type RunPorts } from './run.ts';
import type { ReconciliationChannel } from './source.ts';
import {
  acquireLease,
  endRun,
  type Lease,
  LeaseLost,
  type ReconciliationState,
  type RunCursor,
  type RunSlot,
  type SavedRun,
  saveProgress,
} from './state.ts';
import { iterateLatestThreads, readStored } from './stored.ts';

/** How far a scheduled run reads back before the watermark: LiveChat indexes archives late. In ms. */
const overlapMs = 3_600_000;
/** Once in this time, a scheduled run reads this far back, and every active chat. In ms. */
const deepMs = 86_400_000;
const checkpointMs = 60_000;
const leasePollMs = 5_000;

export interface BackfillRequest {
  readonly organizationId: string;
  /** ISO 8601. */
  readonly from: string;
  readonly to: string;
  /** Limits the run to one chat. */
  readonly conversationId?: string | undefined;
}

/** Where a run is, for a progress bar. */
export interface Progress {
  readonly phase: RunCursor['phase'];
  readonly pass: number;
  readonly run: ReconciliationRun;
}

export interface BackfillOptions {
  readonly channel: ReconciliationChannel;
  /** Compares and reports, and writes nothing. */
  readonly dryRun: boolean;
  /** Aborted by Ctrl-C: the run saves where it is, and the same request continues it. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  /** Called while another run holds the lease, with the time until which it holds it. */
  readonly onWait: (until: string) => void;
  readonly log: Log;
}

/**
 * Reconciles a period on request, in this process. If a run of the same chat, or of a period of the same length, was
 * interrupted, it continues that one first and then reads the rest of the period: two runs. Each says whether it completed.
 * Throws an AbortError if it is aborted while another run holds the lease.
 */
export async function backfill(
  request: BackfillRequest,
  options: BackfillOptions,
): Promise<readonly ReconciliationRun[]> {
  const { organizationId } = request;
  const fresh = createRun(request, 'request', true, request.from);
  if (options.dryRun) return [await execute(fresh, { ...options, organizationId, publish: undefined })];
  const lease = { organizationId, owner: randomUUID() };
  for (;;) {
    const now = systemClock.now();
    const acquired = await acquireLease(lease, now);
    if ('state' in acquired) {
      const { requested } = acquired.state;
      const isResumed = requested !== undefined && isSameRequest(requested.run, fresh.run);
      const run = await runWithLease(lease, 'requested', isResumed ? requested : fresh, acquired.state, options);
      const isWhole = run.status !== 'complete' || Date.parse(request.to) - Date.parse(run.to) <= marginMs;
      return isWhole ? [run] : [run, ...(await backfill({ ...request, from: run.to }, options))];
    }
    options.onWait(new Date(acquired.heldUntil).toISOString());
    options.signal.throwIfAborted();
    await systemClock.sleep(Math.min(leasePollMs, Math.max(0, acquired.heldUntil - now)));
  }
}

/** The limits of a request move with the clock, so that `--since 2h` names another period when it is repeated. */
function isSameRequest(saved: ReconciliationRun, requested: ReconciliationRun): boolean {
  const length = (run: ReconciliationRun) => Math.round((Date.parse(run.to) - Date.parse(run.from)) / 60_000);
  const isSamePeriod = saved.from === requested.from || length(saved) === length(requested);
  return saved.conversationId === requested.conversationId && isSamePeriod;
}

export interface ScheduledOptions {
  readonly channel: ReconciliationChannel;
  /** When the function times out, ms since 1970. */
  readonly deadline: number;
  readonly log: Log;
}

/**
 * Runs the reconciliation that a schedule or a recovery requests: from an overlap before the watermark until two minutes ago.
 * Continues an interrupted run first. Returns undefined if another run is in progress or takes over. Does not throw for a failed
 * run.
 */
export async function reconcileOrganization(
  organizationId: string,
  reason: 'schedule' | 'recovery',
  options: ScheduledOptions,
): Promise<ReconciliationRun | undefined> {
  const lease = { organizationId, owner: randomUUID() };
  const now = systemClock.now();
  const acquired = await acquireLease(lease, now);
  if (!('state' in acquired)) {
    options.log.info('another run is in progress', { organizationId });
    return undefined;
  }
  const { state } = acquired;
  const saved = state.scheduled ?? scheduledRun(organizationId, reason, state, now);
  const signal = new AbortController().signal;
  try {
    return await runWithLease(lease, 'scheduled', saved, state, { ...options, signal, onProgress: () => {} });
  } catch (error) {
    if (!(error instanceof LeaseLost)) throw error;
    options.log.warn('another run has taken over', { organizationId, error });
    return undefined;
  }
}

/** Without a watermark, the run is a first inventory: what it finds may be older than the bridge. */
function scheduledRun(
  organizationId: string,
  reason: ReconciliationRun['reason'],
  { watermark, deepAt = 0 }: ReconciliationState,
  now: number,
): SavedRun {
  const isDeep = watermark === undefined || now - deepAt >= deepMs;
  const provenUntil = watermark === undefined ? now : Date.parse(watermark);
  const from = new Date(provenUntil - (watermark !== undefined && isDeep ? deepMs : overlapMs)).toISOString();
  const newsSince = new Date(provenUntil - marginMs).toISOString();
  return createRun({ organizationId, from, to: new Date(now - marginMs).toISOString() }, reason, isDeep, newsSince);
}

function createRun(
  { organizationId, from, to, conversationId }: BackfillRequest,
  reason: ReconciliationRun['reason'],
  isDeep: boolean,
  newsSince: string,
): SavedRun {
  const run: ReconciliationRun = {
    organizationId,
    runId: randomUUID(),
    reason,
    startedAt: new Date(systemClock.now()).toISOString(),
    status: 'running',
    from,
    to,
    ...(conversationId !== undefined && { conversationId }),
    report: emptyReport,
  };
  return { run, cursor: { phase: 'active chats', pass: 1, publishedBefore: 0 }, isDeep, newsSince };
}

interface ExecuteOptions extends Pick<BackfillOptions, 'channel' | 'signal' | 'onProgress' | 'log'> {
  readonly deadline?: number;
}

/** Executes a run, and releases the lease with its result. */
async function runWithLease(
  lease: Lease,
  slot: RunSlot,
  saved: SavedRun,
  state: ReconciliationState,
  options: ExecuteOptions,
): Promise<ReconciliationRun> {
  let renewedAt = systemClock.now();
  let current = saved;
  const renew = async () => {
    const now = systemClock.now();
    await saveProgress(lease, slot, current, now);
    renewedAt = now;
  };
  const isFirst = slot === 'scheduled' && state.watermark === undefined;
  const run = await execute(saved, {
    ...options,
    organizationId: lease.organizationId,
    publish: countingPublisher(lease.organizationId, isFirst),
    async keepLease() {
      if (systemClock.now() - renewedAt > checkpointMs) await renew();
    },
    async checkpoint(progress, isUrgent) {
      current = progress;
      if (isUrgent || systemClock.now() - renewedAt > checkpointMs) await renew();
    },
    onEnd: (progress) => {
      current = progress;
    },
  });
  const now = systemClock.now();
  const isComplete = run.status === 'complete';
  const { repaired } = run.report;
  const continues = run.status === 'interrupted' || (run.status === 'failed' && !restarts.has(run.error?.name ?? ''));
  if (!continues && !isFirst && repaired > 0)
    count('ReconciliationDifferences', { organizationId: lease.organizationId }, repaired);
  await endRun(
    lease,
    slot,
    {
      run,
      saved: continues ? { ...current, run: { ...run, status: 'interrupted' } } : undefined,
      ...(isComplete && proof(run, state)),
      ...(isComplete && slot === 'scheduled' && saved.isDeep && { deepAt: now }),
    },
    now,
  );
  return run;
}

/** A page id that LiveChat no longer accepts fails every time: the run starts again. */
const restarts: ReadonlySet<string> = new Set(['ChannelClientError']);

/** A complete run moves the watermark if it leaves no gap behind it. */
function proof({ conversationId, from, to }: ReconciliationRun, { watermark }: ReconciliationState) {
  const isContinuous = watermark === undefined || (from <= watermark && to > watermark);
  return conversationId === undefined && isContinuous ? { watermark: to } : {};
}

/** The first run of an organization is an inventory, which is not counted as lost webhooks. */
function countingPublisher(organizationId: string, isFirst: boolean): Publish {
  const publish = createBusPublisher();
  return async (events) => {
    await publish(events);
    if (!isFirst && events.length > 0) count('ReconciledEvents', { organizationId }, events.length);
  };
}

interface RunOptions extends ExecuteOptions, Pick<RunPorts, 'publish'> {
  readonly organizationId: string;
  readonly keepLease?: () => Promise<void>;
  readonly checkpoint?: RunPorts['checkpoint'];
  readonly onEnd?: (progress: SavedRun) => void;
}

/** Executes a run to its end, an interruption or a failure. Throws only {@link LeaseLost}: then the result is another run's. */
async function execute(saved: SavedRun, options: RunOptions): Promise<ReconciliationRun> {
  const { organizationId, channel, publish, log, onProgress } = options;
  const clock = systemClock;
  const limiter = publish
    ? rateLimiters(log)(organizationId, { share: 'reconciliation', maxWaitMs: maxSlotWaitMs })
    : paceCalls(organizationId, clock);
  const calls = limitCalls({
    connect: () => channel.connect(organizationId, (resetMs) => limiter.holdFor(resetMs)),
    limiter,
    clock,
    // A requested run publishes what has just been lost, too. If its webhooks still arrive, the events have the same ids.
    marginMs: saved.run.reason === 'request' ? 0 : marginMs,
    deadline: options.deadline ?? Number.POSITIVE_INFINITY,
    signal: options.signal,
    onCredentialsBlocked: () => reportBlocked(saved.run),
    beforeCall: async () => options.keepLease?.(),
    onCall() {
      runner.countCall();
      report(runner.progress);
    },
  });
  const report = ({ cursor: { phase, pass }, run }: SavedRun) => onProgress({ phase, pass, run });
  const { endedAt: _, error: __, ...begun } = saved.run;
  const runner = new Runner(
    { ...saved, run: { ...begun, status: 'running' } },
    {
      ...calls,
      readStored: (threads) => readStored(organizationId, threads),
      latestThreads: (since) => iterateLatestThreads(organizationId, since),
      isSameContent: channel.isSameContent,
      publish,
      clock,
      async checkpoint(progress, isUrgent) {
        report(progress);
        await options.checkpoint?.(progress, isUrgent);
      },
    },
  );
  const end = (status: RunStatus, error?: Error): ReconciliationRun => {
    options.onEnd?.(runner.progress);
    const { run } = runner.progress;
    const endedAt = new Date(clock.now()).toISOString();
    log.info('reconciliation ended', { organizationId, status, error, report: run.report });
    return { ...run, status, endedAt, ...(error && { error: { name: error.name, message: error.message } }) };
  };
  try {
    return end(await runner.run());
  } catch (error) {
    if (!(error instanceof Error) || error instanceof LeaseLost) throw error;
    return end(error instanceof Interrupted ? 'interrupted' : 'failed', error);
  }
}

function reportBlocked({ organizationId, runId }: ReconciliationRun): Promise<void> {
  const cause = { organizationId, correlationId: runId, causationId: runId };
  return raiseCredentialsBlocked(cause, { runId });
}
