import { expect, it } from 'vitest';
import type { ReconciliationRun, ReconciliationView } from '../../core/reconciliation/report.ts';
import { reconciliationFinding } from './traffic.ts';

const organizationId = '7d1b0c52-9e44-4f0a-8a6e-2f63c1e0b9d4';
const now = Date.parse('2026-11-27T15:00:00.000Z');
const view = (watermark?: string, more: Partial<ReconciliationView> = {}): ReconciliationView => ({
  ...{ organizationId, runs: [], ...(watermark && { watermark: `2026-11-27T${watermark}:00.000Z` }), ...more },
});
const failed: ReconciliationRun = {
  ...{ organizationId, runId: 'r1', reason: 'schedule', status: 'failed' },
  ...{ startedAt: '2026-11-27T14:50:00.000Z', from: '2026-11-27T12:00:00.000Z', to: '2026-11-27T14:48:00.000Z' },
  error: { name: 'ChannelAuthenticationError', message: 'list_archives: LiveChat rejected the request (401).' },
  report: {
    ...{
      threads: 0,
      equal: 0,
      repaired: 0,
      unprovable: {},
      examples: [],
      published: 0,
      events: {},
      calls: 1,
      passes: 0,
    },
  },
};

it.each([
  ['a recent watermark', view('14:43'), 15, 'ok', /reconciled up to 2026-11-27T14:43:00/],
  ['a watermark within the tolerance', view('13:00'), 15, 'ok', /up to 2026-11-27T13:00/],
  ['a watermark just above it', view('12:59'), 15, 'warning', /is 2 h old \(2026-11-27T12:59:00\)\.$/],
  ['an old watermark', view('12:00'), 15, 'warning', /is 3 h old/],
  ['an old watermark with long intervals', view('12:00'), 60, 'ok', /up to 2026-11-27T12:00/],
  [
    'failing runs',
    view('12:00', { last: failed }),
    15,
    'warning',
    /3 h old .*The last run did not complete: .*\(401\)/,
  ],
  ['no run yet', view(), 15, 'note', /has begun yet/],
  ['a first run', view(undefined, { running: { ...failed, status: 'running' } }), 15, 'note', /has completed yet/],
  [
    'a failed first run',
    view(undefined, { last: failed }),
    15,
    'warning',
    /has completed\. The last run did not complete/,
  ],
  ['no schedule', view('14:43'), 0, 'warning', /is off: .*up to 2026-11-27T14:43:00/],
  ['no schedule and no run', view(), 0, 'warning', /is off: .*has never been reconciled/],
] as const)('reports the reconciliation of an organization: %s', (_name, found, minutes, severity, message) => {
  const finding = reconciliationFinding(found, minutes, now);
  expect(finding).toMatchObject({ severity, message: expect.stringMatching(message) });
  expect(finding.fix !== undefined).toBe(severity === 'warning');
});
