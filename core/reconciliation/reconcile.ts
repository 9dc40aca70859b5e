import { randomUUID } from 'node:crypto';
import { createBusPublisher } from '../events/bus.ts';
import type { Publish } from '../events/publish.ts';
import { raiseCredentialsBlocked, rateLimiters } from '../outbound/ports.ts';
import { systemClock } from '../platform/clock.ts';
import { wholeNumber } from '../platform/configuration.ts';
import type { Log } from '../platform/logger.ts';
import { count } from '../platform/metrics.ts';
import { limitCalls, limitDryRunCalls, maxShareWaitMs, observationMarginMs, RunInterruptedError } from './calls.ts';
import type { ReconciliationRun } from './report.ts';
import { firstCursor, Runner, type RunPorts } from './run.ts';
import type { ReconciliationChannel, ThreadId } from './source.ts';
import {
  acquireLease,
  endRun,
  type Lease,
  LeaseLostError,
  type ReconciliationState,
  type RunCursor,
  type RunKind,
  type RunState,
  saveProgress,
} from './state.ts';
import { listLatestThreads, readStored } from './stored.ts';
import { emptyReport } from './tally.ts';

/** How far a scheduled run reads back before the watermark: LiveChat indexes archives late. In ms. */
const overlapMs = 3_600_000;
/** Once in this time, a scheduled run is full: it reads this far back, and every active chat. In ms. */
const fullMs = 86_400_000;
/** A webhook is in flight for this long, in ms: LiveChat repeats it for about a minute. */
const inFlightMs = 65_000;
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
 * Reconciles a period on request, in this process. If a run of the same chat that overlaps the period was interrupted, it
 * continues that one first and then reads the rest of the period: two runs. Each says whether it completed. Throws an
 * AbortError if it is aborted while another run holds the lease.
 */
export async function backfill(
  request: BackfillRequest,
  options: BackfillOptions,
): Promise<readonly ReconciliationRun[]> {
  const { organizationId } = request;
  const fresh = createRun(request, 'request', true, request.from);
  if (options.dryRun) return [await execute(fresh, options, { organizationId })];
  const lease = { organizationId, owner: randomUUID() };
  for (;;) {
    const now = systemClock.now();
    const acquired = await acquireLease(lease, now);
    if ('state' in acquired) {
      const { requested } = acquired.state;
      const given = requested && overlaps(requested.run, request) ? requested : fresh;
      const run = await runWithLease(lease, 'requested', given, acquired.state, options);
      if (given === fresh || run.status !== 'complete' || run.to >= request.to) return [run];
      return [run, ...(await backfill({ ...request, from: run.to }, options))];
    }
    options.onWait(new Date(acquired.heldUntil).toISOString());
    options.signal.throwIfAborted();
    await systemClock.sleep(Math.min(leasePollMs, Math.max(0, acquired.heldUntil - now)));
  }
}

/** Whether an interrupted run covers the beginning of a request, and nothing after it. */
function overlaps({ from, to, conversationId }: ReconciliationRun, request: BackfillRequest): boolean {
  return conversationId === request.conversationId && from <= request.from && request.from <= to && to <= request.to;
}

export interface ScheduledOptions {
  readonly channel: ReconciliationChannel;
  /** When the function times out, ms since 1970. */
  readonly deadline: number;
  readonly log: Log;
  /** The longest time in ms that a webhook is in flight. Default: 65 s. */
  readonly inFlightMs?: number;
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
  const given = state.scheduled ?? scheduledRun(organizationId, reason, state, now);
  const signal = new AbortController().signal;
  try {
    return await runWithLease(lease, 'scheduled', given, state, {
      inFlightMs,
      ...options,
      signal,
      onProgress: () => {},
    });
  } catch (error) {
    if (!(error instanceof LeaseLostError)) throw error;
    options.log.warn('another run has taken over', { organizationId, error });
    return undefined;
  }
}

