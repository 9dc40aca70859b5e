import type { DeliveryView } from '../../../core/outbound/view.ts';
import { Badge, type Tone } from '../parts/badge.tsx';
import { Copyable } from '../parts/copyable.tsx';
import { clockOf, wholeTime } from '../parts/time.ts';
import { linkTo } from '../shell/route.ts';
import type { ShownMessage } from './content.tsx';

interface Step {
  readonly text: string;
  readonly tone: Tone;
  readonly at?: string | undefined;
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

function triesOf({ attempts, redrive, lastError }: DeliveryView): Step[] {
  const redriven: Step[] =
    redrive > 0
      ? [{ text: `redriven ${redrive === 1 ? 'once' : `${redrive} times`} from the dead letters`, tone: 'busy' }]
      : [];
  if (attempts === 0) {
    return lastError ? [...redriven, { text: `an earlier attempt failed: ${lastError}`, tone: 'warn' }] : redriven;
  }
  const tries = attempts === 1 ? '1 attempt failed' : `${attempts} attempts failed`;
  return [...redriven, { text: lastError ? `${tries}, the last with ${lastError}` : tries, tone: 'warn' }];
}

function sentSteps(delivery: DeliveryView, at?: string): Step[] {
  const { status } = delivery;
  const requested: Step = { text: 'requested on the bus', tone: 'calm' };
  const tries = triesOf(delivery);
  switch (status) {
    case 'unsent':
      return [requested, ...tries, { text: 'waits to be tried again', tone: 'warn' }];
    case 'sending':
      return [requested, ...tries, { text: 'an attempt is under way', tone: 'busy' }];
    case 'failed':
      return [requested, ...tries, { text: 'given up: it is in the dead letters', tone: 'bad' }];
    case 'sent':
      return [requested, ...tries, { text: 'taken by LiveChat, not shown yet', tone: 'busy' }];
    default:
      return [
        requested,
        ...tries,
        { text: 'taken by LiveChat', tone: 'good' },
        { text: 'delivered: came back by webhook', tone: 'good', at },
        ...(status === 'seen' ? [{ text: 'seen by the customer', tone: 'good' as const }] : []),
      ];
  }
}

function stepsOf({ delivery, timestamp, edited, deleted }: ShownMessage): Step[] {
  const said: Step[] = delivery
    ? sentSteps(delivery, timestamp)
    : [
        { text: 'appeared at LiveChat', tone: 'calm', at: timestamp },
        { text: 'received by webhook', tone: 'good' },
      ];
  return [
    ...said,
    { text: 'stored', tone: 'good' },
    ...(edited ? [{ text: 'edited since', tone: 'calm' as const }] : []),
    ...(deleted ? [{ text: 'deleted since', tone: 'calm' as const }] : []),
  ];
}

/** What has become of a message, and what logs are searched by. */
export function Life({ message }: { message: ShownMessage }) {
  const { delivery, metadata, id, threadId, conversationId } = message;
  return (
    <div class="life">
      <Steps steps={stepsOf(message)} />
      <dl class="ids">
        <Copyable label="Message" value={id} />
        <Copyable label="Chat" value={conversationId} />
        <Copyable label="Thread" value={threadId} />
        {typeof metadata.customId === 'string' && <Copyable label="custom_id" value={metadata.customId} />}
        {delivery && <Copyable label="Request" value={delivery.requestId} />}
      </dl>
    </div>
  );
}

export function Waiting({ delivery }: { delivery: DeliveryView }) {
  return (
    <div class="life">
      <Steps steps={sentSteps(delivery)} />
      <dl class="ids">
        <Copyable label="Request" value={delivery.requestId} />
        <Copyable label="custom_id" value={delivery.id} />
      </dl>
      {delivery.status === 'failed' && (
        <p>
          <a href={linkTo('dead-letters', undefined, { request: delivery.requestId })}>Find it in the dead letters</a>
        </p>
      )}
    </div>
  );
}

function Steps({ steps }: { steps: readonly Step[] }) {
  return (
    <ol class="steps">
      {steps.map(({ text, tone, at }) => (
        <li key={text} class={tone}>
          {text}
          {at && (
            <>
              {' '}
              <time dateTime={at} title={wholeTime(at)}>
                {clockOf(at)}
              </time>
            </>
          )}
        </li>
      ))}
    </ol>
  );
}
