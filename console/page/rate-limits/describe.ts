import type { RateLimitView } from '../../../core/channel/rate-limit-store.ts';
import { timeInText } from '../parts/format.ts';
import type { Tone } from '../parts/ui.tsx';

/** What a card shows. `resume`: the label of the command that lifts the pause and closes the breaker. */
export function describeRateLimit(
  rateLimit: RateLimitView,
  channel: string,
): {
  readonly tone: Tone;
  readonly name: string;
  readonly text: string;
  readonly figures: readonly (readonly [label: string, value: number, unit: string])[];
  readonly resume: string;
} {
  const { callsPerSecond, baseCallsPerSecond, sendsPerSecond, backlogSeconds, failures, paused, breaker } = rateLimit;
  const isClosed = breaker === 'closed';
  return {
    ...describeState(rateLimit, channel),
    figures: [
      ['Current limit', callsPerSecond, `calls/s (configured ${baseCallsPerSecond}; sends ${sendsPerSecond})`],
      ['Backlog', backlogSeconds, 's until the next free slot for sends'],
      // Opening the breaker resets the count.
      ...(isClosed ? [['Failed calls', failures, 'in the last 30 s'] as const] : []),
    ],
    resume: isClosed ? 'Resume' : paused ? 'Resume and close breaker' : 'Close breaker',
  };
}

function describeState(
  { paused, breaker, reason, openUntil }: RateLimitView,
  channel: string,
): {
  tone: Tone;
  name: string;
  text: string;
} {
  if (paused)
    return { tone: 'warn', name: 'paused', text: 'Requests wait until an operator resumes, or until they expire.' };
  if (breaker === 'closed')
    return { tone: 'good', name: 'breaker closed', text: 'The circuit breaker lets calls through.' };
  if (breaker === 'half-open')
    return { tone: 'warn', name: 'breaker half-open', text: 'Calls resume if the probe call succeeds.' };
  const probe = openUntil ? ` The first call after ${timeInText(openUntil)} is a probe call.` : '';
  const cause =
    reason === 'credentials' ? `${channel} rejects the credentials: check the secret.` : `Calls to ${channel} failed.`;
  return { tone: 'bad', name: 'breaker open', text: `${cause}${probe}` };
}
