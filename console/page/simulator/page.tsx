import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ConversationResponse } from '../../responses.ts';
import { get, type Resource, useCommand, useResource } from '../app/api.ts';
import { linkTo } from '../app/route.ts';
import { useChanges } from '../app/stream.ts';
import { DeliveryBadge } from '../conversations/message.tsx';
import { Problem } from '../parts/ui.tsx';
import {
  addFault,
  clearFaults,
  countFaults,
  faults,
  readChat,
  type SimulatedChat,
  sendAction,
  sendThroughBus,
  startChat,
} from './client.ts';

interface ChatViews {
  readonly customer: SimulatedChat;
  /** Undefined until the first webhook has been stored. */
  readonly bridge: ConversationResponse | undefined;
}

const storageKey = 'simulator-chat';

async function loadChat(id: string): Promise<ChatViews | undefined> {
  if (!id) return undefined;
  const [customer, bridge] = await Promise.all([
    readChat(id),
    get('/conversations/:id', { id }).catch(() => undefined),
  ]);
  return { customer, bridge };
}

/** A simulated customer and an agent, connected by the bridge. */
export function SimulatorPage() {
  const [id, setId] = useState(sessionStorage.getItem(storageKey) ?? '');
  const chat = useResource(`simulator ${id}`, () => loadChat(id));
  useChanges(() => true, chat.reload);
  useEffect(() => {
    // A restart of the engine deletes its chats.
    if (chat.failure?.status === 404) setId('');
  }, [chat.failure]);
  const sendAsCustomer = async (text: string) => {
    if (id) await sendAction(id, { action: 'message', text });
    else {
      const started = await startChat(text);
      sessionStorage.setItem(storageKey, started);
      setId(started);
    }
    chat.reload();
  };
  const sendAsAgent = async (text: string) => {
    await sendThroughBus(id, text);
    chat.reload();
  };
  return (
    <>
      <div class="head">
        <h1>Simulator</h1>
        <p>
          The customer's messages pass the webhook, the bus and the tables. The agent's replies pass the bus and the
          state machine to LiveChat. Inject a fault to see how the bridge retries.
        </p>
      </div>
      <Faults />
      <div class="simulator">
        <ChatBox
          title="Customer"
          about="in LiveChat's chat window"
          who="customer"
          bubbles={customerBubbles(chat)}
          onSend={sendAsCustomer}
          enabled
        />
        <ChatBox
          title="Agent"
          about="in the bridge, sends through the bus"
          who="agent"
          bubbles={agentBubbles(chat)}
          onSend={sendAsAgent}
          enabled={chat.value?.bridge !== undefined}
        />
      </div>
      {id && (
        <p class="footnote">
          <a href={linkTo('conversations', id)}>Show the transcript with timelines</a>{' '}
          <button
            type="button"
            class="quiet"
            onClick={() => {
              sessionStorage.removeItem(storageKey);
              setId('');
            }}
          >
            Start another chat
          </button>
        </p>
      )}
    </>
  );
}

function customerBubbles({ value }: Resource<ChatViews | undefined>): Bubble[] {
  const { events = [], customer } = value?.customer ?? {};
  return events.map(({ id, text, type, author_id }) => ({
    key: id,
    text: text ?? type.replaceAll('_', ' '),
    side: type === 'system_message' ? 'system' : author_id === customer?.id ? 'own' : 'other',
  }));
}

function agentBubbles({ value }: Resource<ChatViews | undefined>): Bubble[] {
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
            {delivery.attempts > 0 &&
              ` after ${delivery.attempts} failed ${delivery.attempts === 1 ? 'attempt' : 'attempts'}`}
          </>
        ),
      }),
    ),
    ...pending.map(
      (delivery): Bubble => ({
        key: delivery.id,
        text: 'Sending…',
        side: 'own',
        below: (
          <>
            <DeliveryBadge delivery={delivery} />
            {delivery.attempts > 0 && ` ${delivery.attempts} failed, last error: ${delivery.lastError ?? ''}`}
            {delivery.status === 'failed' && (
              <a href={linkTo('dead-letters', undefined, { request: delivery.requestId })}> Dead letter</a>
            )}
          </>
        ),
      }),
    ),
  ];
}

interface Bubble {
  readonly key: string;
  readonly text: string;
  readonly side: 'own' | 'other' | 'system';
  readonly below?: ComponentChildren;
}

interface ChatBoxProps {
  readonly title: string;
  readonly about: string;
  readonly who: 'customer' | 'agent';
  readonly bubbles: readonly Bubble[];
  readonly enabled: boolean;
  readonly onSend: (text: string) => Promise<void>;
}

function ChatBox({ title, about, who, bubbles, enabled, onSend }: ChatBoxProps) {
  const [text, setText] = useState('');
  const { problem, run } = useCommand();
  const list = useRef<HTMLOListElement>(null);
  const count = bubbles.length;
  useEffect(() => list.current?.scrollTo({ top: list.current.scrollHeight }), [count]);
  const send = () => {
    if (text.trim()) run(onSend(text), () => setText(''));
  };
  return (
    <section class={`chat-box ${who}`} aria-label={title}>
      <header>
        <h2>{title}</h2>
        <small>{about}</small>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region must be focusable. */}
      <ol ref={list} tabIndex={0} aria-label={`What the ${who} sees`} aria-live="polite">
        {bubbles.map(({ key, text: content, side, below }) => (
          <li key={key} class={side}>
            <p>{content}</p>
            {below && <small>{below}</small>}
          </li>
        ))}
      </ol>
      {count === 0 && (
        <p class="hint">{enabled ? 'Send a message to start a chat.' : 'The customer starts the chat.'}</p>
      )}
      <Problem text={problem} />
      <form
        onSubmit={(submit) => {
          submit.preventDefault();
          send();
        }}
      >
        <input
          aria-label={`Message as ${who}`}
          placeholder={enabled ? 'Type a message' : 'Waiting for the customer'}
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

const reloadMs = 1_500;

/** Buttons that inject faults into the simulator. */
export function Faults() {
  const active = useResource('faults', countFaults);
  const { problem, run } = useCommand();
  const { reload } = active;
  useEffect(() => {
    const timer = setInterval(reload, reloadMs);
    return () => clearInterval(timer);
  }, [reload]);
  const count = active.value ?? 0;
  return (
    <section class="card faults" aria-labelledby="faults-title">
      <h2 id="faults-title">Inject faults</h2>
      <div class="switches">
        {faults.map(({ name, about, request }) => (
          <button type="button" key={name} title={about} onClick={() => run(addFault(request), reload)}>
            {name}
          </button>
        ))}
        <button
          type="button"
          class={count > 0 ? 'primary' : ''}
          disabled={count === 0}
          onClick={() => run(clearFaults(), reload)}
        >
          Clear fault
        </button>
      </div>
      <p role="status">{count === 0 ? 'No active faults.' : `${count} active ${count === 1 ? 'fault' : 'faults'}.`}</p>
      <Problem text={problem} />
    </section>
  );
}
