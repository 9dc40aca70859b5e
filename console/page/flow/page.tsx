import type { Flow } from '../../flow.ts';
import { clockOf } from '../parts/time.ts';
import { get } from '../shell/api.ts';
import { useResource } from '../shell/resource.ts';
import { linkTo } from '../shell/route.ts';
import { events, flow, type PassedEvent } from '../shell/stream.ts';
import { Pipeline } from './pipeline.tsx';
import { Plots } from './plots.tsx';

/** What passes now, and what has passed in the last fifteen minutes. */
export function FlowPage() {
  const first = useResource('flow', () => get('/flow'));
  const now = flow.value ?? first.value;
  return (
    <>
      <div class="head">
        <h1>Live flow</h1>
        <p>
          LiveChat's webhooks become events on the bus, which functions store; send requests on the bus go back to
          LiveChat through a state machine, or end as dead letters.
        </p>
      </div>
      <section class="card pipeline" aria-label="Pipeline">
        <Pipeline flow={now} />
        <p class="footnote">
          Counted since this console was started; {now?.running ?? 0} {now?.running === 1 ? 'run is' : 'runs are'} under
          way.
          {now && now.unseen.length > 0 && <span role="status"> {readFrom(now)}</span>}
        </p>
      </section>
      <section class="card" aria-labelledby="plots-title">
        <h2 id="plots-title">The last 15 minutes</h2>
        <Plots flow={now} />
      </section>
      <section class="card" aria-labelledby="events-title">
        <h2 id="events-title">Events as they pass</h2>
        <Passing list={events.value} />
      </section>
    </>
  );
}

const minuteMs = 60_000;

/** A stage's tables are read now and then, and not without end. */
function readFrom({ slices, sampledAt }: Flow): string {
  const now = (slices.at(-1)?.at ?? 0) * 1000;
  return sampledAt !== null && now - sampledAt < minuteMs
    ? 'So much passes that not all of it could be counted in time: this is a sample.'
    : "Read from the stage's tables every two seconds.";
}

function Passing({ list }: { list: readonly PassedEvent[] }) {
  if (list.length === 0) {
    return (
      <p class="hint">
        Nothing has passed since this page was opened. Let a chat pass: <code>npx livechat simulate chat</code>
      </p>
    );
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard.
    <ol class="passing" tabIndex={0} aria-label="Events, latest first">
      {list.map(({ key, at, type, conversationId }) => (
        <li key={key}>
          <time dateTime={at}>{clockOf(at)}</time>
          <span class={`kind ${type.split('.')[0] ?? ''}`}>{type}</span>
          {conversationId ? <a href={linkTo('conversations', conversationId)}>{conversationId}</a> : <span />}
        </li>
      ))}
    </ol>
  );
}
