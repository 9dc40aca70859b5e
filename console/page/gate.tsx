import { useEffect, useState } from 'preact/hooks';
import type { GateResponse } from '../operations.ts';
import { call, get, useResource } from './app/api.ts';
import { clockTime } from './parts/time.ts';
import { Badge, Empty, Loaded, type Tone } from './parts/ui.tsx';

type GateView = GateResponse['gates'][number];

const lookMs = 2_000;

/** How fast each organization's calls of LiveChat go, and whether they go at all. */
export function GatePage() {
  const loaded = useResource('gate', () => get('/gate'));
  useEffect(() => {
    const timer = setInterval(loaded.reload, lookMs);
    return () => clearInterval(timer);
  }, [loaded.reload]);
  return (
    <>
      <div class="head">
        <h1>Gate</h1>
        <p>Every call of LiveChat waits for its slot here, so that the bridge keeps within what LiveChat allows.</p>
      </div>
      <Loaded from={loaded}>
        {({ gates }) =>
          gates.length === 0 ? (
            <Empty title="No organization yet">A gate appears with an organization's first conversation.</Empty>
          ) : (
            <div class="gates">
              {gates.map((gate) => (
                <GateCard key={gate.organizationId} gate={gate} reload={loaded.reload} />
              ))}
            </div>
          )
        }
      </Loaded>
    </>
  );
}

function stateOf({ paused, breaker, reason, openUntil }: GateView): { tone: Tone; name: string; text: string } {
  if (paused)
    return { tone: 'warn', name: 'paused', text: 'Somebody paused it. Requests wait until it is resumed, or expire.' };
  if (breaker === 'closed') return { tone: 'good', name: 'passing', text: 'Calls pass.' };
  const until = openUntil ? `; the next trial is at ${clockTime(openUntil)}` : '';
  const why =
    reason === 'credentials' ? 'LiveChat refuses the credentials: fill the secret' : 'Half of the calls failed';
  return { tone: 'bad', name: 'breaker open', text: `${why}${until}.` };
}

function GateCard({ gate, reload }: { gate: GateView; reload: () => void }) {
  const [problem, setProblem] = useState('');
  const { organizationId, callsPerSecond, baseCallsPerSecond, backlogSeconds, calls, failures, paused, breaker } = gate;
  const { tone, name, text } = stateOf(gate);
  const command = (what: 'pause' | 'resume') =>
    call('POST', `/api/gate/${encodeURIComponent(organizationId)}`, { do: what }).then(
      () => {
        setProblem('');
        reload();
      },
      ({ message }: Error) => setProblem(message),
    );
  const stopped = paused || breaker === 'open';
  return (
    <section class="card gate" aria-label={`Gate of ${organizationId}`}>
      <h2>
        <code>{organizationId}</code>
      </h2>
      <p role="status">
        <Badge tone={tone}>{name}</Badge> {text}
      </p>
      <dl class="figures">
        <div>
          <dt>Pace</dt>
          <dd>
            {callsPerSecond}
            <small> calls a second of {baseCallsPerSecond}</small>
          </dd>
        </div>
        <div>
          <dt>Backlog</dt>
          <dd>
            {backlogSeconds}
            <small> s for the last in line</small>
          </dd>
        </div>
        <div>
          <dt>Failed lately</dt>
          <dd>
            {failures}
            <small> of {calls} calls</small>
          </dd>
        </div>
      </dl>
      <p class="actions">
        <button type="button" disabled={paused} onClick={() => command('pause')}>
          Pause
        </button>{' '}
        <button type="button" class={stopped ? 'primary' : ''} disabled={!stopped} onClick={() => command('resume')}>
          Resume
        </button>
      </p>
      {problem && (
        <p class="bad" role="alert">
          {problem}
        </p>
      )}
    </section>
  );
}
