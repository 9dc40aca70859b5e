import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import type { Resource } from '../app/api.ts';

export type Tone = 'good' | 'warn' | 'bad' | 'calm' | 'busy';

export function Badge({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

/** A section with a heading that names it. */
export function Card({ title, children }: { title: string; children: ComponentChildren }) {
  const id = useId();
  return (
    <section class="card" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  );
}

/** A labelled id with a button that copies it. */
export function Copyable({ label, value }: { label: string; value: string }) {
  const [copied, setCopied] = useState(false);
  const copy = () => {
    navigator.clipboard.writeText(value).then(
      () => {
        setCopied(true);
        setTimeout(() => setCopied(false), 1_500);
      },
      () => {},
    );
  };
  return (
    <div class="copyable">
      <dt>{label}</dt>
      <dd>
        <code>{value}</code>
        <button type="button" class="quiet" aria-label={`Copy ${label}`} onClick={copy}>
          {copied ? 'Copied' : 'Copy'}
        </button>
      </dd>
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="state">
      <h2>{title}</h2>
      {children && <p>{children}</p>}
    </div>
  );
}

/** An error message that screen readers announce; nothing if the text is empty. */
export function Problem({ text, notice = false }: { text: string | undefined; notice?: boolean }) {
  if (!text) return null;
  return (
    <p class={notice ? 'notice bad' : 'bad'} role="alert">
      {text}
    </p>
  );
}

interface SelectProps {
  readonly label: string;
  readonly value: string;
  readonly options: readonly string[];
  /** The text of an option; by default its value, and "any" for an empty one. */
  readonly text?: (option: string) => string;
  readonly onChange: (value: string) => void;
}

export function Select({ label, value, options, text = (option) => option || 'any', onChange }: SelectProps) {
  return (
    <label>
      {label}
      <select value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
        {options.map((option) => (
          <option key={option} value={option}>
            {text(option)}
          </option>
        ))}
      </select>
    </label>
  );
}

export function Failed({ message, retry }: { message: string; retry: () => void }) {
  return (
    <div class="state bad" role="alert">
      <h2>Loading failed</h2>
      <p>{message}</p>
      <button type="button" onClick={retry}>
        Try again
      </button>
    </div>
  );
}

/** Shows a resource's value, loading state or error. A failed reload keeps the previous value. */
export function Loaded<T>({ from, children }: { from: Resource<T>; children: (value: T) => ComponentChildren }) {
  if (from.value !== undefined) {
    return (
      <>
        {from.failure && (
          <p class="notice bad" role="alert">
            This page is out of date: {from.failure.message}{' '}
            <button type="button" class="quiet" onClick={from.reload}>
              Try again
            </button>
          </p>
        )}
        {children(from.value)}
      </>
    );
  }
  if (from.failure) return <Failed message={from.failure.message} retry={from.reload} />;
  return (
    <div class="state" aria-busy="true">
      <p class="loading">Loading…</p>
    </div>
  );
}
