import type { RateLimitView } from '../../core/channel/rate-limit-store.ts';
import { call, get, useCommand } from './app/api.ts';
import { clockTime } from './parts/time.ts';
import { Badge, Empty, Head, Loaded, Problem, type Tone } from './parts/ui.tsx';

/** The rate limit and the circuit breaker of each organization. */
export function RateLimitsPage() {
  return (
    <>
      <Head title="Rate limits">
        <p>Sends and routing share an organization's rate of LiveChat calls.</p>
      </Head>
      <Loaded load={() => get('/rate-limits')} everyMs={2_000}>
        {({ rateLimits }, reload) =>
          rateLimits.length === 0 ? (
            <Empty title="No organization yet">
              A rate limit appears with the first conversation of an organization.
            </Empty>
          ) : (
            <div class="rate-limits">
              {rateLimits.map((rateLimit) => (
                <RateLimitCard key={rateLimit.organizationId} rateLimit={rateLimit} reload={reload} />
              ))}
            </div>
          )
        }
      </Loaded>
    </>
  );
}

function describeState({ paused, breaker, reason, openUntil }: RateLimitView): {
  tone: Tone;
  name: string;
  text: string;
} {
  if (paused)
    return { tone: 'warn', name: 'paused', text: 'Requests wait until an operator resumes, or until they expire.' };
  if (breaker === 'closed')
    return { tone: 'good', name: 'breaker closed', text: 'The circuit breaker lets calls through.' };
  if (breaker === 'half-open')
    return { tone: 'warn', name: 'breaker half-open', text: 'A probe call decides whether calls continue.' };
  const until = openUntil ? ` The next probe call is at ${clockTime(openUntil)}.` : '';
  const cause =
    reason === 'credentials'
      ? 'LiveChat rejects the credentials: check the secret.'
      : 'At least half of the recent calls failed.';
  return { tone: 'bad', name: 'breaker open', text: `${cause}${until}` };
}

function RateLimitCard({ rateLimit, reload }: { rateLimit: RateLimitView; reload: () => void }) {
  const { problem, busy, run } = useCommand();
  const { organizationId, callsPerSecond, baseCallsPerSecond, sendsPerSecond } = rateLimit;
  const { backlogSeconds, failures, successes, paused, breaker } = rateLimit;
  const { tone, name, text } = describeState(rateLimit);
  const command = (what: 'pause' | 'resume') =>
    run(call('POST', `/api/rate-limits/${encodeURIComponent(organizationId)}`, { do: what }), reload);
  const figures = [
    ['Rate', callsPerSecond, `of ${baseCallsPerSecond} calls a second; ${sendsPerSecond} for sends`],
    ['Backlog', backlogSeconds, 's until the last reserved slot'],
    ['Failed calls', failures, `of ${failures + successes} in 30 s`],
  ] as const;
  const isStopped = paused || breaker !== 'closed';
  return (
    <section class="card rate-limit" aria-label={`Rate limit of ${organizationId}`}>
      <h2>
        <code>{organizationId}</code>
      </h2>
      <p role="status">
        <Badge tone={tone}>{name}</Badge> {text}
      </p>
      <dl class="figures">
        {figures.map(([label, value, unit]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>
              {value} <small>{unit}</small>
            </dd>
          </div>
        ))}
      </dl>
      <p class="actions">
        <button type="button" disabled={paused || busy} onClick={() => command('pause')}>
          Pause
        </button>{' '}
        <button
          type="button"
          class={isStopped ? 'primary' : ''}
          disabled={!isStopped || busy}
          onClick={() => command('resume')}
        >
          Resume
        </button>
      </p>
      <Problem text={problem} />
    </section>
  );
}
