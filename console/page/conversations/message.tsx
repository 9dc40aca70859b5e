import { useState } from 'preact/hooks';
import type { Participant } from '../../../core/events/schemas.ts';
import type { DeliveryView } from '../../../core/outbound/view.ts';
import { stage } from '../app/api.ts';
import { linkTo } from '../app/route.ts';
import { clockTime, fullTime, stepTime } from '../parts/time.ts';
import { Badge, Copyable, type Tone } from '../parts/ui.tsx';
import { Content, RequestedContent, type ShownMessage } from './content.tsx';
import type { Line } from './page.tsx';
import { displayName } from './people.ts';
import { deliveryTimeline, messageTimeline, type Step } from './timeline.ts';

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
            Thread <code>{line.threadId}</code>, {fullTime(line.at)}
          </span>
        </div>
      );
    case 'pending':
      return <Pending delivery={line.delivery} />;
    default:
      return <MessageArticle message={line.message} note={line.kind === 'note'} people={people} />;
  }
}

/** A message that LiveChat has not confirmed. Its content is loaded when it is opened; a failed one is open at first. */
function Pending({ delivery }: { delivery: PendingLine['delivery'] }) {
  const [opened, setOpened] = useState(delivery.status === 'failed');
  return (
    <article class="message right pending">
      <header>
        <b>{delivery.status === 'failed' ? 'Failed to send' : 'Not confirmed yet'}</b>{' '}
        <DeliveryBadge delivery={delivery} />
      </header>
      <details open={opened} onToggle={({ currentTarget }) => setOpened(currentTarget.open)}>
        <summary>Content and timeline</summary>
        {opened && <RequestedContent delivery={delivery} />}
        <DeliveryTimeline delivery={delivery} />
      </details>
    </article>
  );
}

function MessageArticle({
  message,
  note,
  people,
}: {
  message: ShownMessage;
  note: boolean;
  people: LineProps['people'];
}) {
  const { author, type, timestamp, delivery, edited } = message;
  const name = displayName(people.get(author.id) ?? { id: author.id || 'LiveChat' });
  const side = type === 'system' ? 'system' : author.type === 'customer' ? 'left' : 'right';
  return (
    <article class={`message ${side} ${note ? 'note' : ''}`}>
      <header>
        <b>{type === 'system' ? 'LiveChat' : name}</b>
        {note && <span class="mark">Internal note</span>}
        {author.type === 'bot' && <span class="mark">bot</span>}
        {delivery && <DeliveryBadge delivery={delivery} />}
        {delivery && delivery.attempts > 0 && (
          <span class="mark">
            after {delivery.attempts} failed {delivery.attempts === 1 ? 'attempt' : 'attempts'}
          </span>
        )}
        {edited && <span class="mark">edited</span>}
        <time dateTime={timestamp} title={fullTime(timestamp)}>
          {clockTime(timestamp)}
        </time>
      </header>
      <div class="content">
        <Content message={message} />
      </div>
      <details>
        <summary>Timeline</summary>
        <MessageTimeline message={message} />
      </details>
    </article>
  );
}

const deliveryTones: Readonly<Record<DeliveryView['status'], Tone>> = {
  unsent: 'warn',
  sending: 'busy',
  sent: 'busy',
  delivered: 'good',
  seen: 'good',
  failed: 'bad',
};

export function DeliveryBadge({ delivery }: { delivery: DeliveryView }) {
  return <Badge tone={deliveryTones[delivery.status]}>{delivery.status}</Badge>;
}

/** A message's timeline, and the ids to search logs by. */
function MessageTimeline({ message }: { message: ShownMessage }) {
  const { delivery, metadata, id, threadId, conversationId } = message;
  return (
    <div class="timeline">
      <Steps steps={messageTimeline(message)} />
      <dl class="ids" aria-label="Search logs by">
        <Copyable label="Message" value={id} />
        <Copyable label="Chat" value={conversationId} />
        <Copyable label="Thread" value={threadId} />
        {typeof metadata.customId === 'string' && <Copyable label="custom_id" value={metadata.customId} />}
        {delivery && <DeliveryIds delivery={delivery} />}
        <LogsQuery field="conversationId" value={conversationId} />
      </dl>
    </div>
  );
}

function DeliveryTimeline({ delivery }: { delivery: DeliveryView }) {
  const { status, requestId, deadLetterId } = delivery;
  return (
    <div class="timeline">
      <Steps steps={deliveryTimeline(delivery)} />
      <dl class="ids" aria-label="Search logs by">
        <Copyable label="custom_id" value={delivery.id} />
        <DeliveryIds delivery={delivery} />
        <LogsQuery field="requestId" value={requestId} />
      </dl>
      {status === 'failed' && !deadLetterId && (
        <p>
          <a href={linkTo('dead-letters', undefined, { request: requestId })}>Show its dead letter</a>
        </p>
      )}
    </div>
  );
}

function DeliveryIds({ delivery: { requestId, execution, deadLetterId } }: { delivery: DeliveryView }) {
  return (
    <>
      <Copyable label="Request" value={requestId} />
      {execution && <Copyable label="Execution" value={execution} />}
      {deadLetterId && <Copyable label="Dead letter" value={deadLetterId} />}
    </>
  );
}

/** For a deployed stage: the CloudWatch Logs Insights query of docs/how-to/trace-a-message.md. */
function LogsQuery({ field, value }: { field: 'conversationId' | 'requestId'; value: string }) {
  if (stage.value === undefined) return null;
  const query = `filter ${field} = ${JSON.stringify(value)} | fields @timestamp, message, detailType, requestId, errorMessage | sort @timestamp`;
  return <Copyable label="Logs Insights" value={query} />;
}

function Steps({ steps }: { steps: readonly Step[] }) {
  const first = steps.find(({ at }) => at)?.at;
  return (
    <ol class="steps">
      {steps.map(({ text, tone, at, after, reason, execution, deadLetter }) => (
        <li key={text} class={tone}>
          {text}
          {after && `, ${after}`}
          {at && (
            <>
              {' '}
              <time dateTime={at} title={fullTime(at)}>
                {stepTime(at, first)}
              </time>
            </>
          )}
          {execution && <a href={linkTo('executions', execution)}>execution</a>}
          {deadLetter && <a href={linkTo('dead-letters', deadLetter)}>dead letter</a>}
          {reason && <small>{reason}</small>}
        </li>
      ))}
    </ol>
  );
}
