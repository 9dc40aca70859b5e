import { useState } from 'preact/hooks';
import type { ApiResponses } from '../../api.ts';
import { call, get, useCommand } from '../app/api.ts';
import { linkTo } from '../app/route.ts';
import { count, duration, fullTime } from '../parts/format.ts';
import { Badge, Card, Code, CopyButton, Head, Ids, Loaded, Problem, Time } from '../parts/ui.tsx';
import { curlCommand } from './commands.ts';
import { EventBadge, EventRow, reloadIntervalMs } from './list.tsx';

type Details = ApiResponses['/events/:id'];

export function EventView({ id }: { id: string }) {
  return (
    <Loaded
      id={id}
      item={['webhook or event', id]}
      load={() => get('/events/:id', { id })}
      changedBy={() => true}
      minIntervalMs={reloadIntervalMs(1_000)}
    >
      {(details) => <EventDetails details={details} />}
    </Loaded>
  );
}

function EventDetails({ details }: { details: Details }) {
  const { entry, payload, related, deadLetterIds } = details;
  const { kind, at, type, organizationId, conversationId, response, source } = entry;
  return (
    <>
      <Head title={type || 'Webhook without an action'} item={[type || kind, conversationId].filter(Boolean).join(' ')}>
        <p>
          <EventBadge entry={entry} />{' '}
          {kind === 'webhook' ? 'Webhook received' : source ? `Event of ${source}, published` : 'Event, first handled'}{' '}
          {fullTime(at)}
          {response?.ms !== undefined && `, answered after ${duration(response.ms)}`}
          {conversationId && (
            <>
              , conversation <a href={linkTo('conversations', conversationId, { organizationId })}>{conversationId}</a>
            </>
          )}
        </p>
        {response?.reason && <p class="bad">{response.reason}</p>}
        {deadLetterIds.map((deadLetter) => (
          <p key={deadLetter}>
            The event became a <a href={linkTo('dead-letters', deadLetter)}>dead letter</a>.
          </p>
        ))}
        <Actions details={details} />
      </Head>
      <Functions details={details} />
      {related.length > 0 && (
        <section class="card" aria-label="Related events">
          <h2>Related events</h2>
          <p>
            {kind === 'webhook' ? 'Events that this webhook caused' : 'Webhook and events with the same correlation ID'}
            .
          </p>
          {related.map((one) => (
            <EventRow key={one.id} {...one} />
          ))}
        </section>
      )}
      <Card title="Payload">
        {payload === undefined ? <p>The payload is not stored.</p> : <Code value={payload} />}
      </Card>
      {(entry.eventId ?? entry.correlationId ?? organizationId) && (
        <Card title="IDs for searching the logs">
          <Ids
            ids={[
              ['Event', entry.eventId],
              ['Correlation', entry.correlationId],
              ['Causation', entry.causationId],
              ['Conversation', conversationId],
              ['Organization', organizationId],
            ]}
          />
        </Card>
      )}
    </>
  );
}

function Actions({ details: { entry, payload, replayObstacle } }: { details: Details }) {
  const [replayed, setReplayed] = useState<number>();
  const { problem, busy, run } = useCommand();
  const replay = () => {
    setReplayed(undefined);
    run(call<{ replayed: readonly string[] }>('POST', `/api/events/${encodeURIComponent(entry.id)}/replay`), (result) =>
      setReplayed(result.replayed.length),
    );
  };
  const curl = entry.kind === 'event' && replayObstacle ? undefined : curlCommand(entry, payload, location.origin);
  return (
    <>
      <div class="actions">
        <button type="button" class="primary" disabled={busy || replayObstacle !== undefined} onClick={replay}>
          Replay
        </button>
        {payload !== undefined && <CopyButton text="Copy as JSON" value={JSON.stringify(payload, null, 2)} />}
        {curl && <CopyButton text="Copy as curl" value={curl} />}
      </div>
      <p class="hint" role="status">
        {replayed !== undefined
          ? `${count(replayed, 'event')} published again with the same IDs. Nothing is stored or sent twice.`
          : replayObstacle
            ? `Cannot be replayed: ${replayObstacle}.`
            : 'A replay publishes the events with the same IDs, so nothing is stored or sent twice.'}
      </p>
      <Problem text={problem} />
    </>
  );
}

function Functions({ details: { entry, functions } }: { details: Details }) {
  return (
    <Card title="Functions">
      {functions.length === 0 ? (
        <p>{entry.kind === 'event' ? 'No function has handled this event.' : 'No invocation is recorded.'}</p>
      ) : (
        <ol class="invocations">
          {functions.map(({ function: name, at, ok, ms, error }, index) => (
            <li key={index}>
              <code>{name}</code>
              <span>
                <Badge tone={ok ? 'good' : 'bad'}>{ok ? 'succeeded' : 'failed'}</Badge>{' '}
                {error && <small>{error}</small>}
              </span>
              <span class="number">{ms === undefined ? '' : duration(ms)}</span>
              <Time at={at} />
            </li>
          ))}
        </ol>
      )}
    </Card>
  );
}
