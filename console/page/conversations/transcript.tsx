import { compare, displayName } from '../../../core/conversations/projection.ts';
import type { Participant } from '../../../core/events/schemas.ts';
import type { DeliveryView } from '../../../core/outbound/read-model.ts';
import type { ConversationResponse } from '../../api.ts';
import { stage } from '../app/api.ts';
import { linkTo } from '../app/route.ts';
import { clockTime, count, fullTime } from '../parts/format.ts';
import { Steps } from '../parts/steps.tsx';
import { Badge, Ids, Time, type Tone } from '../parts/ui.tsx';
import { Content, type Pending, PendingContent, pendingMessage, type ShownMessage } from './content.tsx';
import { deliveryTimeline, messageTimeline } from './timeline.ts';

/** A line of a transcript. */
type Line =
  | { readonly kind: 'thread'; readonly key: string; readonly threadId: string; readonly at: string }
  | { readonly kind: 'message' | 'note'; readonly key: string; readonly message: ShownMessage }
  | { readonly kind: 'pending'; readonly key: string; readonly delivery: Pending };

/** Messages and notes by time, a line at the start of each thread, and last the messages that LiveChat has not confirmed. */
export function transcriptLines({ messages, notes, pending }: ConversationResponse): Line[] {
  const messagesByTime = [
    ...messages.map((message) => ({ kind: 'message' as const, message })),
    ...notes.map((message) => ({ kind: 'note' as const, message })),
  ].toSorted((a, b) => compare(a.message.timestamp, b.message.timestamp));
  const lines = messagesByTime.flatMap((entry, index): Line[] => {
    const { threadId, id, timestamp } = entry.message;
    const line: Line = { ...entry, key: `${entry.kind}-${threadId}-${id}` };
    if (threadId === messagesByTime[index - 1]?.message.threadId) return [line];
    return [{ kind: 'thread', key: `thread-${threadId}-${id}`, threadId, at: timestamp }, line];
  });
  const pendingLines = pending.map((delivery): Line => ({ kind: 'pending', key: `pending-${delivery.id}`, delivery }));
  return [...lines, ...pendingLines];
}

/** The line of a message, a delivery or a thread, by their ids. */
export function findLine(
  lines: readonly Line[],
  { message, delivery, thread }: { readonly [Name in 'message' | 'delivery' | 'thread']?: string },
): Line | undefined {
  return lines.find((line) => {
    if (line.kind === 'thread') return line.threadId === thread;
    if (line.kind === 'pending') return line.delivery.id === delivery;
    return line.message.id === message || (delivery !== undefined && line.message.metadata.customId === delivery);
  });
}

interface LineProps {
  readonly line: Line;
  readonly people: ReadonlyMap<string, Participant>;
  /** The name of the channel. */
  readonly channel: string;
}

export function TranscriptLine({ line, people, channel }: LineProps) {
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
      return <PendingArticle delivery={line.delivery} channel={channel} />;
    default:
      return <MessageArticle message={line.message} note={line.kind === 'note'} people={people} channel={channel} />;
  }
}

/** A message that the channel has not confirmed. */
function PendingArticle({ delivery, channel }: { delivery: Pending; channel: string }) {
  const { status, requestId, deadLetterId } = delivery;
  const isNote = pendingMessage(delivery).visibility === 'agents';
  return (
    <article class={`message right pending ${isNote ? 'note' : ''}`}>
      <header>
        <b>{status === 'failed' ? 'Failed to send' : 'Not confirmed yet'}</b>
        {isNote && <span class="mark">Internal note</span>}
      </header>
      <PendingContent pending={delivery} />
      <details>
        <TimelineSummary delivery={delivery} at={delivery.failedAt ?? delivery.acceptedAt} />
        <div class="timeline">
          <Steps steps={deliveryTimeline(delivery, channel)} />
          <LogIds
            ids={[[`${channel} custom_id`, delivery.id], ...deliveryIds(delivery)]}
            field="requestId"
            value={requestId}
          />
          {status === 'failed' && !deadLetterId && (
            <p>
              <a href={linkTo('dead-letters', undefined, { request: requestId })}>Show its dead letter</a>
            </p>
          )}
        </div>
      </details>
    </article>
  );
}

interface MessageProps extends Pick<LineProps, 'people' | 'channel'> {
  readonly message: ShownMessage;
  readonly note: boolean;
}

function MessageArticle({ message, note, people, channel }: MessageProps) {
  const { id, threadId, conversationId, author, type, timestamp, metadata, delivery, edited } = message;
  const customId = typeof metadata.customId === 'string' ? metadata.customId : undefined;
  const name = displayName(people.get(author.id) ?? { id: author.id || channel });
  const side = type === 'system' ? 'system' : author.type === 'customer' ? 'left' : 'right';
  return (
    <article class={`message ${side} ${note ? 'note' : ''}`}>
      <header>
        <b>{type === 'system' ? channel : name}</b>
        {note && <span class="mark">Internal note</span>}
        {author.type === 'bot' && <span class="mark">bot</span>}
        {edited && <span class="mark">edited</span>}
      </header>
      <div class="content">
        <Content message={message} />
      </div>
      <details>
        <TimelineSummary delivery={delivery} at={timestamp} />
        <div class="timeline">
          <Steps steps={messageTimeline(message, channel)} />
          <LogIds
            ids={[
              ['Message', id],
              ['Conversation', conversationId],
              ['Thread', threadId],
              [`${channel} custom_id`, customId],
              ...(delivery ? deliveryIds(delivery) : []),
            ]}
            field="conversationId"
            value={conversationId}
          />
        </div>
      </details>
    </article>
  );
}

const deliveryTones: Readonly<Record<DeliveryView['status'], Tone>> = {
  queued: 'warn',
  sending: 'busy',
  sent: 'busy',
  delivered: 'good',
  seen: 'good',
  failed: 'bad',
};

/** The status of a delivery, and its failed calls. */
export function DeliveryBadge({ delivery: { status, failedCalls } }: { delivery: DeliveryView }) {
  return (
    <>
      <Badge tone={deliveryTones[status]}>{status}</Badge>
      {failedCalls > 0 && <span class="mark">after {count(failedCalls, 'failed call')}</span>}
    </>
  );
}

/** The status and the time of a message, which open its timeline. */
function TimelineSummary({ delivery, at }: { delivery: DeliveryView | undefined; at: string }) {
  const { status, failedCalls = 0 } = delivery ?? {};
  return (
    <summary class={`badge ${status ? deliveryTones[status] : 'calm'}`} title="Show the timeline">
      {status && `${status} `}
      {failedCalls > 0 && `after ${count(failedCalls, 'failed call')} `}
      <Time at={at} format={clockTime} />
    </summary>
  );
}

type LabelledId = readonly [label: string, value: string | undefined];

function deliveryIds({ requestId, execution, deadLetterId }: DeliveryView): LabelledId[] {
  return [
    ['Request', requestId],
    ['Execution ARN', execution],
    ['Dead letter', deadLetterId],
  ];
}

interface LogIdsProps {
  readonly ids: readonly LabelledId[];
  readonly field: 'conversationId' | 'requestId';
  readonly value: string;
}

/** The ids to search logs by. On a deployed stage, also the CloudWatch Logs Insights query of docs/how-to/trace-a-message.md. */
function LogIds({ ids, field, value }: LogIdsProps) {
  const query = `filter ${field} = ${JSON.stringify(value)} | fields @timestamp, message, detailType, requestId, error.message | sort @timestamp`;
  return <Ids ids={[...ids, ['Logs Insights', stage.value && query]]} />;
}
