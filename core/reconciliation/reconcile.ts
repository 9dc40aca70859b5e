import type { Log } from '../platform/logger.ts';
import type { ReconciliationRun } from './report.ts';

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
  readonly phase: 'active chats' | 'archive' | 'stored chats';
  readonly pass: number;
  readonly run: ReconciliationRun;
}

export interface BackfillOptions {
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
 * Reconciles a period on request, in this process. Continues a run with the same request that was interrupted. Rejects with a
 * ConfigurationError, an error of the channel or of AWS.
 */
export async function backfill(_request: BackfillRequest, _options: BackfillOptions): Promise<ReconciliationRun> {
  throw new Error('not implemented');
}

/** Runs the reconciliation that a schedule or a recovery requests, until `deadline` (ms since 1970) at the latest. */
export async function reconcileOrganization(
  _organizationId: string,
  _reason: 'schedule' | 'recovery',
  _options: { readonly deadline: number; readonly log: Log },
): Promise<ReconciliationRun | undefined> {
  throw new Error('not implemented');
}
