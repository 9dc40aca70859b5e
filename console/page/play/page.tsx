import { useEffect, useState } from 'preact/hooks';
import type { ConversationAnswer } from '../../answers.ts';
import { DeliveryBadge } from '../conversations/life.tsx';
import { get } from '../shell/api.ts';
import { type Resource, useResource } from '../shell/resource.ts';
import { linkTo } from '../shell/route.ts';
import { useChanges } from '../shell/stream.ts';
import { Box, type Bubble } from './box.tsx';
import { Faults } from './faults.tsx';
import { act, readChat, type SimulatedChat, sendThroughBus, startChat } from './simulator.ts';

interface Both {
  readonly customer: SimulatedChat;
  /** Undefined until the first webhook has been stored. */
  readonly bridge: ConversationAnswer | undefined;
}

const remembered = 'play-chat';

async function readBoth(id: string): Promise<Both | undefined> {
  if (!id) return undefined;
  const [customer, bridge] = await Promise.all([
    readChat(id),
    get('/conversations/:id', { id }).catch(() => undefined),
  ]);
  return { customer, bridge };
}

/** A customer and an agent beside each other, with the whole pipeline between them. */
export function PlayPage() {
  const [id, setId] = useState(sessionStorage.getItem(remembered) ?? '');
  const both = useResource(`play ${id}`, () => readBoth(id));
  useChanges(() => true, both.reload);
  useEffect(() => {
    // A chat of an engine that has been started again since.
    if (both.failure?.status === 404) setId('');
  }, [both.failure]);
  const say = async (text: string) => {
    if (id) await act(id, { action: 'message', text });
    else {
      const started = await startChat(text);
      sessionStorage.setItem(remembered, started);
      setId(started);
    }
    both.reload();
  };
  const answer = async (text: string) => {
    await sendThroughBus(id, text);
    both.reload();
  };
  return (
    <>
      <div class="head">
        <h1>Play</h1>
        <p>
          What the customer says goes through the webhook, the bus and the tables; what you answer goes through the bus
          and the state machine to LiveChat. Switch a fault on and watch a message survive it.
        </p>
      </div>
      <Faults />
      <div class="play">
        <Box
          title="Customer"
          about="at LiveChat's chat window"
          who="customer"
          bubbles={customerBubbles(both)}
          onSend={say}
          enabled
        />
        <Box
          title="Agent"
          about="at the bridge, sends by the bus"
          who="agent"
          bubbles={agentBubbles(both)}
          onSend={answer}
          enabled={both.value?.bridge !== undefined}
        />
      </div>
      {id && (
        <p class="footnote">
          <a href={linkTo('conversations', id)}>Its transcript, with each message's life</a>{' '}
          <button
            type="button"
            class="quiet"
            onClick={() => {
              sessionStorage.removeItem(remembered);
              setId('');
            }}
          >
            Begin another chat
          </button>
        </p>
      )}
    </>
  );
}

function customerBubbles({ value }: Resource<Both | undefined>): Bubble[] {
  const { events = [], customer } = value?.customer ?? {};
  return events.map(({ id, text, type, author_id }) => ({
    key: id,
    text: text ?? type.replaceAll('_', ' '),
    side: type === 'system_message' ? 'system' : author_id === customer?.id ? 'own' : 'other',
  }));
}

function agentBubbles({ value }: Resource<Both | undefined>): Bubble[] {
  const { messages = [], pending = [] } = value?.bridge ?? {};
  return [
    ...messages.map(
      ({ id, content, type, author, delivery }): Bubble => ({
        key: id,
        text: typeof content === 'string' ? content : type,
        side: type === 'system' ? 'system' : author.type === 'customer' ? 'other' : 'own',
        below: delivery && (
          <>
            <DeliveryBadge delivery={delivery} />
            {delivery.attempts > 0 && ` after ${delivery.attempts} failed`}
          </>
        ),
      }),
    ),
    ...pending.map(
      (delivery): Bubble => ({
        key: delivery.id,
        text: 'On its way…',
        side: 'own',
        below: (
          <>
            <DeliveryBadge delivery={delivery} />
            {delivery.attempts > 0 && ` ${delivery.attempts} failed, last ${delivery.lastError ?? ''}`}
            {delivery.status === 'failed' && (
              <a href={linkTo('dead-letters', undefined, { request: delivery.requestId })}> Dead letter</a>
            )}
          </>
        ),
      }),
    ),
  ];
}
