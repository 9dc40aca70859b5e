import { useState } from 'preact/hooks';
import type { ApiResponses } from '../../api.ts';
import type { ReplayStatus, StartedReplay } from '../../event-source.ts';
import { call, get, useCommand, useResource } from '../app/api.ts';
import { linkTo } from '../app/route.ts';
import { count, duration, fullTime, timeInText } from '../parts/format.ts';
import { Badge, Card, Code, CopyButton, Head, Ids, Loaded, Problem, Time, type Tone } from '../parts/ui.tsx';
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

function Actions({ details: { entry, payload, replayObstacle, replayPeriod } }: { details: Details }) {
  const [started, setStarted] = useState<StartedReplay>();
  const { problem, busy, run } = useCommand();
  const replay = () => {
    setStarted(undefined);
    run(call<StartedReplay>('POST', `/api/events/${encodeURIComponent(entry.id)}/replay`), setStarted);
  };
  // On a stage, a replay requires the token of the console.
  const hasCurl = entry.kind === 'webhook' || !(replayObstacle ?? replayPeriod);
  const curl = hasCurl && curlCommand(entry, payload, location.origin);
  return (
    <>
      <div class="actions">
        <button type="button" class="primary" disabled={busy || replayObstacle !== undefined} onClick={replay}>
          Replay
        </button>
        {payload !== undefined && <CopyButton text="Copy as JSON" value={JSON.stringify(payload, null, 2)} />}
        {curl && <CopyButton text="Copy as curl" value={curl} />}
      </div>
      {started?.name && <ReplayState name={started.name} />}
      <p class="hint" role="status">
        {started && !started.name
          ? `${count(started.eventIds.length, 'event')} published again with the same IDs. Nothing is stored or sent twice.`
          : describeReplay(replayObstacle, replayPeriod)}
      </p>
      <Problem text={problem} />
    </>
  );
}

function describeReplay(obstacle: Details['replayObstacle'], period: Details['replayPeriod']): string {
  if (obstacle) return `Cannot be replayed: ${obstacle}.`;
  if (!period) return 'A replay publishes the events with the same IDs, so nothing is stored or sent twice.';
  const { from, to, isEstimated, functions } = period;
  const seconds = count((Date.parse(to) - Date.parse(from)) / 1_000, 'second');
  return [
    `A replay publishes every archived event from ${timeInText(from)} to ${timeInText(to)} (${seconds}) again, including`,
    `events of other chats. Only these functions receive them: ${functions.join(', ')}. It stores missing data again,`,
    'including erased data. Events that are already stored change nothing, and nothing is sent to customers.',
    ...(isEstimated ? ['The period is an estimate: no log line records the publication.'] : []),
  ].join(' ');
}

const tones: Readonly<Record<string, Tone>> = { COMPLETED: 'good', FAILED: 'bad', CANCELLED: 'bad' };

/** The state of a replay from the archive of a stage. */
function ReplayState({ name }: { name: string }) {
  const { value, failure } = useResource(
    name,
    async (before: ReplayStatus | undefined) =>
      before && tones[before.state] ? before : get('/replays/:id', { id: name }),
    { everyMs: 3_000 },
  );
  const state = value?.state ?? 'STARTING';
  return (
    <>
      <p>
        Replay <code>{name}</code>: <Badge tone={tones[state] ?? 'calm'}>{state}</Badge> {value?.reason}
      </p>
      <p class="hint">
        To check the state later, run <code>aws events describe-replay --replay-name {name}</code>
      </p>
      <Problem text={failure?.message} />
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
