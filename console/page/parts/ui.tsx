import type { ComponentChildren } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { ApiError, hasSandbox, type Load, type ReloadOptions, stage, useResource } from '../app/api.ts';
import { rememberItem } from '../app/recent.ts';
import { itemTitle, linkTo } from '../app/route.ts';
import { connected } from '../app/stream.ts';
import { fullTime, shortTime } from './format.ts';

export type Tone = 'good' | 'warn' | 'bad' | 'calm' | 'busy';

export function Badge({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

/** A time, with the full one on hovering. */
export function Time({ at, format = shortTime }: { at: string; format?: (iso: string) => string }) {
  return (
    <time dateTime={at} title={fullTime(at)}>
      {format(at)}
    </time>
  );
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

interface ConfirmationProps {
  readonly label: string;
  /** The text of the button that acts. */
  readonly action: string;
  /** Whether the action is not available now. */
  readonly disabled?: boolean;
  readonly onConfirm: () => void;
  readonly onCancel: () => void;
  readonly children: ComponentChildren;
}

/** Describes an action, and asks for confirmation. */
export function Confirmation({ label, action, disabled = false, onConfirm, onCancel, children }: ConfirmationProps) {
  const button = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => button.current?.focus(), []);
  return (
    <form
      class="plan"
      aria-label={label}
      onSubmit={(submit) => {
        submit.preventDefault();
        onConfirm();
      }}
    >
      {children}
      <button type="submit" class="primary" disabled={disabled} ref={button}>
        {action}
      </button>{' '}
      <button type="button" onClick={onCancel}>
        Cancel
      </button>
    </form>
  );
}

interface HeadProps {
  readonly title: string;
  /** The name of the item that the page shows, if it shows one. */
  readonly item?: string;
  readonly children?: ComponentChildren;
}

/** The heading of a page, and what is below it. */
export function Head({ title, item, children }: HeadProps) {
  useEffect(() => {
    itemTitle.value = item;
    if (item) rememberItem(item);
    return () => {
      itemTitle.value = undefined;
    };
  }, [item]);
  return (
    <div class="head">
      <h1>{title}</h1>
      {children}
    </div>
  );
}

/** Labelled ids with buttons that copy them. Those without a value are left out. */
export function Ids({ ids }: { ids: readonly (readonly [label: string, value: string | undefined])[] }) {
  return (
    <dl class="ids">{ids.map(([label, value]) => value && <Copyable key={value} label={label} value={value} />)}</dl>
  );
}

function Copyable({ label, value }: { label: string; value: string }) {
  return (
    <div class="copyable">
      <dt>{label}</dt>
      <dd>
        <code>{value}</code>
        <CopyButton text="Copy" label={`Copy ${label}`} value={value} quiet />
      </dd>
    </div>
  );
}

interface CopyButtonProps {
  readonly text: string;
  /** For screen readers, if `text` does not say what is copied. */
  readonly label?: string;
  readonly value: string;
  readonly quiet?: boolean;
}

export function CopyButton({ text, label, value, quiet = false }: CopyButtonProps) {
  const [copied, setCopied] = useState(false);
  const showCopied = () => {
    setCopied(true);
    setTimeout(() => setCopied(false), 1_500);
  };
  return (
    <button
      type="button"
      class={quiet ? 'quiet' : ''}
      aria-label={label}
      onClick={() => navigator.clipboard.writeText(value).then(showCopied, () => {})}
    >
      {copied ? 'Copied' : text}
    </button>
  );
}

/** A value as JSON, or a text. */
export function Code({ value }: { value: unknown }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region must be focusable.
    <pre tabIndex={0} class="code">
      {typeof value === 'string' ? value : JSON.stringify(value, null, 2)}
    </pre>
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

/** How to create the first data, where there is a simulator. */
export function HowToStart() {
  if (!hasSandbox.value) return null;
  return (
    <>
      To start a chat, open the <a href={linkTo('sandbox')}>Sandbox</a> or run <code>npx livechat simulate chat</code>
    </>
  );
}

export function NoOrganizations() {
  return (
    <Empty title="No organizations yet">
      An organization appears here after its first conversation. <HowToStart />
    </Empty>
  );
}

/** An error message that screen readers announce; nothing if the text is empty. */
export function Problem({ text, retry }: { text: string | undefined; retry?: () => void }) {
  if (!text) return null;
  return (
    <p class={retry ? 'notice bad' : 'bad'} role="alert">
      {text}
      {retry && <TryAgain retry={retry} />}
    </p>
  );
}

function TryAgain({ retry }: { retry: () => void }) {
  return (
    <button type="button" class="again" onClick={retry}>
      Try again
    </button>
  );
}

export function Loading({ text = 'Loading…' }: { text?: string }) {
  return (
    <div class="state" aria-busy="true">
      <p class="loading">{text}</p>
    </div>
  );
}

interface LoadedProps<T> extends ReloadOptions {
  /** Another id loads another value. */
  readonly id?: string;
  readonly load: Load<T>;
  /** What is loaded, such as "conversation", and its id, for a message if it does not exist. */
  readonly item?: readonly [what: string, id: string];
  readonly children: (value: T, reload: () => void) => ComponentChildren;
}

/** Loads a value and shows it, its loading state or the error. A failed reload keeps the previous value. */
export function Loaded<T>({ id = '', load, item, children, ...options }: LoadedProps<T>) {
  const { value, failure, reload } = useResource(id, load, options);
  if (value !== undefined) {
    return (
      <>
        {failure && connected.value !== 'lost' && (
          <p class="notice bad out-of-date" role="alert">
            This page is out of date: {failure.message}
            <TryAgain retry={reload} />
          </p>
        )}
        {children(value, reload)}
      </>
    );
  }
  if (!failure) return <Loading />;
  if (item && failure instanceof ApiError && failure.status === 404) return <Unknown what={item[0]} id={item[1]} />;
  return (
    <div class="state bad" role="alert">
      <h2>Loading failed</h2>
      <p>{failure.message}</p>
      <TryAgain retry={reload} />
    </div>
  );
}

function focusSearch(): void {
  document.querySelector<HTMLInputElement>('.global-search input')?.focus();
}

/** An id that does not exist. */
function Unknown({ what, id }: { what: string; id: string }) {
  return (
    <div class="state" role="alert">
      <h1>No such {what}</h1>
      <p>
        {stage.value === undefined ? 'The local engine' : `The stage ${stage.value}`} has no {what} with the ID{' '}
        <code>{id}</code>. The item may belong to another stage, or it expired or was erased.
      </p>
      <button type="button" onClick={focusSearch}>
        Search for an ID, a name or an e-mail
      </button>
    </div>
  );
}
