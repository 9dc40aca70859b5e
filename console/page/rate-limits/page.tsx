import { useState } from 'preact/hooks';
import type { RateLimitView } from '../../../core/channel/rate-limit-store.ts';
import { call, channelName, get, organizationName, useCommand, useResource } from '../app/api.ts';
import { linkTo } from '../app/route.ts';
import { isMessageEvent } from '../executions/view.tsx';
import { Filters, OrganizationFilter, useOrganizations } from '../parts/filters.tsx';
import { count } from '../parts/format.ts';
import { RelativeTime } from '../parts/relative-time.tsx';
import { Badge, Confirmation, Head, Loaded, NoOrganizations, Problem } from '../parts/ui.tsx';
import { describeRateLimit } from './describe.ts';

/** The rate limit and the circuit breaker of each organization, or of the chosen one. */
export function RateLimitsPage({ query }: { query: URLSearchParams }) {
  const organizationId = query.get('organizationId') || undefined;
  const { organizations, keep } = useOrganizations();
  const load = async () => keep(await get('/rate-limits', { organizationId }));
  return (
    <>
      <Head title="Rate limits">
        <p>Sending, routing and reconciliation share the rate limit of each organization.</p>
        <Filters>
          <OrganizationFilter organizations={organizations} />
        </Filters>
      </Head>
      <Loaded id={organizationId ?? ''} load={load} everyMs={2_000}>
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
  const [confirming, setConfirming] = useState(false);
  const { organizationId, paused, breaker } = rateLimit;
  const { tone, name, text, figures, resume } = describeRateLimit(rateLimit, channelName(organizationId));
  const command = (what: 'pause' | 'resume') => {
    setConfirming(false);
    run(call('POST', `/api/rate-limits/${encodeURIComponent(organizationId)}`, { do: what }), reload);
  };
  const isStopped = paused || breaker !== 'closed';
  const title = organizationName(organizationId);
  return (
    <section class="card rate-limit" aria-label={`Rate limit of ${title}`}>
      <h2>{title === organizationId ? <code>{title}</code> : title}</h2>
      {title !== organizationId && <code>{organizationId}</code>}
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
      {(paused || confirming) && <Waiting organizationId={organizationId} />}
      {confirming && !paused ? (
        <Confirmation
          label="Pause"
          action="Pause now"
          onConfirm={() => command('pause')}
          onCancel={() => setConfirming(false)}
        >
          <p>
            Sending and routing of {title} stop until an operator resumes them. Requests wait. By default, they expire
            after 15 minutes.
          </p>
        </Confirmation>
      ) : (
        <p class="actions">
          <button type="button" disabled={paused || busy} onClick={() => setConfirming(true)}>
            Pause…
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
      )}
      <Problem text={problem} />
    </section>
  );
}

const maxRead = 50;
const maxShown = 5;
/** Minimum time between reloads: Step Functions limits how often executions are read. */
const reloadIntervalMs = 5_000;

/** The requests of an organization that are not sent yet. */
function Waiting({ organizationId }: { organizationId: string }) {
  const { value, failure } = useResource(
    organizationId,
    () => get('/executions', { status: 'RUNNING', limit: maxRead }),
    { changedBy: isMessageEvent, minIntervalMs: reloadIntervalMs },
  );
  if (!value) return <p class="hint">{failure ? failure.message : 'Reading waiting requests…'}</p>;
  const waiting = value.executions.filter((execution) => execution.organizationId === organizationId);
  const more = waiting.length > maxShown || value.next !== undefined;
  return (
    <div class="waiting" role="status">
      <p>
        <b>
          {value.next ? 'At least ' : ''}
          {waiting.length === 0 && !value.next ? 'No request' : count(waiting.length, 'request')}
        </b>{' '}
        {waiting.length > 1 || value.next ? 'wait' : 'waits'} to be sent.
      </p>
      <ul>
        {waiting.slice(0, maxShown).map(({ id, name, customer, conversationId, text, parts, startDate }) => (
          <li key={id}>
            <a href={linkTo('executions', name)}>{customer ?? conversationId}</a> {text && `“${text}” `}
            <small>
              {count(parts, 'message')}, <RelativeTime at={startDate} />
            </small>
          </li>
        ))}
      </ul>
      {more && (
        <p>
          <a href={linkTo('executions', undefined, { status: 'RUNNING' })}>All running executions</a>
        </p>
      )}
    </div>
  );
}
