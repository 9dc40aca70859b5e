import { expect, it } from 'vitest';
import { scheduledEvent } from '../../stacks/topology.ts';
import type { AnyEvent } from '../events/event.ts';
import type { ReconciliationRun, ReconciliationView } from './report.ts';
import { type SchedulePorts, scheduleReconciliations } from './schedule.ts';

const now = Date.parse('2026-03-11T12:00:00.000Z');
const at = '2026-03-11T11:59:58Z';

/** The watermark of each organization; undefined before the first complete run. */
type Watermarks = Readonly<Record<string, string | undefined>>;

function createPorts(watermarks: Watermarks, changes: Partial<SchedulePorts> = {}) {
  const published: AnyEvent[] = [];
  const ages: [organizationId: string, seconds: number][] = [];
  const read = async (organizationId: string): Promise<ReconciliationView> => {
    const watermark = watermarks[organizationId];
    return { organizationId, runs: [], ...(watermark !== undefined && { watermark }) };
  };
  const ports: SchedulePorts = {
    listOrganizations: async () => Object.keys(watermarks),
    publish: async (events) => void published.push(...events),
    read,
    measureAge: (...age) => void ages.push(age),
    now: () => now,
    ...changes,
  };
  return { ports, published, ages };
}

/** CloudWatch's event, as its user guide describes it. */
const recovered = {
  version: '0',
  id: 'c4c1c1c9-6542-e61b-6ef0-8c4d36933a92',
  'detail-type': 'CloudWatch Alarm State Change',
  source: 'aws.cloudwatch',
  account: '123456789012',
  time: at,
  region: 'us-east-1',
  resources: ['arn:aws:cloudwatch:us-east-1:123456789012:alarm:livechat-production-webhook-errors'],
  detail: {
    alarmName: 'livechat-production-webhook-errors',
    state: { value: 'OK', reason: 'Threshold Crossed', timestamp: '2026-03-11T11:59:58.000+0000' },
    previousState: { value: 'ALARM', reason: 'Threshold Crossed', timestamp: '2026-03-11T11:40:00.000+0000' },
    configuration: { description: 'Webhooks fail with 5xx.', metrics: [] },
  },
};

it('requests one reconciliation per organization, however often the organization is listed', async () => {
  const { ports, published } = createPorts({}, { listOrganizations: async () => ['one', 'two', 'one'] });
  expect(await scheduleReconciliations(scheduledEvent('e1', at), ports)).toEqual({
    reason: 'schedule',
    organizations: 2,
  });
  expect(published).toMatchObject(
    ['one', 'two'].map((organizationId) => ({
      type: 'reconciliation.requested',
      metadata: { organizationId, correlationId: 'e1', causationId: 'e1' },
      data: { reason: 'schedule' },
    })),
  );
});

it('requests the reconciliations for recovery when an alarm returns to OK', async () => {
  const { ports, published } = createPorts({ one: undefined });
  expect(await scheduleReconciliations(recovered, ports)).toEqual({ reason: 'recovery', organizations: 1 });
  expect(published).toMatchObject([{ data: { reason: 'recovery' }, metadata: { correlationId: recovered.id } }]);
});

it('gives a request the same id on a retry, and another for each time, reason and organization', async () => {
  const ids = async (event: unknown, organizationId = 'one') => {
    const { ports, published } = createPorts({ [organizationId]: undefined });
    await scheduleReconciliations(event, ports);
    return published.map(({ metadata }) => metadata.id);
  };
  const first = await ids(scheduledEvent('attempt 1', at));
  expect(await ids(scheduledEvent('attempt 2', at))).toEqual(first);
  const others = await Promise.all([
    ids(scheduledEvent('e', '2026-03-11T12:14:58Z')),
    ids(recovered),
    ids(scheduledEvent('e', at), 'two'),
  ]);
  expect(new Set([...first, ...others.flat()]).size).toBe(4);
});

it('measures the age of the oldest watermark, and counts an organization without one as 0', async () => {
  const oldest = createPorts({ new: undefined, late: '2026-03-11T09:30:00.000Z', recent: '2026-03-11T11:45:00.000Z' });
  await scheduleReconciliations(scheduledEvent('e', at), oldest.ports);
  expect(oldest.ages).toEqual([['late', 9_000]]);

  const first = createPorts({ new: undefined });
  await scheduleReconciliations(scheduledEvent('e', at), first.ports);
  expect(first.ages).toEqual([['new', 0]]);
});

it('measures an age of 0 without organizations, since missing data raises the alarm', async () => {
  const { ports, published, ages } = createPorts({});
  await scheduleReconciliations(scheduledEvent('e', at), ports);
  expect([published, ages]).toEqual([[], [['', 0]]]);
});

it('measures since when runs have failed, for an organization that never had a complete run', async () => {
  const report = { threads: 0, equal: 0, repaired: 0, unprovable: {}, examples: [] };
  const run = (startedAt: string): ReconciliationRun => ({
    organizationId: 'one',
    runId: startedAt,
    reason: 'schedule',
    startedAt,
    status: 'failed',
    from: startedAt,
    to: startedAt,
    report: { ...report, published: 0, events: {}, calls: 1, passes: 1 },
  });
  const runs = [run('2026-03-11T11:45:00.000Z'), run('2026-03-11T11:30:00.000Z')];
  const { ports, ages } = createPorts({ one: undefined }, { read: async () => ({ organizationId: 'one', runs }) });
  await scheduleReconciliations(scheduledEvent('e', at), ports);
  expect(ages).toEqual([['one', 1_800]]);
});

it('rejects an event of another kind', async () => {
  await expect(scheduleReconciliations({ source: 'shop' }, createPorts({}).ports)).rejects.toThrow();
});