/** Without a watermark, the run is an initial import: its findings may predate the bridge. */
function scheduledRun(
  organizationId: string,
  reason: ReconciliationRun['reason'],
  { watermark, fullAt = 0, changing = [] }: ReconciliationState,
  now: number,
): RunState {
  const isFull = watermark === undefined || now - fullAt >= fullMs;
  const provenUntil = watermark === undefined ? now : Date.parse(watermark);
  const from = new Date(provenUntil - (watermark !== undefined && isFull ? fullMs : overlapMs)).toISOString();
  const to = new Date(now - observationMarginMs).toISOString();
  const changedSince = new Date(provenUntil - observationMarginMs).toISOString();
  return createRun({ organizationId, from, to }, reason, isFull, changedSince, changing);
}

function createRun(
  { organizationId, from, to, conversationId }: BackfillRequest,
  reason: ReconciliationRun['reason'],
  isFull: boolean,
  changedSince: string,
  pending: readonly ThreadId[] = [],
): RunState {
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
  return { run, cursor: { ...firstCursor, pending }, isFull, changedSince };
}

interface ExecuteOptions extends Pick<BackfillOptions, 'channel' | 'signal' | 'onProgress' | 'log'> {
  readonly deadline?: number;
  readonly inFlightMs?: number;
}

/** Executes a run, and releases the lease with its result. */
async function runWithLease(
  lease: Lease,
  kind: RunKind,
  given: RunState,
  state: ReconciliationState,
  options: ExecuteOptions,
): Promise<ReconciliationRun> {
  const { organizationId } = lease;
  let renewedAt = systemClock.now();
  const isFirst = kind === 'scheduled' && state.watermark === undefined;
  const { isProven: isRunProven, ...ended } = await executeRun(given, options, {
    organizationId,
    notFound: state.notFound ?? [],
    publish: countingPublisher(organizationId, isFirst),
    async renewLease(progress, isUrgent) {
      const now = systemClock.now();
      if (!isUrgent && now - renewedAt <= checkpointMs) return;
      await saveProgress(lease, kind, progress, now);
      renewedAt = now;
    },
  });
  const { run, runner, restarts } = ended;
  // Only a scheduled run defers threads to the next run.
  const isProven = isRunProven && (kind === 'scheduled' || runner.tally.unprovable('unreadable').length === 0);
  const now = systemClock.now();
  const continues = (run.status === 'interrupted' || run.status === 'failed') && !restarts;
  await endRun(
    lease,
    kind,
    {
      run,
      next: continues ? { ...runner.state, run: { ...run, status: 'interrupted' } } : undefined,
      changes: {
        ...(isProven && nextWatermark(run, state)),
        ...(isProven && kind === 'scheduled' && afterScheduledRun(given, runner, state, now)),
      },
    },
    now,
  );
  const { repaired } = run.report;
  if (!continues && !isFirst && repaired > 0) count('ReconciliationDifferences', { organizationId }, repaired);
  return run;
}

/** Maximum number of thread ids in each list of the item. */
const maxRemembered = 200;

function afterScheduledRun(
  { isFull }: RunState,
  { tally }: Runner,
  { notFound = [] }: ReconciliationState,
  now: number,
) {
  const missing = isFull ? tally.unprovable('not found') : notFound;
  return {
    ...(isFull && { fullAt: now }),
    changing: [...tally.unprovable('unreadable'), ...tally.unprovable('changing')].slice(0, maxRemembered),
    notFound: missing.slice(0, maxRemembered),
  };
}

/**
 * The watermark after a proof, if the run leaves no gap behind it. The last two minutes are not proven. A request that ends
 * earlier does not set the first watermark.
 */
function nextWatermark(
  { conversationId, from, to, startedAt, reason }: ReconciliationRun,
  { watermark }: ReconciliationState,
) {
  const proven = new Date(Date.parse(startedAt) - observationMarginMs).toISOString();
  const until = to < proven ? to : proven;
  const isContinuous =
    watermark === undefined ? reason !== 'request' || to >= proven : from <= watermark && until > watermark;
  return conversationId === undefined && isContinuous ? { watermark: until } : {};
}

/** The initial import of an organization is not counted as lost webhooks. */
function countingPublisher(organizationId: string, isFirst: boolean): Publish {
  const publish = createBusPublisher();
  return async (events) => {
    await publish(events);
    if (!isFirst && events.length > 0) count('ReconciledEvents', { organizationId }, events.length);
  };
}

