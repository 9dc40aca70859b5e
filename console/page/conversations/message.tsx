import { useState } from 'preact/hooks';
import type { Participant } from '../../../core/events/schemas.ts';
import type { DeliveryView } from '../../../core/outbound/view.ts';
import { stage } from '../app/api.ts';
import { linkTo } from '../app/route.ts';
import { clockOf, stepTime, wholeTime } from '../parts/time.ts';
import { Badge, Copyable, type Tone } from '../parts/ui.tsx';
import { Content, Requested, type ShownMessage } from './content.tsx';
import type { Line } from './page.tsx';
import { nameOf } from './people.ts';
import { type Step, sendingOf, storyOf } from './timeline.ts';

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

const toneOf: Readonly<Record<DeliveryView['status'], Tone>> = {
  unsent: 'warn',
  sending: 'busy',
  sent: 'busy',
  delivered: 'good',
  seen: 'good',
  failed: 'bad',
};

export function DeliveryBadge({ delivery }: { delivery: DeliveryView }) {
  return <Badge tone={toneOf[delivery.status]}>{delivery.status}</Badge>;
}

/** What has become of a message, and what logs are searched by. */
export function Life({ message }: { message: ShownMessage }) {
  const { delivery, metadata, id, threadId, conversationId } = message;
  return (
    <div class="life">
      <Steps steps={storyOf(message)} />
      <dl class="ids" aria-label="Search logs by">
        <Copyable label="Message" value={id} />
        <Copyable label="Chat" value={conversationId} />
        <Copyable label="Thread" value={threadId} />
        {typeof metadata.customId === 'string' && <Copyable label="custom_id" value={metadata.customId} />}
        {delivery && <SendingIds delivery={delivery} />}
        <LogsQuery field="conversationId" value={conversationId} />
      </dl>
    </div>
  );
}

export function Waiting({ delivery }: { delivery: DeliveryView }) {
  const { status, requestId, deadLetterId } = delivery;
  return (
    <div class="life">
      <Steps steps={sendingOf(delivery)} />
      <dl class="ids" aria-label="Search logs by">
        <Copyable label="custom_id" value={delivery.id} />
        <SendingIds delivery={delivery} />
        <LogsQuery field="requestId" value={requestId} />
      </dl>
      {status === 'failed' && !deadLetterId && (
        <p>
          <a href={linkTo('dead-letters', undefined, { request: requestId })}>Find it in the dead letters</a>
        </p>
      )}
    </div>
  );
}

function SendingIds({ delivery: { requestId, execution, deadLetterId } }: { delivery: DeliveryView }) {
  return (
    <>
      <Copyable label="Request" value={requestId} />
      {execution && <Copyable label="Execution" value={execution} />}
      {deadLetterId && <Copyable label="Dead letter" value={deadLetterId} />}
    </>
  );
}

/** Of a deployed stage: over all its functions' log groups, as docs/how-to/trace-a-message.md has it. */
function LogsQuery({ field, value }: { field: 'conversationId' | 'requestId'; value: string }) {
  if (stage.value === undefined) return null;
  const query = `filter ${field} = ${JSON.stringify(value)} | fields @timestamp, message, detailType, requestId, errorMessage | sort @timestamp`;
  return <Copyable label="Logs Insights" value={query} />;
}

function Steps({ steps }: { steps: readonly Step[] }) {
  const first = steps.find(({ at }) => at)?.at;
  return (
    <ol class="steps">
      {steps.map(({ text, tone, at, after, because, execution, deadLetter }) => (
        <li key={text} class={tone}>
          {text}
          {after && `, ${after}`}
          {at && (
            <>
              {' '}
              <time dateTime={at} title={wholeTime(at)}>
                {stepTime(at, first)}
              </time>
            </>
          )}
          {execution && <a href={linkTo('executions', execution)}>its run</a>}
          {deadLetter && <a href={linkTo('dead-letters', deadLetter)}>the dead letter</a>}
          {because && <small>{because}</small>}
        </li>
      ))}
    </ol>
  );
}
