import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ConversationAnswer } from '../../responses.ts';
import { get, type Resource, useResource } from '../app/api.ts';
import { linkTo } from '../app/route.ts';
import { useChanges } from '../app/stream.ts';
import { DeliveryBadge } from '../conversations/message.tsx';
import {
  act,
  addFault,
  clearFaults,
  countFaults,
  faults,
  readChat,
  type SimulatedChat,
  sendThroughBus,
  startChat,
} from './client.ts';

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

export interface Bubble {
  readonly key: string;
  readonly text: string;
  readonly side: 'own' | 'other' | 'system';
  readonly below?: ComponentChildren;
}

interface BoxProps {
  readonly title: string;
  readonly about: string;
  readonly who: 'customer' | 'agent';
  readonly bubbles: readonly Bubble[];
  readonly enabled: boolean;
  readonly onSend: (text: string) => Promise<void>;
}

export function Box({ title, about, who, bubbles, enabled, onSend }: BoxProps) {
  const [text, setText] = useState('');
  const [problem, setProblem] = useState('');
  const list = useRef<HTMLOListElement>(null);
  const count = bubbles.length;
  useEffect(() => list.current?.scrollTo({ top: list.current.scrollHeight }), [count]);
  const send = () => {
    if (!text.trim()) return;
    setProblem('');
    onSend(text).then(
      () => setText(''),
      ({ message }: Error) => setProblem(message),
    );
  };
  return (
    <section class={`chat-box ${who}`} aria-label={title}>
      <header>
        <h2>{title}</h2>
        <small>{about}</small>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard. */}
      <ol ref={list} tabIndex={0} aria-label={`What the ${who} sees`} aria-live="polite">
        {bubbles.map(({ key, text: said, side, below }) => (
          <li key={key} class={side}>
            <p>{said}</p>
            {below && <small>{below}</small>}
          </li>
        ))}
      </ol>
      {count === 0 && (
        <p class="hint">
          {enabled ? 'Say something to begin a chat.' : 'The customer begins: say something in the other box.'}
        </p>
      )}
      {problem && (
        <p class="bad" role="alert">
          {problem}
        </p>
      )}
      <form
        onSubmit={(submit) => {
          submit.preventDefault();
          send();
        }}
      >
        <input
          aria-label={`Message as ${who}`}
          placeholder={enabled ? 'Type a message' : 'Waits for the customer'}
          disabled={!enabled}
          value={text}
          autocomplete="off"
          onInput={({ currentTarget: { value } }) => setText(value)}
        />
        <button type="submit" class="primary" disabled={!enabled}>
          Send
        </button>
      </form>
    </section>
  );
}

const lookMs = 1_500;

/** Switches for what may go wrong at LiveChat. */
export function Faults() {
  const active = useResource('faults', countFaults);
  const [problem, setProblem] = useState('');
  const { reload } = active;
  useEffect(() => {
    const timer = setInterval(reload, lookMs);
    return () => clearInterval(timer);
  }, [reload]);
  const run = (work: Promise<unknown>) =>
    work.then(
      () => {
        setProblem('');
        reload();
      },
      ({ message }: Error) => setProblem(message),
    );
  const count = active.value ?? 0;
  return (
    <section class="card faults" aria-labelledby="faults-title">
      <h2 id="faults-title">Make LiveChat fail</h2>
      <div class="switches">
        {faults.map(({ name, about, request }) => (
          <button type="button" key={name} title={about} onClick={() => run(addFault(request))}>
            {name}
          </button>
        ))}
        <button
          type="button"
          class={count > 0 ? 'primary' : ''}
          disabled={count === 0}
          onClick={() => run(clearFaults())}
        >
          Make it well again
        </button>
      </div>
      <p role="status">
        {count === 0
          ? 'LiveChat is well.'
          : `${count} ${count === 1 ? 'fault is' : 'faults are'} waiting for the next sends.`}
      </p>
      {problem && (
        <p class="bad" role="alert">
          {problem}
        </p>
      )}
    </section>
  );
}
