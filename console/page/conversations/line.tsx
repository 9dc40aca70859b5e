import { useState } from 'preact/hooks';
import type { Participant } from '../../../core/events/schemas.ts';
import { clockOf, wholeTime } from '../parts/time.ts';
import { Content, type ShownMessage } from './content.tsx';
import { DeliveryBadge, Life, Waiting } from './life.tsx';
import { nameOf } from './people.ts';
import { Requested } from './requested.tsx';
import type { Line } from './transcript.ts';

type PendingLine = Extract<Line, { kind: 'pending' }>;

interface LineProps {
  readonly line: Line;
  readonly people: ReadonlyMap<string, Participant>;
}

export function TranscriptLine({ line, people }: LineProps) {
  switch (line.kind) {
    case 'thread':
      return (
        <div class="thread-line">
          <span>
            Thread <code>{line.threadId}</code>, {wholeTime(line.at)}
          </span>
        </div>
      );
    case 'pending':
      return <Pending delivery={line.delivery} />;
    default:
      return <Said message={line.message} note={line.kind === 'note'} people={people} />;
  }
}

/** Its content is asked for when it is opened; one that was given up is opened at once. */
function Pending({ delivery }: { delivery: PendingLine['delivery'] }) {
  const [opened, setOpened] = useState(delivery.status === 'failed');
  return (
    <article class="said right pending">
      <header>
        <b>Not at LiveChat yet</b> <DeliveryBadge delivery={delivery} />
      </header>
      <details open={opened} onToggle={({ currentTarget }) => setOpened(currentTarget.open)}>
        <summary>What it says, and what has become of it</summary>
        {opened && <Requested delivery={delivery} />}
        <Waiting delivery={delivery} />
      </details>
    </article>
  );
}

function Said({ message, note, people }: { message: ShownMessage; note: boolean; people: LineProps['people'] }) {
  const { author, type, timestamp, delivery, edited } = message;
  const name = nameOf(people.get(author.id) ?? { id: author.id || 'LiveChat' });
  const side = type === 'system' ? 'system' : author.type === 'customer' ? 'left' : 'right';
  return (
    <article class={`said ${side} ${note ? 'note' : ''}`}>
      <header>
        <b>{type === 'system' ? 'LiveChat' : name}</b>
        {note && <span class="mark">Internal note</span>}
        {author.type === 'bot' && <span class="mark">bot</span>}
        {delivery && <DeliveryBadge delivery={delivery} />}
        {delivery && delivery.attempts > 0 && <span class="mark">after {delivery.attempts} failed</span>}
        {edited && <span class="mark">edited</span>}
        <time dateTime={timestamp} title={wholeTime(timestamp)}>
          {clockOf(timestamp)}
        </time>
      </header>
      <div class="content">
        <Content message={message} />
      </div>
      <details>
        <summary>What has become of it</summary>
        <Life message={message} />
      </details>
    </article>
  );
}
