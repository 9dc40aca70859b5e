import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Resource } from '../app/api.ts';

export type Tone = 'good' | 'warn' | 'bad' | 'calm' | 'busy';

export function Badge({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

/** An id that logs are searched by, with a button that copies it. */
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

export function Failed({ message, again }: { message: string; again: () => void }) {
  return (
    <div class="state bad" role="alert">
      <h2>This could not be loaded</h2>
      <p>{message}</p>
      <button type="button" onClick={again}>
        Try again
      </button>
    </div>
  );
}

/** What is loaded, or what to do when it is not: nothing moves when a newer answer replaces an older one. */
export function Loaded<T>({ from, children }: { from: Resource<T>; children: (value: T) => ComponentChildren }) {
  if (from.value !== undefined) {
    return (
      <>
        {from.failure && (
          <p class="notice bad" role="alert">
            What you see is not the latest: {from.failure.message}{' '}
            <button type="button" class="quiet" onClick={from.reload}>
              Try again
            </button>
          </p>
        )}
        {children(from.value)}
      </>
    );
  }
  if (from.failure) return <Failed message={from.failure.message} again={from.reload} />;
  return (
    <div class="state" aria-busy="true">
      <p class="loading">Loading…</p>
    </div>
  );
}
