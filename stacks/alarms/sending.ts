import type { AlarmSpec } from '../alarm.ts';
import { ofMachine, own } from '../metrics.ts';

/** Of what is sent to LiveChat. */
export const sendingAlarms: readonly AlarmSpec[] = [
  {
    name: 'runs-failed',
    says: 'Send requests were given up. Each is a dead letter, which says why; the execution shows how it came to it.',
    metrics: [ofMachine('ExecutionsFailed')],
  },
  {
    name: 'runs-stopped',
    says: 'Runs of the send machine were aborted or took longer than two days. Each is a dead letter; find out who stopped them.',
    metrics: [ofMachine('ExecutionsTimedOut'), ofMachine('ExecutionsAborted')],
  },
  {
    name: 'gate-closed',
    says: 'Nothing is sent for an organization: its gate was paused, or its breaker is open after failures or refused credentials. The gate says which; it opens by itself once LiveChat answers.',
    metrics: [own('GateClosed'), own('BreakerOpened')],
  },
  {
    name: 'backlog',
    says: 'Messages wait for more than 5 minutes in an organization’s line. More is sent than LiveChat takes: look at the pace of the gate, and at who sends so much.',
    metrics: [own('BacklogSeconds')],
    statistic: 'Maximum',
    above: 300,
  },
  {
    name: 'oldest-unsent',
    says: 'A send request has waited for 10 minutes; by default it expires after 15. Look at the gate and at the running executions, oldest first.',
    metrics: [own('OldestUnsentSeconds')],
    statistic: 'Maximum',
    above: 600,
  },
];
