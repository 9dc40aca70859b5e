import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

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
