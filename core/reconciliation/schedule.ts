import pLimit from 'p-limit';
import * as z from 'zod/mini';
import { createEvent } from '../events/event.ts';
import type { Publish } from '../events/publish.ts';
import { time } from '../events/schemas.ts';
import { measure } from '../platform/metrics.ts';
import type { ReconciliationView } from './report.ts';
import { readReconciliation } from './state.ts';

/** The event of the schedule (`scheduledEvent` in stacks/topology.ts), or that of an alarm that has returned to OK. */
const trigger = z.object({ id: z.string(), 'detail-type': z.string(), time });

export interface SchedulePorts {
  /** The organizations to reconcile. May repeat one. */
  readonly listOrganizations: () => Promise<readonly string[]>;
  readonly publish: Publish;
  readonly read?: (organizationId: string) => Promise<ReconciliationView>;
  readonly measureAge?: (organizationId: string, seconds: number) => void;
  /** The clock, in ms since 1970. */
  readonly now?: () => number;
}

const maxConcurrentReads = 10;

/**
 * Requests a reconciliation of every organization, and measures the age of the oldest watermark. Idempotent: the ids of the
 * requests derive from the time of the event.
 */
export async function scheduleReconciliations(event: unknown, ports: SchedulePorts) {
  const { listOrganizations, publish, read = readReconciliation, measureAge = emitAge, now = Date.now } = ports;
  const { id: causationId, 'detail-type': detailType, time: at } = trigger.parse(event);
  const reason = detailType === 'CloudWatch Alarm State Change' ? 'recovery' : 'schedule';
  const organizationIds = [...new Set(await listOrganizations())];
  await publish(
    organizationIds.map((organizationId) => {
      const cause = { organizationId, correlationId: causationId, causationId };
      return createEvent('reconciliation.requested', { reason }, cause, [reason, at], now());
    }),
  );
  const views = await pLimit(maxConcurrentReads).map(organizationIds, (organizationId) => read(organizationId));
  const ages = views.map((view) => ({ organizationId: view.organizationId, ms: now() - provenUpTo(view, now()) }));
  // Without organizations too, because missing data raises the alarm.
  const oldest = ages.toSorted((a, b) => b.ms - a.ms)[0] ?? { organizationId: '', ms: 0 };
  measureAge(oldest.organizationId, Math.max(0, Math.round(oldest.ms / 1000)));
  return { reason, organizations: organizationIds.length };
}

/** In ms since 1970. Before the first complete run: since when runs have failed, or now if there was none. */
function provenUpTo({ watermark, runs }: ReconciliationView, now: number): number {
  const since = watermark ?? runs.at(-1)?.startedAt;
  return since === undefined ? now : Date.parse(since);
}

const emitAge = (organizationId: string, seconds: number) =>
  measure('ReconciliationAgeSeconds', { organizationId }, seconds);
