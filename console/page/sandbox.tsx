import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import * as z from 'zod/mini';
import type { ConversationResponse } from '../api.ts';
import { ApiError, call, get, useCommand, useResource } from './app/api.ts';
import { linkTo } from './app/route.ts';
import { type Pending, pendingMessage } from './conversations/content.tsx';
import { DeliveryBadge } from './conversations/transcript.tsx';
import { Card, Head, Problem } from './parts/ui.tsx';

/** The simulator's own API, through the console. */
const simulator = '/api/simulator';

const chatResponse = z.object({
  events: z.array(
    z.looseObject({
      id: z.string(),
      type: z.string(),
      text: z.optional(z.string()),
      author_id: z.optional(z.string()),
    }),
  ),
  customer: z.looseObject({ id: z.string() }),
});

interface Chat {
  readonly customer: z.infer<typeof chatResponse>;
  /** Undefined until the first webhook has been stored. */
  readonly bridge: ConversationResponse | undefined;
}

const storageKey = 'sandbox-chat';

async function loadChat(id: string): Promise<Chat | undefined> {
  if (!id) return undefined;
  const [customer, bridge] = await Promise.all([
    call('GET', `${simulator}/chats/${encodeURIComponent(id)}`),
    get('/conversations/:id', { id }).catch(() => undefined),
  ]);
  return { customer: chatResponse.parse(customer), bridge };
}

/** A simulated customer and an agent, connected by the bridge. */
export function SandboxPage() {
  const [id, setId] = useState(sessionStorage.getItem(storageKey) ?? '');
  const { value: chat, failure, reload } = useResource(id, () => loadChat(id), { changedBy: () => true });
  useEffect(() => {
    // A restart of the engine deletes its chats.
    if (failure instanceof ApiError && failure.status === 404) setId('');
  }, [failure]);
  const choose = (chosen: string) => {
    sessionStorage.setItem(storageKey, chosen);
    setId(chosen);
  };
  const sendAsCustomer = async (text: string) => {
    if (id) {
      await call('POST', `${simulator}/chats/${encodeURIComponent(id)}/events`, { action: 'message', text });
    } else {
      const customer = { name: 'Ada Morgan', email: 'ada@example.com' };
      choose((await call<{ chat_id: string }>('POST', `${simulator}/chats`, { customer, text })).chat_id);
    }
    reload();
  };
  const sendAsAgent = async (text: string) => {
    await call('POST', `${simulator}/messages`, { conversationId: id, text });
    reload();
  };
  return (
    <>
      <Head title="Sandbox">
        <p>
          The customer's messages pass the webhook, the bus and the tables. The agent's replies pass the bus and the
          state machine to LiveChat. Inject a fault to see how the bridge retries.
        </p>
      </Head>
      <Faults />
      <div class="sandbox">
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
          enabled={chat?.bridge !== undefined}
        />
      </div>
      {id && (
        <p class="footnote">
          <a href={linkTo('conversations', id)}>Show the transcript with timelines</a>{' '}
          <button type="button" class="quiet" onClick={() => choose('')}>
            Start another chat
          </button>
        </p>
      )}
    </>
  );
}

interface Bubble {
  readonly key: string;
  readonly text: string;
  readonly side: 'own' | 'other' | 'system';
  readonly below?: ComponentChildren;
}

function customerBubbles(chat: Chat | undefined): Bubble[] {
  const { events = [], customer } = chat?.customer ?? {};
  return events.map(({ id, text, type, author_id }) => ({
    key: id,
    text: text ?? type.replaceAll('_', ' '),
    side: type === 'system_message' ? 'system' : author_id === customer?.id ? 'own' : 'other',
  }));
}

function agentBubbles(chat: Chat | undefined): Bubble[] {
  const { messages = [], pending = [] } = chat?.bridge ?? {};
  return [
    ...messages.map(
      ({ id, content, type, author, delivery }): Bubble => ({
        key: id,
        text: typeof content === 'string' ? content : type,
        side: type === 'system' ? 'system' : author.type === 'customer' ? 'other' : 'own',
        below: delivery && <DeliveryBadge delivery={delivery} />,
      }),
    ),
    ...pending.map(
      (delivery): Bubble => ({
        key: delivery.id,
        text: pendingText(delivery),
        side: 'own',
        below: (
          <>
            <DeliveryBadge delivery={delivery} />
            {delivery.failedCalls > 0 && `, last error: ${delivery.lastError ?? ''}`}
            {delivery.status === 'failed' && (
              <a href={linkTo('dead-letters', undefined, { request: delivery.requestId })}> Dead letter</a>
            )}
          </>
        ),
      }),
    ),
  ];
}

function pendingText(delivery: Pending): string {
  const { type, content } = pendingMessage(delivery);
  return type === 'text' ? String(content) : type;
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

const send = { method: 'send_event' };

/** Faults for send_event, until they are cleared or as many times as `count`. */
const faults = [
  {
    name: '429 rate limit',
    about: 'The next 3 sends exceed the rate limit',
    request: { kind: 'error', status: 429, type: 'too_many_requests', retryAfterSeconds: 1, count: 3, ...send },
  },
  {
    name: '500 server error',
    about: 'The next 2 sends fail at LiveChat',
    request: { kind: 'error', status: 500, type: 'internal', count: 2, ...send },
  },
  {
    name: 'Timeout after accepting',
    about: 'The next send is accepted, but gets no response',
    request: { kind: 'accept-then-hang', count: 1, ...send },
  },
  {
    name: 'Chat inactive',
    about: 'The chat is inactive for the next send',
    request: { kind: 'chat-inactive', count: 1, ...send },
  },
  {
    name: '422 rejected',
    about: 'Every send is rejected and becomes a dead letter',
    request: { kind: 'error', status: 422, type: 'validation', ...send },
  },
];

const faultList = z.object({ faults: z.array(z.looseObject({ remaining: z.optional(z.nullable(z.number())) })) });

async function countFaults(): Promise<number> {
  const { faults: injected } = faultList.parse(await call('GET', `${simulator}/faults`));
  return injected.filter(({ remaining }) => remaining !== 0).length;
}

/** Buttons that inject faults into the simulator. */
function Faults() {
  const { value: count = 0, reload } = useResource('faults', countFaults, { everyMs: 1_500 });
  const { problem, run } = useCommand();
  return (
    <Card title="Inject faults">
      <div class="switches">
        {faults.map(({ name, about, request }) => (
          <button
            type="button"
            key={name}
            title={about}
            onClick={() => run(call('POST', `${simulator}/faults`, request), reload)}
          >
            {name}
          </button>
        ))}
        <button
          type="button"
          class={count > 0 ? 'primary' : ''}
          disabled={count === 0}
          onClick={() => run(call('DELETE', `${simulator}/faults`), reload)}
        >
          Clear faults
        </button>
      </div>
      <p class="hint" role="status">
        {count === 0 ? 'No active faults.' : `${count} active ${count === 1 ? 'fault' : 'faults'}.`}
      </p>
      <Problem text={problem} />
    </Card>
  );
}