interface ExecuteContext extends Partial<Pick<RunPorts, 'publish' | 'notFound'>> {
  readonly organizationId: string;
  /** Saves the progress: from time to time, and at once if it is urgent. Undefined for a dry run. */
  readonly renewLease?: (progress: RunState, isUrgent: boolean) => Promise<void>;
}

interface EndedRun {
  readonly run: ReconciliationRun;
  readonly runner: Runner;
  readonly isProven: boolean;
  /** The run does not continue where it was. */
  readonly restarts: boolean;
}

async function execute(given: RunState, options: ExecuteOptions, context: ExecuteContext): Promise<ReconciliationRun> {
  return (await executeRun(given, options, context)).run;
}

/** Executes a run to its end, an interruption or a failure. Throws only {@link LeaseLostError}: then the result is another run's. */
async function executeRun(given: RunState, options: ExecuteOptions, context: ExecuteContext): Promise<EndedRun> {
  const { channel, log } = options;
  const { organizationId, publish, notFound = [], renewLease = async () => {} } = context;
  const { endedAt: _, error: __, ...begun } = given.run;
  const clock = systemClock;
  const limiter = publish
    ? rateLimiters(log)(organizationId, { share: 'reconciliation', maxWaitMs: maxShareWaitMs })
    : limitDryRunCalls(organizationId, clock);
  const report = ({ cursor: { phase, pass }, run }: RunState) => options.onProgress({ phase, pass, run });
  const calls = limitCalls({
    connect: () => channel.connect(organizationId, (resetMs) => limiter.holdFor(resetMs)),
    limiter,
    clock,
    // A requested run publishes what has just been lost, too. If its webhooks still arrive, the events have the same ids.
    marginMs: begun.reason === 'request' ? 0 : observationMarginMs,
    deadline: options.deadline ?? Number.POSITIVE_INFINITY,
    signal: options.signal,
    onCredentialsBlocked: () => reportBlocked(begun),
    renewLease: () => renewLease(runner.state, false),
    onCall() {
      runner.tally.add('calls');
      report(runner.state);
    },
  });
  const runner = new Runner(
    { ...given, run: { ...begun, status: 'running' } },
    {
      ...calls,
      readStored: (threads) => readStored(organizationId, threads),
      listLatestThreads: (since, page) => listLatestThreads(organizationId, since, page),
      notFound,
      isSameContent: channel.isSameContent,
      expiredBefore: new Date(clock.now() - wholeNumber('MESSAGES_RETENTION_DAYS', 365, 1) * 86_400_000).toISOString(),
      publish,
      clock,
      inFlightMs: begun.reason === 'request' ? 0 : (options.inFlightMs ?? 0),
      async checkpoint(progress, isUrgent) {
        report(progress);
        await renewLease(progress, isUrgent);
      },
    },
  );
  const end = (status: ReconciliationRun['status'], isProven: boolean, error?: Error): EndedRun => {
    const { run, cursor } = runner.state;
    const endedAt = new Date(clock.now()).toISOString();
    log.info('reconciliation ended', { organizationId, status, error, report: run.report });
    return {
      run: {
        ...run,
        status,
        endedAt,
        ...(error && { error: { name: error.name, message: error.message } }),
      },
      runner,
      isProven,
      // The id of a page that LiveChat no longer accepts fails every time.
      restarts: error?.name === 'ChannelClientError' && cursor.page !== undefined,
    };
  };
  try {
    const { status, isProven } = await runner.run();
    return end(status, isProven);
  } catch (error) {
    if (!(error instanceof Error) || error instanceof LeaseLostError) throw error;
    return end(error instanceof RunInterruptedError ? 'interrupted' : 'failed', false, error);
  }
}

function reportBlocked({ organizationId, runId }: Pick<ReconciliationRun, 'organizationId' | 'runId'>): Promise<void> {
  const cause = { organizationId, correlationId: runId, causationId: runId };
  return raiseCredentialsBlocked(cause, { runId });
}
