import type { DeliveryView } from '../../../core/outbound/view.ts';
import { Badge, type Tone } from '../parts/badge.tsx';
import { Copyable } from '../parts/copyable.tsx';
import { stepTime, wholeTime } from '../parts/time.ts';
import { stage } from '../shell/about.ts';
import { linkTo } from '../shell/route.ts';
import type { ShownMessage } from './content.tsx';
import { type Step, sendingOf, storyOf } from './story.ts';

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
