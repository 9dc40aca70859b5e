import type { RateLimitView } from '../../../core/channel/rate-limit-store.ts';
import { call, get, useCommand } from '../app/api.ts';
import { Badge, Head, Loaded, NoOrganizations, Problem } from '../parts/ui.tsx';
import { describeRateLimit } from './describe.ts';

/** The rate limit and the circuit breaker of each organization. */
export function RateLimitsPage() {
  return (
    <>
      <Head title="Rate limits">
        <p>Sending and routing share each organization's LiveChat rate limit.</p>
      </Head>
      <Loaded load={() => get('/rate-limits')} everyMs={2_000}>
        {({ rateLimits }, reload) =>
          rateLimits.length === 0 ? (
            <NoOrganizations />
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

function RateLimitCard({ rateLimit, reload }: { rateLimit: RateLimitView; reload: () => void }) {
  const { problem, busy, run } = useCommand();
  const { organizationId, paused, breaker } = rateLimit;
  const { tone, name, text, figures, resume } = describeRateLimit(rateLimit);
  const command = (what: 'pause' | 'resume') =>
    run(call('POST', `/api/rate-limits/${encodeURIComponent(organizationId)}`, { do: what }), reload);
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
          {resume}
        </button>
      </p>
      <Problem text={problem} />
    </section>
  );
}
