import { CustomAttributeType, Entity, type EntityItem } from 'electrodb';
import { ifConditionHolds, keys, number, tableIn, text } from '../platform/dynamodb.ts';
import type { ReconciliationRun, ReconciliationView } from './report.ts';
import type { ThreadId } from './source.ts';

/** Where a run continues. */
export interface RunCursor {
  readonly phase: 'active chats' | 'archive' | 'stored chats' | 'remaining threads';
  /** The id of the next page, of the channel or of the table; undefined at the first. */
  readonly page?: string | undefined;
  /** The threads of that page that are compared already. */
  readonly done: readonly ThreadId[];
  /** Threads to read individually at the end of the pass, as the next two lists. */
  readonly pending: readonly ThreadId[];
  /** Earlier threads of chats, which lists of the latest threads do not contain. */
  readonly earlier: readonly ThreadId[];
  /** Threads whose difference may be a webhook in flight or an old archive. */
  readonly suspects: readonly ThreadId[];
  /** When the last suspect was listed, ms since 1970. */
  readonly suspectedAt: number;
  /** From 1. */
  readonly pass: number;
  /** The number of events that earlier passes published. */
  readonly publishedBefore: number;
}

/** A run with what is needed to continue it. */
export interface RunState {
  readonly run: ReconciliationRun;
  readonly cursor: RunCursor;
  /** Whether every active chat and every stored one of the period is read, not only those that changed since `changedSince`. */
  readonly isFull: boolean;
  readonly changedSince: string;
}

/** A scheduled run and a requested one do not replace each other. */
export type RunKind = 'scheduled' | 'requested';

const runState = { type: CustomAttributeType<RunState>('any') } as const;
const threadIds = { type: CustomAttributeType<readonly ThreadId[]>('any') } as const;

/** One item per organization: the lease, the watermark and the runs that are to be continued. */
const Reconciliation = new Entity(
  {
    model: { entity: 'reconciliation', version: '1', service: 'livechat' },
    attributes: {
      organizationId: text,
      /** The run that holds the lease, and until when; ms since 1970. */
      leaseOwner: text,
      leaseUntil: number,
      watermark: { type: 'string' },
      /** When a full run last completed, ms since 1970. */
      fullAt: { type: 'number' },
      scheduled: runState,
      requested: runState,
      /** Threads that webhooks were changing, or that LiveChat did not return: the next run reads them again. */
      changing: threadIds,
      /** Stored threads that the channel does not return: only full runs ask for them again. */
      notFound: threadIds,
      last: { type: CustomAttributeType<ReconciliationRun>('any') },
    },
    indexes: { primary: keys(['organizationId'], []) },
  },
  tableIn('CONTROL_TABLE'),
);
export type ReconciliationState = EntityItem<typeof Reconciliation>;

/** A run that published something, has unprovable threads, did not complete or was requested. Runs without findings are not stored. */
const Run = new Entity(
  {
    model: { entity: 'reconciliationRun', version: '1', service: 'livechat' },
    attributes: {
      organizationId: text,
      startedAt: text,
      runId: text,
      run: { type: CustomAttributeType<ReconciliationRun>('any'), required: true },
      expires: number,
    },
    indexes: { primary: keys(['organizationId'], ['startedAt', 'runId']) },
  },
  tableIn('CONTROL_TABLE'),
);

const runRetentionSeconds = 30 * 86_400;
/** A run renews its lease at least every minute; a run that was killed loses it after this time. */
const leaseMs = 300_000;

/** Another run took over the lease, since this one did not renew it in time. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLost';
}

export interface Lease {
  readonly organizationId: string;
  readonly owner: string;
}

/** Takes the lease. Returns the state, or until when another run holds the lease. One write. */
export async function acquireLease(
  { organizationId, owner }: Lease,
  now: number,
): Promise<{ readonly state: ReconciliationState } | { readonly heldUntil: number }> {
  const { rejected, data } = await Reconciliation.upsert({
    organizationId,
    leaseOwner: owner,
    leaseUntil: now + leaseMs,
  })
    .where(({ leaseUntil }, op) => `${op.notExists(leaseUntil)} OR ${op.lte(leaseUntil, now)}`)
    .go({ response: 'all_new', returnOnConditionCheckFailure: 'all_old' });
  if (rejected) return { heldUntil: data?.leaseUntil ?? now };
  return { state: data };
}

/** Renews the lease and saves where the run is. Throws {@link LeaseLostError}. */
export async function saveProgress(
  { organizationId, owner }: Lease,
  kind: RunKind,
  progress: RunState,
  now: number,
): Promise<void> {
  const written = await ifConditionHolds(
    Reconciliation.patch({ organizationId })
      .set({ leaseUntil: now + leaseMs, [kind]: progress })
      .where(({ leaseOwner }, op) => op.eq(leaseOwner, owner))
      .go(),
  );
  if (!written) throw new LeaseLostError('another run has taken over the lease of this one');
}

/** What a run leaves behind. */
export interface RunEnd {
  readonly run: ReconciliationRun;
  /** Undefined if there is nothing to continue. */
  readonly next?: RunState | undefined;
  /** The attributes to set. */
  readonly changes: Partial<Pick<ReconciliationState, 'watermark' | 'fullAt' | 'changing' | 'notFound'>>;
}

/** Releases the lease and stores the result: one write, and one for a run that is kept. Throws {@link LeaseLostError}. */
export async function endRun(
  { organizationId, owner }: Lease,
  kind: RunKind,
  { run, next, changes }: RunEnd,
  now: number,
): Promise<void> {
  const change = Reconciliation.patch({ organizationId }).set({
    ...changes,
    leaseOwner: '',
    leaseUntil: 0,
    last: run,
    ...(next && { [kind]: next }),
  });
  const written = await ifConditionHolds(
    (next ? change : change.remove([kind])).where(({ leaseOwner }, op) => op.eq(leaseOwner, owner)).go(),
  );
  if (!written) throw new LeaseLostError('another run has taken over the lease of this one');
  const hasNoFindings = run.report.published === 0 && run.report.examples.length === 0;
  if (run.status === 'complete' && hasNoFindings && run.reason !== 'request') return;
  const { startedAt, runId } = run;
  await Run.put({ organizationId, startedAt, runId, run, expires: Math.floor(now / 1000) + runRetentionSeconds }).go();
}

/** The reconciliation of an organization: its watermark, its last run and its latest runs, at most `limit`. */
export async function readReconciliation(organizationId: string, limit = 20): Promise<ReconciliationView> {
  const [{ data: state }, { data: runs }] = await Promise.all([
    Reconciliation.get({ organizationId }).go(),
    Run.query.primary({ organizationId }).go({ order: 'desc', count: limit, limit }),
  ]);
  const saved = state && state.leaseUntil > Date.now() ? [state.scheduled?.run, state.requested?.run] : [];
  const running = saved.find((run) => run?.status === 'running');
  return {
    organizationId,
    ...(state?.watermark !== undefined && { watermark: state.watermark }),
    ...(running && { running }),
    ...(state?.last && { last: state.last }),
    runs: runs.map(({ run }) => run),
  };
}
