import { baseInterval, clear, endOfLine, type Gate } from './gate.ts';
import type { GateStore } from './store.ts';

/** A gate as an operator sees it. */
export interface GateView {
  readonly organizationId: string;
  readonly paused: boolean;
  readonly breaker: Gate['breaker'];
  readonly reason: Gate['reason'];
  /** ISO 8601; when the breaker lets a trial pass. */
  readonly openUntil?: string;
  /** What the pace is now, and what it is while all is well. */
  readonly callsPerSecond: number;
  readonly baseCallsPerSecond: number;
  /** How long the last in line waits. */
  readonly backlogSeconds: number;
  /** In the window of the last half minute. */
  readonly calls: number;
  readonly failures: number;
}

export type GateCommand = { readonly do: 'pause' | 'resume' } | { readonly do: 'set'; readonly callsPerSecond: number };

export function viewOf(organizationId: string, gate: Gate, now: number): GateView {
  const perSecond = (interval: number) => Math.round((baseInterval(1) / interval) * 100) / 100;
  return {
    organizationId,
    paused: gate.paused === 'yes',
    breaker: gate.breaker,
    reason: gate.reason,
    ...(gate.breaker === 'open' && { openUntil: new Date(gate.openUntil).toISOString() }),
    callsPerSecond: perSecond(gate.interval),
    baseCallsPerSecond: perSecond(gate.baseInterval),
    backlogSeconds: Math.round((endOfLine(gate, now) - now) / 1000),
    calls: gate.calls,
    failures: gate.failures,
  };
}

/** Pauses, resumes (which also closes the breaker) or sets the pace. Answers the gate afterwards. */
export async function command(
  store: GateStore,
  organizationId: string,
  given: GateCommand,
  now: number,
): Promise<GateView> {
  for (;;) {
    const gate = await store.read(organizationId);
    const changed = await store.update(organizationId, {
      when: [{ field: 'epoch', is: '=', value: gate.epoch }],
      set: changeOf(given, now),
      add: { epoch: 1 },
    });
    if (changed) return viewOf(organizationId, changed, now);
  }
}

function changeOf(given: GateCommand, now: number): Partial<Gate> {
  switch (given.do) {
    case 'pause':
      return { paused: 'yes' };
    case 'resume':
      return { paused: 'no', ...clear(now) };
    case 'set': {
      const interval = baseInterval(given.callsPerSecond);
      return { baseInterval: interval, interval, pacedAt: now };
    }
  }
}
