/** Why a thread could not be proven complete. */
export const unprovableReasons = [
  /** LiveChat lists an event or a thread that does not match its schema. */
  'invalid',
  /** A stored thread that LiveChat does not return: outside the token's access, or removed. */
  'not found',
  /** Webhooks changed the thread after the observation. The next run compares it. */
  'changing',
  /** What was published was not stored in time: see the dead letters. */
  'not stored',
  /** LiveChat returned an error for this thread each time. The next run reads it again. */
  'unreadable',
] as const;
export type UnprovableReason = (typeof unprovableReasons)[number];

/**
 * What a run has found and done so far. `threads`, `equal`, `unprovable` and `examples` describe the last pass, which is the
 * proof; the other fields describe all passes.
 */
export interface ReconciliationReport {
  /** Threads compared with what is stored, and how many of them were equal and repaired (for a dry run: differ). */
  readonly threads: number;
  readonly equal: number;
  readonly repaired: number;
  /** Threads that could not be proven, by reason. */
  readonly unprovable: Readonly<Partial<Record<UnprovableReason, number>>>;
  /** The first of them. */
  readonly examples: readonly {
    readonly conversationId: string;
    readonly threadId: string;
    readonly reason: UnprovableReason;
  }[];
  /** Published events (for a dry run: those that a run would publish), in total and by type. */
  readonly published: number;
  readonly events: Readonly<Record<string, number>>;
  /** Calls to LiveChat. */
  readonly calls: number;
  /** How many times the period was read. The last pass found no difference in a complete run. */
  readonly passes: number;
}

/**
 * `complete`: a pass found no difference. `incomplete`: the last pass still found differences. `interrupted`: it continues in
 * the next run. `failed`: an error; the next run resumes it, or restarts it if the id of a page has expired.
 */
export type RunStatus = 'running' | 'complete' | 'incomplete' | 'interrupted' | 'failed';

/** A run, for operators. Times are ISO 8601. */
export interface ReconciliationRun {
  readonly organizationId: string;
  readonly runId: string;
  /** `schedule` and `recovery` run in the function `reconcile`; `request` is `livechat backfill`. */
  readonly reason: 'schedule' | 'recovery' | 'request';
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly status: RunStatus;
  /** The period that was reconciled. */
  readonly from: string;
  readonly to: string;
  /** Set if the run was limited to one chat. */
  readonly conversationId?: string;
  /** Why the run was interrupted or failed. */
  readonly error?: { readonly name: string; readonly message: string };
  readonly report: ReconciliationReport;
}

/** The reconciliation of one organization, for operators. */
export interface ReconciliationView {
  readonly organizationId: string;
  /** ISO 8601: up to here it is proven that nothing is missing. Undefined before the first complete run. */
  readonly watermark?: string;
  /** The run in progress, if there is one, and the last one that ended. */
  readonly running?: ReconciliationRun;
  readonly last?: ReconciliationRun;
  /** The latest runs of the last 30 days that published something, have unprovable threads, did not complete or were requested. */
  readonly runs: readonly ReconciliationRun[];
}
