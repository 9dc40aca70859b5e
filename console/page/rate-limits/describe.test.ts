import { describe, expect, it } from 'vitest';
import type { RateLimitView } from '../../../core/channel/rate-limit-store.ts';
import { fullTime } from '../parts/format.ts';
import { describeRateLimit } from './describe.ts';

const view = (changes: Partial<RateLimitView>): RateLimitView => ({
  organizationId: 'O',
  paused: false,
  breaker: 'closed',
  reason: '',
  callsPerSecond: 8,
  baseCallsPerSecond: 10,
  sendsPerSecond: 7,
  backlogSeconds: 29,
  failures: 2,
  successes: 0,
  ...changes,
});
const openUntil = '2026-03-11T09:00:30.000Z';

describe('describeRateLimit', () => {
  it.each<[Partial<RateLimitView>, string, string]>([
    [{}, 'breaker closed', 'Resume'],
    [{ paused: true }, 'paused', 'Resume'],
    [{ paused: true, breaker: 'open', openUntil }, 'paused', 'Resume and close breaker'],
    [{ breaker: 'open', reason: 'failures', openUntil }, 'breaker open', 'Close breaker'],
    [{ breaker: 'half-open', reason: 'failures' }, 'breaker half-open', 'Close breaker'],
  ])('names the state of %j and the command that ends it', (changes, name, resume) => {
    expect(describeRateLimit(view(changes), 'LiveChat')).toMatchObject({ name, resume });
  });

  it('does not promise a probe call: none is made without a request', () => {
    const { text } = describeRateLimit(view({ breaker: 'open', reason: 'failures', openUntil }), 'LiveChat');
    expect(text).toBe(`Calls to LiveChat failed. The first call after ${fullTime(openUntil)} is a probe call.`);
  });

  it('shows failed calls while the breaker is closed: opening it resets their count', () => {
    const labels = (changes: Partial<RateLimitView>) =>
      describeRateLimit(view(changes), 'LiveChat').figures.map(([label]) => label);
    expect(labels({})).toEqual(['Current limit', 'Backlog', 'Failed calls']);
    expect(labels({ breaker: 'open', openUntil })).toEqual(['Current limit', 'Backlog']);
  });

  it('counts failed calls without the successful ones, which are counted after a failure only', () => {
    expect(describeRateLimit(view({}), 'LiveChat').figures).toEqual([
      ['Current limit', 8, 'calls/s (configured 10; sends 7)'],
      ['Backlog', 29, 's until the next free slot for sends'],
      ['Failed calls', 2, 'in the last 30 s'],
    ]);
  });
});
