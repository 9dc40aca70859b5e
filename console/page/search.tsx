import { useEffect, useRef, useState } from 'preact/hooks';
import type { Match, SearchResults } from '../find.ts';
import { get } from './app/api.ts';
import { recent } from './app/recent.ts';
import { linkTo } from './app/route.ts';
import { customerName } from './conversations/people.ts';
import { count } from './parts/format.ts';

/** A search starts after this time, because another character may follow. */
const typingMs = 200;
const minLength = 2;

interface Option {
  readonly link: string;
  readonly title: string;
  /** What it is, and its id. */
  readonly kind: string;
  readonly id?: string | undefined;
}

interface Answer extends Partial<SearchResults> {
  readonly text: string;
  readonly problem?: string;
}

/** Finds anything by its id, and conversations by name and e-mail. The key `/` focuses it. */
export function GlobalSearch() {
  const [text, setText] = useState('');
  const [isOpen, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  const [isEntered, setEntered] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const wanted = text.trim();
  const answer = useAnswer(wanted);
  const options = wanted === '' ? recent.value.map(recentOption) : matchOptions(answer);

  const change = (changed: string) => {
    setText(changed);
    setActive(0);
    setEntered(false);
    setOpen(true);
  };
  const close = () => {
    setEntered(false);
    setOpen(false);
  };
  const go = ({ link }: Option) => {
    change('');
    close();
    location.hash = link;
    document.getElementById('main')?.focus();
  };
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      event.preventDefault();
      input.current?.select();
      input.current?.focus();
    };
    addEventListener('keydown', focus);
    return () => removeEventListener('keydown', focus);
  }, []);
  useEffect(() => {
    const [first] = options;
    if (isEntered && answer?.matches?.length && first) go(first);
  }, [isEntered, answer]);

  const onKeyDown = (event: KeyboardEvent) => {
    const { length } = options;
    if (event.key === 'Escape') return close();
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step === 0 || length === 0) return;
    event.preventDefault();
    setOpen(true);
    setActive((active + step + length) % length);
  };
  const onSubmit = (event: Event) => {
    event.preventDefault();
    const option = options[active];
    if (isOpen && option) go(option);
    else setEntered(wanted !== '');
  };
  return (
    <search class="global-search">
      <form
        onSubmit={onSubmit}
        onFocusOut={({ currentTarget, relatedTarget }) => {
          if (!(relatedTarget instanceof Node && currentTarget.contains(relatedTarget))) close();
        }}
      >
        <input
          ref={input}
          type="text"
          role="combobox"
          aria-label="Go to an ID, a name or an e-mail"
          aria-keyshortcuts="/"
          aria-autocomplete="list"
          aria-expanded={isOpen}
          aria-controls="search-results"
          aria-activedescendant={isOpen && options[active] ? optionId(active) : undefined}
          placeholder="ID, name, e-mail"
          autocomplete="off"
          spellcheck={false}
          value={text}
          onFocus={() => setOpen(true)}
          onClick={() => setOpen(true)}
          onInput={({ currentTarget }) => change(currentTarget.value)}
          onKeyDown={onKeyDown}
        />
        <span class="key" aria-hidden="true">
          /
        </span>
        <div class="found" hidden={!isOpen}>
          <p role="status">{describe(wanted, answer, options.length)}</p>
          <div role="listbox" id="search-results" aria-label="Found">
            {options.map((option, index) => (
              <a
                key={option.link}
                id={optionId(index)}
                role="option"
                tabIndex={-1}
                href={option.link}
                aria-selected={index === active}
                // Keeps the focus, so that the list stays until the click.
                onMouseDown={(event) => event.preventDefault()}
                onClick={(event) => {
                  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
                  event.preventDefault();
                  go(option);
                }}
              >
                <b>{option.title}</b>
                <small>
                  {option.kind} {option.id && <code>{option.id}</code>}
                </small>
              </a>
            ))}
          </div>
        </div>
      </form>
    </search>
  );
}

const optionId = (index: number) => `search-result-${index}`;

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input, textarea, select, [contenteditable]');
}

/** The answer for this text; undefined until it is there. */
function useAnswer(text: string): Answer | undefined {
  const [answer, setAnswer] = useState<Answer>();
  useEffect(() => {
    if (text.length < minLength) return;
    const controller = new AbortController();
    const timer = setTimeout(() => {
      get('/search', { search: text }, controller.signal).then(
        (results) => setAnswer({ text, ...results }),
        ({ message }: Error) => controller.signal.aborted || setAnswer({ text, problem: message }),
      );
    }, typingMs);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [text]);
  return answer?.text === text ? answer : undefined;
}

function describe(text: string, answer: Answer | undefined, found: number): string {
  if (text === '') {
    return found > 0 ? 'Recent' : 'Any ID: chat, thread, message, request, delivery, execution or dead letter.';
  }
  if (text.length < minLength) return 'Type at least two characters.';
  if (!answer) return 'Searching…';
  const { problem, matches = [], searched } = answer;
  if (problem) return problem;
  if (searched === undefined) return 'Match by complete ID';
  const among = `the latest ${count(searched, 'conversation')}`;
  return matches.length > 0 ? `Among ${among}` : `No match for this ID, name or e-mail among ${among}.`;
}

function matchOptions(answer: Answer | undefined): Option[] {
  if (!answer?.matches) return [];
  const { text, matches, searched } = answer;
  const all = {
    link: linkTo('conversations', undefined, { search: text }),
    title: text,
    kind: 'Search all conversations',
  };
  return [...matches.map(matchOption), ...(searched === undefined ? [] : [all])];
}

const kinds: Readonly<Record<Match['kind'], string>> = {
  conversation: 'Conversation',
  thread: 'Thread',
  message: 'Message',
  request: 'Send request',
  delivery: 'Delivery',
  execution: 'Execution',
  'dead letter': 'Dead letter',
};

function matchOption(match: Match): Option {
  const { kind, id, conversationId, participants } = match;
  const title = participants ? customerName({ participants }) : conversationId || id;
  return { link: linkToMatch(match), title, kind: kinds[kind], id };
}

function linkToMatch({ kind, id, organizationId, conversationId, deliveryId }: Match): string {
  if (kind === 'execution') return linkTo('executions', id);
  if (kind === 'dead letter') return linkTo('dead-letters', id);
  const place = kind === 'request' ? { delivery: deliveryId } : kind === 'conversation' ? {} : { [kind]: id };
  return linkTo('conversations', conversationId, { organizationId, ...place });
}

const sectionKinds: ReadonlyMap<string, string> = new Map([
  ['conversations', 'Conversation'],
  ['events', 'Webhook or event'],
  ['executions', 'Execution'],
  ['dead-letters', 'Dead letter'],
]);

function recentOption({ section, link, title }: (typeof recent.value)[number]): Option {
  return { link, title, kind: sectionKinds.get(section) ?? section };
}
