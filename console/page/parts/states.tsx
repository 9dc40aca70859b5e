import type { ComponentChildren } from 'preact';
import type { Resource } from '../shell/resource.ts';

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
